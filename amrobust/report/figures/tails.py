"""Tails: quantiles and exceedance of the final values with exact bands, and the bounds that are claimed of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from amrobust.judge.comparison import GroupComparison, Verdict
from amrobust.judge.words import powers_of_ten, significant
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
from amrobust.report.style import Drawing, Style, house_style, labels, text_colour, to_svg
from amrobust.report.text import escape_prose
from amrobust.report.view import quantity
from amrobust.runs.arms import Arm
from amrobust.runs.values import Curves
from amrobust.stats import distribution_band, exceedance_curve
from amrobust.stats.samples import FEWEST_SEEDS
from amrobust.stats.tails import Worse

_LONG_TAIL = 100
"""From this many seeds on, probabilities are drawn on a logarithmic scale."""


@dataclass(frozen=True)
class _Values:
    """The final values of one method; non-finite ones diverged."""

    method: str
    values: Curves
    bounds: tuple[Verdict, ...]

    @property
    def finite(self) -> Curves:
        return np.asarray(self.values[np.isfinite(self.values)])


def _worse(compared: GroupComparison) -> Worse:
    return "low" if compared.metric.way == "higher" else "high"


def _values(compared: GroupComparison) -> list[_Values]:
    """The methods whose tails exact bands are about: seeds independent of each other, enough of them, some finite."""
    bounds: dict[str, list[Verdict]] = {}
    for verdict in compared.verdicts:
        if verdict.claim.bound is not None:
            bounds.setdefault(verdict.claim.method, []).append(verdict)
    found = [
        _Values(arm.method, _finals(arm, compared), tuple(bounds.get(arm.method, ())))
        for arm in compared.arms
        if not arm.x0s
    ]
    return [item for item in found if len(item.values) >= FEWEST_SEEDS and item.finite.size]


def _finals(arm: Arm, compared: GroupComparison) -> Curves:
    from amrobust.stats import final_values

    values = final_values(arm.curves[compared.metric.name], compared.final)
    return np.where(np.isin(arm.seeds, arm.diverged), np.nan, values)


def quantiles(compared: GroupComparison, look: Mapping[str, Style]) -> list[Drawing]:
    """The quantile function of each method's final values with the band of Dvoretzky, Kiefer, Wolfowitz and Massart."""
    items = _values(compared)
    level = 1 - compared.alpha
    name = escape_prose(quantity(compared.metric))
    caption = (
        f"Quantiles of the final {name}, from the best run to the worst. Band: {percent(level)} for the whole distribution of "
        "a method at once, whatever its shape (Dvoretzky, Kiefer, Wolfowitz; Massart); where it reaches the edge, these seeds "
        "bound nothing."
    )
    if any(item.finite.size < item.values.size for item in items):
        caption += " Diverged runs are worse than any value and lie beyond the edge."
    limits = _limits(items)
    return [
        Drawing(
            _quantile_panels(part, compared, look, limits, level),
            caption if i == 0 else f"{caption} (Continued.)",
            f"The quantile function of the final {name} with its band, a panel per method. {_medians(part)}",
        )
        for i, part in enumerate(in_figures(items, most_panels([item.method for item in items])))
    ]


def exceedances(compared: GroupComparison, look: Mapping[str, Style]) -> list[Drawing]:
    """P(a run ends worse than x) of each method with Clopper and Pearson's interval at each x, and the claimed bounds."""
    items = _values(compared)
    level = 1 - compared.alpha
    name = escape_prose(quantity(compared.metric))
    side = "below" if _worse(compared) == "low" else "above"
    caption = (
        f"Share of runs that end {side} a value of {name}; band: exact {percent(level)} interval at each value (Clopper and "
        "Pearson)."
    )
    if any(item.bounds for item in items):
        caption += (
            " Diamonds: the bounds that are claimed, a probability for each threshold; filled where the claim is decided. A "
            "method whose curve stays below them ends worse less often than the bound allows."
        )
    logarithmic_share = any(len(item.values) >= _LONG_TAIL or item.bounds for item in items)
    return [
        Drawing(
            _exceedance_panels(part, compared, look, level, logarithmic_share),
            caption if i == 0 else f"{caption} (Continued.)",
            f"The probability that a run ends {side} a value, a panel per method. {_medians(part)} {_bounds_in_words(part)}",
        )
        for i, part in enumerate(in_figures(items, most_panels([item.method for item in items])))
    ]


def _limits(items: Sequence[_Values]) -> tuple[float, float]:
    if not items:
        return 0.0, 1.0
    low = min(float(item.finite.min()) for item in items)
    high = max(float(item.finite.max()) for item in items)
    pad = 0.08 * (high - low) or max(abs(high), 1.0) * 0.01
    return low - pad, high + pad


def _medians(items: Sequence[_Values]) -> str:
    parts = [f"{item.method}: median {significant(float(np.median(item.finite)), 4)}" for item in items[:8]]
    return "; ".join(parts) + "."


def _bounds_in_words(items: Sequence[_Values]) -> str:
    parts = []
    for item in items:
        for verdict in item.bounds:
            assert verdict.claim.bound is not None
            parts.append(
                f"{item.method}, bound {powers_of_ten(f'{verdict.claim.bound[0]:.3g}')}: {verdict.outcome}"
            )
    return "; ".join(parts[:8]) + "." if parts else ""


