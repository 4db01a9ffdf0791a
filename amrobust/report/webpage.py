"""The report as one HTML page that needs nothing else: figures and formulas inside, the fonts of what it says, no script."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from amrobust.errors import RunError, UserError
from amrobust.judge.judgement import Comparison
from amrobust.report.drawing import LAYOUT_FACE, REPORT_FACE
from amrobust.report.layout import Layout

TEMPLATE = Path(__file__).with_name("templates") / "report.html"
_FACES = (
    ("STIXGeneral.ttf", "normal", 400),
    ("STIXGeneralItalic.ttf", "italic", 400),
    ("STIXGeneralBol.ttf", "normal", 700),
)
"""The face that figures are laid out with; matplotlib brings it along."""
_PROLOG = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_METADATA = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
_IDENTIFIER = re.compile(r"\b(id=\"|xlink:href=\"#|url\(#)")
_SPACING = {"\u0302": "^", "\u0303": "~", "\u0304": "¯"}
"""Accents that combine with a letter, and those that stand over one as MathML has it."""
_ACCENT = re.compile(f"<mo>([{''.join(_SPACING)}])</mo>")
_MATH = re.compile(r"<math.*?</math>", re.DOTALL)


def compile_html(comparison: Comparison, layout: Layout | None = None) -> str:
    """The page, with the same contents as the PDF. Raises UserError where the user's own template fails."""
    import jinja2
    from jinja2.sandbox import SandboxedEnvironment

    from amrobust.report.document import document

    layout = layout or Layout()
    template = layout.template or TEMPLATE
    report = document(comparison, layout)
    formulas = {span["text"]: span for span in _spans(report)}
    # The sandbox: a template that came from someone else must not reach into the process.
    environment = SandboxedEnvironment(
        autoescape=True, loader=jinja2.FileSystemLoader(template.absolute().parent), undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters["inline_svg"] = _inline_svg
    environment.filters["mathml"] = lambda span: _safe(
        _mathml(tuple(formulas))[span["text"], span["display"]]
    )
    try:
        return environment.get_template(template.name).render(
            report=report, fonts=_fonts(_characters(report))
        )
    except jinja2.TemplateError as error:
        where = f" (line {error.lineno})" if isinstance(error, jinja2.TemplateSyntaxError) else ""
        if layout.template is None:
            raise RunError(f"the report could not be set as HTML: {error}{where}") from error
        raise UserError(
            f"the template {layout.template} could not be used: {error}{where} (start from a copy of amrobust's own: amrobust "
            "report --print-template html)"
        ) from error


def _safe(markup: str) -> Any:
    from markupsafe import Markup

    return Markup(markup)


def _inline_svg(figure: dict[str, Any]) -> Any:
    """The drawing as an element of the page: identifiers of its own, scalable, described for those who cannot see it."""
    from markupsafe import escape

    own = rf"\g<1>f{figure['number']}-"
    svg = _METADATA.sub("", _PROLOG.sub("", figure["svg"]))
    svg = _IDENTIFIER.sub(own, svg).replace(f"'{REPORT_FACE}'", f"'{LAYOUT_FACE}'")
    svg = re.sub(
        r'<svg ([^>]*?)width="[^"]*"', r"<svg \1", re.sub(r' height="[^"]*"', "", svg, count=1), count=1
    )
    return _safe(svg.replace("<svg ", f'<svg role="img" aria-label="{escape(figure["alt"])}" ', 1))


def _spans(node: Any) -> Iterator[dict[str, Any]]:
    """All spans of mathematics in the document; each is told whether it stands on its own line."""
    if isinstance(node, dict):
        for key, value in node.items():
            if isinstance(value, dict) and value.get("kind") == "math":
                value["display"] = key == "display"
                yield value
            elif isinstance(value, (list, tuple)):
                for item in value:
                    if isinstance(item, dict) and item.get("kind") == "math":
                        item["display"] = False
                        yield item
                    else:
                        yield from _spans(item)
    elif isinstance(node, (list, tuple)):
        for item in node:
            yield from _spans(item)


@cache
def _mathml(formulas: tuple[str, ...]) -> dict[tuple[str, bool], str]:
    """MathML of Typst's formulas, by formula and whether it stands on its own line."""
    import typst

    wanted = [(formula, display) for formula in formulas for display in (False, True)]
    source = "\n\n".join(f"$ {formula} $" if display else f"${formula}$" for formula, display in wanted)
    html: object = typst.compile(source.encode(), format="html", ignore_system_fonts=True)
    assert isinstance(html, bytes)
    found = [
        _ACCENT.sub(lambda mark: f"<mo>{_SPACING[mark[1]]}</mo>", math)
        for math in _MATH.findall(html.decode())
    ]
    assert len(found) == len(wanted)
    return dict(zip(wanted, found, strict=True))


def _characters(node: Any) -> str:
    """Every character that the page may show, in order."""
    found = set(map(chr, range(0x20, 0x7F))) | set("“”‘’·…–—−×±≤≥√∞←→⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

    def collect(item: Any) -> None:
        if isinstance(item, str):
            found.update(item)
        elif isinstance(item, dict):
            for value in item.values():
                collect(value)
        elif isinstance(item, (list, tuple)):
            for value in item:
                collect(value)

    collect(node)
    return "".join(sorted(found))


@cache
def _fonts(characters: str) -> tuple[dict[str, Any], ...]:
    """The faces cut down to ``characters``, as data URLs."""
    import matplotlib
    from fontTools import subset
    from fontTools.ttLib import TTFont

    found = []
    for name, style, weight in _FACES:
        font = TTFont(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name, recalcTimestamp=False)
        options = subset.Options(layout_features=["kern", "liga"], name_IDs=[0, 1, 2, 13])
        options.notdef_outline = True
        options.drop_tables += ["FFTM"]
        cutter = subset.Subsetter(options)
        cutter.populate(text=characters)
        cutter.subset(font)
        font.flavor = "woff"
        buffer = io.BytesIO()
        font.save(buffer)
        url = f"data:font/woff;base64,{base64.b64encode(buffer.getvalue()).decode()}"
        found.append({"family": LAYOUT_FACE, "style": style, "weight": weight, "url": url})
    return tuple(found)
