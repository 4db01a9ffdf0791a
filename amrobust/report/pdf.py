"""The report as a typeset PDF."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from amrobust.errors import RunError, UserError
from amrobust.judge.judgement import Comparison
from amrobust.report.layout import Layout

_log = logging.getLogger(__name__)
TEMPLATE = Path(__file__).with_name("templates") / "report.typ"


def compile_pdf(comparison: Comparison, layout: Layout | None = None) -> bytes:
    """The bytes of the report: tagged, and by amrobust's own template PDF/UA-1, which asks for alternative texts.

    PDF/UA-1 asks for a glyph for every character too: where the fonts lack one, a box is in its place, the PDF is tagged alone,
    and a warning says so.

    Raises UserError where the user's own template cannot be compiled, RunError where ours cannot.
    """
    layout = layout or Layout()
    arguments = typst_arguments(comparison, layout)
    if layout.template is not None:
        try:
            return _compiled(arguments)
        except RuntimeError as error:
            raise UserError(
                f"the template {layout.template} could not be compiled: {_reason(error)} (start from a copy of amrobust's own: "
                "amrobust report --print-template pdf)"
            ) from error
    try:
        return _compiled({**arguments, "pdf_standards": ["ua-1"]})
    except RuntimeError as error:
        missing = _reason(error)
    try:
        result = _compiled(arguments)
    except RuntimeError as error:
        raise RunError(f"the report could not be typeset: {_reason(error)}") from error
    _log.warning(
        "the PDF has a box for each character that its fonts lack, and is no PDF/UA-1 then (%s); HTML has them all",
        missing,
    )
    return result


def _compiled(arguments: dict[str, Any]) -> bytes:
    import typst

    result: object = typst.compile(**arguments, format="pdf")
    assert isinstance(result, bytes)
    return result


def _reason(error: RuntimeError) -> str:
    return str(error).splitlines()[0]


def typst_arguments(comparison: Comparison, layout: Layout | None = None) -> dict[str, Any]:
    """What Typst is called with: the template, and the report's data as JSON, so that no text of it is ever markup.

    A template of the user's reads files of its own directory alone; ours reads none. No font but Typst's own is used.
    """
    from amrobust.report.document import document

    layout = layout or Layout()
    own: dict[str, Any] = {"input": TEMPLATE.read_bytes()}
    if layout.template is not None:
        own = {"input": layout.template, "root": layout.template.absolute().parent}
    return {
        **own,
        "sys_inputs": {"report": json.dumps(document(comparison, layout))},
        "ignore_system_fonts": True,
    }
