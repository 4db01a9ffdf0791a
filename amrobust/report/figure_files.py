"""The report's figures as files of their own: PDF, SVG or PNG, set in the fonts of the report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, get_args

from amrobust.errors import RunError, UserError
from amrobust.judge.comparison import Comparison
from amrobust.report.annex import foremost
from amrobust.report.names import titled
from amrobust.report.style import WIDTH, Drawing, styles
from amrobust.runs.output import make_directory, write_output

Form = Literal["pdf", "svg", "png"]
FORMATS: tuple[Form, ...] = get_args(Form)
DOTS_PER_INCH = 300.0

_PAGE = f"""
#set document(date: none)
#set page(width: auto, height: auto, margin: 0pt, fill: none)
#set text(font: ("Libertinus Serif", "DejaVu Sans Mono"))
#image(bytes(sys.inputs.figure), format: "svg", width: {WIDTH}in)
"""


def write_figures(comparison: Comparison, directory: Path, formats: Sequence[str] = ("pdf",)) -> list[Path]:
    """Write every figure of the report into ``directory`` in each of ``formats``, and return the files.

    ``<group>-<name>.<format>``: claims, curves, stds, finals and the rest of each group, the groups counted from 1; text
    is outlines in SVG, so that the files need no fonts. The same comparison gives the same bytes.

    Raises UserError on another format or a directory that is no place for files, RunError where a figure cannot be drawn or
    writing fails.
    """
    unknown = [form for form in formats if form not in FORMATS]
    if unknown or not formats:
        raise UserError(f"a figure is written as {', '.join(FORMATS)}, not {', '.join(unknown) or 'nothing'}")
    written = []
    make_directory(directory)
    for name, drawing in named_drawings(comparison):
        for form in (known for known in FORMATS if known in formats):
            path = directory / f"{name}.{form}"
            write_output(path, _compiled(drawing, form))
            written.append(path)
    return written


def named_drawings(comparison: Comparison) -> Iterator[tuple[str, Drawing]]:
    """Every figure of the report with the name of its file."""
    from amrobust.report.figures import FIGURES, forest

    comparison = titled(comparison)
    look = styles(comparison)
    for group, compared in enumerate(map(foremost, comparison.groups), start=1):
        drawings = {"claims": forest([compared], look)}
        drawings |= {name: draw(compared, look) for name, draw in FIGURES.items()}
        for name, parts in drawings.items():
            for part, drawing in enumerate(parts):
                yield f"{group}-{name}" + (f"-{part + 1}" if part else ""), drawing


def _compiled(drawing: Drawing, form: Form) -> bytes:
    import typst

    try:
        found = typst.compile(
            _PAGE.encode(),
            sys_inputs={"figure": drawing.svg},
            ignore_system_fonts=True,
            format=form,
            ppi=DOTS_PER_INCH if form == "png" else None,
        )
    except RuntimeError as error:
        raise RunError(f"a figure could not be drawn: {str(error).splitlines()[0]}") from error
    assert isinstance(found, bytes)
    return found
