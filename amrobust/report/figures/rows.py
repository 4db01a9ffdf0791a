"""The layout of figures with a row for each method or claim: names at the left, numbers at the right where asked for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from amrobust.report.style import WIDTH, new_figure

MOST_ROWS = 40
"""Rows in one figure, which has to fit on a page."""
CHARACTER = 0.062
"""Width in inches that a character of a label takes on average, at the size of tick labels."""


@dataclass(frozen=True)
class RowPlot:
    """A figure, and its axes from left to right; row 0 is the uppermost."""

    figure: Any
    axes: tuple[Any, ...]


def row_plot(
    names: Sequence[str],
    *,
    headings: Collection[int] = (),
    plots: int = 1,
    top: float = 0.1,
    foot: float = 0.46,
    right: float = 0.12,
) -> RowPlot:
    """Axes with a row for each of ``names``; ``top``, ``foot`` and ``right`` are margins in inches.

    The rows of ``headings`` have no data: their names run across the figure, and do not narrow the plots.
    """
    count = len(names)
    row = (
        0.27 if count <= 8 else 0.24 if count <= 12 else 0.2 if count <= 26 else 0.145 if headings else 0.165
    )
    height = max(count * row, 0.4) + top + foot
    own = [name for position, name in enumerate(names) if position not in headings]
    left = 0.16 + CHARACTER * max(map(len, own))
    gap = 0.18
    width = (WIDTH - left - right - gap * (plots - 1)) / plots
    figure = new_figure(height)
    found = []
    for place in range(plots):
        x = (left + place * (width + gap)) / WIDTH
        axes = figure.add_axes((x, foot / height, width / WIDTH, (height - top - foot) / height))
        axes.set_ylim(count - 0.5, -0.5)
        shown = ["" if position in headings else name for position, name in enumerate(names)]
        axes.set_yticks(range(count), shown if place == 0 else [])
        # Room for an arrowhead, which stands half outside.
        axes.tick_params(axis="y", length=0, pad=5)
        axes.spines["left"].set_visible(False)
        for position in set(range(count)) - set(headings):
            axes.axhline(position, color="#ececec", linewidth=0.5, zorder=0)
        if count > 26:
            axes.tick_params(axis="y", labelsize=7)
        found.append(axes)
    for position in headings:
        # In the figure's own coordinates, so that it lies above every plot.
        y = (foot + (1 - (position + 0.5) / count) * (height - top - foot)) / height
        figure.text(
            0.02 / WIDTH,
            y,
            names[position],
            va="center",
            fontsize=7.5,
            fontweight="bold",
            backgroundcolor="white",
        )
    return RowPlot(figure, tuple(found))


def beside(axes: Any, row: int, text: str, **style: Any) -> None:
    """Text at the right of a row."""
    options = {"fontsize": 7.5, **style}
    axes.text(
        1.03, row, text, transform=axes.get_yaxis_transform(), ha="left", va="center", **options
    )  # fmt: skip
