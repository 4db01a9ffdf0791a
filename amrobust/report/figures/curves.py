"""What happens along training: mean curves with bands, and the STD over seeds with its descriptive band."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from amrobust.judge.comparison import GroupComparison
from amrobust.judge.words import counted, significant
from amrobust.report.figures.panels import (
    BESIDE,
    clear_left,
    in_figures,
    logarithmic,
    most_panels,
    panels,
    quiet_grid,
    title,
)
from amrobust.report.numbers import percent
from amrobust.report.style import (
    FAINT,
    WIDTH,
    Drawing,
    Style,
    house_style,
    labels,
    new_figure,
    text_colour,
    to_svg,
)
from amrobust.report.text import escape_prose
from amrobust.report.view import quantity
from amrobust.runs.arms import Arm
from amrobust.runs.axis import Axis
from amrobust.runs.values import Curves
from amrobust.stats import simultaneous_std_band
from amrobust.stats.coverage import band_sentence
from amrobust.stats.samples import FEWEST_SEEDS, means, stds

_TOGETHER = 4
"""Up to this many mean curves share one plot; more get a panel each."""
_MOST_POINTS = 400
"""Longer curves are thinned out before they are drawn: a panel is a few hundred points wide."""


@dataclass(frozen=True)
class Line:
    """One method over the epochs: a line, and a band where it has one."""

    method: str
    epochs: Curves
    centre: Curves
    low: Curves | None = None
    high: Curves | None = None


@dataclass(frozen=True)
class _Scale:
    """The vertical axis that all plots of a figure share."""

    label: str
    limits: tuple[float, float]
    logarithmic: bool = False
    clipped: bool = False


def surviving(arm: Arm, compared: GroupComparison) -> Curves:
    """The judged curves of the seeds that stayed finite from the first judged epoch on, shape (seeds, epochs)."""
    curves = arm.curves[compared.metric.name]
    whole = np.isfinite(curves[:, compared.first_epoch - 1 :]).all(axis=1) & ~np.isin(arm.seeds, arm.diverged)
    kept: Curves = curves[whole]
    return kept


def seeds_in_words(compared: GroupComparison) -> str:
    """``n = 20 seeds per method``, and whether diverged ones are left out."""
    counts = sorted({summary.n for summary in compared.summaries})
    few = counted(counts[0], "seed") if counts[0] == counts[-1] else f"{counts[0]} to {counts[-1]} seeds"
    lost = any(summary.diverged for summary in compared.summaries)
    return f"n = {few} per method" + (", diverged seeds left out" if lost else "")


def mean_lines(compared: GroupComparison) -> list[Line]:
    """The mean over surviving seeds at each judged epoch, with a band of one STD; none for single epochs."""
    lines = []
    for arm, curves, epochs in _judged(compared, fewest=1):
        mean = means(curves)
        std = stds(curves) if len(curves) > 1 else np.zeros_like(mean)
        lines.append(Line(arm.method, epochs, mean, mean - std, mean + std))
    return lines


def std_lines(compared: GroupComparison) -> list[Line]:
    """The STD over surviving seeds at each judged epoch, with its descriptive band; none for single epochs."""
    lines = []
    for arm, curves, epochs in _judged(compared, fewest=2):
        std = stds(curves)
        if len(curves) >= FEWEST_SEEDS and not arm.x0s:
            band = simultaneous_std_band(curves, level=1 - compared.alpha)
            lines.append(Line(arm.method, epochs, std, band.low, band.high))
        else:
            lines.append(Line(arm.method, epochs, std))
    return lines


def draw_lines(axes: Any, lines: Sequence[Line], look: Mapping[str, Style]) -> None:
    """Lines with their bands on ``axes``, labelled with short names of the methods."""
    short = labels([line.method for line in lines])
    for line in map(_thinned, lines):
        style = look[line.method]
        if line.low is not None:
            axes.fill_between(line.epochs, line.low, line.high, color=style.colour, alpha=0.16, linewidth=0)
        axes.plot(
            line.epochs, line.centre, color=style.colour, linestyle=style.dashes, label=short[line.method]
        )


def mean_curves(compared: GroupComparison, look: Mapping[str, Style]) -> list[Drawing]:
    """Mean over seeds at each epoch with a band of one STD on either side; empty without curves of two epochs."""
    lines = mean_lines(compared)
    if not lines:
        return []
    name = escape_prose(quantity(compared.metric))
    caption = f"Mean {name} over {seeds_in_words(compared)}; bands: ± 1 STD over seeds at each {compared.axis.quantity}."
    scale = _mean_scale(lines, f"Mean {name}", compared)
    if scale.logarithmic:
        caption += " Logarithmic scale."
    elif scale.clipped:
        caption += f" The vertical axis shows the range of later training; the first {compared.axis.plural} run off it."
    ends = [f"{line.method}: {significant(line.centre[-1], 4)}" for line in lines]
    alt = f"Mean {name} against the {compared.axis.quantity}, a line for each method. Last values: {_some(ends)}."
    if len(lines) <= _TOGETHER:
        return [Drawing(_one_plot(compared, lines, look, scale), caption, alt)]
    return _in_panels(compared, lines, look, scale, caption, alt)


def std_curves(compared: GroupComparison, look: Mapping[str, Style]) -> list[Drawing]:
    """STD over seeds at each epoch, of which Avg. STD is the mean, with a descriptive band meant for all epochs at once."""
    lines = std_lines(compared)
    if not lines:
        return []
    axis = compared.axis
    unit = f" ({escape_prose(compared.metric.unit)})" if compared.metric.unit else ""
    caption = (
        f"STD of {escape_prose(compared.metric.name.replace('_', ' '))} over {seeds_in_words(compared)} at each "
        f"{axis.quantity}, logarithmic scale; its mean over the {axis.plural} is Avg. STD."
    )
    if any(line.low is not None for line in lines):
        level = percent(1 - compared.alpha)
        fewest = min(summary.n for summary in compared.summaries)
        caption += (
            f" Bands are descriptive: meant for {level} at all {axis.plural} of a method at once (sup-t over the jackknife of "
            f"log STD); {band_sentence(fewest)}."
        )
    averages = [f"{line.method}: {significant(line.centre.mean())}" for line in lines]
    alt = (
        f"STD over seeds against the {axis.quantity}, a line for each method. Means over the {axis.plural}: "
        f"{_some(averages)}."
    )
    scale = _Scale(f"STD over seeds{unit}", _std_limits(lines), True)
    return _in_panels(compared, lines, look, scale, caption, alt)


def _some(items: Sequence[str], most: int = 8) -> str:
    """The first items as one text."""
    more = f"; and {len(items) - most} more" if len(items) > most else ""
    return "; ".join(items[:most]) + more


def _judged(compared: GroupComparison, fewest: int) -> list[tuple[Arm, Curves, Curves]]:
    """Each arm with at least ``fewest`` surviving seeds, its judged curves and their epochs; none for single epochs."""
    first = compared.first_epoch
    if compared.epochs - first < 1:
        return []
    epochs = np.array(compared.axis.values[first - 1 :])
    found = [(arm, surviving(arm, compared)[:, first - 1 :], epochs) for arm in compared.arms]
    return [item for item in found if len(item[1]) >= fewest]


def _mean_scale(lines: Sequence[Line], label: str, compared: GroupComparison) -> _Scale:
    """All of training, on a logarithmic axis for what falls over decades; else its last two thirds where it is much more."""
    start = len(lines[0].epochs) // 3

    def extent(first: int) -> tuple[float, float]:
        lows = [line.low[first:].min() for line in lines if line.low is not None]
        highs = [line.high[first:].max() for line in lines if line.high is not None]
        return float(min(lows)), float(max(highs))

    whole, late = extent(0), extent(start)
    smallest = min(float(line.centre.min()) for line in lines)
    if compared.metric.way == "lower" and smallest > 0 and whole[1] > 10 * smallest:
        return _Scale(label, (max(whole[0], smallest / 2) / 1.1, whole[1] * 1.1), True)
    clipped = whole[1] - whole[0] > 2 * (late[1] - late[0])
    low, high = late if clipped else whole
    pad = 0.05 * (high - low) or max(abs(high), 1.0) * 0.01
    return _Scale(label, (low - pad, high + pad), False, clipped)


def _std_limits(lines: Sequence[Line]) -> tuple[float, float]:
    """All lines, and of the bands what stays within three times as far: those of a few seeds have no end to speak of."""
    values = np.concatenate([line.centre[line.centre > 0] for line in lines])
    if not values.size:
        return 0.1, 1.0
    low, high = float(values.min()), float(values.max())
    bands = [edge for line in lines for edge in (line.low, line.high) if edge is not None]
    edges = np.concatenate([*bands, values])
    edges = edges[np.isfinite(edges) & (edges > low / 3) & (edges < high * 3)]
    return float(edges.min()) / 1.15, float(edges.max()) * 1.15


def _thinned(line: Line) -> Line:
    """The line at no more than a few hundred epochs, the last among them."""
    if len(line.epochs) <= _MOST_POINTS:
        return line
    keep = np.unique(np.linspace(0, len(line.epochs) - 1, _MOST_POINTS).round().astype(int))
    return Line(
        line.method,
        line.epochs[keep],
        line.centre[keep],
        line.low[keep] if line.low is not None else None,
        line.high[keep] if line.high is not None else None,
    )


def _vertical(axes: Any, scale: _Scale, epochs: Curves) -> None:
    from matplotlib.ticker import MaxNLocator

    if scale.logarithmic:
        logarithmic(axes.yaxis, scale.limits)
    else:
        axes.set_ylim(*scale.limits)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4, integer=bool((epochs == epochs.round()).all())))
    axes.set_xlim(epochs[0], epochs[-1])
    quiet_grid(axes)


def horizontal(axis: Axis) -> str:
    """The label of the horizontal axis: ``Epoch``, ``Time (s)``."""
    return escape_prose(axis.quantity.capitalize() + (f" ({axis.unit})" if axis.unit else ""))


def _one_plot(
    compared: GroupComparison, lines: Sequence[Line], look: Mapping[str, Style], scale: _Scale
) -> str:
    """All methods in one plot, their names beside it."""
    with house_style():
        short = labels([line.method for line in lines])
        figure = new_figure(2.6)
        legend = 0.55 + 0.062 * max(map(len, short.values())) if len(lines) > 1 else 0.08
        right = 1 - legend / WIDTH
        axes = figure.add_axes((0.62 / WIDTH, 0.165, right - 0.62 / WIDTH, 0.8))
        draw_lines(axes, lines, look)
        _vertical(axes, scale, lines[0].epochs)
        axes.set_xlabel(horizontal(compared.axis))
        axes.set_ylabel(scale.label)
        if len(lines) > 1:
            axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1.03), borderaxespad=0)
        clear_left(figure, [axes])
        return to_svg(figure)


def _in_panels(
    compared: GroupComparison,
    lines: Sequence[Line],
    look: Mapping[str, Style],
    scale: _Scale,
    caption: str,
    alt: str,
) -> list[Drawing]:
    """A panel per method; the baseline is in each of them, the others are behind it."""
    if len(lines) > 1:
        caption += f" Each panel shows one method in colour, {compared.baseline} in black"
        caption += ", the others in grey." if len(lines) > 2 else "."
    thin = [_thinned(line) for line in lines]
    return [
        Drawing(
            _panels_of(part, thin, compared, look, scale),
            caption if i == 0 else f"{caption[:-1]} (continued).",
            alt,
        )
        for i, part in enumerate(in_figures(thin, most_panels([line.method for line in thin])))
    ]


def _panels_of(
    shown: Sequence[Line],
    lines: Sequence[Line],
    compared: GroupComparison,
    look: Mapping[str, Style],
    scale: _Scale,
) -> str:
    baseline = compared.baseline
    with house_style():
        short = labels([line.method for line in lines], 30 if len(shown) <= 9 else 26)
        figure, plots = panels(len(shown), horizontal(compared.axis), scale.label)
        for axes, line in zip(plots, shown, strict=True):
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
            _vertical(axes, scale, line.epochs)
            title(axes, short[line.method], text_colour(style.colour), len(shown))
        clear_left(figure, plots, BESIDE)
        return to_svg(figure)
