"""Made from a comparison: ``render`` for text, ``write_report`` for the report, ``write_figures`` for its figures alone."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from amrobust.errors import UserError
from amrobust.judge.judgement import Comparison
from amrobust.report.figure_files import write_figures
from amrobust.report.layout import Layout
from amrobust.report.names import titled
from amrobust.report.write import write_report

__all__ = ["FORMATS", "Layout", "render", "write_figures", "write_report"]

FORMATS = ("table", "json", "csv", "latex", "markdown", "html")
DATA = ("json", "csv")
"""Those in which methods have their names, for programs, and their titles beside them."""


def render(comparison: Comparison, form: str, *, color: bool = False, width: int | None = None) -> str:
    """``comparison`` as text in one of :data:`FORMATS`, ending in a line break.

    ``color`` and ``width`` (in characters) are for the terminal table only: without a width its lines are as long as
    they need to be, as a pipe or a log wants. Names and messages are data in every format: escape codes, markup,
    commands and formulas in them are shown, never acted on.

    Raises UserError for a format that there is none of.
    """
    if form not in FORMATS:
        raise UserError(f"there is no format {form!r}: choose one of {', '.join(FORMATS)}")
    module = import_module(f"amrobust.report.{form}")
    if form not in DATA:
        comparison = titled(comparison)
    if form == "table":
        table: Callable[..., str] = module.render
        return table(comparison, color=color, width=width)
    plain: Callable[[Comparison], str] = module.render
    return plain(comparison)
