"""``amrobust export``: the curves of runs as one long table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from amrobust.cli.messages import warn

COLUMNS = ("workload", "method", "seed", "step", "metric", "value")


@click.command("export")
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="RUNS..."
)
@click.option("--format", "form", type=click.Choice(["csv", "json"]), default="csv", show_default=True)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write [default: stdout]."
)
@click.option("--metric", help="One metric only.")
def command(paths: tuple[Path, ...], form: str, output: Path | None, metric: str | None) -> None:
    """Write the curves of runs: one row a (method, seed, step, metric), which compare reads back.

    \b
    amrobust export runs/ -o curves.csv
    amrobust export runs/digits-am1-0a1b2c3d4e5f --metric test_accuracy --format json
    """
    from amrobust.cli.tables import as_csv, as_json
    from amrobust.errors import UserError
    from amrobust.runs import load_arms

    arms, problems = load_arms(paths, metric)
    rows = list(_rows(arms, metric))
    if not rows:
        known = sorted({name for arm in arms for name in arm.metrics})
        raise UserError(
            f"no run has the metric {metric!r}: choose one of {', '.join(known)}" if metric else problems[0]
        )
    text = as_csv(COLUMNS, rows) if form == "csv" else as_json(COLUMNS, rows)
    if output is None:
        click.echo(text, nl=False)
    else:
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as error:
            raise UserError(f"cannot write {output}: {error.strerror or error}") from None
    warn(problems)


def _rows(arms: Any, metric: str | None) -> Iterator[tuple[Any, ...]]:
    for arm in arms:
        for name in arm.metrics if metric is None else [metric] if metric in arm.metrics else []:
            for seed, curve in zip(arm.seeds, arm.curves[name], strict=True):
                for step, value in enumerate(curve.tolist(), start=1):
                    yield arm.workload, arm.method, seed, step, name, value
