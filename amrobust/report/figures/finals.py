"""Every seed's final value, with the mean and its interval."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from amrobust.judge.comparison import GroupComparison, MethodSummary
from amrobust.judge.words import significant
from amrobust.report.figures.curves import seeds_in_words, surviving
from amrobust.report.figures.panels import in_figures
from amrobust.report.figures.rows import MOST_ROWS, beside, row_plot
from amrobust.report.style import BASELINE_COLOUR, Drawing, Style, house_style, labels, to_svg
from amrobust.report.text import escape_prose
from amrobust.report.view import quantity
from amrobust.runs.values import Curves

_SWARM = 200
"""Up to this many seeds every one is a point; more are drawn as a shape, and the outermost of them as points."""
_OUTERMOST = 10
_FEW = 5
"""Up to this many seeds have larger points."""
_SEEDS_AT, _BREADTH = -0.14, 0.28
_MEAN_AT = 0.3
"""Parts of a row: its seeds, and below them, so that neither hides the other, their mean with its interval."""


@dataclass(frozen=True)
class FinalRow:
    """A method, the final values of its surviving seeds, and its summary."""

    method: str
    values: Curves
    summary: MethodSummary


def final_rows(compared: GroupComparison) -> list[FinalRow]:
    """A row for each method whose seeds are known, which a published table's are not."""
    from amrobust.stats import final_values

    summaries = {summary.method: summary for summary in compared.summaries}
    rows = []
    for arm in compared.arms:
        curves = surviving(arm, compared)
        values = final_values(curves, compared.final) if len(curves) else np.array([])
        rows.append(FinalRow(arm.method, values, summaries[arm.method]))
    return rows


def final_values_figure(compared: GroupComparison, look: Mapping[str, Style]) -> list[Drawing]:
    """A row per method: its final values, the mean and its interval, and how many seeds diverged."""
    rows = final_rows(compared)
    if not any(row.values.size for row in rows):
        return []
    short = labels([arm.method for arm in compared.arms])
    caption = (
        f"Final {escape_prose(quantity(compared.metric))} of every seed ({seeds_in_words(compared)}); black, below: the mean "
        "with its interval, where there is one."
    )
    if any(row.values.size > _SWARM for row in rows):
        caption += f" More than {_SWARM} seeds are drawn as a shape as broad as they are many, the outermost as points."
    limits = _limits(rows)
    return [
        Drawing(
            _strip(part, compared, look, short, limits),
            caption if i == 0 else f"{caption[:-1]} (continued).",
            f"A row of points for each method, one per seed, at its final value. {_in_words(part)}",
        )
        for i, part in enumerate(in_figures(rows, MOST_ROWS))
    ]


def _in_words(rows: Sequence[FinalRow]) -> str:
    parts = [
        f"{row.method}: {significant(row.values.min(), 4)} to {significant(row.values.max(), 4)}"
        for row in rows
        if row.values.size
    ]
    return f"Ranges: {'; '.join(parts[:8])}" + ("; and others." if len(parts) > 8 else ".")


def _limits(rows: Sequence[FinalRow]) -> tuple[float, float]:
    everything = np.concatenate([row.values for row in rows])
    low, high = float(everything.min()), float(everything.max())
    for row in rows:
        mean = row.summary.final_mean
        if mean is not None and mean.low is not None and mean.high is not None and math.isfinite(mean.high):
            low, high = min(low, mean.low), max(high, mean.high)
    pad = 0.04 * (high - low) or max(abs(high), 1.0) * 0.01
    return low - pad, high + pad


def _strip(
    rows: Sequence[FinalRow],
    compared: GroupComparison,
    look: Mapping[str, Style],
    short: Mapping[str, str],
    limits: tuple[float, float],
) -> str:
    lost = any(row.summary.diverged for row in rows)
    with house_style():
        plot = row_plot([short[row.method] for row in rows], right=0.85 if lost else 0.12)
        draw_strip(plot.axes[0], rows, compared, look, limits)
        return to_svg(plot.figure)


def draw_strip(
    axes: Any,
    rows: Sequence[FinalRow],
    compared: GroupComparison,
    look: Mapping[str, Style],
    limits: tuple[float, float] | None = None,
) -> None:
    """The points and means on ``axes``, row k at height k; ``limits`` are those of the values, by default their own."""
    axes.set_xlim(*(limits or _limits(rows)))
    axes.set_ylim(len(rows) - 0.5, -0.5)
    for position, row in enumerate(rows):
        style = look[row.method]
        if row.values.size > _SWARM:
            _shape(axes, position, np.sort(row.values), style)
        elif row.values.size:
            _points(axes, position, row.values, style)
        if row.summary.final_mean is not None and row.summary.final_mean.estimate is not None:
            _mean_bar(axes, position, row.summary)
        if row.summary.diverged:
            beside(axes, position, f"{row.summary.diverged} diverged", style="italic")
    axes.set_xlabel(f"Final {escape_prose(quantity(compared.metric))}")


def _points(axes: Any, position: int, values: Curves, style: Style) -> None:
    """The values as points that stand beside each other where they would overlap: no chance is involved."""
    box = axes.get_window_extent()
    low, high = axes.get_xlim()
    across = (values - low) / (high - low) * box.width * 72 / axes.figure.dpi
    size = 2.8 if len(values) > _FEW else 4.0
    bins = np.floor(across / size)
    offsets = np.zeros(len(values))
    for one in np.unique(bins):
        members = np.flatnonzero(bins == one)
        members = members[np.argsort(values[members], kind="stable")]
        # 0, 1, −1, 2, −2, … diameters from the row.
        steps = np.arange(len(members))
        offsets[members] = np.where(steps % 2, 1, -1) * ((steps + 1) // 2)
    row = abs(box.height) * 72 / axes.figure.dpi / abs(np.subtract(*axes.get_ylim()))
    furthest = float(np.abs(offsets).max())
    step = min(size, _BREADTH * row / furthest) if furthest else 0.0
    axes.plot(
        values, position + _SEEDS_AT + offsets * step / row, linestyle="none", marker=style.marker, markersize=size,
        color=style.colour, markeredgewidth=0, zorder=3, alpha=0.5 if style.colour == BASELINE_COLOUR else 0.8,
    )  # fmt: skip


def _shape(axes: Any, position: int, values: Curves, style: Style) -> None:
    """A histogram on both sides of the row, and the outermost values as points."""
    counts, edges = np.histogram(values, bins=60)
    centre, breadth = position + _SEEDS_AT, _BREADTH * counts / counts.max()
    axes.fill_between(
        (edges[:-1] + edges[1:]) / 2, centre - breadth, centre + breadth, color=style.colour, alpha=0.5, linewidth=0
    )  # fmt: skip
    ends = np.concatenate([values[:_OUTERMOST], values[-_OUTERMOST:]])
    axes.plot(
        ends, np.full(len(ends), centre), linestyle="none", marker=style.marker, markersize=2.2, color=style.colour,
        markeredgewidth=0,
    )  # fmt: skip


def _mean_bar(axes: Any, position: int, summary: MethodSummary) -> None:
    mean = summary.final_mean
    assert mean is not None
    height = position + _MEAN_AT
    if mean.low is not None and mean.high is not None:
        axes.plot([mean.low, mean.high], [height] * 2, color="#000000", linewidth=1.6, solid_capstyle="butt")
    axes.plot([mean.estimate] * 2, [height - 0.14, height + 0.14], color="#000000", linewidth=1.4)
