"""From a claim and two samples to the numbers that decide: interval, test, second opinion, or a refusal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from amrobust import stats
from amrobust.judge import cautions
from amrobust.judge.bounds import of_bound
from amrobust.judge.changes import of_change
from amrobust.judge.judgement import CHANGES, RATIOS, SPREADS, SWEEPS, Claim
from amrobust.judge.rules import PAIRED, UNPAIRED, Evidence, Rules
from amrobust.judge.samples import Curves, Pair, Refused, Sample
from amrobust.judge.sweeps import of_sweep
from amrobust.judge.words import counted, significant
from amrobust.runs.metric import Metric
from amrobust.stats.bootstrap import NAMES, Statistic
from amrobust.stats.limits import check_rate
from amrobust.stats.results import Caution, Result

FEWEST_SEEDS = 4
EARLY_SHARE = 1 / 3
SIZEABLE_RATIO = 1.5
LOW_POWER = 0.5
SECOND_OPINION = 1_999
"""Resamples of a test that decides nothing: its p-value is held against alpha, not against alpha's share in the family."""


def gather(
    claim: Claim, samples: Mapping[str, Sample], metric: Metric, rules: Rules, family: int
) -> Evidence:
    """Compute the evidence on ``claim``; intervals are at the Bonferroni level of ``family`` claims.

    A refusal (diverged seeds, fewer than 4 seeds, no variance, a test that could not reject at this number of seeds) is
    returned, not raised: it is a verdict.
    """
    if claim.kind == "composite":
        parts = tuple(gather(part, samples, metric, rules, family) for part in claim.parts)
        return _composite(claim, parts, metric)
    involved = [samples[name] for name in (claim.methods or dict.fromkeys((claim.method, claim.baseline)))]
    notes = tuple(note for sample in involved for note in sample.cautions)
    try:
        check_rate(f"alpha over the family of {counted(family, 'claim')}", rules.alpha / family)
        for sample in involved:
            if sample.arm.interpolated and claim.kind in (*SPREADS, "trend"):
                raise Refused(
                    f"values of {sample.arm.method} lie between its measurements, where noise is averaged and varies less: "
                    "read the last values (--grid ...:last)"
                )
            if claim.kind != "within bound":  # whose tail has a place for diverged runs
                sample.require_finite()
            if len(sample.seeds) < FEWEST_SEEDS:
                raise Refused(
                    f"{sample.arm.title} has {counted(len(sample.seeds), 'usable seed')}",
                    FEWEST_SEEDS,
                )
        if claim.kind in SWEEPS:
            evidence = of_sweep(claim, [_in_phase(sample, claim) for sample in involved], rules, family)
        elif claim.kind == "within bound":
            evidence = of_bound(claim, involved[0], metric, rules, family)
        elif claim.kind in CHANGES:
            evidence = of_change(claim, involved[0], rules, family)
        else:
            pair = Pair.of(*(_in_phase(sample, claim) for sample in involved))
            notes += pair.cautions
            evidence = _of_pair(claim, pair, metric, rules, family)
    except stats.CannotEstimate as error:
        return Evidence(claim, refusal=Refused(error.reason, error.seeds_needed), cautions=notes)
    except Refused as refusal:
        return Evidence(claim, refusal=refusal, cautions=notes)
    return replace(evidence, cautions=notes + evidence.cautions)


def _in_phase(sample: Sample, claim: Claim) -> Sample:
    """The sample's curves in the claim's phase of training, all of them where it names none."""
    if claim.epochs is None:
        return sample
    if sample.arm.epochs == 1:
        raise Refused("a phase of training needs curves, and these data have final values: one number a seed")
    first, last = (epoch - sample.first_epoch for epoch in claim.epochs)
    if last < max(first, 0) or last >= sample.curves.shape[1]:
        raise Refused(
            f"its phase, {sample.arm.axis.phase(*claim.epochs)}, is not among the {sample.judged} that are judged"
        )
    return replace(sample, curves=sample.curves[:, max(first, 0) : last + 1])


def _of_pair(claim: Claim, pair: Pair, metric: Metric, rules: Rules, family: int) -> Evidence:
    if min(len(pair.a), len(pair.b)) < FEWEST_SEEDS:
        raise Refused(f"the two share {counted(len(pair.a), 'seed')}", FEWEST_SEEDS)
    if claim.kind in SPREADS:
        return _spread(claim, pair, metric, rules, family)
    if claim.kind == "cheaper":
        return _cost(claim, pair, rules, family)
    return _mean(claim, pair, metric, rules, family)


def _composite(claim: Claim, parts: tuple[Evidence, ...], metric: Metric) -> Evidence:
    """Intersection–union: the largest p of the parts, 1 for a part that points the other way; refused if a part is."""
    notes = tuple(dict.fromkeys(note for part in parts for note in part.cautions))
    for part in parts:
        if part.refusal is not None:
            refusal = Refused(
                f"of its part {part.claim.kind!r}: {part.refusal.reason}", part.refusal.seeds_needed
            )
            return Evidence(claim, refusal=refusal, cautions=notes, parts=parts)
    p = max(
        part.p if agrees(part.claim, part.interval.estimate, metric) else 1.0
        for part in parts
        if part.p is not None and part.interval is not None and part.interval.estimate is not None
    )
    return Evidence(claim, p=p, cautions=notes, parts=parts)


