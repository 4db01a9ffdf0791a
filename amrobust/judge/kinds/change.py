"""One method before and after a change, such as a drop of the learning rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from amrobust import stats
from amrobust.errors import UserError
from amrobust.judge.kinds.kind import Kind, described
from amrobust.judge.kinds.mean import is_better
from amrobust.judge.rules import Evidence, Rate, Rules
from amrobust.judge.samples import Refused, Sample
from amrobust.runs.axis import Axis
from amrobust.runs.metric import Metric

if TYPE_CHECKING:
    from amrobust.judge.claim import Claim


class BetterAfter(Kind):
    """Each seed's metric in the second of ``epochs`` = (before, after) is better than in the first, on average: paired t."""

    name = "better after"
    about = "one method"
    can_be_a_part = False
    figure = "curves"

    def check_phase(self, claim: Claim) -> None:
        """A change is at one share of the training, or between two epochs."""
        if claim.phase is not None and not 0 < claim.phase[0] == claim.phase[1] < 1:
            raise UserError(
                f"at = {claim.phase[0]:g} is no change: give one share of the training, between 0 and 1"
            )
        if claim.phase is None and claim.epochs is None:
            raise UserError(
                f"{described(claim)} needs the epochs, or the share of the training, of its change"
            )

    def epochs_of(self, phase: tuple[float, float], epochs: int) -> tuple[int, int]:
        """The epochs on the two sides of the change."""
        before = max(1, min(epochs - 1, round(phase[0] * epochs)))
        return before, before + 1

    def evidence(
        self, claim: Claim, samples: Sequence[Sample], metric: Metric, rules: Rules, rate: Rate
    ) -> Evidence:
        """Raises Refused where one of the two epochs is not among those that are judged, or seeds are of several x0."""
        (sample,) = samples
        assert claim.epochs is not None
        if sample.x0s:
            raise Refused("seeds of several x0 are not independent: judge a change at one x0")
        before, after = (epoch - sample.first_epoch for epoch in claim.epochs)
        if not 0 <= before < after < sample.curves.shape[1]:
            raise Refused(
                f"{sample.arm.axis.plural} {' and '.join(map(sample.arm.axis.at, claim.epochs))} are not both among the "
                f"{sample.judged} that are judged"
            )
        result = stats.mean_difference(
            sample.curves[:, after], sample.curves[:, before], paired=True, level=1 - rate.alpha
        )
        return Evidence(claim, result, result, None, result.p, rate, warnings=result.warnings)

    def holds(self, claim: Claim, estimate: float, metric: Metric) -> bool:
        """Whether the metric got better."""
        return is_better(estimate, metric)

    def statement(self, claim: Claim, metric: Metric, axis: Axis) -> str:
        """The claim as a clause."""
        assert claim.epochs is not None
        rises = self.holds(claim, 1.0, metric)
        before, after = (f"{axis.quantity} {axis.at(place)}" for place in claim.epochs)
        quantity = metric.name.replace("_", " ")
        return (
            f"the mean {quantity} of {claim.method} {'rises' if rises else 'falls'} from {before} to {after}"
        )

    def short(self, claim: Claim, metric: Metric) -> str:
        """In a table's cell."""
        return f"{self.name} a change"

    def brief(self, claim: Claim) -> str:
        """In a list of what a warning concerns."""
        return f"{self.name}: {claim.method}"


class WorseAfter(BetterAfter):
    """Each seed's metric in the second of ``epochs`` = (before, after) is worse than in the first, on average: paired t."""

    name = "worse after"

    def holds(self, claim: Claim, estimate: float, metric: Metric) -> bool:
        """Whether the metric got worse."""
        return not is_better(estimate, metric)
