"""A sweep over a hyperparameter: final mean and spread against its values, as the paper's Figure 3a."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from amrobust.judge.comparison import GroupComparison, MethodSummary
from amrobust.judge.words import listed, significant
from amrobust.report.figures.panels import clear_left, in_figures, quiet_grid
from amrobust.report.figures.rows import CHARACTER
from amrobust.report.style import (
    COLOURS,
    GREY,
    WIDTH,
    Drawing,
    Style,
    house_style,
    labels,
    new_figure,
    plain_number,
    series_styles,
    to_svg,
)
from amrobust.report.sweeps import Sweep, sweeps
from amrobust.report.text import escape_prose
from amrobust.report.view import quantity
from amrobust.stats.results import Result

_MOST_REFERENCES = 4
"""Up to this many methods outside the series are drawn as lines across the plot."""

_REACH = 1.0
"""References further from the series than this many times their range are named at the edge of the plot, not drawn."""

_Pick = Callable[[MethodSummary], Result | None]


def sweep_figures(compared: GroupComparison, look: Mapping[str, Style]) -> list[Drawing]:
    """For each swept hyperparameter two plots, accuracy and spread, with intervals; empty where no methods form a sweep."""
    return [
        _figure(compared, Sweep(sweep.parameter, tuple(part)), look)
        for sweep in sweeps(compared.identities)
        for part in in_figures(sweep.series, len(COLOURS))
    ]


def _figure(compared: GroupComparison, sweep: Sweep, look: Mapping[str, Style]) -> Drawing:
    summaries = {summary.method: summary for summary in compared.summaries}
    every = sweeps(compared.identities)
    swept = {method for other in every for one in other.series for method in one.methods}
    references = [name for name in summaries if name not in swept]
    references = references if len(references) <= _MOST_REFERENCES else []
    averages = any(summary.avg_std is not None for summary in compared.summaries)
    name = escape_prose(quantity(compared.metric))
    unit = f" ({escape_prose(compared.metric.unit)})" if compared.metric.unit else ""
    picks: tuple[tuple[str, _Pick], tuple[str, _Pick]] = (
        (f"Final mean of {name}", lambda s: s.final_mean),
        (f"Avg. STD{unit}", lambda s: s.avg_std)
        if averages
        else (f"Final STD{unit}", lambda s: s.final_spread),
    )
    caption = (
        f"{picks[0][0]} and {picks[1][0].removesuffix(unit)} against {sweep.parameter}, with intervals"
        + (f"; lines across: {listed(references)}." if references else ".")
    )
    limits = [_limits(sweep, summaries, references, pick) for _, pick in picks]
    if any(
        _beyond(pick(summaries[name]), axis)
        for name in references
        for (_, pick), axis in zip(picks, limits, strict=True)
    ):
        caption += " Arrows name values beyond the axis."
    parts = []
    for one in sweep.series:
        spread = [picks[1][1](summaries[method]) for method in one.methods]
        values = [
            f"{value:g}: {significant(result.estimate)}"
            for value, result in zip(one.values, spread, strict=True)
            if result is not None
        ]
        parts.append(f"{one.label}: {', '.join(values)}")
    alt = f"Final mean and spread against {sweep.parameter}. {picks[1][0]} by {sweep.parameter}: {'; '.join(parts)}."
    return Drawing(_draw(sweep, summaries, references, picks, limits, look), caption, alt)


def _draw(
    sweep: Sweep,
    summaries: Mapping[str, MethodSummary],
    references: Sequence[str],
    picks: Sequence[tuple[str, _Pick]],
    limits: Sequence[tuple[float, float]],
    look: Mapping[str, Style],
) -> str:
    values = sorted({value for one in sweep.series for value in one.values})
    is_log = values[0] > 0 and values[-1] / values[0] > 5
    with house_style():
        names = labels([one.label for one in sweep.series] + list(references))
        columns = max(
            1, min(len(names), int((WIDTH - 0.2) / (0.7 + CHARACTER * max(map(len, names.values())))))
        )
        top, foot, left, gap = 0.1, 0.45 + 0.17 * math.ceil(len(names) / columns), 0.62, 0.72
        height = top + foot + 1.9
        figure = new_figure(height)
        width = (WIDTH - left - gap - 0.1) / 2
        for place, (label, pick) in enumerate(picks):
            axes = figure.add_axes(
                (
                    (left + place * (width + gap)) / WIDTH,
                    foot / height,
                    width / WIDTH,
                    1 - (top + foot) / height,
                )
            )
            styles = series_styles(look, sweep.series)
            for turn, (one, style) in enumerate(zip(sweep.series, styles, strict=True)):
                # Side by side, so that intervals at one value do not cover each other.
                aside = 0.012 * (turn - (len(styles) - 1) / 2)
                places = [_moved(value, aside, values, is_log) for value in one.values]
                _series(axes, one.methods, places, style, summaries, pick, look, names[one.label])
            across = {name: names[name] for name in references}
            _references(axes, across, summaries, look, pick, limits[place])
            axes.set_ylim(limits[place])
            if is_log:
                axes.set_xscale("log", base=2)
            axes.minorticks_off()
            shown = _apart(values, is_log, width)
            axes.set_xticks(shown, [plain_number(value) for value in shown])
            axes.set_xlabel(sweep.parameter)
            axes.set_ylabel(label)
            quiet_grid(axes)
            if place == 0:
                handles = axes.get_legend_handles_labels()
        clear_left(figure, figure.axes)
        figure.legend(*handles, loc="lower center", bbox_to_anchor=(0.5, 0.0), ncols=columns)
        return to_svg(figure)


def _series(
    axes: Any,
    methods: Sequence[str],
    values: Sequence[float],
    style: Style,
    summaries: Mapping[str, MethodSummary],
    pick: _Pick,
    look: Mapping[str, Style],
    label: str,
) -> None:
    found = [(value, method, pick(summaries[method])) for value, method in zip(values, methods, strict=True)]
    known = [(value, method, r) for value, method, r in found if r is not None and r.estimate is not None]
    axes.plot(
        [value for value, _, _ in known], [r.estimate for _, _, r in known], color=style.colour, linestyle=style.dashes,
        label=label, zorder=2,
    )  # fmt: skip
    for value, method, result in known:
        colour = look[method].colour
        if result.low is not None and result.high is not None:
            axes.plot([value] * 2, [result.low, result.high], color=colour, linewidth=0.9, zorder=1)
        axes.plot(
            [value], [result.estimate], marker=style.marker, markersize=4.2, color=colour, markeredgecolor=style.colour,
            markeredgewidth=0.6, zorder=3,
        )  # fmt: skip


def _limits(
    sweep: Sweep, summaries: Mapping[str, MethodSummary], references: Sequence[str], pick: _Pick
) -> tuple[float, float]:
    """Of the vertical axis: the series with their intervals, and the references that do not press them flat."""
    ends = _ends([pick(summaries[method]) for one in sweep.series for method in one.methods])
    if not ends:
        return 0.0, 1.0
    low, high = min(ends), max(ends)
    reach = _REACH * (high - low)
    near = [
        end
        for end in _ends([pick(summaries[name]) for name in references])
        if low - reach <= end <= high + reach
    ]
    low, high = min([low, *near]), max([high, *near])
    pad = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    return low - pad, high + pad


def _beyond(result: Result | None, limits: tuple[float, float]) -> bool:
    """Whether the estimate lies outside the vertical axis."""
    return (
        result is not None and result.estimate is not None and not limits[0] <= result.estimate <= limits[1]
    )


def _ends(results: Sequence[Result | None]) -> list[float]:
    values = [value for r in results if r is not None for value in (r.estimate, r.low, r.high)]
    return [value for value in values if value is not None and math.isfinite(value)]


def _references(
    axes: Any,
    names: Mapping[str, str],
    summaries: Mapping[str, MethodSummary],
    look: Mapping[str, Style],
    pick: _Pick,
    limits: tuple[float, float],
) -> None:
    """Lines across; those outside ``limits`` are named at the edge they lie behind, with their values."""
    below: list[str] = []
    above: list[str] = []
    for method, label in names.items():
        result, style = pick(summaries[method]), look[method]
        if result is None or result.estimate is None:
            continue
        # One outside the axes is drawn all the same, for the legend's sake.
        axes.axhline(
            result.estimate, color=style.colour, linewidth=0.9, linestyle=style.dashes, label=label, zorder=1
        )
        if _beyond(result, limits):
            (below if result.estimate < limits[0] else above).append(
                f"{label}: {significant(result.estimate)}"
            )
        elif result.low is not None and result.high is not None:
            axes.axhspan(result.low, result.high, color=style.colour, alpha=0.07, linewidth=0, zorder=0)
    for outside, arrow, height, side in ((below, "↓", 0.03, "bottom"), (above, "↑", 0.97, "top")):
        if outside:
            text = f"{arrow} {', '.join(outside)}"
            axes.text(0.03, height, text, transform=axes.transAxes, va=side, fontsize="small", color=GREY)


def _moved(value: float, aside: float, values: Sequence[float], is_log: bool) -> float:
    """The value, moved by a share of the axis."""
    if is_log:
        return value * math.exp(aside * math.log(values[-1] / values[0]))
    return value + aside * (values[-1] - values[0])


def _apart(values: Sequence[float], is_log: bool, width: float) -> list[float]:
    """The values whose tick labels do not collide on an axis of ``width`` inches: the ends, and what fits between them."""
    places = [math.log(value) if is_log else value for value in values]
    scale = width / (places[-1] - places[0])
    sizes = [CHARACTER * len(plain_number(value)) for value in values]

    def clear(i: int, j: int) -> bool:
        return (places[j] - places[i]) * scale > (sizes[i] + sizes[j]) / 2 + CHARACTER

    shown = [0]
    for i in range(1, len(values) - 1):
        if clear(shown[-1], i) and clear(i, len(values) - 1):
            shown.append(i)
    return [values[i] for i in (*shown, len(values) - 1)]
