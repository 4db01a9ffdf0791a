"""Runs of one method rarely end worse than a bound: its tail, and an exact binomial test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil, log, log1p
from typing import TYPE_CHECKING

from scipy import special

from amrobust import stats
from amrobust.errors import UserError
from amrobust.judge.kinds.kind import Kind, Outcome, described
from amrobust.judge.rules import Evidence, Rate, Rules
from amrobust.judge.samples import Refused, Sample
from amrobust.judge.words import powers_of_ten
from amrobust.runs.axis import Axis
from amrobust.runs.metric import Metric
from amrobust.stats.planning import rates_left_open
from amrobust.stats.results import Result
from amrobust.stats.tails import Worse

if TYPE_CHECKING:
    from amrobust.judge.claim import Claim


class WithinBound(Kind):
    """With ``bound`` = (threshold, probability): a run ends worse than the threshold with at most that probability.

    Diverged runs end worse than everything. ``deviation`` is the Λ of Theorem 1b whose bound this is.
    """

    name = "exceedance bound"
    about = "one method"
    estimates = "share"
    takes = frozenset({"bound", "deviation"})
    can_be_a_part = False
    needs_finite = False
    figure = "exceedances"

    def check(self, claim: Claim) -> None:
        """It needs a bound, or the deviation that has one once the problem is known."""
        super().check(claim)
        if claim.bound is None and claim.deviation is None:
            raise UserError(f"{described(claim)} needs a bound")

    def evidence(
        self, claim: Claim, samples: Sequence[Sample], metric: Metric, rules: Rules, rate: Rate
    ) -> Evidence:
        """Exact interval of P(worse than the threshold) at 1 − 2α, and the one-sided p of the direction that the share lies in.

        Of the claim, p = P(Bin(n, probability) <= runs that ended worse); of its opposite, P(Bin(n, probability) >= these).
        Raises Refused where not even a tail without a run could support the claim, unless its opposite is shown already.
        """
        (sample,) = samples
        assert claim.bound is not None
        assert sample.finals is not None
        threshold, probability = claim.bound
        if sample.x0s:
            raise Refused("seeds of several x0 are not independent: judge a bound at one x0")
        worse: Worse = "low" if metric.way == "higher" else "high"
        interval = stats.exceedance(sample.finals, threshold, worse=worse, level=1 - 2 * rate.alpha)
        n, hits = len(sample.finals), int(interval.details["hits"])
        assert interval.low is not None
        holds = self.holds(claim, hits / n, metric)
        p = special.bdtr(hits, n, probability) if holds else special.bdtrc(hits - 1, n, probability)
        if special.bdtr(0, n, probability) > rate.first and (holds or p > rate.first):
            raise Refused(
                f"{n} seeds cannot show a probability of at most {powers_of_ten(f'{probability:.3g}')}, even if none of them "
                "ends worse",
                ceil(log(rate.first) / log1p(-probability)),
            )
        test = replace(interval, test="exact binomial", p=float(p))
        return Evidence(claim, interval, test, None, test.p, rate)

    def holds(self, claim: Claim, estimate: float, metric: Metric) -> bool:
        """Whether the share is at most the probability."""
        assert claim.bound is not None
        return estimate <= claim.bound[1]

    def outcome(self, claim: Claim, result: Result, metric: Metric) -> Outcome:
        """Supported by an interval wholly below the probability, refuted by one wholly above it."""
        assert claim.bound is not None
        assert result.low is not None
        assert result.high is not None
        if result.high <= claim.bound[1]:
            return "supported"
        return "refuted" if result.low >= claim.bound[1] else "inconclusive"

    def required_seeds(self, claim: Claim, result: Result, alpha: float, power: float) -> int | None:
        """Seeds at which the exact test would have the power."""
        assert claim.bound is not None
        assert result.estimate is not None
        return stats.seeds_to_bound(result.estimate, claim.bound[1], alpha=alpha, power=power)

    def truths(self, result: Result) -> list[Result]:
        """The share at equally probable quantiles of Jeffreys's posterior, Beta(hits + ½, n − hits + ½)."""
        hits, n = result.details["hits"], result.n[0]
        return [replace(result, estimate=float(share)) for share in rates_left_open(hits, n)]

    def statement(self, claim: Claim, metric: Metric, axis: Axis) -> str:
        """The claim as a clause."""
        assert claim.bound is not None
        threshold, probability = claim.bound
        side = "below" if metric.way == "higher" else "above"
        what = f"ends {side} a {metric.name.replace('_', ' ')} of {powers_of_ten(f'{threshold:.4g}')}"
        theorem = f" (Theorem 1b, Λ = {claim.deviation:g})" if claim.deviation is not None else ""
        bound = powers_of_ten(f"{probability:.3g}") + theorem
        return f"a run of {claim.method} {what} with a probability of at most {bound}"

    def short(self, claim: Claim, metric: Metric) -> str:
        """``P(ends < 97) ≤ 0.1``."""
        assert claim.bound is not None
        threshold, probability = claim.bound
        sign = "<" if metric.way == "higher" else ">"
        at = f"Λ = {claim.deviation:g}: " if claim.deviation is not None else ""
        return powers_of_ten(f"{at}P(ends {sign} {threshold:.4g}) ≤ {probability:.2g}")

    def heading(self, claim: Claim, metric: Metric) -> str:
        """Bounds on one tail stand together."""
        return "within bounds"

    def brief(self, claim: Claim) -> str:
        """In a list of what a warning concerns."""
        assert claim.bound is not None
        threshold, probability = claim.bound
        return powers_of_ten(f"{self.name} ({threshold:.4g}, {probability:.2g})") + f": {claim.method}"

    def unit(self, metric: Metric) -> str:
        """None: a share."""
        return ""
