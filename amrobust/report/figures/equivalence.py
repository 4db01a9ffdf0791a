"""Differences of means against their margin: what "comparable" rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isinf
from typing import Any

from amrobust.judge.claim import Claim
from amrobust.judge.comparison import GroupComparison, Verdict
from amrobust.judge.words import powers_of_ten, significant
from amrobust.report.figures.panels import in_figures
from amrobust.report.figures.rows import MOST_ROWS, beside, row_plot
from amrobust.report.numbers import Precision, levels_of
from amrobust.report.style import BASELINE_COLOUR, DASHES, Drawing, Style, house_style, labels, to_svg
from amrobust.report.text import escape_prose
from amrobust.report.view import difference_unit, phase_words
from amrobust.runs.axis import Axis

_BLACK = Style(BASELINE_COLOUR, DASHES[0], "o")


def equivalence(compared: GroupComparison, look: Mapping[str, Style]) -> list[Drawing]:
    """A row for each claim of means with a margin: the difference, its interval and the margin; empty where there is none."""
    verdicts = list(
        {
            v.claim: v
            for v in (*compared.verdicts, *(part for whole in compared.verdicts for part in whole.parts))
            if v.claim.margin is not None
            and v.claim.form.estimates == "difference"
            and v.interval is not None
            and v.interval.low is not None
        }.values()
    )
    intervals = f"{levels_of(v.interval for v in verdicts)} intervals".strip()
    unit = escape_prose(difference_unit(compared.metric).strip())
    caption = (
        f"Differences of means with {intervals} against the margin (shaded). An interval wholly inside its margin supports the "
        "claim; two one-sided tests at α use an interval of 1 − 2α. Filled: decided, hollow: inconclusive."
    )
    if any(isinf(end) for v in verdicts for end in v.claim.form.region(v.claim, compared.metric)):
        caption += " Of \u201cnon-inferior\u201d only the worse side is bounded."
    if any(v.claim.methods for v in verdicts):
        caption += " Of a sweep the pair with the largest p is shown."
    return [
        Drawing(
            _draw(part, compared, look, unit),
            caption if i == 0 else f"{caption} (Continued.)",
            f"Interval plot of {len(part)} differences of means against their margins. {_in_words(part)}",
        )
        for i, part in enumerate(in_figures(verdicts, MOST_ROWS))
    ]


def _in_words(verdicts: Sequence[Verdict]) -> str:
    parts = []
    for verdict in verdicts[:8]:
        result = verdict.interval
        assert result is not None
        parts.append(
            f"{verdict.claim.method} against {verdict.claim.baseline}: {significant(result.low)} to "
            f"{significant(result.high)} within {powers_of_ten(f'{verdict.claim.margin:g}')}, {verdict.outcome}"
        )
    return "; ".join(parts) + "."


def _draw(
    verdicts: Sequence[Verdict], compared: GroupComparison, look: Mapping[str, Style], unit: str
) -> str:
    from matplotlib.ticker import MaxNLocator

    baselines = {v.claim.baseline for v in verdicts}
    short = labels(compared.methods, 30 if len(baselines) == 1 else 18)
    results = [v.interval for v in verdicts if v.interval is not None]
    numbers = Precision.of(
        ((r.high - r.low) / 2 for r in results if r.low is not None and r.high is not None), digits=2
    )
    margins = [v.claim.margin for v in verdicts if v.claim.margin is not None]
    reach = 1.08 * max(
        *(abs(x) for r in results for x in (r.low, r.high) if x is not None), *(1.15 * m for m in margins)
    )
    with house_style():
        plot = row_plot(
            [_name(v.claim, compared.axis, short, len(baselines) == 1) for v in verdicts], top=0.2, right=1.6
        )
        axes = plot.axes[0]
        axes.set_xlim(-reach, reach)
        axes.axvline(0, color="#000000", linewidth=0.7, zorder=1)
        for position, verdict in enumerate(verdicts):
            result = verdict.interval
            assert result is not None
            _margin(axes, position, verdict.claim, compared, reach)
            style = look.get(verdict.claim.method, _BLACK) if not verdict.claim.methods else _BLACK
            axes.plot(
                [result.low, result.high], [position] * 2, color=style.colour, linewidth=1.5, solid_capstyle="butt"
            )  # fmt: skip
            axes.plot(
                [result.estimate], [position], marker=style.marker, markersize=5, markeredgecolor=style.colour,
                markeredgewidth=1.1,
                markerfacecolor=style.colour if verdict.outcome in ("supported", "refuted") else "#ffffff",
            )  # fmt: skip
            text = f"{numbers(result.estimate, sign=True)} {numbers.interval(result)}".replace("-", "−")
            beside(axes, position, text, fontsize=7)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=7, symmetric=True))
        axes.set_xlabel(f"Difference of means{f' ({unit})' if unit else ''}")
        better = ("← worse", "better →") if compared.metric.way == "higher" else ("← better", "worse →")
        for text, x, side in ((better[0], 0.0, "left"), (better[1], 1.0, "right")):
            axes.text(
                x, 1.0, text, transform=axes.transAxes, ha=side, va="bottom", fontsize=7, style="italic", color="#555555"
            )  # fmt: skip
        return to_svg(plot.figure)


def _name(claim: Claim, axis: Axis, short: Mapping[str, str], one_baseline: bool) -> str:
    phase = phase_words(claim.epochs, axis)
    if claim.methods:
        return f"{short[claim.methods[0]]} … {short[claim.methods[-1]]}{phase}"
    name = short[claim.method] if one_baseline else f"{short[claim.method]} vs {short[claim.baseline]}"
    return f"{name}{phase}"


def _margin(axes: Any, position: int, claim: Claim, compared: GroupComparison, reach: float) -> None:
    """The region in which the claim is true, behind its row."""
    low, high = (max(-reach, min(end, reach)) for end in claim.form.region(claim, compared.metric))
    axes.fill_between(
        [low, high], position - 0.5, position + 0.5, color="#000000", alpha=0.08, linewidth=0, zorder=0
    )
    for edge in (low, high):
        if abs(edge) < reach:
            axes.plot([edge] * 2, [position - 0.5, position + 0.5], color="#404040", linewidth=0.7, zorder=1)
