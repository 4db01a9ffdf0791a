"""The figure that shows the verdicts: estimates with intervals, a row a pair of methods, a panel a quantity."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from amrobust.judge.comparison import GroupComparison, Verdict
from amrobust.judge.kinds import KINDS
from amrobust.judge.kinds.kind import Kind
from amrobust.judge.words import significant
from amrobust.report.figures.panels import in_figures
from amrobust.report.figures.rows import MOST_ROWS, beside, row_plot
from amrobust.report.names import group_names
from amrobust.report.numbers import levels_of, ratio, ratio_interval
from amrobust.report.style import GREY, Drawing, Style, house_style, labels, plain_number, to_svg
from amrobust.report.text import escape_prose
from amrobust.report.view import difference_unit, phase_words

_RATIO_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10, 20, 50, 100)
_MOST_TICKS = 6
_MOST_PANELS = 3
_HEADING = 90
"""Characters of a group's name, which has a row to itself."""
_WIDEST = 20.0
"""Ratios beyond this many times (or this fraction) run off the panel and end in an arrowhead."""

Key = tuple[int, str, str]
"""A row: the place of its group, method, baseline."""


@dataclass(frozen=True)
class Panel:
    """One quantity over all groups: its title, and the verdict on each pair of methods."""

    kind: Kind
    """That of the first claim that it shows."""
    phase: tuple[int, int] | None
    title: str
    ratio: bool
    directions: tuple[str, str]
    verdicts: Mapping[Key, Verdict]


def forest(groups: Sequence[GroupComparison], look: Mapping[str, Style]) -> list[Drawing]:
    """Figures with up to three panels (final spread, Avg. STD, wall time, mean) and a row a pair; empty without estimates.

    Filled marks are decided claims (supported or refuted), hollow ones inconclusive. A composite claim shows by its parts. Of
    several groups only ratios are shown where there are any, since these have no unit.
    """
    every = panels_of(groups)
    if len(groups) > 1 and any(panel.ratio for panel in every):
        every = [panel for panel in every if panel.ratio]
    found = []
    for panels in in_figures(every, _MOST_PANELS):
        keys = [key for key in _keys(groups) if any(key in panel.verdicts for panel in panels)]
        alt, caption = _in_words(groups, panels), _caption(groups, panels, keys)
        for part in in_figures(keys, MOST_ROWS):
            found.append(Drawing(_draw(groups, panels, part, look), caption, alt))
            caption = f"{caption.removesuffix(' (Continued.)')} (Continued.)"
    return found


def _keys(groups: Sequence[GroupComparison]) -> list[Key]:
    return list(
        dict.fromkeys((i, v.claim.method, v.claim.baseline) for i, v in _about_pairs(groups))
    )  # fmt: skip


def _about_pairs(groups: Sequence[GroupComparison]) -> Iterator[tuple[int, Verdict]]:
    """The verdicts about pairs, with the place of their group; after them the parts of composite ones."""
    for place, compared in enumerate(groups):
        for verdict in (*compared.verdicts, *(part for v in compared.verdicts for part in v.parts)):
            if verdict.claim.is_about_a_pair:
                yield place, verdict


def panels_of(groups: Sequence[GroupComparison]) -> list[Panel]:
    """A panel for each quantity and phase that some claim about a pair has an estimate of."""
    found = []
    ratios_first = sorted(KINDS.values(), key=lambda kind: kind.estimates != "ratio")
    for quantity in dict.fromkeys(kind.quantity for kind in ratios_first if kind.quantity):
        mine = [
            (i, v)
            for i, v in _about_pairs(groups)
            if v.claim.form.quantity == quantity
            and v.interval is not None
            and v.interval.estimate is not None
        ]
        for phase in dict.fromkeys(v.claim.epochs for _, v in mine):
            verdicts: dict[Key, Verdict] = {}
            for i, v in mine:
                if v.claim.epochs == phase:
                    verdicts.setdefault((i, v.claim.method, v.claim.baseline), v)
            when = phase_words(phase, groups[0].axis)
            kind, metric = next(iter(verdicts.values())).claim.form, groups[0].metric
            is_ratio = kind.estimates == "ratio"
            unit = escape_prose(difference_unit(metric).strip())
            what = "Mean" if phase is not None and not is_ratio else quantity
            title = f"{what}{when}, {'ratio' if is_ratio else 'difference' + (f' ({unit})' if unit else '')}"
            found.append(Panel(kind, phase, title, is_ratio, kind.sides(metric), verdicts))
    return found


def _caption(groups: Sequence[GroupComparison], panels: Sequence[Panel], keys: Sequence[Key]) -> str:
    shown = [v for panel in panels for v in panel.verdicts.values()]
    intervals = f"{levels_of(v.interval for v in shown)} intervals".strip()
    caption = f"Estimates with {intervals}; filled: decided, hollow: inconclusive."
    if any(panel.ratio for panel in panels):
        material = groups[0].practical_ratio
        caption += (
            f" Ratios: method over baseline, logarithmic scale. Shaded between dashed lines: ratios nearer to 1 than "
            f"{material:g}, too small a difference to matter."
        )
    if any(v.claim.margin is not None for v in shown):
        caption += " Dashed in grey: the margin."
    baselines = {baseline for _, _, baseline in keys}
    return f"{caption} Baseline: {baselines.pop()}." if len(baselines) == 1 else caption


