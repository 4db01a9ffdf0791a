"""``amrobust calibrate``: measure the error rates of everything that decides."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from amrobust.cli import options
from amrobust.cli.output import OutputPath


@click.command("calibrate")
@click.option(
    "-o", "--output", type=OutputPath(directory=True), default=Path("calibration"), show_default=True,
    metavar="DIRECTORY",
    help="Directory for README.md and figures.csv.",
)  # fmt: skip
@click.option("--replications", type=click.IntRange(100, 10_000_000), default=20_000, show_default=True,
              help="For final values; curves get a fifth, what resamples a twentieth.")  # fmt: skip
@click.option(
    "--topic",
    "topics",
    multiple=True,
    help="Measure only this topic, and keep what DIRECTORY has of the others; repeatable [default: all].",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Root of all random numbers."
)
@options.jobs
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def command(
    output: Path, replications: int, topics: tuple[str, ...], seed: int, jobs: int | None, quiet: bool
) -> None:
    """Measure coverage, type I error and power of everything that decides, and of its alternatives.

    Exit status 1 where something that decides lies outside its band: type I error at most 6 %, coverage at least 93 %, under
    normal and t5 seeds of equal shape.

    \b
    amrobust calibrate -o calibration/
    amrobust calibrate --replications 1000 --topic "final spread"
    amrobust calibrate --topic "one spread" --topic "one mean" -o calibration/
    """
    from amrobust.errors import UserError
    from amrobust.judge.calibration import cells, measure_all
    from amrobust.report.calibration import write_calibration
    from amrobust.runs.output import make_directory
    from amrobust.stats.calibration import Effort

    known = list(dict.fromkeys(cell.topic for cell in cells()))
    for topic in topics:
        if topic not in known:
            raise UserError(f"no topic is called {topic!r}: choose among {', '.join(known)}")
    chosen = [cell for cell in cells() if not topics or cell.topic in topics]
    make_directory(output)  # before hours are spent on what cannot be written
    effort = Effort(replications, max(50, replications // 5), max(50, replications // 20))
    found = {}
    measured = measure_all(chosen, effort, root=seed, jobs=jobs or os.cpu_count() or 1)
    with click.progressbar(
        measured, len(chosen), label="calibrating", file=sys.stderr, hidden=quiet or not sys.stderr.isatty(), show_pos=True
    ) as bar:  # fmt: skip
        for done, (index, figures) in enumerate(bar, start=1):
            found[index] = figures
            # A log gets a line for every tenth of the work instead of a bar.
            if (
                not quiet
                and not sys.stderr.isatty()
                and 10 * done // len(chosen) > 10 * (done - 1) // len(chosen)
            ):
                click.echo(f"calibrating: {done} of {len(chosen)} conditions", err=True)
    ordered = [figure for index in sorted(found) for figure in found[index]]
    write_calibration(ordered, known, output)
    outside = [figure for figure in ordered if figure.outside]
    for figure in outside:
        click.echo(
            f"outside its band: {figure.construction}, {figure.condition}, n = {figure.n}: {figure.measure} "
            f"{figure.value:.1%} [{figure.low:.1%}, {figure.high:.1%}]",
            err=True,
        )
    click.echo(output / "README.md")
    if outside:
        sys.exit(1)
