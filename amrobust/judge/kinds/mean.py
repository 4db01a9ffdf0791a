"""Means of final values, or over a phase: one is better, two agree within a margin, one is no worse than another by more."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from amrobust import stats
from amrobust.judge import claim_warnings
from amrobust.judge.kinds.kind import (
    SENSITIVITY_RESAMPLES,
    Kind,
    Outcome,
    margin_words,
    mean_of,
    one_number_a_seed,
    own_warnings,
)
from amrobust.judge.rules import Evidence, Rate, Rules
from amrobust.judge.samples import Pair, Refused
from amrobust.judge.words import points
from amrobust.runs.axis import Axis
from amrobust.runs.metric import Metric
from amrobust.runs.values import Curves
from amrobust.stats.bootstrap import NAMES, Statistic
from amrobust.stats.location import one_sided
from amrobust.stats.published import Summary, mean_difference_from_summary
from amrobust.stats.results import Result, ResultWarning

if TYPE_CHECKING:
    from amrobust.judge.claim import Claim


class BetterMean(Kind):
    """The mean is better than the baseline's, as the metric wants: Welch's t, or the paired t."""

    name = "better mean"
    quantity = "Final mean"

    def of_pair(self, claim: Claim, pair: Pair, metric: Metric, rules: Rules, rate: Rate) -> Evidence:
        """The difference of means; a bootstrap-t test gives the sensitivity test."""
        a, b = (one_number_a_seed(curves, claim, rules) for curves in (pair.a, pair.b))
        difference = _difference(a, b, pair, 1 - rate.alpha)
        assert difference.p is not None
        if rate.p_alone:
            return Evidence(claim, difference, difference, None, difference.p, rate)
        second = None
        if pair.x0s is None:
            second = stats.bootstrap_difference(a, b, paired=pair.paired, resamples=SENSITIVITY_RESAMPLES)
        notes: tuple[ResultWarning, ...] = ()
        if second is not None and second.p is not None:
            by_test, by_second = (p <= rules.alpha for p in (difference.p, second.p))
            if by_test != by_second:
                notes = (
                    claim_warnings.opinions_disagree(
                        difference.test, difference.p, second.test, second.p, rules.alpha
                    ),
                )
        return Evidence(
            claim,
            difference,
            difference,
            second,
            difference.p,
            rate,
            warnings=notes + own_warnings(difference),
            asked=bootstrap_asked_for(a, b, "mean", pair, rules, 1 - rate.alpha),
        )

    def of_summary(self, claim: Claim, a: Summary, b: Summary, metric: Metric, alpha: float) -> Result:
        """Welch's t of two printed means and STDs."""
        return mean_difference_from_summary(a, b, level=1 - alpha)

    def holds(self, claim: Claim, estimate: float, metric: Metric) -> bool:
        """Whether the method's mean is the better one."""
        return is_better(estimate, metric)

    def statement(self, claim: Claim, metric: Metric, axis: Axis) -> str:
        """The claim as a clause."""
        return (
            f"{mean_of(claim, metric, axis)} of {claim.method} is {metric.way} than that of {claim.baseline}"
        )

    def short(self, claim: Claim, metric: Metric) -> str:
        """``higher mean``."""
        return f"{metric.way} mean"

    def headline(self, claim: Claim, metric: Metric, axis: Axis) -> str:
        """What the method is said to be, against the baseline."""
        return f"better {average(claim, axis)}"


class WithinMargin(Kind):
    """A claim that a difference lies in a region: each of its two directions has a one-sided test of its own.

    Their intervals are at 1 − 2α: the claim is supported where one lies within the region, refuted where one lies outside.
    """

    takes = frozenset({"margin"})

    def holds(self, claim: Claim, estimate: float, metric: Metric) -> bool:
        """Whether the estimate lies in the region."""
        low, high = self.region(claim, metric)
        return low < estimate < high

    def outcome(self, claim: Claim, result: Result, metric: Metric) -> Outcome:
        """What an interval says of the claim."""
        assert result.low is not None
        assert result.high is not None
        low, high = self.region(claim, metric)
        if result.high <= low or high <= result.low:
            return "refuted"
        within = (low < result.low or math.isinf(low)) and (result.high < high or math.isinf(high))
        return "supported" if within else "inconclusive"

    def of_difference(self, claim: Claim, difference: Result, metric: Metric) -> Result:
        """The test of the claim where the estimate is as it says, else that of its opposite."""
        assert difference.estimate is not None
        holds = self.holds(claim, difference.estimate, metric)
        return (self.tested if holds else self.against)(claim, difference, metric)

    def tested(self, claim: Claim, difference: Result, metric: Metric) -> Result:
        """The one-sided tests of a difference against both ends of the margin (TOST)."""
        assert claim.margin is not None
        return stats.equivalence_of(difference, claim.margin)

    def against(self, claim: Claim, difference: Result, metric: Metric) -> Result:
        """The one-sided test that a difference whose estimate lies outside of the region does so in truth."""
        assert difference.estimate is not None
        low, high = self.region(claim, metric)
        p = (
            one_sided(difference, high, "above")
            if difference.estimate >= high
            else one_sided(difference, low, "below")
        )
        return replace(difference, p=p, test=f"{difference.test} beyond the margin")


