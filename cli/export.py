"""``amrobust export``: the curves of runs as one long table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from amrobust.cli import messages
from amrobust.cli.output import WritingCommand, output_option, write
from amrobust.cli.reading import reading
from amrobust.cli.stdin import paths_or_stdin

if TYPE_CHECKING:
    from amrobust.ingest.mappings import Mappings
    from amrobust.ingest.policies import Policies
    from amrobust.runs.metric import MetricChoice

COLUMNS = (
    "workload", "method", "seed", "axis", "step", "metric", "value", "better", "unit", "hyperparameters",
)  # fmt: skip


@click.command("export", cls=WritingCommand)
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(path_type=Path, allow_dash=True), metavar="RUNS..."
)
@click.option(
    "--format", "form", type=click.Choice(["csv", "json", "parquet"]), default="csv", show_default=True
)
@output_option
@click.option("--metric", help="One metric only.")
@reading
def command(
    paths: tuple[Path, ...],
    form: str,
    output: Path | None,
    metric: str | None,
    reading: tuple[Mappings, Policies],
) -> None:
    """Write the curves of runs: one row a (method, seed, step, metric), which compare and import read back.

    The steps are those that came in; axis says what they count: epoch, step, tokens, ... better and unit are those of the
    metric, where they are known; hyperparameters (JSON) are all of the method's, where its name does not tell them.

    RUNS are what 'amrobust compare' takes. For the comparison itself: 'amrobust compare --format', for figures 'amrobust report
    --figures'.

    \b
    amrobust export runs/ -o curves.csv
    amrobust export runs/ --format parquet -o curves.parquet
    amrobust export runs/digits-am1-0a1b2c3d4e5f --metric test_accuracy --format json
    """
    from amrobust.cli.tables import as_csv, as_json, as_parquet
    from amrobust.errors import UserError
    from amrobust.ingest.load import load_arms
    from amrobust.runs.metric import MetricChoice

    with paths_or_stdin(paths) as places:
        arms, problems = load_arms(places, metric, None, *reading)
    rows = list(_rows(arms, MetricChoice.parse(metric) if metric else None))
    if not rows:
        known = sorted({name for arm in arms for name in arm.metrics})
        raise UserError(
            f"no run has the metric {metric!r}: choose one of {', '.join(known)}" if metric else problems[0]
        )
    text = as_json if form == "json" else as_csv
    content = as_parquet(COLUMNS, rows) if form == "parquet" else text(COLUMNS, rows)
    write(content, output)
    for problem in problems:
        messages.warn(problem)


def _rows(arms: Any, choice: MetricChoice | None) -> Iterator[tuple[Any, ...]]:
    from amrobust.runs.method import from_name
    from amrobust.runs.seeds import as_given
    from amrobust.runs.values import absent

    for arm in arms:
        steps = [int(step) if step.is_integer() else step for step in arm.axis.values]
        all_told = from_name(arm.method).hyperparameters == arm.identity.hyperparameters
        settings = "" if all_told else json.dumps(dict(arm.identity.hyperparameters), sort_keys=True)
        for name in arm.metrics if choice is None else [choice.name] if choice.name in arm.metrics else []:
            metric = arm.metrics[name].declared(choice.better if choice is not None else None)
            known = metric.better or "", metric.unit, settings
            for seed, curve in zip(arm.seeds, arm.curves[name], strict=True):
                for step, value, missing in zip(steps, curve.tolist(), absent(curve).tolist(), strict=True):
                    if not missing:
                        where = arm.workload, arm.method, as_given(seed), arm.axis.label, step
                        yield *where, name, value, *known
