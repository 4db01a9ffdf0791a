"""``amrobust report``: the comparison as a typeset PDF."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from amrobust.cli import messages
from amrobust.cli.comparison_options import comparison_options, load_comparison
from amrobust.cli.output import write


@click.command("report")
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(path_type=Path, allow_dash=True), metavar="RUNS..."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
    default=Path("report.pdf"),
    show_default=True,
    help="The PDF to write (- for standard output); one that is there is replaced.",
)
@click.option("--title", help="Title of the report [default: made from the workload].")
@click.option(
    "--figures", type=click.Path(file_okay=False, path_type=Path),
    help="Write the figures as files into this folder too.",
)  # fmt: skip
@click.option(
    "--figure-format", "forms", type=click.Choice(["pdf", "svg", "png"]), multiple=True, default=("pdf",),
    show_default=True, help="How to write figures; repeatable.",
)  # fmt: skip
@comparison_options
def command(
    paths: tuple[Path, ...],
    output: Path,
    title: str | None,
    figures: Path | None,
    forms: tuple[str, ...],
    **options: Any,
) -> None:
    """Write the comparison as a PDF: verdicts first, then the evidence, cautions and how to reproduce it.

    RUNS are what 'amrobust compare' takes: a directory of runs, single run directories, tables and logs of other tools. The
    same runs and options give the same file, byte for byte.

    \b
    amrobust report runs/ -o report.pdf
    amrobust report runs/ --baseline sgd --title "AM1 on digits"
    amrobust report results.csv --baseline adam --margin 0.5
    amrobust report runs/ --figures figures/ --figure-format pdf --figure-format png
    """
    from amrobust.report import write_figures, write_pdf
    from amrobust.report.pdf import compile_pdf

    comparison = load_comparison(paths, **options)
    if str(output) == "-":
        write(compile_pdf(comparison, title), output)
    else:
        write_pdf(comparison, output, title=title)
    for problem in comparison.problems:
        messages.warn(problem)
    if str(output) != "-":
        click.echo(output)
    if figures is not None:
        for path in write_figures(comparison, figures, forms):
            messages.say(str(path))
