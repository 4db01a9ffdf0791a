"""The evidence as figures: mean curves with bands, per-epoch STD, per-seed final values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from amrobust.claims.judgement import Judgement
from amrobust.report.drawing import (
    FAINT,
    WIDTH,
    Drawing,
    Style,
    house_style,
    labels,
    new_figure,
    plain_number,
    to_svg,
)
from amrobust.report.strip import Row, strip
from amrobust.report.text import printable
from amrobust.report.view import quantity
from amrobust.runs.arms import Arm, Curves

_TOGETHER = 4
"""Up to this many methods share one plot; more get a panel each."""
_COLUMNS = 3
_MOST_PANELS = 15
_MOST_ROWS = 30


@dataclass(frozen=True)
class Line:
    """One method over the epochs: a line, and a band where it has one."""

    method: str
    epochs: Curves
    centre: Curves
    low: Curves | None = None
    high: Curves | None = None


def surviving(arm: Arm, judgement: Judgement) -> Curves:
    """The judged curves of the seeds that stayed finite from the first judged epoch on, shape (seeds, epochs)."""
    curves = arm.curves[judgement.metric.name]
    whole = np.isfinite(curves[:, judgement.first_epoch - 1 :]).all(axis=1) & ~np.isin(
        arm.seeds, arm.diverged
    )
    kept: Curves = curves[whole]
    return kept


def mean_lines(judgement: Judgement) -> list[Line]:
    """The mean over surviving seeds at each judged epoch, with bands of one STD; none for single epochs."""
    lines = []
    for arm, curves, epochs in _judged(judgement, fewest=1):
        mean = curves.mean(axis=0)
        std = curves.std(axis=0, ddof=1) if len(curves) > 1 else np.zeros_like(mean)
        lines.append(Line(arm.method, epochs, mean, mean - std, mean + std))
    return lines


def std_lines(judgement: Judgement) -> list[Line]:
    """The STD over surviving seeds at each judged epoch; none for single epochs."""
    return [
        Line(arm.method, epochs, curves.std(axis=0, ddof=1))
        for arm, curves, epochs in _judged(judgement, fewest=2)
    ]


def draw_lines(axes: Any, lines: Sequence[Line], look: Mapping[str, Style]) -> None:
    """Lines with their bands on ``axes``, labelled with short names of the methods."""
    short = labels([line.method for line in lines])
    for line in lines:
        style = look[line.method]
        if line.low is not None:
            axes.fill_between(line.epochs, line.low, line.high, color=style.colour, alpha=0.16, linewidth=0)
        axes.plot(
            line.epochs, line.centre, color=style.colour, linestyle=style.dashes, label=short[line.method]
        )


def mean_curves(judgement: Judgement, look: Mapping[str, Style]) -> list[Drawing]:
    """Mean over seeds at each epoch with a band of one STD on either side; empty without curves of two epochs."""
    lines = mean_lines(judgement)
    name = printable(quantity(judgement.metric))
    limits, clipped = _focus(lines)
    caption = f"Mean {name} over {_seeds(judgement)}; bands: ± 1 STD over seeds at each epoch."
    if clipped:
        caption += " The vertical axis shows the range of later training; the first epochs run off it."
    return _line_figures(judgement, lines, look, f"Mean {name}", limits, False, caption)


def std_curves(judgement: Judgement, look: Mapping[str, Style]) -> list[Drawing]:
    """STD over seeds at each epoch: what Avg. STD is the mean of."""
    lines = std_lines(judgement)
    positive = np.concatenate([line.centre[line.centre > 0] for line in lines]) if lines else np.array([])
    logarithmic = bool(positive.size) and float(positive.max()) > 8 * float(positive.min())
    unit = f" ({printable(judgement.metric.unit)})" if judgement.metric.unit else ""
    scale = ", logarithmic scale" if logarithmic else ""
    caption = (
        f"STD of {judgement.metric.name.replace('_', ' ')} over {_seeds(judgement)} at each epoch{scale}; "
        "its mean over the epochs is Avg. STD."
    )
    limits = None if logarithmic or not positive.size else (0.0, float(positive.max()) * 1.06)
    return _line_figures(judgement, lines, look, f"STD over seeds{unit}", limits, logarithmic, caption)


def final_rows(judgement: Judgement) -> list[Row]:
    """A row a method."""
    from amrobust.stats import final_values

    rows = []
    for arm, summary in zip(judgement.arms, judgement.summaries, strict=True):
        curves = surviving(arm, judgement)
        values = final_values(curves, judgement.final) if len(curves) else np.array([])
        rows.append((arm.method, values, summary))
    return rows


def final_values_figure(judgement: Judgement, look: Mapping[str, Style]) -> list[Drawing]:
    """Every seed's final value, with the mean and its interval, a row a method."""
    rows = final_rows(judgement)
    if not any(values.size for _, values, _ in rows):
        return []
    short = labels([arm.method for arm in judgement.arms])
    caption = (
        f"Final {quantity(judgement.metric)} of every seed ({_seeds(judgement)}); black: the mean with its "
        "interval, where there is one."
    )
    return [
        Drawing(
            strip(rows[i : i + _MOST_ROWS], judgement, look, short),
            caption if i == 0 else f"{caption[:-1]}, continued.",
            "A row of points for each method, one point a seed, at its final value, with the mean and its interval.",
        )
        for i in range(0, len(rows), _MOST_ROWS)
    ]


