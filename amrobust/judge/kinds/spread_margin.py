"""Spreads against a margin that is a ratio: two are comparable, or one method varies no more than so many times another."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from amrobust import stats
from amrobust.errors import UserError
from amrobust.judge import claim_warnings
from amrobust.judge.kinds.kind import Outcome, described, margin_words, own_warnings, require_reach
from amrobust.judge.kinds.mean import WithinMargin, bootstrap_asked_for
from amrobust.judge.kinds.spread import (
    AvgStd,
    FinalSpread,
    SpreadRatio,
    construction_asked_for,
    require_over_x0s,
    seeds_for,
)
from amrobust.judge.rules import Evidence, Rate, Rules
from amrobust.judge.samples import Pair
from amrobust.runs.axis import Axis
from amrobust.runs.metric import Metric
from amrobust.runs.values import Curves
from amrobust.stats.limits import LARGEST_MARGIN, is_number
from amrobust.stats.results import Result

if TYPE_CHECKING:
    from amrobust.judge.claim import Claim


class _WithinRatio(WithinMargin, SpreadRatio):
    """The ratio of spreads lies within a region: two one-sided tests of the ratios at its borders.

    Each is half of the two-sided test whose inversion the ratio's interval is (:func:`amrobust.stats.spread_ratio`), at that
    border: p ≤ α exactly where the interval at 1 − 2α excludes it.
    """

    def check_margin(self, claim: Claim, margin: float) -> None:
        """Raise UserError on a margin that is no ratio above 1."""
        if not (is_number(margin) and 1 < float(margin) <= LARGEST_MARGIN):
            raise UserError(
                f"the margin of {described(claim)} is a ratio of spreads, a number above 1 such as 1.5, not {margin!r:.40}"
            )

    def tipped_by(self, claim: Claim, outcome: Outcome, result: Result) -> tuple[str, ...]:
        """Either method's where spreads were comparable; else the one's that was found to vary less."""
        if outcome == "supported":
            return claim.method, claim.baseline
        assert result.estimate is not None
        return (claim.method if result.estimate < 1 else claim.baseline,)

    def region(self, claim: Claim, metric: Metric) -> tuple[float, float]:
        """Its borders: they are ratios, whatever the metric."""
        return self.borders(claim)

    def borders(self, claim: Claim) -> tuple[float, float]:
        """1/margin and margin."""
        assert claim.margin is not None
        return 1 / claim.margin, claim.margin

    def judged(self, claim: Claim, a: Curves, b: Curves, pair: Pair, rules: Rules, rate: Rate) -> Evidence:
        """The tests at the region's borders, by one construction; other tests of spread have no form for a margin.

        Raises Refused where relabellings were asked for, and these seeds have too few for the family's level.
        """
        level = 1 - 2 * rate.alpha
        x0s = pair.x0s
        if x0s is not None:
            require_over_x0s(rules)

        def at(border: float) -> Result:
            if x0s is not None:
                return stats.spread_ratio_over_x0s(a, x0s[0], b, x0s[1], level=level, tested=border)
            return stats.spread_ratio(
                a, b, paired=pair.paired, level=None if rate.p_alone else level,
                construction=construction_asked_for(pair, rules), alpha=2 * rate.first, tested=border,
            )  # fmt: skip

        result = self._at_borders(claim, at)
        require_reach(result, rules, rate, lambda: seeds_for(2 * rate.first, pair.paired))
        if rate.p_alone:
            return Evidence(claim, result, result, None, result.p, rate)
        own = rules.test in ("auto", "jackknife") or (rules.test == "permutation" and not pair.paired)
        notes = () if own else (claim_warnings.no_margin(rules.test, result.test),)
        asked = None if x0s is not None else bootstrap_asked_for(a, b, self.statistic, pair, rules, level)
        return Evidence(
            claim, result, result, None, result.p, rate, warnings=notes + own_warnings(result), asked=asked
        )

    def _at_borders(self, claim: Claim, at: Callable[[float], Result]) -> Result:
        """The test of the claim where the estimate is as it says, else that of its opposite; ``at`` tests one ratio.

        Which of the two, the estimate that p is about says: the jackknife's, where it is not the plain ratio. Each end of the
        interval is from the test of the border on its side, so that it excludes that border exactly where the test does.
        """
        low, high = self.borders(claim)
        found = {border: at(border) for border in (low, high) if math.isfinite(border)}
        first = next(iter(found.values()))
        assert first.estimate is not None
        centre = first.details.get("jackknife", first.estimate)
        if low < centre < high:
            below, above = found.get(low, found[high]), found[high]
            result = replace(max(found.values(), key=_p), low=below.low, high=above.high)
            name = f"{result.test} against the margin"
        else:
            result = found[high if centre >= high else low]
            name = f"{result.test} beyond the margin"
        return replace(result, test=name, p=_p(result) / 2, smallest_p=result.smallest_p / 2)

    def required_seeds(self, claim: Claim, result: Result, alpha: float, power: float) -> int | None:
        """Seeds per method at which the one-sided test of the nearer border would settle it, on the logarithmic scale."""
        estimate = result.estimate
        if not estimate or not math.isfinite(estimate):
            return None
        borders = [border for border in self.borders(claim) if math.isfinite(border)]
        apart = min((estimate / border for border in borders), key=lambda ratio: abs(math.log(ratio)))
        return stats.required_seeds(replace(result, estimate=apart), alpha=2 * alpha, power=power)


class _NoMore(_WithinRatio):
    """Bounded on the worse side alone: non-inferiority of a spread."""

    def tipped_by(self, claim: Claim, outcome: Outcome, result: Result) -> tuple[str, ...]:
        """The method's failing seeds where it was found to vary no more, else the baseline's."""
        return SpreadRatio.tipped_by(self, claim, outcome, result)

    def borders(self, claim: Claim) -> tuple[float, float]:
        """The margin, with nothing below it."""
        assert claim.margin is not None
        return -math.inf, claim.margin


class ComparableSpread(_WithinRatio, FinalSpread):
    """The ratio of the STDs over seeds of the final value lies between 1/margin and margin."""

    name = "comparable spread"

    def statement(self, claim: Claim, metric: Metric, axis: Axis) -> str:
        """The claim as a clause."""
        quantity = metric.name.replace("_", " ")
        ratio = margin_words(claim, "")
        return (
            f"{claim.method} and {claim.baseline} end with spreads in {quantity} over seeds within a ratio of {ratio} of "
            "each other"
        )

    def short(self, claim: Claim, metric: Metric) -> str:
        """``spread within ×1.5``."""
        return f"spread within ×{margin_words(claim, '')}"

    def headline(self, claim: Claim, metric: Metric, axis: Axis) -> str:
        """What the method is said to be, against the baseline."""
        return f"as variable at the end within ×{margin_words(claim, '')}"


class ComparableAvgStd(_WithinRatio, AvgStd):
    """The ratio of the means over epochs of the across-seed STDs lies between 1/margin and margin."""

    name = "comparable Avg. STD"

    def statement(self, claim: Claim, metric: Metric, axis: Axis) -> str:
        """The claim as a clause."""
        quantity, when, ratio = metric.name.replace("_", " "), self.when(claim, axis), margin_words(claim, "")
        return (
            f"{claim.method} and {claim.baseline} vary alike {when} (Avg. STDs of {quantity} within a ratio of {ratio} of "
            "each other)"
        )

    def short(self, claim: Claim, metric: Metric) -> str:
        """``Avg. STD within ×1.5``."""
        return f"Avg. STD within ×{margin_words(claim, '')}"

    def headline(self, claim: Claim, metric: Metric, axis: Axis) -> str:
        """What the method is said to be, against the baseline."""
        return f"as variable {self.when(claim, axis)} within ×{margin_words(claim, '')}"


class NoMoreSpread(_NoMore, FinalSpread):
    """The STD over seeds of the final value is less than margin times the baseline's."""

    name = "no more spread"

    def statement(self, claim: Claim, metric: Metric, axis: Axis) -> str:
        """The claim as a clause."""
        quantity = metric.name.replace("_", " ")
        return (
            f"{claim.method} ends with less than {margin_words(claim, '')} times the spread in {quantity} over seeds of "
            f"{claim.baseline}"
        )

    def short(self, claim: Claim, metric: Metric) -> str:
        """``spread < ×1.5``."""
        return f"spread < ×{margin_words(claim, '')}"

    def headline(self, claim: Claim, metric: Metric, axis: Axis) -> str:
        """What the method is said to be, against the baseline."""
        return f"less than ×{margin_words(claim, '')} as variable at the end"


class NoMoreAvgStd(_NoMore, AvgStd):
    """The mean over epochs of the across-seed STD is less than margin times the baseline's."""

    name = "no more Avg. STD"

    def statement(self, claim: Claim, metric: Metric, axis: Axis) -> str:
        """The claim as a clause."""
        quantity, when = metric.name.replace("_", " "), self.when(claim, axis)
        return (
            f"{claim.method} varies less than {margin_words(claim, '')} times as much {when} (Avg. STD of {quantity}) as "
            f"{claim.baseline}"
        )

    def short(self, claim: Claim, metric: Metric) -> str:
        """``Avg. STD < ×1.5``."""
        return f"Avg. STD < ×{margin_words(claim, '')}"

    def headline(self, claim: Claim, metric: Metric, axis: Axis) -> str:
        """What the method is said to be, against the baseline."""
        return f"less than ×{margin_words(claim, '')} as variable {self.when(claim, axis)}"


def _p(result: Result) -> float:
    assert result.p is not None
    return result.p
