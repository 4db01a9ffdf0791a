"""The comparison as a typeset PDF."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from amrobust.claims.judgement import Comparison
from amrobust.errors import RunError, UserError

TEMPLATE = Path(__file__).with_name("templates") / "report.typ"


def write_pdf(comparison: Comparison, path: str | os.PathLike[str], *, title: str | None = None) -> None:
    """Write the report of ``comparison`` to ``path``; the same comparison and title give the same bytes.

    Everything in it comes from the comparison: no date, no network, no fonts but those that Typst brings. The
    file appears complete or not at all.

    Raises UserError where ``path`` cannot be written, RunError where Typst refuses the document.
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise UserError(f"cannot write {target}: there is no directory {target.parent}; make it first")
    if target.is_dir():
        raise UserError(
            f"cannot write {target}: it is a directory; give a file name, such as {target / 'report.pdf'}"
        )
    data = compile_pdf(comparison, title)
    try:
        with tempfile.NamedTemporaryFile(dir=target.parent, suffix=".pdf.part", delete=False) as part:
            part.write(data)
        _finish(Path(part.name), target)
    except OSError as error:
        raise UserError(f"cannot write {target}: {error.strerror}; choose another file with -o") from error


def _finish(part: Path, target: Path) -> None:
    """Give the finished file its name and the permissions of a newly made file."""
    try:
        mask = os.umask(0)
        os.umask(mask)
        part.chmod(0o666 & ~mask)
        part.replace(target)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def compile_pdf(comparison: Comparison, title: str | None = None) -> bytes:
    """The bytes of the report. Raises RunError where Typst refuses the document."""
    import typst

    try:
        result = typst.compile(**typst_arguments(comparison, title), format="pdf")
    except RuntimeError as error:
        raise RunError(f"the report could not be typeset: {str(error).splitlines()[0]}") from error
    assert isinstance(result, bytes)
    return result


def typst_arguments(comparison: Comparison, title: str | None = None) -> dict[str, Any]:
    """What Typst is called with: the template, and the report's data as JSON, so that no text of it is ever markup."""
    from amrobust.report.document import document

    return {
        "input": TEMPLATE.read_bytes(),
        "sys_inputs": {"report": json.dumps(document(comparison, title))},
        "ignore_system_fonts": True,
    }