def _quantile_panels(
    items: Sequence[_Values],
    compared: GroupComparison,
    look: Mapping[str, Style],
    limits: tuple[float, float],
    level: float,
) -> str:
    worse = _worse(compared)
    turn = -1.0 if worse == "low" else 1.0
    worst, best = (limits[0], limits[1]) if worse == "low" else (limits[1], limits[0])
    with house_style():
        short = labels([item.method for item in items], 30 if len(items) <= 9 else 26)
        figure, plots = panels(
            len(items),
            "Share of runs that end at least as well (%)",
            escape_prose(quantity(compared.metric)).capitalize(),
        )
        for axes, item in zip(plots, items, strict=True):
            style = look[item.method]
            band = distribution_band(item.values, worse=worse, level=level)
            finite = np.isfinite(band.values)
            # From the best edge to the worst: the bounds of the share are steps at the observed values.
            steps = np.concatenate([[best], turn * band.values[finite], [worst]])
            half = float((band.high - band.share).max())
            high = np.concatenate([[half], band.high[finite]])
            low = np.concatenate([[0.0], band.low[finite]])
            share = np.concatenate([[0.0], band.share[finite]])
            axes.fill_betweenx(
                np.repeat(steps, 2)[1:-1], 100 * np.repeat(low, 2), 100 * np.repeat(high, 2),
                color=style.colour, alpha=0.2, linewidth=0,
            )  # fmt: skip
            # Each run holds its value over its own share: the k-th best from (k − 1)/n to k/n.
            axes.plot(
                100 * np.repeat(share, 2)[1:-1],
                np.repeat(turn * band.values[finite], 2),
                color=style.colour,
                linewidth=1.2,
            )
            axes.set_xlim(0, 100)
            axes.set_ylim(*limits)
            axes.set_xticks([25, 50, 75])
            quiet_grid(axes, "both")
            title(axes, short[item.method], text_colour(style.colour), len(items))
        clear_left(figure, plots, BESIDE)
        return to_svg(figure)


def _exceedance_panels(
    items: Sequence[_Values],
    compared: GroupComparison,
    look: Mapping[str, Style],
    level: float,
    logarithmic_share: bool,
) -> str:
    worse = _worse(compared)
    with house_style():
        short = labels([item.method for item in items], 30 if len(items) <= 9 else 26)
        figure, plots = panels(
            len(items), f"Final {escape_prose(quantity(compared.metric))}", "P(ends worse)"
        )
        limits, wide = _reach(items)
        most = max(len(item.values) for item in items)
        least = min([0.3 / most] + [v.claim.bound[1] / 2 for i in items for v in i.bounds if v.claim.bound])
        for axes, item in zip(plots, items, strict=True):
            style = look[item.method]
            curve = exceedance_curve(item.values, worse=worse, level=level)
            thresholds = np.concatenate([[limits[0]], curve.thresholds, [limits[1]]])
            steps = np.repeat(thresholds, 2)[1:-1]
            axes.fill_between(
                steps, np.repeat(curve.low, 2), np.repeat(curve.high, 2), color=style.colour, alpha=0.2, linewidth=0
            )  # fmt: skip
            axes.plot(steps, np.repeat(curve.share, 2), color=style.colour, linewidth=1.2)
            _bounds(axes, item.bounds)
            if logarithmic_share:
                logarithmic(axes.yaxis, (least, 1.3))
            else:
                axes.set_ylim(-0.03, 1.03)
                axes.set_yticks([0, 0.5, 1])
            if wide:
                logarithmic(axes.xaxis, limits)
            else:
                axes.locator_params(axis="x", nbins=4)
                axes.set_xlim(*limits)
            quiet_grid(axes, "both")
            title(axes, short[item.method], text_colour(style.colour), len(items))
        clear_left(figure, plots, BESIDE)
        return to_svg(figure)


def _reach(items: Sequence[_Values]) -> tuple[tuple[float, float], bool]:
    """Limits that hold all values and thresholds, and whether these are so far apart that a logarithmic scale is due."""
    low, high = _limits(items)
    thresholds = [v.claim.bound[0] for item in items for v in item.bounds if v.claim.bound is not None]
    if not thresholds:
        return (low, high), False
    smallest = min(float(item.finite.min()) for item in items)
    if smallest > 0 and max(thresholds) > 10 * max(float(np.median(item.finite)) for item in items):
        return (smallest / 1.3, max(*thresholds, high) * 1.3), True
    pad = 0.05 * (max(*thresholds, high) - min(*thresholds, low))
    return (min(*thresholds, low) - pad, max(*thresholds, high) + pad), False


def _bounds(axes: Any, verdicts: Sequence[Verdict]) -> None:
    points = sorted(v.claim.bound for v in verdicts if v.claim.bound is not None)
    if not points:
        return
    axes.plot(*zip(*points, strict=True), color="#000000", linewidth=0.8, linestyle=(0, (3, 2)))
    for verdict in verdicts:
        assert verdict.claim.bound is not None
        decided = verdict.outcome in ("supported", "refuted")
        axes.plot(
            *verdict.claim.bound, marker="D", markersize=3.6, markeredgecolor="#000000", markeredgewidth=0.9,
            markerfacecolor="#000000" if decided else "#ffffff",
        )  # fmt: skip
