"""``amrobust report``: the comparison as a typeset PDF or a self-contained page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from amrobust.cli import messages
from amrobust.cli.comparison_options import comparison_options, load_comparison
from amrobust.cli.output import OutputPath, WritingCommand, write
from amrobust.cli.report_options import layout_of, report_options

if TYPE_CHECKING:
    from amrobust.report.layout import Provenance


@click.command("report", cls=WritingCommand)
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(path_type=Path, allow_dash=True), metavar="RUNS..."
)
@click.option(
    "-o",
    "--output",
    type=OutputPath(dash=True),
    default=Path("report.pdf"),
    show_default=True,
    help="The file to write, .pdf or .html (- for a PDF on standard output); one that is there is replaced.",
)
@click.option("--title", help="Title of the report [default: made from the workload].")
@report_options
@click.option(
    "--figures", type=OutputPath(directory=True),
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
    authors: tuple[str, ...],
    paper: str,
    sections: str | None,
    template: Path | None,
    provenance: Provenance,
    figures: Path | None,
    forms: tuple[str, ...],
    **options: Any,
) -> None:
    """Write the comparison as a PDF or a page: the answer first, then the evidence, warnings and how to reproduce it.

    RUNS are what 'amrobust compare' takes: a directory of runs, single run directories, tables and logs of other tools. The
    same runs and options give the same file, byte for byte. A page needs no other file and no network.

    \b
    amrobust report runs/ -o report.pdf
    amrobust report runs/ -o report.html
    amrobust report runs/ --baseline sgd --title "AM1 on digits" --author "A. Author" --paper letter
    amrobust report runs/ -o report.pdf --interval bootstrap-t
    amrobust report results.csv --baseline adam --margin 0.5 --sections answer,results,warnings
    amrobust report --print-template pdf > mine.typ; amrobust report runs/ --template mine.typ
    amrobust report runs/ --figures figures/ --figure-format pdf --figure-format png
    """
    from amrobust.report import write_figures, write_report
    from amrobust.report.write import check_layout, check_target, compile_pdf
    from amrobust.runs.output import is_stream

    layout = layout_of(
        title=title, authors=authors, paper=paper, sections=sections, template=template, provenance=provenance
    )
    to_stdout = str(output) == "-"
    if to_stdout:
        check_layout(layout)
    else:
        check_target(output, layout)
    comparison = load_comparison(paths, **options)
    if to_stdout:
        write(compile_pdf(comparison, layout), output)
    else:
        write_report(comparison, output, layout)
    for problem in comparison.problems:
        messages.warn(problem)
    # A pipe or a device may be standard output itself, where a name would follow the report.
    if not to_stdout and not is_stream(output):
        click.echo(output)
    if figures is not None:
        for path in write_figures(comparison, figures, forms):
            messages.say(str(path))
