"""Better by rank: a run ends better than one of the baseline more often than not, diverged runs being the worst of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from amrobust import stats
from amrobust.judge.kinds.kind import FEWEST_SEEDS, Kind, require_reach
from amrobust.judge.kinds.spread import seeds_for
from amrobust.judge.rules import Evidence, Rate, Rules
from amrobust.judge.samples import Pair, Refused, Sample
from amrobust.judge.words import counted
from amrobust.runs.axis import Axis
from amrobust.runs.metric import Metric
from amrobust.stats.results import Result

if TYPE_CHECKING:
    from amrobust.judge.claim import Claim


class RanksBetter(Kind):
    """The probability of superiority is above ½: the permutation of ranks (:func:`amrobust.stats.chance_of_winning`)."""

    name = "ranks better"
    estimates = "probability of superiority"
    needs_finite = False

    def evidence(
        self, claim: Claim, samples: Sequence[Sample], metric: Metric, rules: Rules, rate: Rate
    ) -> Evidence:
        """Of the final values of all seeds, diverged or not.

        Raises Refused on seeds of several x0, on a phase, where all seeds tie, and where too few seeds have too few labels for
        the family's level.
        """
        method, baseline = samples
        if claim.epochs is not None:
            raise Refused("a run that diverged has no value in a phase: ranks are of final values")
        if method.x0s or baseline.x0s:
            raise Refused("seeds of several x0 are not independent: rank runs from one x0")
        pair = Pair.of(method, baseline)
        a, b = pair.finals
        if min(len(a), len(b)) < FEWEST_SEEDS:
            raise Refused(f"the two share {counted(len(a), 'seed')}", FEWEST_SEEDS)
        result = stats.chance_of_winning(
            a, b, better=metric.way, paired=pair.paired, level=1 - rate.alpha, alpha=rate.first
        )
        if result.se is None:
            raise Refused(
                "all seeds of both diverged, and none ends better than another"
                if not np.isfinite(a).any()
                else "all seeds of both end at the same value, and none ends better than another"
            )
        require_reach(result, rules, rate, lambda: seeds_for(rate.first, pair.paired))
        return Evidence(claim, result, result, None, result.p, rate, warnings=pair.warnings)

    @property
    def equality(self) -> float:
        """Each ends better as often as the other."""
        return 0.5

    def holds(self, claim: Claim, estimate: float, metric: Metric) -> bool:
        """Whether the method's runs end better more often."""
        return estimate > self.equality

    def required_seeds(self, claim: Claim, result: Result, alpha: float, power: float) -> int | None:
        """Seeds per method whose t test of π − ½ would have the power, by the standard error off the logistic scale."""
        assert result.estimate is not None
        assert result.se is not None
        inner = min(max(result.estimate, 0.01), 0.99)
        apart = replace(
            result, quantity="difference of π from ½", estimate=result.estimate - self.equality,
            se=result.se * inner * (1 - inner),
        )  # fmt: skip
        return stats.required_seeds(apart, alpha=alpha, power=power)

    def truths(self, result: Result) -> list[Result]:
        """Equally probable truths: t around the estimate, by the standard error off the logistic scale."""
        assert result.estimate is not None
        assert result.se is not None
        inner = min(max(result.estimate, 0.01), 0.99)
        plain = replace(result, se=result.se * inner * (1 - inner), df=result.df or min(result.n) - 1)
        found = super().truths(plain)
        return [replace(result, estimate=min(max(truth.estimate or 0.0, 0.0), 1.0)) for truth in found]

    def statement(self, claim: Claim, metric: Metric, axis: Axis) -> str:
        """The claim as a clause."""
        quantity = metric.name.replace("_", " ")
        return (
            f"a run of {claim.method} ends with a better {quantity} than one of {claim.baseline} more often than not, "
            "diverged runs being the worst"
        )

    def unit(self, metric: Metric) -> str:
        """None: a probability."""
        return ""
