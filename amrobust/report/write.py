"""Writing the report: PDF or HTML by the name's ending, complete or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from amrobust.errors import UserError
from amrobust.judge.judgement import Comparison
from amrobust.report.layout import PAPERS, Layout
from amrobust.runs.output import ending, write_output

SUFFIXES = (".pdf", ".html")


def write_report(comparison: Comparison, path: str | os.PathLike[str], layout: Layout | None = None) -> None:
    """Write the report of ``comparison`` to ``path``; the same comparison, layout and versions give the same bytes.

    Everything in it comes from the comparison: no date, no network, nothing that a reader's machine would have to add. The
    file appears complete or not at all; a device or a pipe without an ending gets a PDF.

    Raises UserError where ``path`` has another ending or is no place for a file, or the layout's template is not one for it;
    RunError where writing fails.
    """
    target, layout = Path(path), layout or Layout()
    if check_target(target, layout) == ".html":
        from amrobust.report.webpage import compile_html

        data = compile_html(comparison, layout).encode()
    else:
        from amrobust.report.pdf import compile_pdf

        data = compile_pdf(comparison, layout)
    write_output(target, data)


def check_target(target: Path, layout: Layout) -> str:
    """As which of SUFFIXES ``target`` is written. Raises UserError on what can be known to fail before anything is computed."""
    form = ending(target, SUFFIXES, "a report ends in")
    check_layout(layout, form)
    return form


def check_layout(layout: Layout, form: str) -> None:
    """Raise UserError where a report that is written as ``form``, one of SUFFIXES, cannot be laid out so."""
    if layout.paper not in PAPERS:
        raise UserError(f"a report is set on {' or '.join(PAPERS)}, not on {layout.paper!r}")
    if layout.template is not None:
        typst = layout.template.suffix.lower() == ".typ"
        if typst == (form == ".html"):
            wanted = "a Jinja file" if form == ".html" else "a Typst file (.typ)"
            raise UserError(
                f"the template of a {form} report has to be {wanted}, and {layout.template} is none"
            )
        if not layout.template.is_file():
            raise UserError(f"there is no template {layout.template}")