def agrees(claim: Claim, estimate: float, metric: Metric) -> bool:
    """Whether ``estimate`` points the way that the claim says; claims with a margin have it in their one-sided p."""
    if claim.kind in ("better mean", *CHANGES):
        better = estimate > 0 if metric.way == "higher" else estimate < 0
        return better != (claim.kind == "worse after")
    if claim.kind in RATIOS:
        return estimate > 1 if claim.rising else estimate < 1
    return True


def _spread(claim: Claim, pair: Pair, metric: Metric, rules: Rules, family: int) -> Evidence:
    """Spread ratio by the jackknife, the chosen test if it is another one, and the permutation second opinion."""
    on_curves = claim.kind == "less Avg. STD"
    axis = pair.method.arm.axis
    if not on_curves and claim.epochs is not None:
        raise Refused(f"the final spread has no phase: claim less Avg. STD over these {axis.plural}")
    if on_curves and pair.a.shape[1] < 2:
        raise Refused(
            f"Avg. STD needs curves of at least 2 {axis.plural}, and these data have one number a seed"
        )
    a, b = (
        (pair.a, pair.b)
        if on_curves
        else (stats.final_values(pair.a, rules.final), stats.final_values(pair.b, rules.final))
    )
    if pair.x0s is not None:
        return _spread_over_x0s(claim, a, b, pair.x0s, rules, family)
    level = 1 - rules.alpha / family
    if rules.test == "bonett" and not on_curves and not pair.paired:
        interval = stats.pooled_kurtosis_ratio(a, b, level=level)
    else:
        interval = stats.spread_ratio(a, b, paired=pair.paired, level=level)
    decides, epochwise = rules.test in ("permutation", "swap"), None
    if on_curves and claim.epochs is None and not decides:
        permuted, epochwise = stats.permuted_curves(a, b, paired=pair.paired, resamples=SECOND_OPINION)
    else:
        resamples = 9_999 if decides else SECOND_OPINION
        permuted = stats.permutation_spread(a, b, paired=pair.paired, resamples=resamples)
    notes: tuple[Caution, ...] = _level_note(pair, metric, rules) if on_curves else ()
    test, more = _chosen(a, b, pair, rules, interval, permuted)
    second = permuted if test is not permuted else interval
    notes += more
    if test.smallest_p > rules.alpha / family:
        raise Refused(
            f"{test.test} cannot give a p-value below {significant(test.smallest_p)} with these seeds, and {rules.alpha:.3g} "
            f"over a family of {family} asks for {significant(rules.alpha / family)}",
            _seeds_for(rules.alpha / family, pair.paired),
        )
    assert interval.p is not None
    assert test.p is not None
    p = max(test.p, interval.p)
    if second.p is not None and (second.p <= rules.alpha) != (p <= rules.alpha):
        notes += (cautions.opinions_disagree(test.test, p, second.test, second.p, rules.alpha),)
    if p > rules.alpha / family:
        weak = stats.power_at_seeds(
            interval, max(interval.n), effect=np.log(SIZEABLE_RATIO), alpha=rules.alpha / family
        )
        if weak < LOW_POWER:
            notes += (cautions.low_power(SIZEABLE_RATIO, weak),)
    asked = _asked(a, b, "avg_std" if on_curves else "std", pair, rules, level)
    return Evidence(
        claim,
        interval,
        test,
        second,
        p,
        cautions=notes + _own(interval, test),
        epochwise=epochwise,
        asked=asked,
    )


def _asked(
    a: Curves, b: Curves, statistic: Statistic, pair: Pair, rules: Rules, level: float
) -> Result | None:
    """The bootstrap interval that was asked for. Raises Refused where these samples allow none."""
    if rules.interval == "test":
        return None
    try:
        return stats.bootstrap_contrast(a, b, statistic, paired=pair.paired, kind=rules.interval, level=level)
    except stats.CannotEstimate as error:
        raise Refused(
            f"there is no interval by {NAMES[rules.interval]}: {error.reason} (--interval test resamples nothing)"
        ) from None


def _spread_over_x0s(
    claim: Claim,
    a: Curves,
    b: Curves,
    x0s: tuple[tuple[str, ...], tuple[str, ...]],
    rules: Rules,
    family: int,
) -> Evidence:
    """Seeds of one x0 are not independent, so that no test on seeds applies: x0s are the unit."""
    if rules.test != "jackknife":
        raise Refused(f"the {rules.test} test takes seeds as independent, and seeds of one x0 are not")
    result = stats.spread_ratio_over_x0s(a, x0s[0], b, x0s[1], level=1 - rules.alpha / family)
    return Evidence(claim, result, result, None, result.p)