def _judged(judgement: Judgement, fewest: int) -> list[tuple[Arm, Curves, Curves]]:
    """Each arm with at least ``fewest`` surviving seeds, its judged curves and their epochs; none for single epochs."""
    first = judgement.first_epoch
    if judgement.epochs - first < 1:
        return []
    epochs = np.arange(first, judgement.epochs + 1, dtype=float)
    found = [(arm, surviving(arm, judgement)[:, first - 1 :], epochs) for arm in judgement.arms]
    return [item for item in found if len(item[1]) >= fewest]


def _seeds(judgement: Judgement) -> str:
    counts = sorted({summary.n for summary in judgement.summaries})
    n = f"n = {counts[0]}" if counts[0] == counts[-1] else f"n = {counts[0]} to {counts[-1]}"
    lost = any(summary.diverged for summary in judgement.summaries)
    return f"{n} seeds a method" + (", diverged seeds left out" if lost else "")


def _focus(lines: Sequence[Line]) -> tuple[tuple[float, float] | None, bool]:
    """Limits that show the last two thirds of training, unless the whole takes little more room."""
    if not lines:
        return None, False
    start = len(lines[0].epochs) // 3

    def extent(first: int) -> tuple[float, float]:
        lows = [line.low[first:].min() for line in lines if line.low is not None]
        highs = [line.high[first:].max() for line in lines if line.high is not None]
        return float(min(lows)), float(max(highs))

    whole, late = extent(0), extent(start)
    clipped = whole[1] - whole[0] > 2 * (late[1] - late[0])
    low, high = late if clipped else whole
    pad = 0.05 * (high - low) or max(abs(high), 1.0) * 0.01
    return (low - pad, high + pad), clipped


def _line_figures(
    judgement: Judgement,
    lines: Sequence[Line],
    look: Mapping[str, Style],
    axis: str,
    limits: tuple[float, float] | None,
    logarithmic: bool,
    caption: str,
) -> list[Drawing]:
    if not lines:
        return []
    alt = f"{axis} against the epoch, a line for each of {len(lines)} methods."
    if logarithmic:
        floor = min(float(line.centre[line.centre > 0].min()) for line in lines if (line.centre > 0).any())
        limits = (floor / 1.3, max(float(line.centre.max()) for line in lines) * 1.3)
    if len(lines) <= _TOGETHER:
        return [Drawing(_one_plot(lines, look, axis, limits, logarithmic), caption, alt)]
    caption += f" Each panel shows one method in colour, {judgement.baseline} in black, the others in grey."
    return [
        Drawing(
            _panels(lines[i : i + _MOST_PANELS], lines, judgement.baseline, look, axis, limits, logarithmic),
            caption if i == 0 else f"{caption[:-1]} (continued).",
            alt,
        )
        for i in range(0, len(lines), _MOST_PANELS)
    ]


