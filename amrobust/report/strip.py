"""Every seed's final value as a point, a row a method, with the mean and its interval."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from amrobust.claims.judgement import Judgement, MethodSummary
from amrobust.report.drawing import BASELINE_COLOUR, WIDTH, Style, house_style, new_figure, to_svg
from amrobust.report.text import printable
from amrobust.report.view import quantity
from amrobust.runs.arms import Curves

Row = tuple[str, Curves, MethodSummary]
"""A method, the final values of its surviving seeds, and its summary."""


def strip(
    rows: Sequence[Row], judgement: Judgement, look: Mapping[str, Style], short: Mapping[str, str]
) -> str:
    """The figure as SVG."""
    row_height = 0.27 if len(rows) <= 16 else 0.22
    height = len(rows) * row_height + 0.55
    left = 0.25 + 0.06 * max(len(short[method]) for method, _, _ in rows)
    right = 0.85 if any(summary.diverged for _, _, summary in rows) else 0.12
    with house_style():
        figure = new_figure(height)
        axes = figure.add_axes(
            (left / WIDTH, 0.46 / height, (WIDTH - left - right) / WIDTH, len(rows) * row_height / height)
        )
        draw_strip(axes, rows, judgement, look, short)
        return to_svg(figure)


def draw_strip(
    axes: Any,
    rows: Sequence[Row],
    judgement: Judgement,
    look: Mapping[str, Style],
    short: Mapping[str, str],
) -> None:
    """The points, means and labels on ``axes``."""
    import seaborn

    everything = np.concatenate([values for _, values, _ in rows])
    low, high = float(everything.min()), float(everything.max())
    for _, _, summary in rows:
        mean = summary.final_mean
        if mean is not None and mean.low is not None and mean.high is not None and math.isfinite(mean.high):
            low, high = min(low, mean.low), max(high, mean.high)
    pad = 0.04 * (high - low) or max(abs(high), 1.0) * 0.01
    axes.set_xlim(low - pad, high + pad)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    for row, (method, values, summary) in enumerate(rows):
        style = look[method]
        axes.axhline(row, color="#ececec", linewidth=0.5, zorder=0)
        # A swarm: equal values stand beside each other, and no chance is involved.
        seaborn.swarmplot(
            x=values, y=np.full(values.size, row), orient="y", native_scale=True, ax=axes, size=2.8,
            marker=style.marker, color=style.colour, linewidth=0, warn_thresh=1.0, zorder=1,
            alpha=0.45 if style.colour == BASELINE_COLOUR else 0.75,
        )  # fmt: skip
        if summary.final_mean is not None and summary.final_mean.estimate is not None:
            _mean_bar(axes, row, summary)
        if summary.diverged:
            axes.text(
                1.02, row, f"{summary.diverged} diverged", transform=axes.get_yaxis_transform(), ha="left",
                va="center", fontsize=7.5, style="italic",
            )  # fmt: skip
    axes.set_yticks(range(len(rows)), [short[method] for method, _, _ in rows])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(f"Final {printable(quantity(judgement.metric))}")


def _mean_bar(axes: Any, row: int, summary: MethodSummary) -> None:
    mean = summary.final_mean
    assert mean is not None
    if mean.low is not None and mean.high is not None:
        axes.plot([mean.low, mean.high], [row, row], color="#000000", linewidth=1.6, solid_capstyle="butt")
    axes.plot([mean.estimate] * 2, [row - 0.28, row + 0.28], color="#000000", linewidth=1.4)