def _in_words(groups: Sequence[GroupComparison], panels: Sequence[Panel]) -> str:
    parts = []
    for panel in panels:
        for (_, method, baseline), verdict in panel.verdicts.items():
            assert verdict.interval is not None
            estimate = verdict.interval.estimate
            parts.append(f"{method} against {baseline}: {significant(estimate)}, {verdict.outcome}")
    more = f"; and {len(parts) - 9} more" if len(parts) > 9 else ""
    titles = ", ".join(panel.title for panel in panels)
    return f"Interval plot of {len(parts)} claims ({titles}). {'; '.join(parts[:9])}{more}."


def _draw(
    groups: Sequence[GroupComparison], panels: Sequence[Panel], keys: Sequence[Key], look: Mapping[str, Style]
) -> str:
    same_baseline = len({baseline for _, _, baseline in keys}) == 1
    methods = list(dict.fromkeys(name for compared in groups for name in compared.methods))
    short = labels(methods, 30 if same_baseline else 20)
    headings = list(labels(group_names(groups), _HEADING).values())
    rows: list[Key | str] = []
    for key in keys:
        if len(headings) > 1 and (not rows or key[0] != _group_of(rows[-1])):
            rows.append(headings[key[0]])
        rows.append(key)
    names = [
        row
        if isinstance(row, str)
        else short[row[1]]
        if same_baseline
        else f"{short[row[1]]} vs {short[row[2]]}"
        for row in rows
    ]
    alone = len(panels) == 1
    with house_style():
        titled = [position for position, row in enumerate(rows) if isinstance(row, str)]
        right = 1.75 if alone else 0.1
        plot = row_plot(names, headings=titled, plots=len(panels), top=0.42, foot=0.24, right=right)
        for axes, panel in zip(plot.axes, panels, strict=True):
            limits = _limits([other for other in panels if other.ratio == panel.ratio], groups[0])
            draw_panel(axes, panel, groups[0], rows, look, limits)
            if alone:
                for position, row in enumerate(rows):
                    if not isinstance(row, str) and row in panel.verdicts:
                        beside(axes, position, _numbers(panel.verdicts[row]), fontsize=7)
        return to_svg(plot.figure)


def draw_panel(
    axes: Any,
    panel: Panel,
    compared: GroupComparison,
    rows: Sequence[Key | str],
    look: Mapping[str, Style],
    limits: tuple[float, float] | None = None,
) -> None:
    """An interval for each of ``rows`` on ``axes``, row k at height k; ``limits`` are by default the panel's own."""
    limits = limits or _limits([panel], compared)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    _background(axes, panel, compared, limits)
    for position, row in enumerate(rows):
        if not isinstance(row, str) and row in panel.verdicts:
            _interval(axes, position, panel.verdicts[row], look[row[1]], limits)
    axes.set_title(panel.title, loc="left", pad=13)
    for text, x, side in ((panel.directions[0], 0.0, "left"), (panel.directions[1], 1.0, "right")):
        axes.text(
            x, 1.0, text, transform=axes.transAxes, ha=side, va="bottom", fontsize=7, style="italic", color="#555555"
        )  # fmt: skip


def _group_of(row: Key | str) -> int | None:
    return None if isinstance(row, str) else row[0]


def _numbers(verdict: Verdict) -> str:
    result = verdict.interval
    assert result is not None
    if verdict.claim.form.estimates == "ratio":
        return f"{ratio(result.estimate)} {ratio_interval(result)}"
    low, estimate, high = (significant(x, sign=True) for x in (result.low, result.estimate, result.high))
    return (f"{estimate} [{low}, {high}]" if result.low is not None else estimate).replace("-", "−")


def _limits(panels: Sequence[Panel], compared: GroupComparison) -> tuple[float, float]:
    """The range that ``panels``, all of one scale, share: symmetric about no difference."""
    verdicts = [v for panel in panels for v in panel.verdicts.values()]
    results = [v.interval for v in verdicts if v.interval is not None]
    values = [x for r in results for x in (r.low, r.estimate, r.high) if x is not None and math.isfinite(x)]
    if panels[0].ratio:
        reach = max(
            [abs(math.log(x)) for x in values if x > 0]
            + [1.1 * abs(math.log(edge)) for edge in _margin_edges(verdicts, compared)]
            + [-1.6 * math.log(compared.practical_ratio)]
        )
        widest = math.exp(min(reach * 1.08, math.log(_WIDEST)))
        return 1 / widest, widest
    edges = _margin_edges(verdicts, compared)
    largest = max([abs(x) for x in values] + [1.1 * abs(edge) for edge in edges]) or 1.0
    return -1.08 * largest, 1.08 * largest


def _margin_edges(verdicts: Iterable[Verdict], compared: GroupComparison) -> list[float]:
    """The ends of the regions in which claims with a margin are true, each once."""
    regions = [v.claim.form.region(v.claim, compared.metric) for v in verdicts if v.claim.margin is not None]
    return list(dict.fromkeys(edge for region in regions for edge in region if math.isfinite(edge)))


def _background(axes: Any, panel: Panel, compared: GroupComparison, limits: tuple[float, float]) -> None:
    from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

    if panel.ratio:
        axes.set_xscale("log")
        material = compared.practical_ratio
        axes.axvspan(material, 1 / material, color="#000000", alpha=0.07, linewidth=0, zorder=0)
        for edge in (material, 1 / material):
            axes.axvline(edge, color="#404040", linewidth=0.6, linestyle=(0, (4, 2)), zorder=1)
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
        axes.xaxis.set_major_locator(MaxNLocator(nbins=4, symmetric=True))
    for edge in _margin_edges(panel.verdicts.values(), compared):
        axes.axvline(edge, color=GREY, linewidth=0.8, linestyle=(0, (3, 2)), zorder=1)
    axes.set_xlim(*limits)


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
