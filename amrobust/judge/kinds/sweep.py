"""Several methods in order: a trend of spread over a hyperparameter, and means that stay equivalent."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

from amrobust import stats
from amrobust.errors import UserError
from amrobust.judge import claim_warnings
from amrobust.judge.kinds.kind import Kind, described, in_phase, margin_words, mean_of, one_number_a_seed
from amrobust.judge.kinds.mean import WithinMargin
from amrobust.judge.rules import Evidence, Rate, Rules
from amrobust.judge.samples import Pair, Refused, Sample
from amrobust.judge.words import listed, points
from amrobust.runs.axis import Axis
from amrobust.runs.method import number, swept
from amrobust.runs.metric import Metric
from amrobust.stats.results import Result, ResultWarning
from amrobust.stats.trend import unit_of

if TYPE_CHECKING:
    from amrobust.judge.claim import Claim

FEWEST_METHODS = 3


class _Sweep(Kind):
    """A claim about ``methods``, whose ends are its method and its baseline."""

    about = "a sweep"
    can_be_a_part = False

    def check(self, claim: Claim) -> None:
        """It needs three methods, or a form that may stand for them, and each once."""
        if not claim.methods or (
            len(claim.methods) < FEWEST_METHODS and not any("*" in name for name in claim.methods)
        ):
            raise UserError(f"{described(claim)} needs at least three methods")
        if doubled := [name for name in dict.fromkeys(claim.methods) if claim.methods.count(name) > 1]:
            raise UserError(f"{described(claim)} names {', '.join(doubled)} twice: name every method once")
        super().check(claim)

    def evidence(
        self, claim: Claim, samples: Sequence[Sample], metric: Metric, rules: Rules, rate: Rate
    ) -> Evidence:
        """Raises Refused where seeds are of several x0."""
        if any(sample.x0s for sample in samples):
            raise Refused("a sweep over several x0 has no test yet: compare its methods in pairs")
        return self.of_sweep(claim, [in_phase(sample, claim) for sample in samples], metric, rules, rate)

    def of_sweep(
        self, claim: Claim, samples: Sequence[Sample], metric: Metric, rules: Rules, rate: Rate
    ) -> Evidence:
        """The evidence of the methods' samples, in order."""
        raise NotImplementedError


class Trend(_Sweep):
    """The spread (Avg. STD of curves) falls, or with ``rising`` rises, as the hyperparameter in which they differ grows."""

    name = "trend"
    takes = frozenset({"methods", "rising"})
    estimates = "ratio"
    needs_measured = True
    figure = "sweeps"

    def of_sweep(
        self, claim: Claim, samples: Sequence[Sample], metric: Metric, rules: Rules, rate: Rate
    ) -> Evidence:
        """Jackknife slope of log spread over the swept hyperparameter, its sensitivity test, and where the sweep turns."""
        methods = [sample.arm.identity for sample in samples]
        try:
            parameter = swept(methods)
        except UserError as error:
            raise Refused(str(error)) from None
        values = [number(method.hyperparameters[parameter]) for method in methods]
        if any(value is None for value in values):
            words = ", ".join(str(method.hyperparameters[parameter]) for method in methods)
            raise Refused(f"a trend is over numbers, and {parameter} is {words}")
        places = [value for value in values if value is not None]
        if any(Pair.of(a, b).paired for a, b in combinations(samples, 2)):
            raise Refused(
                "the methods of this sweep share their seeds, and a trend is tested on independent ones"
            )
        curves = samples[0].curves.shape[1] > 1
        data = [
            sample.curves if curves else stats.final_values(sample.curves, rules.final) for sample in samples
        ]
        result = stats.spread_trend(data, places, level=1 - rate.alpha)
        second = stats.permutation_trend(data, places) if curves else stats.jonckheere(data, places)
        turn = stats.turning_point(data, places, alpha=rules.alpha)
        notes = []
        if turn.falls_before and turn.rises_after:
            candidates = ", ".join(f"{value:g}" for value in turn.candidates)
            notes.append(
                ResultWarning(
                    "turning-point",
                    f"The spread is smallest at {parameter} = {turn.value:g} and larger at both ends of the sweep ({parameter} "
                    f"in {candidates} cannot be told from the smallest): a trend does not describe it.",
                    "claim the two sides of the turning point apart, on fresh seeds",
                )
            )
        assert result.p is not None
        assert second.p is not None
        if (second.p <= rules.alpha) != (result.p <= rules.alpha):
            notes.append(
                claim_warnings.opinions_disagree(result.test, result.p, second.test, second.p, rules.alpha)
            )
        return Evidence(claim, result, result, second, result.p, rate, warnings=tuple(notes))

    def holds(self, claim: Claim, estimate: float, metric: Metric) -> bool:
        """Whether the spread goes the way that is claimed."""
        return estimate > 1 if claim.rising else estimate < 1

    def statement(self, claim: Claim, metric: Metric, axis: Axis) -> str:
        """The claim as a clause."""
        return (
            f"the spread of {metric.name.replace('_', ' ')} {'rises' if claim.rising else 'falls'} as "
            f"{claim.over or 'the swept value'} grows, over {listed(claim.methods)}"
        )

    def short(self, claim: Claim, metric: Metric) -> str:
        """In a table's cell."""
        return "rising spread" if claim.rising else "falling spread"

    def unit(self, metric: Metric) -> str:
        """None: a ratio."""
        return ""

    def per(self, result: Result) -> str:
        """For which step of the sweep the ratio is."""
        return unit_of(result)

    def details(self, claim: Claim) -> list[tuple[str, Any]]:
        """What a claims file says of it."""
        return super().details(claim) + ([("rising", True)] if claim.rising else [])


class StableOver(WithinMargin, _Sweep):
    """All pairs of means are equivalent within ``margin``: intersection–union, so that the pair with the largest p decides."""

    name = "equivalent across the sweep"
    takes = frozenset({"methods", "margin"})
    figure = "sweeps"

    def of_sweep(
        self, claim: Claim, samples: Sequence[Sample], metric: Metric, rules: Rules, rate: Rate
    ) -> Evidence:
        """The pair that decides, which is shown: of those that disagree the one with the smallest p, else the largest p's.

        Any pair that disagrees refutes the claim, at the rate that is left for each of them; its p is that of all pairs.
        """
        pairs = [Pair.of(one, other) for one, other in combinations(samples, 2)]
        apart = rate.over(len(pairs))
        agree, disagree = [], []
        for pair in pairs:
            a, b = (one_number_a_seed(curves, claim, rules) for curves in (pair.a, pair.b))
            result, among_all = (
                self.of_difference(
                    claim, stats.mean_difference(a, b, paired=pair.paired, level=1 - 2 * share.alpha), metric
                )
                for share in (rate, apart)
            )
            assert result.estimate is not None
            if self.holds(claim, result.estimate, metric):
                agree.append(result)
            else:
                disagree.append(among_all)
        if disagree:
            shown = min(disagree, key=_p)
            p = min(1.0, len(pairs) * _p(shown))
        else:
            shown = max(agree, key=_p)
            p = _p(shown)
        return Evidence(claim, shown, shown, None, p, rate)

    def statement(self, claim: Claim, metric: Metric, axis: Axis) -> str:
        """The claim as a clause."""
        margin = margin_words(claim, points(metric))
        return f"{mean_of(claim, metric, axis)} agrees within {margin} among {listed(claim.methods)}"

    def short(self, claim: Claim, metric: Metric) -> str:
        """In a table's cell."""
        return f"all means ± {margin_words(claim, points(metric, short=True))}"


def _p(result: Result) -> float:
    assert result.p is not None
    return result.p
