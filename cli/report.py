"""``amrobust report``: the comparison as a typeset PDF."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from amrobust.cli import messages
from amrobust.cli.comparison_options import comparison_options, load_comparison


@click.command("report")
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(path_type=Path, allow_dash=True), metavar="RUNS..."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("report.pdf"),
    show_default=True,
    help="The PDF to write; one that is there is replaced.",
)
@click.option("--title", help="Title of the report [default: made from the workload].")
@comparison_options
def command(paths: tuple[Path, ...], output: Path, title: str | None, **options: Any) -> None:
    """Write the comparison as a PDF: verdicts first, then the evidence, cautions and how to reproduce it.

    RUNS are what 'amrobust compare' takes: a directory of runs, single run directories, or CSV files. The same runs and
    options give the same file, byte for byte.

    \b
    amrobust report runs/ -o report.pdf
    amrobust report runs/ --baseline sgd --title "AM1 on digits"
    amrobust report results.csv --baseline adam --margin 0.5
    """
    from amrobust.report import write_pdf

    comparison = load_comparison(paths, **options)
    write_pdf(comparison, output, title=title)
    for problem in comparison.problems:
        messages.warn(problem)
    click.echo(output)