class EquivalentMean(WithinMargin):
    """Two means agree within the margin: two one-sided tests (TOST)."""

    name = "equivalent mean"
    quantity = "Final mean"

    def of_pair(self, claim: Claim, pair: Pair, metric: Metric, rules: Rules, rate: Rate) -> Evidence:
        """The difference of means against both ends of the margin, by the test of the direction that it lies in."""
        a, b = (one_number_a_seed(curves, claim, rules) for curves in (pair.a, pair.b))
        level = 1 - 2 * rate.alpha
        result = self.of_difference(claim, _difference(a, b, pair, level), metric)
        asked = None if rate.p_alone else bootstrap_asked_for(a, b, "mean", pair, rules, level)
        return Evidence(
            claim, result, result, None, result.p, rate, warnings=own_warnings(result), asked=asked
        )

    def of_summary(self, claim: Claim, a: Summary, b: Summary, metric: Metric, alpha: float) -> Result:
        """The same of two printed means and STDs."""
        return self.of_difference(claim, mean_difference_from_summary(a, b, level=1 - 2 * alpha), metric)

    def statement(self, claim: Claim, metric: Metric, axis: Axis) -> str:
        """The claim as a clause."""
        margin = margin_words(claim, points(metric))
        return f"{mean_of(claim, metric, axis)} of {claim.method} and {claim.baseline} agree within {margin}"

    def short(self, claim: Claim, metric: Metric) -> str:
        """``mean ± 0.5 pp``."""
        return f"mean ± {margin_words(claim, points(metric, short=True))}"

    def headline(self, claim: Claim, metric: Metric, axis: Axis) -> str:
        """What the method is said to be, against the baseline."""
        return f"as good {average(claim, axis)} within {margin_words(claim, points(metric, short=True))}"


class NoWorseThan(EquivalentMean):
    """A mean is no worse than the baseline's by more than the margin: one one-sided test (non-inferiority)."""

    name = "non-inferior"

    def tested(self, claim: Claim, difference: Result, metric: Metric) -> Result:
        """The one-sided test of a difference against the margin's worse end."""
        assert claim.margin is not None
        return stats.non_inferiority_of(difference, claim.margin, better=metric.way)

    def region(self, claim: Claim, metric: Metric) -> tuple[float, float]:
        """Bounded on the worse side alone."""
        low, high = super().region(claim, metric)
        return (low, float("inf")) if metric.way == "higher" else (float("-inf"), high)

    def statement(self, claim: Claim, metric: Metric, axis: Axis) -> str:
        """The claim as a clause."""
        margin = margin_words(claim, points(metric))
        return f"{mean_of(claim, metric, axis)} of {claim.method} is no worse than {claim.baseline}'s by more than {margin}"

    def short(self, claim: Claim, metric: Metric) -> str:
        """``mean > −0.5 pp``."""
        margin = margin_words(claim, points(metric, short=True))
        return f"mean > −{margin}" if metric.way == "higher" else f"mean < +{margin}"

    def headline(self, claim: Claim, metric: Metric, axis: Axis) -> str:
        """What the method is said to be, against the baseline."""
        return f"not worse {average(claim, axis)} by {margin_words(claim, points(metric, short=True))}"


def average(claim: Claim, axis: Axis) -> str:
    """Of which values: ``on average``, of a phase ``in epochs 1 to 10``."""
    return f"in {axis.phase(*claim.epochs)}" if claim.epochs is not None else "on average"


def is_better(difference: float, metric: Metric) -> bool:
    """Whether a difference of the metric is an improvement."""
    return difference > 0 if metric.way == "higher" else difference < 0


def bootstrap_asked_for(
    a: Curves, b: Curves, statistic: Statistic, pair: Pair, rules: Rules, level: float
) -> Result | None:
    """The bootstrap interval that was asked for. Raises Refused where these samples allow none."""
    if rules.interval == "test":
        return None
    try:
        return stats.bootstrap_contrast(a, b, statistic, paired=pair.paired, kind=rules.interval, level=level)
    except stats.CannotEstimate as error:
        raise Refused(
            f"there is no interval by {NAMES[rules.interval]}: {error.reason} (--interval test resamples nothing)"
        ) from None


def _difference(a: Curves, b: Curves, pair: Pair, level: float) -> Result:
    """The difference of means; over several x0, these are the unit."""
    if pair.x0s is not None:
        return stats.mean_difference_over_x0s(a, pair.x0s[0], b, pair.x0s[1], level=level)
    return stats.mean_difference(a, b, paired=pair.paired, level=level)
