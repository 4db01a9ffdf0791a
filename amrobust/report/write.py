"""The report as a file: a PDF or a page of HTML, each set by Typst from its own template, complete or not at all."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

from amrobust.errors import RunError, UserError
from amrobust.judge.comparison import Comparison
from amrobust.report.layout import PAPERS, Layout
from amrobust.runs.output import ending, write_output

_log = logging.getLogger(__name__)
_FOLDER = Path(__file__).with_name("templates")
TEMPLATES = {".pdf": _FOLDER / "report.typ", ".html": _FOLDER / "page.typ"}
"""By the ending of what is set with it."""
SUFFIXES = tuple(TEMPLATES)


def write_report(comparison: Comparison, path: str | os.PathLike[str], layout: Layout | None = None) -> None:
    """Write the report of ``comparison`` to ``path``; the same comparison, layout and versions give the same bytes.

    Everything in it comes from the comparison: no date, no network, nothing that a reader's machine would have to add. The
    file appears complete or not at all; a device or a pipe without an ending gets a PDF.

    Raises UserError where ``path`` has another ending or is no place for a file, or the layout's template is not one for it;
    RunError where writing fails.
    """
    target, layout = Path(path), layout or Layout()
    if check_target(target, layout) == ".html":
        data = compile_html(comparison, layout).encode()
    else:
        data = compile_pdf(comparison, layout)
    write_output(target, data)


def check_target(target: Path, layout: Layout) -> str:
    """As which of SUFFIXES ``target`` is written. Raises UserError on what can be known to fail before anything is computed."""
    form = ending(target, SUFFIXES, "a report ends in")
    check_layout(layout)
    return form


def check_layout(layout: Layout) -> None:
    """Raise UserError where a report cannot be laid out so."""
    if layout.paper not in PAPERS:
        raise UserError(f"a report is set on {' or '.join(PAPERS)}, not on {layout.paper!r}")
    if layout.template is not None:
        if layout.template.suffix.lower() != ".typ":
            raise UserError(f"the template of a report has to be a Typst file (.typ), not {layout.template}")
        if not layout.template.is_file():
            raise UserError(f"there is no template {layout.template}")


def compile_pdf(comparison: Comparison, layout: Layout | None = None) -> bytes:
    """The bytes of the report: tagged, and by amrobust's own template PDF/UA-1, which asks for alternative texts.

    PDF/UA-1 asks for a glyph for every character too: where the fonts lack one, a box is in its place, the PDF is tagged alone,
    and a warning says so.

    Raises UserError where the user's own template cannot be compiled, RunError where ours cannot.
    """
    layout = layout or Layout()
    arguments = typst_arguments(comparison, layout, ".pdf")
    if layout.template is not None:
        return _compiled(arguments, layout, ".pdf")
    try:
        return _compiled({**arguments, "pdf_standards": ["ua-1"]}, layout, ".pdf")
    except RunError as error:
        missing = str(error.__cause__).splitlines()[0]
    result = _compiled(arguments, layout, ".pdf")
    _log.warning(
        "the PDF has a box for each character that its fonts lack, and is no PDF/UA-1 then (%s); HTML has them all",
        missing,
    )
    return result


def compile_html(comparison: Comparison, layout: Layout | None = None) -> str:
    """The page, with the same contents as the PDF: figures and formulas (MathML) inside, no script, no font, no other file.

    Raises UserError where the user's own template cannot be compiled, RunError where ours cannot.
    """
    layout = layout or Layout()
    return _compiled(typst_arguments(comparison, layout, ".html"), layout, ".html").decode()


def typst_arguments(comparison: Comparison, layout: Layout, form: str) -> dict[str, Any]:
    """What Typst is called with: the template, and the report's data as JSON, so that no text of it is ever markup.

    A template of the user's reads files of its own directory alone; ours reads none. No font but Typst's own is used.
    """
    from amrobust.report.document import document

    own: dict[str, Any] = {"input": TEMPLATES[form].read_bytes()}
    if layout.template is not None:
        own = {"input": layout.template, "root": layout.template.absolute().parent}
    return {
        **own,
        "sys_inputs": {"report": json.dumps(document(comparison, layout))},
        "ignore_system_fonts": True,
    }


def _compiled(arguments: dict[str, Any], layout: Layout, form: str) -> bytes:
    import typst

    try:
        result: object = typst.compile(**{**arguments, "format": form[1:]})
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        if layout.template is None:
            raise RunError(f"the report could not be typeset: {reason}") from error
        raise UserError(
            f"the template {layout.template} could not be compiled: {reason} (start from a copy of amrobust's own: amrobust "
            f"report --print-template {form[1:]})"
        ) from error
    assert isinstance(result, bytes)
    return result
