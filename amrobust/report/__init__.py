"""Made from a comparison: ``render`` for text, ``write_report`` for the report, ``write_figures`` for its figures alone."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from amrobust.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from amrobust.judge.comparison import Comparison, Verdict
    from amrobust.report.figure_files import write_figures as write_figures
    from amrobust.report.layout import Layout as Layout
    from amrobust.report.write import write_report as write_report

__all__ = ["FORMATS", "Layout", "render", "write_figures", "write_report"]

FORMATS = ("table", "json", "csv", "latex", "markdown", "html", "junit")
"""Each the name of a module here; the command line offers these, so that nothing heavy is imported for them."""
DATA = ("json", "csv")
"""Those in which methods have their names, for programs, and their titles beside them."""


def render(
    comparison: Comparison,
    form: str,
    *,
    color: bool = False,
    width: int | None = None,
    verbose: bool = False,
    fails: Callable[[Verdict], bool] | None = None,
) -> str:
    """``comparison`` as text in one of :data:`FORMATS`, ending in a line break.

    ``color``, ``width`` (in characters) and ``verbose`` are for the terminal table only: without a width its lines are as long
    as they need to be, as a pipe or a log wants; without ``verbose`` it has no tests and warnings, but their number. ``fails``
    is for JUnit's XML only: the verdicts that are failures [default: those that are refuted]. Names and messages are data in
    every format: escape codes, markup, commands and formulas in them are shown, never acted on.

    Raises UserError for a format that there is none of.
    """
    if form not in FORMATS:
        raise UserError(f"there is no format {form!r}: choose one of {', '.join(FORMATS)}")
    from amrobust.report.names import titled
    from amrobust.report.places import without_places

    if form != "table":  # which is read where it was made
        comparison = without_places(comparison)
    options: dict[str, Any] = {}
    if form == "table":
        options = {"color": color, "width": width, "verbose": verbose}
    elif form == "junit" and fails is not None:
        options = {"fails": fails}
    text: str = import_module(f"amrobust.report.{form}").render(
        comparison if form in DATA else titled(comparison), **options
    )
    return text


_HOMES = {
    "Layout": "amrobust.report.layout",
    "write_figures": "amrobust.report.figure_files",
    "write_report": "amrobust.report.write",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'amrobust.report' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