def _cost(claim: Claim, pair: Pair, rules: Rules, family: int) -> Evidence:
    """Ratio of wall times a seed."""
    left, right = pair.method.arm, pair.baseline.arm
    if not left.seconds or not right.seconds:
        raise Refused(
            "the wall time of each seed is not known: seeds trained together share it (train them with --batching none)"
        )
    if left.training is not None and left.training == right.training:
        raise Refused("the two are outputs of one training, which has one cost")
    result = stats.ratio_of_costs(left.seconds, right.seconds, level=1 - rules.alpha / family)
    note = cautions.cost_measured_apart(left.title, right.title)
    return Evidence(claim, result, result, None, result.p, cautions=(note,))


def _chosen(
    a: Curves, b: Curves, pair: Pair, rules: Rules, interval: Result, permuted: Result
) -> tuple[Result, tuple[Caution, ...]]:
    """The test that was asked for, on these samples, and what to say where another had to take its place."""
    name = rules.test
    if name in PAIRED and not pair.paired:
        raise Refused(f"the {name} test needs seeds that are paired, and these arms are independent")
    if name == "jackknife":
        return interval, ()
    if name == "bonett":
        missing = "pairs" if pair.paired else "Avg. STD" if a.ndim > 1 else ""
        return interval, (cautions.values_only(name, interval.test, missing),) if missing else ()
    if name in ("permutation", "swap"):
        return permuted, ()
    if name in UNPAIRED and pair.paired:
        used = stats.levene(a, b, centre=rules.centre, paired=True)
        return used, (cautions.paired_instead(name, used.test),)
    if name == "levene":
        return stats.levene(a, b, centre=rules.centre), ()
    if a.ndim > 1:
        return interval, (cautions.values_only(name, interval.test, "Avg. STD"),)
    test = {
        "f": stats.f_test, "bartlett": stats.bartlett, "fligner": stats.fligner, "pitman-morgan": stats.pitman_morgan,
    }[name]  # fmt: skip
    return test(a, b), ()


def _own(*results: Result) -> tuple[Caution, ...]:
    """The cautions that the statistics carry, each once."""
    return tuple(dict.fromkeys(caution for result in results for caution in result.cautions))


def _seeds_for(threshold: float, paired: bool) -> int | None:
    """The smallest number of seeds a method at which an exact label test can reach ``threshold``; None above 1,000."""
    tried = range(FEWEST_SEEDS, 1_001)
    return next((n for n in tried if stats.smallest_permutation_p(n, n, paired=paired) <= threshold), None)


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
        pair.method.arm.title,
        pair.baseline.arm.title,
        early / pair.a.shape[1],
        f"{significant(result.estimate, sign=True)}{unit}",
    )
    return (note,)


def _mean(claim: Claim, pair: Pair, metric: Metric, rules: Rules, family: int) -> Evidence:
    """Difference of final means (of means over the claim's phase): Welch or paired t, or its one-sided forms against a margin.

    Rank and bootstrap-t tests give second opinions where the difference itself is claimed.
    """
    a, b = (_numbers(curves, claim, rules) for curves in (pair.a, pair.b))
    level = 1 - rules.alpha / family * (1 if claim.margin is None else 2)
    if pair.x0s is not None:
        difference = stats.mean_difference_over_x0s(a, pair.x0s[0], b, pair.x0s[1], level=level)
    else:
        difference = stats.mean_difference(a, b, paired=pair.paired, level=level)
    asked = _asked(a, b, "mean", pair, rules, level)
    if claim.margin is None:
        second = None
        if pair.x0s is None:
            second = stats.bootstrap_difference(a, b, paired=pair.paired, resamples=SECOND_OPINION)
        assert difference.p is not None
        notes: tuple[Caution, ...] = ()
        if (
            second is not None
            and second.p is not None
            and (second.p <= rules.alpha) != (difference.p <= rules.alpha)
        ):
            notes = (
                cautions.opinions_disagree(difference.test, difference.p, second.test, second.p, rules.alpha),
            )
        return Evidence(
            claim,
            difference,
            difference,
            second,
            difference.p,
            cautions=notes + _own(difference),
            asked=asked,
        )
    if claim.kind == "equivalent mean":
        result = stats.equivalence_of(difference, claim.margin)
    else:
        result = stats.non_inferiority_of(difference, claim.margin, better=metric.way)
    return Evidence(claim, result, result, None, result.p, cautions=_own(result), asked=asked)


def _numbers(curves: Curves, claim: Claim, rules: Rules) -> Curves:
    """One number a seed: its final value, or its mean over the claim's phase."""
    return (
        stats.final_values(curves, rules.final) if claim.epochs is None else np.asarray(curves.mean(axis=1))
    )


def spread_is_material(result: Result, material_ratio: float) -> bool:
    """Whether the interval of a ratio lies wholly beyond ``material_ratio`` or its reciprocal."""
    assert result.low is not None
    assert result.high is not None
    return result.high < material_ratio or result.low > 1 / material_ratio
