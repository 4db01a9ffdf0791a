"""Writing the report: PDF or HTML by the name's ending, complete or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from amrobust.claims.judgement import Comparison
from amrobust.errors import UserError
from amrobust.report.layout import PAPERS, Layout
from amrobust.runs.files import reason, shown, write_atomically

SUFFIXES = (".pdf", ".html")


def write_report(comparison: Comparison, path: str | os.PathLike[str], layout: Layout | None = None) -> None:
    """Write the report of ``comparison`` to ``path``; the same comparison, layout and versions give the same bytes.

    Everything in it comes from the comparison: no date, no network, nothing that a reader's machine would have to add. The
    file appears complete or not at all.

    Raises UserError where ``path`` has another ending or cannot be written, or the layout's template is not one for it.
    """
    target, layout = Path(path), layout or Layout()
    check_target(target, layout)
    if target.suffix.lower() == ".html":
        from amrobust.report.webpage import compile_html

        data = compile_html(comparison, layout).encode()
    else:
        from amrobust.report.pdf import compile_pdf

        data = compile_pdf(comparison, layout)
    try:
        write_atomically(target, data)
    except OSError as error:
        raise UserError(
            f"cannot write {shown(target)}: {reason(error)}; choose another file with -o"
        ) from error


def check_target(target: Path, layout: Layout) -> None:
    """Raise UserError on what can be known to fail before anything is computed."""
    if target.suffix.lower() not in SUFFIXES:
        raise UserError(f"cannot write {target}: a report ends in {' or '.join(SUFFIXES)}")
    if not target.parent.is_dir():
        raise UserError(f"cannot write {target}: there is no directory {target.parent}; make it first")
    if target.is_dir():
        raise UserError(
            f"cannot write {target}: it is a directory; give a file name, such as {target / 'report.pdf'}"
        )
    if layout.paper not in PAPERS:
        raise UserError(f"a report is set on {' or '.join(PAPERS)}, not on {layout.paper!r}")
    if layout.template is not None:
        typst = layout.template.suffix.lower() == ".typ"
        if typst == (target.suffix.lower() == ".html"):
            wanted = "a Jinja file" if target.suffix.lower() == ".html" else "a Typst file (.typ)"
            raise UserError(
                f"the template of {target.name} has to be {wanted}, and {layout.template} is none"
            )
        if not layout.template.is_file():
            raise UserError(f"there is no template {layout.template}")