def _axes_style(axes: Any, limits: tuple[float, float] | None, logarithmic: bool, epochs: Curves) -> None:
    from matplotlib.ticker import MaxNLocator, NullLocator

    if logarithmic:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(_log_locator(limits))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(plain_number)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    if limits is not None:
        axes.set_ylim(*limits)
    axes.set_xlim(epochs[0], epochs[-1])
    axes.grid(axis="y", color="#ececec", linewidth=0.5)
    axes.set_axisbelow(True)


def _log_locator(limits: tuple[float, float] | None) -> Any:
    """Ticks at 1, 2, 5 times powers of ten, or at the powers alone over many decades."""
    from matplotlib.ticker import LogLocator

    decades = math.log10(limits[1] / limits[0]) if limits is not None else 1.0
    return LogLocator(base=10, subs=(1.0, 2.0, 5.0) if decades < 3 else (1.0,), numticks=12)


def _one_plot(
    lines: Sequence[Line],
    look: Mapping[str, Style],
    axis: str,
    limits: tuple[float, float] | None,
    logarithmic: bool,
) -> str:
    with house_style():
        short = labels([line.method for line in lines])
        figure = new_figure(2.75)
        legend = 0.55 + 0.062 * max(map(len, short.values())) if len(lines) > 1 else 0.08
        right = 1 - legend / WIDTH
        axes = figure.add_axes((0.62 / WIDTH, 0.155, right - 0.62 / WIDTH, 0.81))
        draw_lines(axes, lines, look)
        _axes_style(axes, limits, logarithmic, lines[0].epochs)
        axes.set_xlabel("Epoch")
        axes.set_ylabel(axis)
        if len(lines) > 1:
            axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.03), borderaxespad=0)
        return to_svg(figure)


def _panels(
    shown: Sequence[Line],
    lines: Sequence[Line],
    baseline: str,
    look: Mapping[str, Style],
    axis: str,
    limits: tuple[float, float] | None,
    logarithmic: bool,
) -> str:
    """A small plot for each of ``shown``, among all ``lines``, on common axes."""
    rows = math.ceil(len(shown) / _COLUMNS)
    panel, title, foot = 0.98, 0.24, 0.4
    height = rows * (panel + title) + foot
    left, gap = 0.62, 0.16
    width = (WIDTH - left - 0.08 - gap * (_COLUMNS - 1)) / _COLUMNS
    with house_style():
        short = labels([line.method for line in lines])
        figure = new_figure(height)
        for place, line in enumerate(shown):
            row, column = divmod(place, _COLUMNS)
            bottom = height - (row + 1) * (panel + title)
            axes = figure.add_axes(
                ((left + column * (width + gap)) / WIDTH, bottom / height, width / WIDTH, panel / height)
            )
            for other in lines:
                if other.method not in (line.method, baseline):
                    axes.plot(other.epochs, other.centre, color=FAINT, linewidth=0.7)
            for other in lines:
                if other.method == baseline != line.method:
                    axes.plot(other.epochs, other.centre, color=look[baseline].colour, linewidth=0.8)
            style = look[line.method]
            if line.low is not None:
                axes.fill_between(
                    line.epochs, line.low, line.high, color=style.colour, alpha=0.22, linewidth=0
                )
            axes.plot(line.epochs, line.centre, color=style.colour, linestyle=style.dashes, linewidth=1.3)
            _axes_style(axes, limits, logarithmic, line.epochs)
            axes.set_title(short[line.method], loc="left", pad=3, color=_dark(style.colour))
            axes.tick_params(labelleft=column == 0, labelbottom=place + _COLUMNS >= len(shown))
        middle = (foot + (height - foot) / 2) / height
        figure.text(0.01, middle, axis, rotation=90, va="center", ha="left")
        columns = min(len(shown), _COLUMNS)
        centre = left + (columns * width + (columns - 1) * gap) / 2
        figure.text(centre / WIDTH, 0.02 / height, "Epoch", ha="center", va="bottom")
        return to_svg(figure)


def _dark(colour: str) -> str:
    """The colour at two thirds of its lightness: readable as text."""
    return "#" + "".join(f"{int(colour[i : i + 2], 16) * 2 // 3:02x}" for i in (1, 3, 5))


FIGURES: dict[str, Callable[[Judgement, Mapping[str, Style]], list[Drawing]]] = {
    "curves": mean_curves,
    "stds": std_curves,
    "finals": final_values_figure,
}
