"""``amrobust tails``: how bad the worst runs are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from amrobust.cli import messages, options
from amrobust.cli.comparison_options import along_axis, label_option
from amrobust.cli.parameters import parse_labels
from amrobust.cli.reading import reading

if TYPE_CHECKING:
    from amrobust.ingest.mappings import Mappings
    from amrobust.ingest.policies import Policies
    from amrobust.judge.lengths import Lengths
    from amrobust.judge.tails import TailRow

COLUMNS = (
    "workload", "method", "label", "seeds", "diverged", "quantity", "estimate", "low", "high", "level", "one_sided_high", "by",
    "refusal", "seeds_needed",
)  # fmt: skip


@click.command("tails")
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="RUNS..."
)
@click.option(
    "--metric", metavar="NAME[:lower|:higher]",
    help="Metric to read, and which way it is better where its name does not say so [default: the workload's first].",
)  # fmt: skip
@options.unit
@click.option(
    "--threshold", "thresholds", type=float, multiple=True,
    help="Probability of ending worse than this, chosen before the runs are read; repeatable.",
)  # fmt: skip
@click.option(
    "--quantile", "quantiles", type=click.FloatRange(0, 1, min_open=True, max_open=True), multiple=True, default=(0.9,),
    show_default=True, help="Quantile of badness, 0.9 being what one run in ten is worse than; repeatable.",
)  # fmt: skip
@click.option(
    "--level", type=click.FloatRange(0.5, 1, min_open=True, max_open=True), default=0.95, show_default=True,
    help="Confidence level.",
)  # fmt: skip
@click.option("--final", default="last", show_default=True, help="A seed's final value: 'last', or 'mean:K'.")
@label_option
@reading
@along_axis
@click.option(
    "--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True
)
def command(
    paths: tuple[Path, ...], metric: str | None, units: tuple[str, ...], thresholds: tuple[float, ...],
    quantiles: tuple[float, ...], level: float, final: str, grid: str | None, lengths: Lengths, diverged: float | None,
    labels: tuple[str, ...], form: str,
    reading: tuple[Mappings, Policies],
) -> None:  # fmt: skip
    """Say how likely a run is to end badly, and how badly: exact intervals, or the number of seeds that would tell.

    Lower is worse for accuracies, higher for losses; a diverged run is worse than every value. Quantiles are bounded from
    their worse side by an order statistic: 29 seeds bound the 0.9 quantile at 95 %, 59 the 0.95, 299 the 0.99.

    \b
    amrobust tails runs/ --threshold 97
    amrobust tails runs/ --metric test_loss --threshold 0.2 --quantile 0.9 --quantile 0.95
    amrobust tails results.csv --format csv
    """
    from amrobust.cli.parameters import parse_text_pair
    from amrobust.cli.tables import as_csv, as_json
    from amrobust.ingest.load import load_arms
    from amrobust.judge.named import labelled
    from amrobust.judge.rules import Selection
    from amrobust.judge.tails import tails
    from amrobust.runs.arms import what_was_read
    from amrobust.runs.files import escape

    arms, problems = load_arms(paths, metric, dict(map(parse_text_pair, units)), *reading)
    messages.read(what_was_read(arms))
    arms = labelled(arms, parse_labels(labels, [arm.method for arm in arms]))
    selection = Selection(metric, grid=grid, lengths=lengths, diverged=diverged)
    chosen, rows, notes = tails(
        arms, selection, thresholds=thresholds, quantiles=quantiles, level=level, final=final
    )
    if form == "table":
        click.echo(escape(chosen.name.replace("_", " ") + chosen.known_words) + "\n")
        click.echo(_table(rows, level))
    else:
        write = as_csv if form == "csv" else as_json
        click.echo(write(COLUMNS, [_record(row, level) for row in rows]), nl=False)
    for note in notes:
        messages.note(note)
    for problem in problems:
        messages.warn(problem)


def _record(row: TailRow, level: float) -> tuple[Any, ...]:
    found = row.result
    numbers = (None,) * 3 if found is None else (found.estimate, found.low, found.high)
    return (
        row.workload, row.method, row.title, row.n, row.diverged, row.quantity, *numbers, level, row.one_sided_high,
        found.test if found is not None else None, row.refusal, row.seeds_needed,
    )  # fmt: skip


def _table(rows: list[TailRow], level: float) -> str:
    from amrobust.cli.columns import aligned
    from amrobust.runs.files import escape

    cells = [["method", "seeds", "quantity", "estimate", f"{100 * level:g} % interval", ""]]
    for place, row in enumerate(rows):
        if place and (row.workload, row.method) != (rows[place - 1].workload, rows[place - 1].method):
            cells.append([""] * 6)
        found = row.result
        estimate, interval, remark = "–", "–", row.refusal or ""
        if found is not None:
            rate = "hits" in found.details
            estimate = _number(found.estimate, rate)
            if found.low is not None or found.high is not None:
                interval = f"[{_number(found.low, rate)}, {_number(found.high, rate)}]"
            if row.one_sided_high is not None:
                remark = f"at most {_number(row.one_sided_high, rate)} at {100 * level:g} %, one-sided"
        if row.seeds_needed is not None:
            remark += f" (takes {row.seeds_needed})"
        cells.append([escape(row.title), str(row.n), row.quantity, estimate, interval, remark])
    return aligned(cells)


def _number(value: float | None, rate: bool) -> str:
    if value is None:
        return "…"
    return f"{100 * value:.1f} %" if rate else f"{value:.5g}"
