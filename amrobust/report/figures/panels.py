"""The layout of small plots on common axes, row by row, and what their axes have in common."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeVar

from amrobust.report.style import WIDTH, new_figure, plain_number

Item = TypeVar("Item")

_MOST, _MOST_NARROW = 24, 40
"""Panels in one figure, which has to fit on a page; narrow ones where all names are short."""
_TICK = 7.0
"""Points that the label of a tick takes upwards."""
_SHORT = 20
"""Characters of a name that stands over a narrow panel."""
_FAR = 50
"""Decades from which matplotlib's search for ticks leaves the range of numbers."""
BESIDE = 0.2
"""Inches at the left of panels that their common label takes."""
_LEFT, _GAP, _RIGHT, _TITLE, _FOOT = 0.62, 0.16, 0.08, 0.24, 0.4


def most_panels(names: Sequence[str]) -> int:
    """How many panels with these ``names`` a figure may have."""
    return _MOST_NARROW if all(len(name) <= _SHORT for name in names) else _MOST


def in_figures(items: Sequence[Item], most: int) -> list[Sequence[Item]]:
    """``items`` cut into as few parts of about equal size as keep to ``most`` each."""
    if not items:
        return []
    size = math.ceil(len(items) / math.ceil(len(items) / most))
    return [items[i : i + size] for i in range(0, len(items), size)]


def _columns(count: int) -> int:
    """As few as leave no panel alone in a row, up to nine in three columns or less, up to 24 in four, more in five."""
    return {1: 1, 2: 2, 4: 2, 7: 4, 8: 4}.get(count, 3 if count <= 9 else 4 if count <= 24 else 5)


def panels(count: int, x_label: str, y_label: str) -> tuple[Any, list[Any]]:
    """A figure with ``count`` axes; only those at the left and at the foot have tick labels."""
    columns = _columns(count)
    rows = math.ceil(count / columns)
    height_of_one = {1: 1.9, 2: 1.55, 3: 1.0, 4: 0.86, 5: 0.72}[columns]
    height = rows * (height_of_one + _TITLE) + _FOOT
    width = (WIDTH - _LEFT - _RIGHT - _GAP * (columns - 1)) / columns
    figure = new_figure(height)
    found = []
    for place in range(count):
        row, column = divmod(place, columns)
        bottom = height - (row + 1) * (height_of_one + _TITLE)
        axes = figure.add_axes(
            (
                (_LEFT + column * (width + _GAP)) / WIDTH,
                bottom / height,
                width / WIDTH,
                height_of_one / height,
            )
        )
        axes.tick_params(labelleft=column == 0, labelbottom=place + columns >= count)
        found.append(axes)
    figure.text(0.01, (_FOOT + (height - _FOOT) / 2) / height, y_label, rotation=90, va="center", ha="left")
    middle = _LEFT + (columns * width + (columns - 1) * _GAP) / 2
    figure.text(middle / WIDTH, 0.02 / height, x_label, ha="center", va="bottom")
    return figure, found


def clear_left(figure: Any, plots: Sequence[Any], left: float = 0.0) -> None:
    """Move the left ends of ``plots`` to the right where their labels would reach into the outermost ``left`` inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas: Any = FigureCanvasAgg(figure)
    renderer = canvas.get_renderer()
    start = min(axes.get_position().x0 for axes in plots)
    first = [axes for axes in plots if axes.get_position().x0 == start]
    reached = min(axes.get_tightbbox(renderer).x0 for axes in first) / figure.dpi
    shift = (left - reached) / WIDTH
    if shift <= 0:
        return
    end = max(axes.get_position().x1 for axes in plots)
    squeeze = (end - start - shift) / (end - start)
    for axes in plots:
        box = axes.get_position()
        axes.set_position(
            (start + shift + (box.x0 - start) * squeeze, box.y0, box.width * squeeze, box.height)
        )


def title(axes: Any, text: str, colour: str, count: int) -> None:
    """The name of a panel among ``count``, smaller where panels are narrow."""
    axes.set_title(text, loc="left", pad=3, color=colour, fontsize=8.5 if _columns(count) < 4 else 7)


def quiet_grid(axes: Any, axis: str = "y") -> None:
    """Faint lines behind everything else."""
    axes.grid(axis=axis, color="#ececec", linewidth=0.5)
    axes.set_axisbelow(True)


def logarithmic(axis: Any, limits: tuple[float, float]) -> None:
    """A logarithmic scale between ``limits``.

    Ticks at 1, 2, 5 times powers of ten; at the powers alone over many decades or in little room; at more within one.
    """
    from matplotlib.ticker import FixedLocator, LogLocator, MaxNLocator, NullLocator

    axes = axis.axes
    # Limits first: a scale looks for its own beyond the values, and there may be no numbers beyond.
    if axis.axis_name == "y":
        axes.set_ylim(*limits)
        axes.set_yscale("log")
    else:
        axes.set_xlim(*limits)
        axes.set_xscale("log")
    decades = math.log10(limits[1]) - math.log10(limits[0])
    if decades > _FAR:
        step = math.ceil(decades / 5)
        first = math.ceil(math.log10(limits[0]))
        powers = range(first, math.floor(math.log10(limits[1])) + 1, step)
        axis.set_major_locator(FixedLocator([10.0**power for power in powers]))
    elif decades < 0.8:
        ticks = MaxNLocator(nbins=4).tick_values(*limits)
        axis.set_major_locator(FixedLocator([tick for tick in ticks if limits[0] <= tick <= limits[1]]))
    else:
        box = axes.get_position()
        room = 72 * (
            box.height * axis.figure.get_figheight()
            if axis.axis_name == "y"
            else box.width * axis.figure.get_figwidth()
        )
        between = decades < 3 and (3 * decades + 1) * _TICK <= room
        axis.set_major_locator(
            LogLocator(
                base=10, subs=(1.0, 2.0, 5.0) if between else (1.0,), numticks=6 if decades > 3 else 12
            )
        )
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(plain_number)
