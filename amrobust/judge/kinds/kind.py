"""What a kind of claim is: everything that differs from kind to kind is asked of its object, and nowhere else.

A kind of one's own is a subclass in a module beside this one and an entry in ``KINDS``. It has to give its evidence and its
words; what it leaves out is as for a difference between two methods.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from amrobust import stats
from amrobust.errors import UserError
from amrobust.judge.rules import Evidence, Rate, Rules
from amrobust.judge.samples import Pair, Refused, Sample
from amrobust.judge.usage import asked_for
from amrobust.judge.words import counted, points, powers_of_ten, significant
from amrobust.runs.axis import Axis
from amrobust.runs.metric import Metric
from amrobust.runs.values import Curves
from amrobust.stats.limits import check_margin
from amrobust.stats.planning import SeedRange, truths
from amrobust.stats.published import Summary
from amrobust.stats.results import Result, ResultWarning

if TYPE_CHECKING:
    from amrobust.judge.claim import Claim

Outcome = Literal["supported", "refuted", "inconclusive", "not assessable"]

FEWEST_SEEDS = 4
SENSITIVITY_RESAMPLES = 1_999
"""Resamples of a test that decides nothing: its p-value is held against alpha, not against alpha's share in the family."""


class Kind:
    """One kind of claim about two methods, whose estimate is a difference."""

    name: ClassVar[str]
    about: ClassVar[Literal["two methods", "one method", "a sweep"]] = "two methods"
    """Of one method, that is its own baseline; of a sweep, ``methods`` are named and its ends are method and baseline."""
    estimates: ClassVar[
        Literal["difference", "ratio", "share", "difference of rates", "probability of superiority"]
    ] = "difference"
    takes: ClassVar[frozenset[str]] = frozenset()
    """Which of a claim's fields mean something to it: margin, parts, methods, rising, bound, deviation."""
    can_be_a_part: ClassVar[bool] = True
    """Of a composite claim, whose parts share its two methods."""
    can_be_assumed: ClassVar[bool] = True
    """Whether means, spreads and divergence rates of two methods are all that a study of it is drawn from."""
    can_be_simulated: ClassVar[bool] = True
    """Whether curves alone decide it, which are what a study is simulated by."""
    needs_finite: ClassVar[bool] = True
    """Whether diverged seeds have no place in it."""
    needs_measured: ClassVar[bool] = False
    """Whether values between measurements, where noise is averaged, would make it say too much."""
    quantity: ClassVar[str] = ""
    """What a figure of intervals, and one of power, calls what it is about; empty where it is in none."""
    figure: ClassVar[str] = "forest"
    """The figure that shows its verdicts best."""

    def check(self, claim: Claim) -> None:
        """Raise UserError where ``claim`` lacks what this kind needs, or has what it has no place for."""
        if self.about == "one method" and claim.method != claim.baseline:
            raise UserError(
                f"{described(claim)} is about one method: name {claim.method!r} as its baseline too"
            )
        if self.about == "two methods" and claim.method == claim.baseline:
            raise UserError(
                f"{described(claim)} holds {claim.method!r} against itself: name another method or baseline"
            )
        if "margin" in self.takes:
            if claim.margin is None:
                raise UserError(f"{described(claim)} needs a margin")
            self.check_margin(claim, claim.margin)
        self.check_phase(claim)

    def check_margin(self, claim: Claim, margin: float) -> None:
        """Raise UserError where no difference can have this margin."""
        with asked_for():
            check_margin(margin)

    def check_phase(self, claim: Claim) -> None:
        """Raise UserError where the claim's phase, as shares of the training, is none."""
        if claim.phase is not None and not 0 <= claim.phase[0] < claim.phase[1] <= 1:
            raise UserError(
                f"phase = {list(claim.phase)} is none: give two growing shares of the training, and no epochs"
            )

    def epochs_of(self, phase: tuple[float, float], epochs: int) -> tuple[int, int]:
        """The first and the last epoch of a ``phase`` in shares of the training, at least one."""
        first = min(epochs, round(phase[0] * epochs) + 1)
        return first, max(first, round(phase[1] * epochs))

    def evidence(
        self, claim: Claim, samples: Sequence[Sample], metric: Metric, rules: Rules, rate: Rate
    ) -> Evidence:
        """What the ``samples`` of the claim's methods say, intervals at the claim's ``rate``.

        Raises Refused, or the statistics' CannotEstimate, where they cannot say anything.
        """
        pair = Pair.of(*(in_phase(sample, claim) for sample in samples))

        def of_pair() -> Evidence:
            if min(len(pair.a), len(pair.b)) < FEWEST_SEEDS:
                raise Refused(f"the two share {counted(len(pair.a), 'seed')}", FEWEST_SEEDS)
            return self.of_pair(claim, pair, metric, rules, rate)

        return or_refusal(claim, pair.warnings, of_pair)

    def of_pair(self, claim: Claim, pair: Pair, metric: Metric, rules: Rules, rate: Rate) -> Evidence:
        """The evidence of two methods' samples, matched by seed where they are paired."""
        raise NotImplementedError

    def of_summary(self, claim: Claim, a: Summary, b: Summary, metric: Metric, alpha: float) -> Result:
        """What published means, spreads of the claim's kind and numbers of seeds say, at ``alpha`` for this claim."""
        raise NotImplementedError

    def holds(self, claim: Claim, estimate: float, metric: Metric) -> bool:
        """Whether ``estimate`` is as the claim says."""
        raise NotImplementedError

    def outcome(self, claim: Claim, result: Result, metric: Metric) -> Outcome:
        """What an interval says of the claim: a p-value decides at its level exactly when it does."""
        assert result.low is not None
        assert result.high is not None
        if result.low <= self.equality <= result.high:
            return "inconclusive"
        return "supported" if self.holds(claim, result.low, metric) else "refuted"

    @property
    def equality(self) -> float:
        """The estimate at which methods do not differ."""
        return 1.0 if self.estimates == "ratio" else 0.0

    def is_practically_significant(self, result: Result, practical_ratio: float) -> bool | None:
        """Whether the interval of a spread ratio lies wholly beyond ``practical_ratio`` or its reciprocal; None of others."""
        return None

    def required_seeds(self, claim: Claim, result: Result, alpha: float, power: float) -> int | None:
        """Seeds per method that would settle an open claim, were the estimate the truth."""
        return stats.required_seeds(result, alpha=alpha, power=power, margin=claim.margin)

    def truths(self, result: Result) -> list[Result]:
        """``result`` with each of equally probable truths, which its estimate leaves open, in the estimate's place."""
        found = truths(result, ratio=self.estimates == "ratio")
        return [replace(result, estimate=truth) for truth in found]

    def seed_range(self, claim: Claim, result: Result, alpha: float, power: float) -> SeedRange:
        """The seeds that would settle an open claim, over the truths that its estimate leaves open."""
        return SeedRange.over(
            [self.required_seeds(claim, truth, alpha, power) for truth in self.truths(result)]
        )

    def statement(self, claim: Claim, metric: Metric, axis: Axis) -> str:
        """The claim as a clause; ``axis`` has the coordinates of its phase."""
        raise NotImplementedError

    def short(self, claim: Claim, metric: Metric) -> str:
        """The claim in a table's cell, without its methods and its phase."""
        return self.name

    def headline(self, claim: Claim, metric: Metric, axis: Axis) -> str:
        """What the method is said to be, against the baseline: ``better on average``; of others the table's cell."""
        return self.short(claim, metric)

    def heading(self, claim: Claim, metric: Metric) -> str:
        """What claims that share a column or a table have in common: usually :meth:`short`."""
        return self.short(claim, metric)

    def brief(self, claim: Claim) -> str:
        """The claim in a list of what a warning concerns: ``less spread: am1[m=5]/II vs msgd``."""
        margin = powers_of_ten(f" (margin {claim.margin:g})") if claim.margin is not None else ""
        return f"{self.name}{margin}: {claim.method} vs {claim.baseline}"

    def unit(self, metric: Metric) -> str:
        """The unit of the estimate with its leading space."""
        return points(metric)

    def per(self, result: Result) -> str:
        """For which step of what a ratio is, such as ``doubling``; empty where it is of two methods."""
        return ""

    def sides(self, metric: Metric) -> tuple[str, str]:
        """What the two directions of a figure of intervals mean."""
        return ("← worse", "better →") if metric.way == "higher" else ("← better", "worse →")

    def region(self, claim: Claim, metric: Metric) -> tuple[float, float]:
        """Where the estimate has to lie for a claim with a margin to be true."""
        assert claim.margin is not None
        return -claim.margin, claim.margin

    def details(self, claim: Claim) -> list[tuple[str, Any]]:
        """What a claims file says of it besides its kind and methods."""
        found: list[tuple[str, Any]] = [("margin", claim.margin)] if claim.margin is not None else []
        return found + ([("epochs", list(claim.epochs))] if claim.epochs is not None else [])


