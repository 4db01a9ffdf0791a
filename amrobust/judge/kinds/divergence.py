"""One method diverges less often than another: of all its seeds, none left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from math import ceil, sqrt
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from amrobust import stats
from amrobust.judge.kinds.kind import FEWEST_SEEDS, Kind, require_reach
from amrobust.judge.rules import Evidence, Rate, Rules
from amrobust.judge.samples import Pair, Refused, Sample
from amrobust.runs.axis import Axis
from amrobust.runs.metric import Metric
from amrobust.stats.planning import MOST_SEEDS, rates_left_open
from amrobust.stats.results import Result

if TYPE_CHECKING:
    from amrobust.judge.claim import Claim


class DivergesLess(Kind):
    """The share of seeds that diverge is smaller than the baseline's: the unconditional exact score test, and its inversion."""

    name = "diverges less"
    estimates = "difference of rates"
    needs_finite = False

    def evidence(
        self, claim: Claim, samples: Sequence[Sample], metric: Metric, rules: Rules, rate: Rate
    ) -> Evidence:
        """Of all seeds, diverged or not (:func:`amrobust.stats.divergence_difference`).

        Raises Refused on seeds that are not independent of each other, within methods (several x0) or between them (pairs), on
        a phase, and where not even all seeds of one method against none of the other could show a difference.
        """
        method, baseline = samples
        if claim.epochs is not None:
            raise Refused("divergence is counted over the whole training, and has no phase")
        if method.x0s or baseline.x0s:
            raise Refused("seeds of several x0 are not independent: count divergence at one x0")
        if Pair.of(method, baseline).paired:
            raise Refused(
                "the two share their seeds, and rates are compared of independent ones: seeds at which one alone diverges "
                "would have to be counted"
            )
        (lost, n), (lost_of_baseline, n_of_baseline) = map(_diverged, samples)
        result = stats.divergence_difference(
            lost, n, lost_of_baseline, n_of_baseline, level=None if rate.p_alone else 1 - rate.alpha
        )
        enough = (k for k in range(FEWEST_SEEDS, 51) if smallest_p(k) <= rate.first)
        require_reach(result, rules, rate, lambda: next(enough, None))
        return Evidence(claim, result, result, None, result.p, rate)

    def holds(self, claim: Claim, estimate: float, metric: Metric) -> bool:
        """Whether fewer of the method's seeds diverge."""
        return estimate < 0

    def required_seeds(self, claim: Claim, result: Result, alpha: float, power: float) -> int | None:
        """Seeds per method at which the test by the normal distribution would have the power; None where rates are equal."""
        p, q = result.details["rate of the first"], result.details["rate of the second"]
        if p == q:
            return None
        mean = (p + q) / 2
        pooled, apart = sqrt(2 * mean * (1 - mean)), sqrt(p * (1 - p) + q * (1 - q))
        root = (special.ndtri(1 - alpha / 2) * pooled + special.ndtri(power) * apart) / (p - q)
        seeds = max(FEWEST_SEEDS, ceil(root**2))
        return seeds if seeds <= MOST_SEEDS else None

    def truths(self, result: Result) -> list[Result]:
        """All pairs of some equally probable quantiles of Jeffreys's posteriors of the two rates."""
        names = "rate of the first", "rate of the second"
        found = []
        for pair in product(*(
            rates_left_open(round(result.details[name] * n), n)[2::5] for name, n in zip(names, result.n, strict=True)
        )):  # fmt: skip
            rates = dict(zip(names, map(float, pair), strict=True))
            found.append(
                replace(result, estimate=float(pair[0] - pair[1]), details={**result.details, **rates})
            )
        return found

    def statement(self, claim: Claim, metric: Metric, axis: Axis) -> str:
        """The claim as a clause."""
        return f"fewer seeds of {claim.method} diverge than of {claim.baseline}"

    def unit(self, metric: Metric) -> str:
        """None: a difference of shares."""
        return ""


def _diverged(sample: Sample) -> tuple[int, int]:
    """How many of all seeds, and how many these are."""
    assert sample.finals is not None
    return int((~np.isfinite(sample.finals)).sum()), len(sample.finals)


def smallest_p(n: int) -> float:
    """That of ``n`` seeds per method."""
    return stats.divergence_difference(n, n, 0, n, level=None).smallest_p
