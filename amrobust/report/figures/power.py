"""Power over the number of seeds: what the claims of a study could have found, and what a planned study will."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from amrobust.judge.comparison import GroupComparison, Verdict
from amrobust.judge.kinds import KINDS
from amrobust.judge.kinds.kind import Kind
from amrobust.judge.planning import Power
from amrobust.report.figures.panels import quiet_grid
from amrobust.report.style import COLOURS, WIDTH, Drawing, Style, house_style, new_figure, save_figure, to_svg
from amrobust.report.text import escape_prose
from amrobust.report.view import difference_unit
from amrobust.stats import power_at_seeds
from amrobust.stats.results import Result
from amrobust.stats.samples import FEWEST_SEEDS

_RATIOS = (1.25, 1.5, 2.0, 3.0)
_DIFFERENCES = (0.5, 1.0, 2.0)
"""In STDs of the seeds."""
_WANTED = 0.8
_LINES: tuple[tuple[str, Any], ...] = (
    ("#9a9a9a", (0, (1.2, 1.2))), ("#6e6e6e", (0, (5, 1.6))), ("#3c3c3c", (0, (6, 1.4, 1.2, 1.4))), ("#000000", "solid"),
)  # fmt: skip
_SWEPT = {
    "less spread": "Final STD",
    "less Avg. STD": "Avg. STD",
    "better mean": "Final mean",
    "equivalent mean": "Equal means",
}
"""The kinds of claim that have a panel, and its title."""


@dataclass(frozen=True)
class _Truth:
    """What may be true: its name, its size on the scale of the standard error, and the margin it is tested against."""

    name: str
    effect: float
    margin: float | None = None


@dataclass(frozen=True)
class _Plot:
    title: str
    result: Result
    """The claim whose standard error is the median one."""
    truths: tuple[_Truth, ...]


def power_figure(compared: GroupComparison, look: Mapping[str, Style]) -> list[Drawing]:
    """Power against the number of seeds for several truths, a panel a kind of claim; empty without standard errors."""
    plots = _plots(compared)
    if not plots:
        return []
    family = max(v.family_size for v in compared.verdicts)
    alpha = compared.level_alpha / family
    n = max(plots[0].result.n)
    here = "; ".join(f"{plot.title}: {_at(plot, n, alpha)}" for plot in plots)
    among = f", one of {family} claims" if family > 1 else ""
    caption = (
        f"Power to find what each line says, were it true{among}, against seeds per method; vertical: this study, "
        f"n = {n}. By the t test at {alpha:.2g}, with the standard error found here (the median of a kind of claim) shrinking "
        f"as 1/√n. At n = {n}: {here}."
    )
    return [Drawing(_draw(plots, n, alpha), caption, f"Power curves. At {n} seeds per method: {here}.")]


def _plots(compared: GroupComparison) -> list[_Plot]:
    found = []
    for kind, title in _SWEPT.items():
        verdicts = [
            v
            for v in (*compared.verdicts, *(part for whole in compared.verdicts for part in whole.parts))
            if v.claim.kind == kind
            and v.claim.epochs is None
            and v.interval is not None
            and v.interval.unit == "seeds"
        ]
        # A bootstrap interval, where one was asked for, has no standard error of the t test.
        result = _typical([r for v in verdicts if (r := v.test_interval or v.interval) is not None])
        if result is not None:
            found.append(_Plot(title, result, _truths(KINDS[kind], result, verdicts, compared)))
    return found


def _typical(results: Sequence[Result]) -> Result | None:
    known = sorted((r for r in results if r.se), key=lambda r: r.se or 0.0)
    return known[(len(known) - 1) // 2] if known else None


def _truths(
    kind: Kind, result: Result, verdicts: Sequence[Verdict], compared: GroupComparison
) -> tuple[_Truth, ...]:
    if "margin" in kind.takes:
        margins = sorted({v.claim.margin for v in verdicts if v.claim.margin is not None})
        unit = escape_prose(difference_unit(compared.metric))
        return tuple(_Truth(f"margin {margin:g}{unit}", 0.0, margin) for margin in margins[:3])
    if kind.estimates == "difference":
        assert result.se is not None
        std = result.se * math.sqrt(max(result.n) / len(result.n))
        return tuple(_Truth(f"difference of {size:g} STD", size * std) for size in _DIFFERENCES)
    return tuple(_Truth(f"ratio {ratio:g}", math.log(ratio)) for ratio in _RATIOS)


def _at(plot: _Plot, n: int, alpha: float) -> str:
    powers = [
        power_at_seeds(plot.result, n, effect=truth.effect, alpha=alpha, margin=truth.margin)
        for truth in plot.truths
    ]
    return ", ".join(
        f"{100 * power:.0f}\u00a0% ({truth.name})" for power, truth in zip(powers, plot.truths, strict=True)
    )


def _draw(plots: Sequence[_Plot], n: int, alpha: float) -> str:
    most = 2 ** math.ceil(math.log2(max(64, 4 * n)))
    seeds = np.unique(np.geomspace(FEWEST_SEEDS, most, 60).round().astype(int))
    ticks = [2**k for k in range(2, int(math.log2(most)) + 1)]
    ticks = ticks[:: math.ceil(len(ticks) / 5)]
    with house_style():
        left, gap, height, foot, top = 0.5, 0.18, 2.75, 1.12, 0.24
        width = (WIDTH - left - 0.1 - gap * (len(plots) - 1)) / len(plots)
        figure = new_figure(height)
        for place, plot in enumerate(plots):
            x = (left + place * (width + gap)) / WIDTH
            axes = figure.add_axes((x, foot / height, width / WIDTH, 1 - (foot + top) / height))
            for (colour, dashes), truth in zip(_LINES[-len(plot.truths) :], plot.truths, strict=True):
                power = [
                    power_at_seeds(plot.result, int(k), effect=truth.effect, alpha=alpha, margin=truth.margin)
                    for k in seeds
                ]
                axes.plot(seeds, power, color=colour, linestyle=dashes, label=truth.name)
                at = power_at_seeds(plot.result, n, effect=truth.effect, alpha=alpha, margin=truth.margin)
                axes.plot([n], [at], marker="o", markersize=3.4, color=colour)
            axes.axvline(n, color="#000000", linewidth=0.8)
            axes.axhline(_WANTED, color="#404040", linewidth=0.6, linestyle=(0, (4, 2)))
            axes.set_xscale("log", base=2)
            axes.set_xlim(FEWEST_SEEDS, most)
            axes.set_ylim(0, 1.02)
            axes.minorticks_off()
            axes.set_xticks(ticks, [str(tick) for tick in ticks])
            axes.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1.0])
            axes.tick_params(labelleft=place == 0)
            axes.set_title(plot.title, loc="left", pad=4)
            axes.set_xlabel("Seeds per method")
            if place == 0:
                axes.set_ylabel("Power")
            quiet_grid(axes)
            axes.legend(
                loc="upper left",
                bbox_to_anchor=(-0.02, -0.3),
                borderaxespad=0,
                fontsize=7.5,
                labelspacing=0.2,
            )
        return to_svg(figure)


def write_power_curve(powers: Sequence[Power], wanted: float, title: str, path: Path) -> None:
    """Write the power over the number of seeds, with its Monte Carlo interval, as PDF, SVG or PNG by the name's ending.

    Raises UserError on another ending or a path that is no place for a file, RunError where writing fails.
    """
    import seaborn

    with house_style():
        figure = new_figure(2.9)
        axes = figure.add_axes((0.1, 0.16, 0.87, 0.74))
        n = [power.n for power in powers]
        axes.fill_between(
            n,
            [power.low for power in powers],
            [power.high for power in powers],
            color=COLOURS[1],
            alpha=0.2,
            linewidth=0,
        )
        seaborn.lineplot(x=n, y=[power.power for power in powers], color=COLOURS[1], marker="o", ax=axes)
        axes.axhline(wanted, color="#404040", linewidth=0.7, linestyle=(0, (4, 2)))
        axes.set_ylim(0, 1.02)
        axes.set_xscale("log", base=2)
        shown = [value for value in n if value < 0.85 * n[-1]] + [n[-1]]
        axes.set_xticks(shown, [str(value) for value in shown])
        axes.minorticks_off()
        axes.set_xlabel("Seeds per method")
        axes.set_ylabel("Power")
        axes.set_title(title, loc="left")
        save_figure(figure, path)
