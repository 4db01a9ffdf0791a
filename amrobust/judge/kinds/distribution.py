"""Spread of accuracy on the distribution that test examples are drawn from, without the part that a finite test set makes."""

from __future__ import annotations

from dataclasses import replace
from math import exp, isfinite
from typing import TYPE_CHECKING

from amrobust import stats
from amrobust.judge.kinds.kind import own_warnings
from amrobust.judge.kinds.spread import FinalSpread, RatioBelowOne
from amrobust.judge.rules import Evidence, Rate, Rules
from amrobust.judge.samples import Pair, Refused, in_common
from amrobust.runs.axis import Axis
from amrobust.runs.metric import Metric
from amrobust.stats.results import Result

if TYPE_CHECKING:
    from amrobust.judge.claim import Claim


class LessSpreadOnDistribution(RatioBelowOne, FinalSpread):
    """The STD over seeds of the final expected accuracy is smaller than the baseline's."""

    name = "less spread on the distribution"
    quantity = "Final STD on the distribution"
    can_be_assumed = can_be_simulated = False

    def of_pair(self, claim: Claim, pair: Pair, metric: Metric, rules: Rules, rate: Rate) -> Evidence:
        """Raises Refused where it is not recorded which examples were right, over several x0, and on a phase."""
        if claim.epochs is not None:
            raise Refused("the spread on the distribution is that of final values, which have no phase")
        if pair.x0s is not None:
            raise Refused(
                "seeds of several x0 are not independent: the spread on the distribution is of one x0"
            )
        samples = pair.method, pair.baseline
        seeds = (
            [in_common(samples[0].seeds, samples[1].seeds)] * 2
            if pair.paired
            else [list(sample.seeds) for sample in samples]
        )
        found = [sample.correct(metric, rules.final, own) for sample, own in zip(samples, seeds, strict=True)]
        lacking = [sample.arm.title for sample, each in zip(samples, found, strict=True) if each is None]
        if lacking:
            raise Refused(
                f"it is not recorded which test examples {' and '.join(lacking)} got right in {metric.name} (amrobust run "
                "records it, and a loop of one's own with run.log(..., correct=...))"
            )
        a, b = found
        assert a is not None
        assert b is not None
        if a.shape[1] != b.shape[1]:
            raise Refused(f"the two were tested on {a.shape[1]:,} and {b.shape[1]:,} examples")
        result = stats.ratio_on_distribution(a, b, paired=pair.paired, level=1 - rate.alpha)
        return Evidence(claim, result, result, None, result.p, rate, warnings=own_warnings(result))

    def required_seeds(self, claim: Claim, result: Result, alpha: float, power: float) -> int | None:
        """Of the test itself, which is of a difference of logarithms."""
        difference = result.details["log difference"]
        if not isfinite(difference):
            return None
        return stats.required_seeds(replace(result, estimate=exp(difference)), alpha=alpha, power=power)

    def headline(self, claim: Claim, metric: Metric, axis: Axis) -> str:
        """What the method is said to be, against the baseline."""
        return "less variable at the end on the distribution"

    def statement(self, claim: Claim, metric: Metric, axis: Axis) -> str:
        """The claim as a clause."""
        quantity = metric.name.replace("_", " ")
        return (
            f"{claim.method} ends with less spread in {quantity} over seeds than {claim.baseline} on the distribution of test "
            "examples"
        )
