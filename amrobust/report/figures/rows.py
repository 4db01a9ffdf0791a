"""The layout of figures with a row for each method or claim: names at the left, numbers at the right where asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from amrobust.report.drawing import WIDTH, new_figure

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
    names: Sequence[str], *, plots: int = 1, top: float = 0.1, foot: float = 0.46, right: float = 0.12
) -> RowPlot:
    """Axes with a row for each of ``names``; ``top``, ``foot`` and ``right`` are margins in inches."""
    count = len(names)
    row = 0.27 if count <= 8 else 0.24 if count <= 12 else 0.2 if count <= 26 else 0.165
    height = max(count * row, 0.4) + top + foot
    left = 0.16 + CHARACTER * max(map(len, names))
    gap = 0.18
    width = (WIDTH - left - right - gap * (plots - 1)) / plots
    figure = new_figure(height)
    found = []
    for place in range(plots):
        x = (left + place * (width + gap)) / WIDTH
        axes = figure.add_axes((x, foot / height, width / WIDTH, (height - top - foot) / height))
        axes.set_ylim(count - 0.5, -0.5)
        axes.set_yticks(range(count), names if place == 0 else [])
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        for position in range(count):
            axes.axhline(position, color="#ececec", linewidth=0.5, zorder=0)
        if count > 26:
            axes.tick_params(axis="y", labelsize=7)
        found.append(axes)
    return RowPlot(figure, tuple(found))


def beside(axes: Any, row: int, text: str, **style: Any) -> None:
    """Text at the right of a row."""
    options = {"fontsize": 7.5, **style}
    axes.text(
        1.02, row, text, transform=axes.get_yaxis_transform(), ha="left", va="center", **options
    )  # fmt: skip