def or_refusal(claim: Claim, notes: tuple[ResultWarning, ...], compute: Callable[[], Evidence]) -> Evidence:
    """The evidence with ``notes`` before its own; a refusal is a verdict too, and has them as well."""
    try:
        found = compute()
    except stats.CannotEstimate as error:
        return Evidence(claim, refusal=Refused(error.reason, error.seeds_needed), warnings=notes)
    except Refused as refusal:
        return Evidence(claim, refusal=refusal, warnings=notes)
    return replace(found, warnings=notes + found.warnings)


def described(claim: Claim) -> str:
    """The beginning of a refusal: ``a claim of kind 'trend'``."""
    return f"a claim of kind {claim.kind!r}"


def require_reach(test: Result, rules: Rules, rate: Rate, needed: Callable[[], int | None]) -> None:
    """Raise Refused where not even the smallest p-value of a ``test`` reaches the family's first step; ``needed`` seeds do."""
    if test.smallest_p > rate.first:
        raise Refused(
            f"{test.test} cannot give a p-value below {significant(test.smallest_p)} with these seeds, and "
            f"{rules.alpha:.3g} over a family of {rate.claims(rules.alpha)} asks for {significant(rate.first)}",
            needed(),
        )


def in_phase(sample: Sample, claim: Claim) -> Sample:
    """The sample's curves in the claim's phase of training, all of them where it names none. Raises Refused."""
    if claim.epochs is None:
        return sample
    if sample.arm.epochs == 1:
        raise Refused(
            "a phase of training needs curves, and these data have final values: one number per seed"
        )
    first, last = (epoch - sample.first_epoch for epoch in claim.epochs)
    if last < max(first, 0) or last >= sample.curves.shape[1]:
        raise Refused(
            f"its phase, {sample.arm.axis.phase(*claim.epochs)}, is not among the {sample.judged} that are judged"
        )
    return replace(sample, curves=sample.curves[:, max(first, 0) : last + 1])


def one_number_a_seed(curves: Curves, claim: Claim, rules: Rules) -> Curves:
    """Each seed's final value, or its mean over the claim's phase."""
    if claim.epochs is None:
        return stats.final_values(curves, rules.final)
    return np.asarray(curves.mean(axis=1))


def mean_of(claim: Claim, metric: Metric, axis: Axis) -> str:
    """``the final mean test accuracy``, or of a phase ``the mean test accuracy in epochs 1 to 10``."""
    quantity = metric.name.replace("_", " ")
    return (
        f"the mean {quantity} in {axis.phase(*claim.epochs)}"
        if claim.epochs is not None
        else f"the final mean {quantity}"
    )


def margin_words(claim: Claim, unit: str) -> str:
    """The margin with its unit."""
    return powers_of_ten(f"{claim.margin:g}{unit}")


def own_warnings(*results: Result) -> tuple[ResultWarning, ...]:
    """The warnings that the statistics carry, each once."""
    return tuple(dict.fromkeys(warning for result in results for warning in result.warnings))
