"""How every figure is drawn: colours and line styles of the methods, type, size, and the way to deterministic SVG."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amrobust.judge.comparison import Comparison
from amrobust.report.sweeps import Series, sweeps
from amrobust.report.text import escape_prose
from amrobust.runs.output import ending, write_output

WIDTH = 6.53
"""Width of the text column in inches, so that figures are placed at their own size."""
GREY = "#8a8a8a"
FAINT = "#d9d9d9"

BASELINE_COLOUR = "#000000"
# Okabe and Ito's colours that hold on white paper, ordered so that neighbours differ in lightness too.
COLOURS = ("#d55e00", "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9")
DASHES: tuple[Any, ...] = ("solid", (0, (5, 1.6)), (0, (1.2, 1.2)), (0, (6, 1.4, 1.2, 1.4)), (0, (3, 1.2)))
MARKERS = ("s", "^", "D", "v", "P", "X", "o")

# Figures are laid out with a face that matplotlib brings along and set in the report's own, of nearly equal width.
LAYOUT_FACE = "STIXGeneral"
REPORT_FACE = "Libertinus Serif"
_LONGEST_LABEL = 30
_HYPERPARAMETER = re.compile(r"(?:(?<=[\[(,])|(?<=, ))[A-Za-z][A-Za-z_]{3,}(?= ?=)")
_ABBREVIATIONS = {"weight_decay": "wd", "theorem": "thm"}
"""Of hyperparameters whose first three letters would mislead."""

_SETTINGS = {
    "font.family": [LAYOUT_FACE, "DejaVu Sans"],
    "font.size": 8.5,
    "axes.titlesize": 8.5,
    "axes.labelsize": 8.5,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "axes.linewidth": 0.6,
    "axes.edgecolor": "#404040",
    "xtick.color": "#404040",
    "ytick.color": "#404040",
    "xtick.labelcolor": "#000000",
    "ytick.labelcolor": "#000000",
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.2,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "legend.handlelength": 3.0,
    "text.parse_math": False,
    "axes.unicode_minus": True,
    "axes.formatter.useoffset": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "amrobust",
}


_UNDATED: dict[str, dict[str, None]] = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}, ".png": {}}
"""What leaves the date out of a file of each ending."""


@dataclass(frozen=True)
class Style:
    """What a method looks like in every figure: told apart by colour, and without colour by dashes and marker."""

    colour: str
    dashes: Any
    marker: str


@dataclass(frozen=True)
class Drawing:
    """A figure ready to be placed: vector graphics, what it shows, and the same for those who cannot see it."""

    svg: str
    caption: str
    alt: str


def styles(comparison: Comparison) -> dict[str, Style]:
    """One style for each method of ``comparison``: the first baseline black, the others in order of appearance.

    The methods of a sweep are shades of one colour, from light to dark as the swept value grows.
    """
    names = list(dict.fromkeys(name for compared in comparison.groups for name in compared.methods))
    methods = {name: method for compared in comparison.groups for name, method in compared.identities.items()}
    baseline = comparison.groups[0].baseline if comparison.groups else None
    series = {
        method: (one.label, place / (len(one.methods) - 1))
        for sweep in reversed(sweeps(methods))
        for one in sweep.series
        for place, method in enumerate(one.methods)
    }
    others = [name for name in names if name != baseline]
    families = list(dict.fromkeys(series[name][0] if name in series else name for name in others))
    found = {name: Style(BASELINE_COLOUR, DASHES[0], "o") for name in names if name == baseline}
    for i, name in enumerate(others):
        family, share = series.get(name, (name, None))
        place = families.index(family)
        colour = COLOURS[place % len(COLOURS)]
        # With each round of colours dashes and markers move on, at paces that have no common divisor.
        turn = place // len(COLOURS)
        found[name] = Style(
            colour if share is None else shaded(colour, 0.85 * share - 0.35),
            DASHES[1 + (i + turn) % (len(DASHES) - 1)],
            MARKERS[(i + 2 * turn) % len(MARKERS)],
        )
    return {name: found[name] for name in names}


def series_styles(look: Mapping[str, Style], series: Sequence[Series]) -> list[Style]:
    """One style for each series, as a whole: the colour that its methods are shades of."""
    return [
        Style(
            look[one.methods[len(one.methods) // 2]].colour,
            DASHES[place % len(DASHES)],
            MARKERS[place % len(MARKERS)],
        )
        for place, one in enumerate(series)
    ]


def shaded(colour: str, shade: float) -> str:
    """The colour mixed with white (``shade`` below 0, to −1) or with black (above 0, to 1)."""
    target = 255 if shade < 0 else 0
    parts = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(part + abs(shade) * (target - part)):02x}" for part in parts)


def text_colour(colour: str) -> str:
    """The colour dark enough to be read as text on white."""
    return shaded(colour, 0.4)


def labels(names: Sequence[str], longest: int = _LONGEST_LABEL) -> dict[str, str]:
    """Names short enough for a figure: where some are long, hyperparameters are abbreviated; then those lose their middle.

    A number keeps equal ones apart.
    """
    found: dict[str, str] = {}
    texts = [escape_prose(name) for name in names]
    if any(len(text) > longest for text in texts):
        texts = [_HYPERPARAMETER.sub(_abbreviated, text) for text in texts]
    for name, text in zip(names, texts, strict=True):
        if len(text) > longest:
            head = (longest - 1) * 3 // 5
            text = f"{text[:head]}…{text[-(longest - 1 - head) :]}"
        taken = set(found.values())
        found[name] = next(
            candidate
            for candidate in (text, *(f"{text} ({k})" for k in range(2, len(names) + 2)))
            if candidate not in taken
        )
    return found


def _abbreviated(name: re.Match[str]) -> str:
    return _ABBREVIATIONS.get(name[0], name[0][:3])


@contextmanager
def house_style() -> Iterator[None]:
    """Matplotlib's defaults with the report's settings, whatever the user's configuration says, for a while."""
    import matplotlib as mpl

    with mpl.rc_context(), warnings.catch_warnings():
        # A glyph that the layout face lacks is measured as a box and set in the report's face.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        mpl.rcdefaults()
        parameters: Any = mpl.rcParams
        parameters.update(_SETTINGS)
        yield


