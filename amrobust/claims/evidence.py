"""From a claim and two samples to the numbers that decide: interval, test, second opinion, or a refusal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from amrobust import stats
from amrobust.claims import cautions
from amrobust.claims.judgement import Claim
from amrobust.claims.samples import Curves, Pair, Refused
from amrobust.runs.arms import Metric
from amrobust.stats.results import Caution, Result

TestName = Literal["jackknife", "permutation", "levene", "bartlett", "fligner", "f", "swap", "pitman-morgan"]
TESTS: tuple[TestName, ...] = get_args(TestName)
UNPAIRED: tuple[TestName, ...] = ("levene", "bartlett", "fligner", "f")
"""Tests for independent samples: paired arms get the paired t test on deviations instead, named so."""
PAIRED: tuple[TestName, ...] = ("swap", "pitman-morgan")
"""Tests that need seeds to be paired."""

FEWEST_SEEDS = 4
EARLY_SHARE = 1 / 3


@dataclass(frozen=True)
class Rules:
    """How claims are judged: the options of a comparison that the numbers depend on."""

    alpha: float = 0.05
    test: TestName = "jackknife"
    centre: Literal["median", "mean", "trimmed"] = "median"
    final: str = "last"
    material_ratio: float = 0.9


@dataclass(frozen=True)
class Evidence:
    """What is known about one claim before the family is adjusted for."""

    claim: Claim
    interval: Result | None = None
    test: Result | None = None
    second_opinion: Result | None = None
    p: float | None = None
    """The p-value that decides: the chosen test's, or the larger of it and the interval's where they are not one."""
    refusal: Refused | None = None
    cautions: tuple[Caution, ...] = ()
    parts: tuple[Evidence, ...] = ()


def gather(claim: Claim, pair: Pair, metric: Metric, rules: Rules, family: int) -> Evidence:
    """Compute the evidence on ``claim``; intervals are at the Bonferroni level of ``family`` claims.

    A refusal (diverged seeds, fewer than 4 seeds, no variance, a test that could not reject at this number of seeds) is
    returned, not raised: it is a verdict.
    """
    if claim.kind == "composite":
        return _composite(
            claim, tuple(gather(part, pair, metric, rules, family) for part in claim.parts), metric
        )
    notes = pair.method.cautions + pair.baseline.cautions + pair.cautions
    try:
        for sample in (pair.method, pair.baseline):
            sample.require_finite()
        if min(len(pair.a), len(pair.b)) < FEWEST_SEEDS:
            fewest = min((len(pair.a), pair.method.arm.method), (len(pair.b), pair.baseline.arm.method))
            raise Refused(
                f"{fewest[1]} has {fewest[0]} usable seeds of the {FEWEST_SEEDS} it takes", FEWEST_SEEDS
            )
        if claim.kind in ("less spread", "less Avg. STD"):
            evidence = _spread(claim, pair, metric, rules, family)
        else:
            evidence = _mean(claim, pair, metric, rules, family)
    except stats.CannotEstimate as error:
        return Evidence(claim, refusal=Refused(error.reason, error.seeds_needed), cautions=notes)
    except Refused as refusal:
        return Evidence(claim, refusal=refusal, cautions=notes)
    return replace(evidence, cautions=notes + evidence.cautions)


def _composite(claim: Claim, parts: tuple[Evidence, ...], metric: Metric) -> Evidence:
    """Intersection–union: the largest p of the parts, 1 for a part that points the other way; refused if a part is."""
    notes = tuple(dict.fromkeys(note for part in parts for note in part.cautions))
    for part in parts:
        if part.refusal is not None:
            refusal = Refused(
                f"of its part {part.claim.kind!r}: {part.refusal.reason}", part.refusal.seeds_needed
            )
            return Evidence(claim, refusal=refusal, cautions=notes, parts=parts)
    p = max(part.p if agrees(part, metric) else 1.0 for part in parts if part.p is not None)
    return Evidence(claim, p=p, cautions=notes, parts=parts)


def agrees(evidence: Evidence, metric: Metric) -> bool:
    """Whether the estimate points the way that the claim says; claims with a margin have it in their one-sided p."""
    assert evidence.interval is not None
    estimate = evidence.interval.estimate
    assert estimate is not None
    if evidence.claim.kind == "better mean":
        return estimate > 0 if metric.better == "higher" else estimate < 0
    return estimate < 1 if evidence.claim.kind in ("less spread", "less Avg. STD") else True


def _spread(claim: Claim, pair: Pair, metric: Metric, rules: Rules, family: int) -> Evidence:
    """Spread ratio by the jackknife, the chosen test if it is another one, and the permutation second opinion."""
    on_curves = claim.kind == "less Avg. STD"
    if on_curves and pair.a.shape[1] < 2:
        raise Refused("Avg. STD needs curves of at least 2 epochs, and these data have one")
    a, b = (
        (pair.a, pair.b)
        if on_curves
        else (stats.final_values(pair.a, rules.final), stats.final_values(pair.b, rules.final))
    )
    interval = stats.spread_ratio(a, b, paired=pair.paired, level=1 - rules.alpha / family)
    permuted = stats.permutation_spread(a, b, paired=pair.paired)
    notes: tuple[Caution, ...] = _level_note(pair, metric, rules) if on_curves else ()
    test, more = _chosen(a, b, pair, rules, interval, permuted)
    second = permuted if test is not permuted else interval
    notes += more
    if test.smallest_p > rules.alpha / family:
        raise Refused(
            f"{test.test} cannot give a p-value below {test.smallest_p:.3g} with these seeds, and {rules.alpha:g} over "
            f"a family of {family} asks for {rules.alpha / family:.3g}",
            _seeds_for(rules.alpha / family, pair.paired),
        )
    assert interval.p is not None
    assert test.p is not None
    p = max(test.p, interval.p)
    if second.p is not None and (second.p <= rules.alpha) != (p <= rules.alpha):
        notes += (cautions.opinions_disagree(test.test, p, second.test, second.p, rules.alpha),)
    return Evidence(claim, interval, test, second, p, cautions=notes + _own(interval, test))


def _chosen(
    a: Curves, b: Curves, pair: Pair, rules: Rules, interval: Result, permuted: Result
) -> tuple[Result, tuple[Caution, ...]]:
    """The test that was asked for, on these samples, and what to say where another had to take its place."""
    name = rules.test
    if name in PAIRED and not pair.paired:
        raise Refused(f"the {name} test needs seeds that are paired, and these arms are independent")
    if name == "jackknife":
        return interval, ()
    if name in ("permutation", "swap"):
        return permuted, ()
    if name in UNPAIRED and pair.paired:
        used = stats.levene(a, b, centre=rules.centre, paired=True)
        return used, (cautions.paired_instead(name, used.test),)
    if name == "levene":
        return stats.levene(a, b, centre=rules.centre), ()
    if a.ndim > 1:
        return interval, (cautions.values_only(name, interval.test),)
    test = {
        "f": stats.f_test, "bartlett": stats.bartlett, "fligner": stats.fligner, "pitman-morgan": stats.pitman_morgan,
    }[name]  # fmt: skip
    return test(a, b), ()


def _own(*results: Result) -> tuple[Caution, ...]:
    """The cautions that the statistics carry, each once."""
    return tuple(dict.fromkeys(caution for result in results for caution in result.cautions))


def _seeds_for(threshold: float, paired: bool) -> int:
    """The smallest number of seeds a method at which an exact label test can reach ``threshold``."""
    n = FEWEST_SEEDS
    while stats.smallest_permutation_p(n, n, paired=paired) > threshold:
        n += 1
    return n


def _level_note(pair: Pair, metric: Metric, rules: Rules) -> tuple[Caution, ...]:
    """A caution where the mean over the first third of training differs between the arms."""
    early = max(1, round(pair.a.shape[1] * EARLY_SHARE))

    def level(curves: Curves) -> Curves:
        return np.asarray(curves[:, :early].mean(axis=1))

    try:
        result = stats.mean_difference(
            level(pair.a), level(pair.b), paired=pair.paired, level=1 - rules.alpha
        )
    except stats.CannotEstimate:
        return ()
    if result.p is None or result.estimate is None or result.p > rules.alpha:
        return ()
    unit = " percentage points" if metric.unit == "%" else ""
    note = cautions.levels_differ(
        pair.method.arm.method,
        pair.baseline.arm.method,
        early / pair.a.shape[1],
        f"{result.estimate:+.3g}{unit}",
    )
    return (note,)


def _mean(claim: Claim, pair: Pair, metric: Metric, rules: Rules, family: int) -> Evidence:
    """Difference of final means: Welch or paired t, or its one-sided forms against a margin."""
    a, b = (stats.final_values(curves, rules.final) for curves in (pair.a, pair.b))
    if claim.kind == "better mean":
        result = stats.mean_difference(a, b, paired=pair.paired, level=1 - rules.alpha / family)
    else:
        assert claim.margin is not None
        level = 1 - 2 * rules.alpha / family
        if claim.kind == "equivalent mean":
            result = stats.equivalence(a, b, claim.margin, paired=pair.paired, level=level)
        else:
            result = stats.non_inferiority(
                a, b, claim.margin, better=metric.better, paired=pair.paired, level=level
            )
    return Evidence(claim, result, result, None, result.p, cautions=_own(result))


def spread_is_material(result: Result, material_ratio: float) -> bool:
    """Whether the interval of a ratio lies wholly beyond ``material_ratio`` or its reciprocal."""
    assert result.low is not None
    assert result.high is not None
    return result.high < material_ratio or result.low > 1 / material_ratio
