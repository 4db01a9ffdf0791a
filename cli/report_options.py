"""The options of a report that its numbers do not depend on: shared by ``report`` and ``analyze``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from amrobust.report import Layout
    from amrobust.report.layout import Provenance

Command = TypeVar("Command", bound=Callable[..., Any])


def _print_template(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    """Print a template that comes with amrobust, and do nothing else."""
    if value is None or ctx.resilient_parsing:
        return
    from amrobust.report.write import TEMPLATES

    click.echo(TEMPLATES[f".{value}"].read_text(encoding="utf-8"), nl=False)
    ctx.exit()


OPTIONS = (
    click.option("--author", "authors", multiple=True, metavar="NAME", help="An author; repeatable."),
    click.option(
        "--paper", type=click.Choice(["a4", "letter"]), default="a4", show_default=True, help="Size of the paper."
    ),
    click.option(
        "--sections",
        metavar="NAME,NAME,...",
        help="Print these sections only, in this order; with a minus, all but these (-methods,-tails). Names: answer, "
        "verdicts, results, training, sweep, tests, equivalence, tails, power, tuning, warnings, methods, reproduce.",
    ),
    click.option(
        "--template",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="A Typst template of your own (.typ), for a PDF or for HTML.",
    ),
    click.option(
        "--provenance",
        type=click.Choice(["names", "full"]),
        default="names",
        show_default=True,
        help="Print absolute paths, of what was imported and where data lay, as names of files, or in full.",
    ),
    click.option(
        "--print-template",
        type=click.Choice(["pdf", "html"]),
        is_eager=True,
        expose_value=False,
        callback=_print_template,
        help="Print the template that comes with amrobust, to start your own from, and exit.",
    ),
)  # fmt: skip


def report_options(command: Command) -> Command:
    """Decorate a click command with every option that :func:`layout_of` takes."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def layout_of(
    *,
    title: str | None,
    authors: tuple[str, ...],
    paper: str,
    sections: str | None,
    template: Path | None,
    provenance: Provenance,
    command: str | None = None,
) -> Layout:
    """The layout that the options ask for. Raises UserError on an unknown section."""
    from amrobust.report import Layout
    from amrobust.report.layout import PAPERS, SECTIONS, parse_sections

    chosen = parse_sections(sections) if sections is not None else tuple(SECTIONS)
    size = next(known for known in PAPERS if known == paper)
    return Layout(title, authors, size, chosen, template, command, provenance)
