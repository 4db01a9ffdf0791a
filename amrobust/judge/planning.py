"""Planning: studies of simulated seeds are decided as real ones are, and counted."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

import numpy as np

from amrobust.errors import UserError
from amrobust.judge.claim import Claim
from amrobust.judge.comparison import Comparison, GroupComparison, Verdict
from amrobust.judge.evidence import gather
from amrobust.judge.kinds.kind import FEWEST_SEEDS, Outcome
from amrobust.judge.rules import Rate, Rules
from amrobust.judge.samples import Curves, Refused, Sample
from amrobust.judge.simulated import SHAPES, Shape, Source
from amrobust.judge.usage import asked_for
from amrobust.judge.verdicts import POWER
from amrobust.runs.metric import Metric
from amrobust.stats import CannotEstimate
from amrobust.stats.limits import check_count, check_rate
from amrobust.stats.planning import SeedRange
from amrobust.stats.tails import proportion_interval

MOST_SEEDS = 2_000
MOST_VALUES = 2_000_000_000
"""Of all simulated studies of a number of seeds: some minutes' worth."""
STAND_IN = 10
"""Seeds from which the jackknife stands in for the permutation, whose power on normal seeds is within 5 points of it."""
BLOCK = 50
"""Studies after each of which it is asked whether the power that is wanted lies clearly elsewhere."""
CLEARLY, CERTAINTY = 0.999, 0.99


@dataclass(frozen=True)
class Study:
    """One claim, what its methods' seeds are drawn from, and how it is decided: at the rate of Holm's first step."""

    claim: Claim
    sources: Mapping[str, Source]
    metric: Metric
    rules: Rules
    family: int = 1
    wanted: Outcome = "supported"
    """The outcome whose probability is the power."""

    def __post_init__(self) -> None:
        """Raises UserError where no claim can be held to such a rate."""
        with asked_for():
            check_count("claims", self.family, 1, MOST_VALUES)
            check_rate(f"alpha over {self.family} claims", self.rules.alpha / self.family)

    def draw(self, n: int, shape: Shape, rng: np.random.Generator) -> dict[str, Sample]:
        """``n`` seeds of every method."""
        drawn: dict[str, tuple[Curves, Curves]] = {}
        found = {}
        for name in self.claim.involved:
            source = self.sources[name]
            if source.weights not in drawn:
                weights = rng.standard_normal((n, len(source.root)))
                drawn[source.weights] = weights, np.sqrt(3 / rng.chisquare(5, (n, 1)))
            found[name] = source.drawn(shape, self.metric, self.rules.final, *drawn[source.weights], rng)
        return found

    def outcome(self, samples: Mapping[str, Sample]) -> tuple[Outcome, Refused | None]:
        """How a study ends, by p and the side that its estimate lies on, and why where it is refused."""
        few = min(len(sample.seeds) for sample in samples.values()) < STAND_IN
        rules = self.rules if few or self.rules.test != "auto" else replace(self.rules, test="jackknife")
        first = self.rules.alpha / self.family
        evidence = gather(self.claim, samples, self.metric, rules, Rate(first, first, p_alone=True))
        if evidence.refusal is not None:
            return "not assessable", evidence.refusal
        assert evidence.p is not None
        if evidence.p > first:
            return "inconclusive", None
        return "supported" if evidence.points_to(self.metric) else "refuted", None


@dataclass(frozen=True)
class Power:
    """Share of ``studies`` with ``n`` seeds per method that end as wanted, with its exact 99 % Monte Carlo interval."""

    n: int
    power: float
    low: float
    high: float
    studies: int


class NotReached(CannotEstimate):
    """A power that the largest number of seeds does not reach."""


