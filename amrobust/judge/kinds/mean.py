"""Means of final values, or over a phase: one is better, two agree within a margin, one is no worse than another by more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amrobust import stats
from amrobust.judge import warnings
from amrobust.judge.kinds.kind import (
    SENSITIVITY_RESAMPLES,
    Kind,
    Outcome,
    beyond,
    margin_words,
    mean_of,
    one_number_a_seed,
    own_warnings,
    within,
)
from amrobust.judge.rules import Evidence, Rules
from amrobust.judge.samples import Pair, Refused
from amrobust.judge.words import points
from amrobust.runs.axis import Axis
from amrobust.runs.metric import Metric
from amrobust.runs.values import Curves
from amrobust.stats.bootstrap import NAMES, Statistic
from amrobust.stats.published import Summary, equivalence_from_summary, mean_difference_from_summary
from amrobust.stats.results import Result, ResultWarning

if TYPE_CHECKING:
    from amrobust.judge.claim import Claim


class BetterMean(Kind):
    """The mean is better than the baseline's, as the metric wants: Welch's t, or the paired t."""

    name = "better mean"
    quantity = "Final mean"

    def of_pair(self, claim: Claim, pair: Pair, metric: Metric, rules: Rules, family: int) -> Evidence:
        """The difference of means; a bootstrap-t test gives the sensitivity test."""
        a, b = (one_number_a_seed(curves, claim, rules) for curves in (pair.a, pair.b))
        level = 1 - rules.alpha / family
        difference = _difference(a, b, pair, level)
        second = None
        if pair.x0s is None:
            second = stats.bootstrap_difference(a, b, paired=pair.paired, resamples=SENSITIVITY_RESAMPLES)
        assert difference.p is not None
        notes: tuple[ResultWarning, ...] = ()
        if second is not None and second.p is not None:
            by_test, by_second = (p <= rules.alpha for p in (difference.p, second.p))
            if by_test != by_second:
                notes = (
                    warnings.opinions_disagree(
                        difference.test, difference.p, second.test, second.p, rules.alpha
                    ),
                )
        return Evidence(
            claim,
            difference,
            difference,
            second,
            difference.p,
            warnings=notes + own_warnings(difference),
            asked=bootstrap_asked_for(a, b, "mean", pair, rules, level),
        )

    def of_summary(self, claim: Claim, a: Summary, b: Summary, alpha: float) -> Result:
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


class WithinMargin(Kind):
    """A claim that a difference lies in a region: supported by its one-sided p, refuted by an interval wholly outside."""

    takes = frozenset({"margin"})

    def outcome(self, claim: Claim, result: Result, p: float, metric: Metric, alpha: float) -> Outcome:
        """What the adjusted, one-sided ``p`` makes of the claim."""
        if p <= alpha:
            return "supported"
        return "refuted" if beyond(result, self.region(claim, metric)) else "inconclusive"

    def outcome_of_interval(self, claim: Claim, result: Result, metric: Metric) -> Outcome:
        """What an interval says of the claim by itself."""
        region = self.region(claim, metric)
        if within(result, region):
            return "supported"
        return "refuted" if beyond(result, region) else "inconclusive"


class EquivalentMean(WithinMargin):
    """Two means agree within the margin: two one-sided tests (TOST)."""

    name = "equivalent mean"
    quantity = "Final mean"

    def of_pair(self, claim: Claim, pair: Pair, metric: Metric, rules: Rules, family: int) -> Evidence:
        """The difference of means against both ends of the margin; its interval has 1 − 2α, as the two tests do."""
        a, b = (one_number_a_seed(curves, claim, rules) for curves in (pair.a, pair.b))
        level = 1 - 2 * rules.alpha / family
        difference = _difference(a, b, pair, level)
        asked = bootstrap_asked_for(a, b, "mean", pair, rules, level)
        result = self.tested(claim, difference, metric)
        return Evidence(claim, result, result, None, result.p, warnings=own_warnings(result), asked=asked)

    def tested(self, claim: Claim, difference: Result, metric: Metric) -> Result:
        """The one-sided test, or tests, of a difference against the margin."""
        assert claim.margin is not None
        return stats.equivalence_of(difference, claim.margin)

    def of_summary(self, claim: Claim, a: Summary, b: Summary, alpha: float) -> Result:
        """The same of two printed means and STDs."""
        assert claim.margin is not None
        return equivalence_from_summary(a, b, claim.margin, level=1 - 2 * alpha)

    def statement(self, claim: Claim, metric: Metric, axis: Axis) -> str:
        """The claim as a clause."""
        margin = margin_words(claim, points(metric))
        return f"{mean_of(claim, metric, axis)} of {claim.method} and {claim.baseline} agree within {margin}"

    def short(self, claim: Claim, metric: Metric) -> str:
        """``mean ± 0.5 pp``."""
        return f"mean ± {margin_words(claim, points(metric, short=True))}"


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
