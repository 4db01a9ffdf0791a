"""The one figure that shows the verdicts: estimates with intervals of every claim, a row a pair of methods."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from amrobust.claims.judgement import ClaimKind, Judgement, Verdict
from amrobust.report.drawing import (
    GREY,
    WIDTH,
    Drawing,
    Style,
    house_style,
    labels,
    new_figure,
    plain_number,
    to_svg,
)
from amrobust.report.text import printable
from amrobust.report.view import difference_unit

_RATIO_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10, 20, 50, 100)
_MOST_TICKS = 6
_WIDEST = 20.0
"""Ratios beyond this many times (or this fraction) run off the panel and end in an arrowhead."""


@dataclass(frozen=True)
class Panel:
    """One quantity: its title, whether it is a ratio, and the verdict on each pair of methods."""

    title: str
    ratio: bool
    verdicts: Mapping[tuple[str, str], Verdict]


def forest(judgement: Judgement, look: Mapping[str, Style]) -> Drawing | None:
    """A panel a quantity (final spread, Avg. STD, final mean), a row a pair; None where no claim has an estimate.

    Filled marks are decided claims (supported or refuted), hollow ones inconclusive.
    """
    panels = [panel for panel in panels_of(judgement) if panel.verdicts]
    if not panels:
        return None
    pairs = list(dict.fromkeys((v.claim.method, v.claim.baseline) for v in judgement.verdicts))
    ratios = any(panel.ratio for panel in panels)
    level = {v.interval.level for v in judgement.verdicts if v.interval is not None and v.interval.level}
    intervals = f"{round(100 * level.pop(), 2):g} % intervals" if len(level) == 1 else "intervals"
    caption = f"Estimates with {intervals}; filled: decided, hollow: inconclusive."
    if ratios:
        caption += (
            f" Ratios are of STDs, method over baseline (logarithmic scale): below 1 the method varies less. "
            f"Shaded: ratios nearer to 1 than {judgement.material_ratio:g}, too small a difference to matter."
        )
    if any(v.claim.margin is not None for panel in panels for v in panel.verdicts.values()):
        caption += " Dashed: the margin."
    baselines = {baseline for _, baseline in pairs}
    if len(baselines) == 1:
        caption += f" Baseline: {baselines.pop()}."
    alt = f"Interval plot of {sum(len(panel.verdicts) for panel in panels)} claims about {len(pairs)} pairs of methods."
    return Drawing(_draw(judgement, panels, pairs, look), caption, alt)


def panels_of(judgement: Judgement) -> list[Panel]:
    """Final spread, Avg. STD and final mean, each with the verdicts that have an estimate."""

    def having(*kinds: ClaimKind) -> dict[tuple[str, str], Verdict]:
        return {
            (v.claim.method, v.claim.baseline): v
            for v in judgement.verdicts
            if v.claim.kind in kinds and v.interval is not None and v.interval.estimate is not None
        }

    return [
        Panel("Final STD, ratio", True, having("less spread")),
        Panel("Avg. STD, ratio", True, having("less Avg. STD")),
        Panel(
            f"Final mean, difference{_bracketed(printable(difference_unit(judgement.metric)))}",
            False,
            having("better mean", "equivalent mean", "no worse than"),
        ),
    ]


def _bracketed(unit: str) -> str:
    return f" ({unit.strip()})" if unit else ""


def _draw(
    judgement: Judgement,
    panels: Sequence[Panel],
    pairs: Sequence[tuple[str, str]],
    look: Mapping[str, Style],
) -> str:
    same_baseline = len({baseline for _, baseline in pairs}) == 1
    longest = 30 if same_baseline else 20
    short = labels([arm.method for arm in judgement.arms], longest)
    names = [short[a] if same_baseline else f"{short[a]} / {short[b]}" for a, b in pairs]
    row = 0.24 if len(pairs) <= 20 else 0.19
    top, foot, gap = 0.42, 0.24, 0.18
    height = len(pairs) * row + top + foot
    left = 0.12 + 0.062 * max(len(name) for name in names)
    width = (WIDTH - left - 0.1 - gap * (len(panels) - 1)) / len(panels)
    with house_style():
        figure = new_figure(height)
        for place, panel in enumerate(panels):
            axes = figure.add_axes(
                (
                    (left + place * (width + gap)) / WIDTH,
                    foot / height,
                    width / WIDTH,
                    len(pairs) * row / height,
                )
            )
            limits = _limits([p for p in panels if p.ratio == panel.ratio], judgement)
            draw_panel(axes, panel, judgement, pairs, names if place == 0 else [], look, limits)
        return to_svg(figure)


def draw_panel(
    axes: Any,
    panel: Panel,
    judgement: Judgement,
    pairs: Sequence[tuple[str, str]],
    names: Sequence[str],
    look: Mapping[str, Style],
    limits: tuple[float, float] | None = None,
) -> None:
    """One panel on ``axes``: an interval for each of ``pairs``, called ``names``."""
    limits = limits or _limits([panel], judgement)
    _background(axes, panel, judgement, limits, len(pairs))
    for position, pair in enumerate(pairs):
        if pair in panel.verdicts:
            _interval(axes, position, panel.verdicts[pair], look[pair[0]], limits)
    axes.set_yticks(range(len(pairs)), names)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_title(panel.title, loc="left", pad=13)
    _directions(axes, panel, judgement)


def _limits(panels: Sequence[Panel], judgement: Judgement) -> tuple[float, float]:
    """The range that ``panels``, all of one scale, share: symmetric about no difference."""
    verdicts = [v for panel in panels for v in panel.verdicts.values()]
    results = [v.interval for v in verdicts if v.interval is not None]
    values = [x for r in results for x in (r.low, r.estimate, r.high) if x is not None and math.isfinite(x)]
    if panels[0].ratio:
        reach = max([abs(math.log(x)) for x in values if x > 0] + [-1.6 * math.log(judgement.material_ratio)])
        widest = math.exp(min(reach * 1.08, math.log(_WIDEST)))
        return 1 / widest, widest
    margins = [v.claim.margin for v in verdicts if v.claim.margin is not None]
    largest = max([abs(x) for x in values] + [1.1 * m for m in margins]) or 1.0
    return -1.08 * largest, 1.08 * largest


def _background(
    axes: Any, panel: Panel, judgement: Judgement, limits: tuple[float, float], rows: int
) -> None:
    from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

    axes.set_ylim(rows - 0.5, -0.5)
    for position in range(rows):
        axes.axhline(position, color="#efefef", linewidth=0.5, zorder=0)
    if panel.ratio:
        axes.set_xscale("log")
        material = judgement.material_ratio
        axes.axvspan(material, 1 / material, color="#000000", alpha=0.07, linewidth=0, zorder=0)
        axes.axvline(1, color="#000000", linewidth=0.8, zorder=1)
        ticks = [tick for tick in _RATIO_TICKS if limits[0] <= tick <= limits[1]]
        if len(ticks) < 3:
            ticks = [tick for tick in (0.8, 0.9, 1, 1.1, 1.25) if limits[0] <= tick <= limits[1]]
        while len(ticks) > _MOST_TICKS:
            one = ticks.index(1)
            ticks = ticks[one % 2 :: 2]
        axes.xaxis.set_major_locator(FixedLocator(ticks))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(plain_number)
    else:
        axes.axvline(0, color="#000000", linewidth=0.8, zorder=1)
        for margin in {v.claim.margin for v in panel.verdicts.values() if v.claim.margin is not None}:
            for edge in (-margin, margin):
                axes.axvline(edge, color=GREY, linewidth=0.8, linestyle=(0, (3, 2)), zorder=1)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=4, symmetric=True))
    axes.set_xlim(*limits)


def _directions(axes: Any, panel: Panel, judgement: Judgement) -> None:
    if panel.ratio:
        left, right = "← varies less", "varies more →"
    elif judgement.metric.better == "higher":
        left, right = "← worse", "better →"
    else:
        left, right = "← better", "worse →"
    for text, x, side in ((left, 0.0, "left"), (right, 1.0, "right")):
        axes.text(
            x, 1.0, text, transform=axes.transAxes, ha=side, va="bottom", fontsize=7, style="italic", color="#555555"
        )  # fmt: skip


def _interval(axes: Any, position: int, verdict: Verdict, style: Style, limits: tuple[float, float]) -> None:
    result = verdict.interval
    assert result is not None
    assert result.estimate is not None
    if result.low is not None and result.high is not None:
        ends = [min(max(x, limits[0]), limits[1]) for x in (result.low, result.high)]
        axes.plot(ends, [position] * 2, color=style.colour, linewidth=1.4, solid_capstyle="butt")
        for value, end, arrow in ((result.low, ends[0], "<"), (result.high, ends[1], ">")):
            if value != end:
                axes.plot([end], [position], arrow, color=style.colour, markersize=4, clip_on=False)
    if limits[0] <= result.estimate <= limits[1]:
        decided = verdict.outcome in ("supported", "refuted")
        axes.plot(
            [result.estimate], [position], marker=style.marker, markersize=5, markeredgecolor=style.colour,
            markerfacecolor=style.colour if decided else "#ffffff", markeredgewidth=1.1,
        )  # fmt: skip
