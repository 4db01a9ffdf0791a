"""Less wall time per seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from amrobust import stats
from amrobust.judge import claim_warnings
from amrobust.judge.kinds.kind import Kind
from amrobust.judge.rules import Evidence, Rate, Rules
from amrobust.judge.samples import Pair, Refused
from amrobust.runs.axis import Axis
from amrobust.runs.metric import Metric

if TYPE_CHECKING:
    from amrobust.judge.claim import Claim


class Cheaper(Kind):
    """The wall time of training a seed is shorter than the baseline's: Welch's t on logarithms."""

    name = "lower wall time"
    estimates = "ratio"
    quantity = "Wall time"
    can_be_assumed = False

    def of_pair(self, claim: Claim, pair: Pair, metric: Metric, rules: Rules, rate: Rate) -> Evidence:
        """Raises Refused where wall times are not known, or are of one training."""
        left, right = pair.method.arm, pair.baseline.arm
        if not left.seconds or not right.seconds:
            raise Refused(
                "the wall time of each seed is not known: seeds trained together share it (train them with --batching none)"
            )
        if left.training is not None and left.training == right.training:
            raise Refused("the two are outputs of one training, which has one cost")
        result = stats.ratio_of_costs(left.seconds, right.seconds, level=1 - rate.alpha)
        note = claim_warnings.cost_measured_apart(left.title, right.title)
        return Evidence(claim, result, result, None, result.p, rate, warnings=(note,))

    def holds(self, claim: Claim, estimate: float, metric: Metric) -> bool:
        """Whether the method takes less."""
        return estimate < 1

    def statement(self, claim: Claim, metric: Metric, axis: Axis) -> str:
        """The claim as a clause."""
        return f"{claim.method} takes less wall time per seed than {claim.baseline}"

    def short(self, claim: Claim, metric: Metric) -> str:
        """In a table's cell."""
        return "less wall time"

    def unit(self, metric: Metric) -> str:
        """None: a ratio."""
        return ""

    def sides(self, metric: Metric) -> tuple[str, str]:
        """What the two directions of a figure of intervals mean."""
        return "← cheaper", "dearer →"