def new_figure(height: float) -> Any:
    """An empty figure of the column's width and ``height`` inches, without pyplot's global state."""
    from matplotlib.figure import Figure

    return Figure(figsize=(WIDTH, height))


def to_svg(figure: Any) -> str:
    """The figure as SVG text, the same for the same figure: no date, hashed identifiers with a fixed salt."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    buffer = io.StringIO()
    canvas: Any = FigureCanvasSVG(figure)
    canvas.print_svg(buffer, metadata={"Date": None, "Creator": None})
    return buffer.getvalue().replace(f"'{LAYOUT_FACE}'", f"'{REPORT_FACE}'")


def save_figure(figure: Any, path: Path) -> None:
    """Write the figure as PDF, SVG or PNG by the name's ending: no date, so that the same figure gives the same file.

    Raises UserError as :func:`check_figure`, RunError where writing fails.
    """
    form = check_figure(path)
    buffer = io.BytesIO()
    figure.savefig(buffer, format=form[1:], metadata=_UNDATED[form], dpi=200)
    write_output(path, buffer.getvalue())


def check_figure(path: Path) -> str:
    """The ending that says how a figure is written to ``path``. Raises UserError on another one, and where no file can be."""
    return ending(path, tuple(_UNDATED), "the name of a figure must end in")


def plain_number(value: float, _position: object = None) -> str:
    """A tick label on a logarithmic axis, without mathematics: ``0.05``, ``1e−06``."""
    return f"{value:g}".replace("-", "−")