def power_at(
    study: Study,
    n: int,
    shape: Shape = "normal",
    *,
    replications: int = 500,
    seed: int = 0,
    wanted: float | None = None,
) -> Power:
    """The power at ``n`` seeds per method; the same ``seed`` gives the same.

    Where it is only asked whether the power is ``wanted``, no more studies are drawn than tell that at 99.9 %. Raises
    CannotEstimate below 4 seeds, where every study is refused for what no number of seeds changes, and where the studies would
    not fit into memory or not end within minutes.
    """
    if n < FEWEST_SEEDS:
        raise CannotEstimate(f"{n} seeds are too few", FEWEST_SEEDS)
    epochs = max(len(study.sources[name].mean) for name in study.claim.involved)
    check_count("seeds times epochs", n * epochs, 1, MOST_VALUES // 100)
    check_count("replications", replications, 1, MOST_VALUES // (n * epochs))
    rng = np.random.default_rng([seed, n, zlib.crc32(shape.encode())])
    hits, refusals = 0, []
    for done in range(1, replications + 1):
        outcome, refusal = study.outcome(study.draw(n, shape, rng))
        hits += outcome == study.wanted
        if refusal is not None:
            refusals.append(refusal)
        if done % BLOCK == 0 or done == replications:
            if len(refusals) == done and refusals[-1].seeds_needed is None:
                raise CannotEstimate(f"this claim is not assessable: {refusals[-1].reason}")
            clearly = proportion_interval(hits, done, level=CLEARLY)
            assert clearly.low is not None
            assert clearly.high is not None
            if wanted is not None and not clearly.low <= wanted <= clearly.high:
                break
    found = proportion_interval(hits, done, level=CERTAINTY)
    assert found.low is not None
    assert found.high is not None
    return Power(n, hits / done, found.low, found.high, done)


def seeds_for_power(
    study: Study, power: float = POWER, shape: Shape = "normal", *, replications: int = 500, seed: int = 0
) -> list[Power]:
    """Powers at the numbers of seeds tried, in order of n; the last of them is the smallest n found with ``power``.

    n is doubled until the power is reached, then bisected. Raises NotReached where 2,000 seeds are not enough, and
    CannotEstimate as :func:`power_at`.
    """
    check_rate("power", power)
    tried: dict[int, Power] = {}

    def reaches(n: int) -> bool:
        if n not in tried:
            tried[n] = power_at(study, n, shape, replications=replications, seed=seed, wanted=power)
        return tried[n].power >= power

    high = FEWEST_SEEDS
    while not reaches(high):
        if high >= MOST_SEEDS:
            raise NotReached(
                f"{MOST_SEEDS:,} seeds per method do not reach a power of {power:.0%}; ask for less power, a larger effect or "
                "fewer claims"
            )
        high = min(2 * high, MOST_SEEDS)
    low = max(high // 2, FEWEST_SEEDS - 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reaches(middle) else (middle, high)
    return [tried[n] for n in sorted(tried) if n <= high]


@dataclass(frozen=True)
class Planned:
    """What a claim of a pilot takes in a study of its own, were the pilot's estimates the truth."""

    compared: GroupComparison
    verdict: Verdict
    """The pilot's."""
    outcome: Outcome | None = None
    """Which way the study would end."""
    found: Mapping[Shape, Power | None] | None = None
    """By the shape of seeds, the fewest that have the power, or the power of the number that was asked for; None where 2,000
    do not have it."""
    range: SeedRange | None = None
    """For normal seeds, over the truths that the pilot's estimate leaves open (10 to 90 %)."""
    reason: str | None = None
    """Why there is no plan."""


def plan_from(
    pilot: Comparison,
    *,
    power: float = POWER,
    seeds: int | None = None,
    shapes: Sequence[Shape] = SHAPES,
    replications: int = 500,
    done: Callable[[], object] = lambda: None,
) -> list[Planned]:
    """For every claim of a ``pilot``: the seeds per method with ``power``, or the power of ``seeds``, as a family of their own.

    Seeds are drawn with the pilot's means and its covariance over epochs and pairs, in several ``shapes``; its divergence
    rates hold for claims that count diverged seeds. ``done`` is called after each claim. Raises UserError on several x0, on
    interim analyses and on bootstrap intervals, which would have to be simulated too.
    """
    found = []
    for compared in pilot.groups:
        rules = compared.rules
        assert rules is not None
        assert compared.selection is not None
        if rules.looks or rules.interval != "test":
            raise UserError(
                "a plan is of one analysis by the deciding test: leave out --looks and --interval"
            )
        samples = {
            arm.method: Sample.of(
                arm,
                compared.metric.name,
                compared.first_epoch,
                compared.selection.complete_cases,
                final=rules.final,
            )
            for arm in compared.arms
        }
        for verdict in compared.verdicts:
            found.append(_planned(compared, verdict, samples, rules, power, seeds, shapes, replications))
            done()
    return found


def _planned(
    compared: GroupComparison,
    verdict: Verdict,
    samples: Mapping[str, Sample],
    rules: Rules,
    power: float,
    seeds: int | None,
    shapes: Sequence[Shape],
    replications: int,
) -> Planned:
    claim = verdict.claim
    if verdict.outcome == "not assessable":
        return Planned(compared, verdict, reason=verdict.sentence)
    if not all(part.form.can_be_simulated for part in claim.parts or (claim,)):
        reason = "which test examples simulated trainings get right is not known; compare says how many seeds it needs"
        return Planned(compared, verdict, reason=reason)
    parts = [v for v in verdict.parts or (verdict,) if v.interval is not None]
    against = [
        v for v in parts if v.interval and v.interval.estimate is not None
        and not v.claim.form.holds(v.claim, v.interval.estimate, compared.metric)
    ]  # fmt: skip
    outcome: Outcome = "refuted" if against else "supported"
    alpha = rules.alpha / verdict.family_size / (len(parts) if against else 1)
    # One is enough to refute a claim of several parts; all have to be shown to support it.
    settled = [min(against, key=lambda v: _seeds(v, alpha, power))] if against else parts
    try:
        study = Study(
            claim, Source.of_pilot({name: samples[name] for name in claim.involved}), compared.metric, rules,
            verdict.family_size, outcome,
        )  # fmt: skip
        results: dict[Shape, Power | None] = {}
        for shape in shapes:
            if seeds is not None:
                results[shape] = power_at(study, seeds, shape, replications=replications)
            elif any(_seeds(v, alpha, power) > MOST_SEEDS for v in settled):
                results[shape] = None
            else:
                results[shape] = _or_none(study, power, shape, replications)
    except CannotEstimate as error:
        return Planned(compared, verdict, reason=error.reason)
    spans = [v.claim.form.seed_range(v.claim, v.interval, alpha, power) for v in settled if v.interval]
    return Planned(compared, verdict, outcome, results, SeedRange.of_all(spans) if seeds is None else None)


def _seeds(verdict: Verdict, alpha: float, power: float) -> float:
    """By the formula of its kind; infinite where no number of seeds is enough."""
    assert verdict.interval is not None
    seeds = verdict.claim.form.required_seeds(verdict.claim, verdict.interval, alpha, power)
    return inf if seeds is None else seeds


def _or_none(study: Study, power: float, shape: Shape, replications: int) -> Power | None:
    try:
        return seeds_for_power(study, power, shape, replications=replications)[-1]
    except NotReached:
        return None
