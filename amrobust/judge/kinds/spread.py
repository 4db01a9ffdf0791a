"""Spread from seed to seed, of final values and over training (Avg. STD): one method varies less than another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from amrobust import stats
from amrobust.judge import claim_warnings
from amrobust.judge.kinds.kind import (
    FEWEST_SEEDS,
    SENSITIVITY_RESAMPLES,
    Kind,
    Outcome,
    own_warnings,
    require_reach,
)
from amrobust.judge.kinds.mean import bootstrap_asked_for
from amrobust.judge.rules import PAIRED, UNPAIRED, Evidence, Rate, Rules
from amrobust.judge.samples import Pair, Refused
from amrobust.runs.axis import Axis
from amrobust.runs.metric import Metric
from amrobust.runs.values import Curves
from amrobust.stats.bootstrap import Statistic
from amrobust.stats.permutation import EXACT_UP_TO, SWAPS
from amrobust.stats.published import Summary, avg_std_ratio_from_summary, spread_ratio_from_summary
from amrobust.stats.results import Result, ResultWarning
from amrobust.stats.spread import MOST_PERMUTED, PERMUTATION, Construction
from amrobust.stats.studentised import is_enumerated, reaches

if TYPE_CHECKING:
    from amrobust.judge.claim import Claim

EARLY_SHARE = 1 / 3
SIZEABLE_RATIO = 1.5
LOW_POWER = 0.5


class SpreadRatio(Kind):
    """A claim about the ratio of two spreads."""

    estimates = "ratio"
    needs_measured = True
    statistic: Statistic

    def judged(self, claim: Claim, a: Curves, b: Curves, pair: Pair, rules: Rules, rate: Rate) -> Evidence:
        """The evidence of the samples ``a`` and ``b``: one number per seed, or curves."""
        raise NotImplementedError

    def tipped_by(self, claim: Claim, outcome: Outcome, result: Result) -> tuple[str, ...]:
        """The methods any of whose failing seeds could undo what was decided: the one that was found to vary less."""
        return (claim.method if outcome == "supported" else claim.baseline,)

    def unit(self, metric: Metric) -> str:
        """None: a ratio."""
        return ""

    def sides(self, metric: Metric) -> tuple[str, str]:
        """What the two directions of a figure of intervals mean."""
        return "← varies less", "varies more →"


class FinalSpread(SpreadRatio):
    """Of the STDs over seeds of the final value."""

    quantity = "Final STD"
    statistic = "std"

    def of_pair(self, claim: Claim, pair: Pair, metric: Metric, rules: Rules, rate: Rate) -> Evidence:
        """Raises Refused on a phase, which final values have none of."""
        if claim.epochs is not None:
            over_training = self.name.replace("spread", "Avg. STD")
            raise Refused(
                f"the final spread has no phase: claim {over_training} over these {pair.method.arm.axis.plural}"
            )
        a, b = (stats.final_values(curves, rules.final) for curves in (pair.a, pair.b))
        return self.judged(claim, a, b, pair, rules, rate)


class AvgStd(SpreadRatio):
    """Of the means over epochs of the across-seed STD."""

    quantity = "Avg. STD"
    statistic = "avg_std"

    def of_pair(self, claim: Claim, pair: Pair, metric: Metric, rules: Rules, rate: Rate) -> Evidence:
        """Raises Refused on curves of a single epoch. A warning says where the mean curves differ early."""
        if pair.a.shape[1] < 2:
            plural = pair.method.arm.axis.plural
            raise Refused(
                f"Avg. STD needs curves of at least 2 {plural}, and these data have one number per seed"
            )
        found = self.judged(claim, pair.a, pair.b, pair, rules, rate)
        if pair.x0s is not None:
            return found
        return replace(found, warnings=_levels_differ(pair, metric, rules) + found.warnings)

    def when(self, claim: Claim, axis: Axis) -> str:
        """Its phase: ``over training``, or ``in epochs 1 to 10``."""
        return f"in {axis.phase(*claim.epochs)}" if claim.epochs is not None else "over training"


class RatioBelowOne(Kind):
    """A claim that a ratio of spreads is below 1."""

    def holds(self, claim: Claim, estimate: float, metric: Metric) -> bool:
        """Whether the method varies less."""
        return estimate < 1

    def is_practically_significant(self, result: Result, practical_ratio: float) -> bool:
        """Whether the interval leaves out every ratio nearer to 1 than ``practical_ratio``."""
        assert result.low is not None
        assert result.high is not None
        return result.high < practical_ratio or result.low > 1 / practical_ratio


class _Less(RatioBelowOne, SpreadRatio):
    """The chosen test decides, with the interval's p where the two are not one."""

    def judged(self, claim: Claim, a: Curves, b: Curves, pair: Pair, rules: Rules, rate: Rate) -> Evidence:
        """The ratio of the spreads of ``a`` and ``b``, the chosen test, and one that decides nothing beside it."""
        if pair.x0s is not None:
            return _over_x0s(claim, a, b, pair.x0s, rules, rate)
        level = None if rate.p_alone else 1 - rate.alpha
        if rules.test == "bonett" and a.ndim == 1 and not pair.paired:
            interval = stats.pooled_kurtosis_ratio(a, b, level=1 - rate.alpha)
        else:
            interval = stats.spread_ratio(
                a,
                b,
                paired=pair.paired,
                level=level,
                construction=construction_asked_for(pair, rules),
                alpha=rate.first,
            )
        test, notes = _chosen(a, b, pair, rules, interval)
        require_reach(test, rules, rate, lambda: seeds_for(rate.first, pair.paired))
        assert interval.p is not None
        assert test.p is not None
        p = max(test.p, interval.p)
        if rate.p_alone:
            return Evidence(claim, interval, test, None, p, rate)
        second = _beside(a, b, pair, rules, rate, interval, test)
        if second is not None and second.p is not None and (second.p <= rules.alpha) != (p <= rules.alpha):
            notes += (claim_warnings.opinions_disagree(test.test, p, second.test, second.p, rules.alpha),)
        if p > rate.alpha:
            weak = stats.power_at_seeds(
                interval, max(interval.n), effect=np.log(SIZEABLE_RATIO), alpha=rate.alpha
            )
            if weak < LOW_POWER:
                notes += (claim_warnings.low_power(SIZEABLE_RATIO, weak),)
        return Evidence(
            claim,
            interval,
            test,
            second,
            p,
            rate,
            warnings=notes + own_warnings(interval, test),
            asked=bootstrap_asked_for(a, b, self.statistic, pair, rules, 1 - rate.alpha),
        )


class LessSpread(_Less, FinalSpread):
    """The STD over seeds of the final value is smaller than the baseline's."""

    name = "less spread"

    def of_summary(self, claim: Claim, a: Summary, b: Summary, metric: Metric, alpha: float) -> Result:
        """The F test's ratio of two printed STDs."""
        return spread_ratio_from_summary(a, b, level=1 - alpha)

    def statement(self, claim: Claim, metric: Metric, axis: Axis) -> str:
        """The claim as a clause."""
        quantity = metric.name.replace("_", " ")
        return f"{claim.method} ends with less spread in {quantity} over seeds than {claim.baseline}"

    def headline(self, claim: Claim, metric: Metric, axis: Axis) -> str:
        """What the method is said to be, against the baseline."""
        return "less variable at the end"


class LessAvgStd(_Less, AvgStd):
    """The mean over epochs of the across-seed STD is smaller than the baseline's."""

    name = "less Avg. STD"

    def of_summary(self, claim: Claim, a: Summary, b: Summary, metric: Metric, alpha: float) -> Result:
        """The F test's ratio of two printed Avg. STDs, at the worst case of correlated epochs."""
        return avg_std_ratio_from_summary(a, b, level=1 - alpha)

    def statement(self, claim: Claim, metric: Metric, axis: Axis) -> str:
        """The claim as a clause."""
        quantity, when = metric.name.replace("_", " "), self.when(claim, axis)
        return f"{claim.method} varies less {when} (Avg. STD of {quantity}) than {claim.baseline}"

    def headline(self, claim: Claim, metric: Metric, axis: Axis) -> str:
        """What the method is said to be, against the baseline."""
        return f"less variable {self.when(claim, axis)}"


def construction_asked_for(pair: Pair, rules: Rules) -> Construction | None:
    """That of the interval, where the test that is asked for is one; None where it is chosen by the seeds."""
    if rules.test == "permutation" and not pair.paired:
        return "permutation"
    return "jackknife" if rules.test == "jackknife" else None


def _beside(
    a: Curves, b: Curves, pair: Pair, rules: Rules, rate: Rate, interval: Result, test: Result
) -> Result | None:
    """The sensitivity test: of pairs their swaps, else that of the two constructions which does not decide.

    None where curves, or the family of claims, are too large for drawn relabellings.
    """
    if test.test == SWAPS:
        return interval
    if pair.paired:
        return stats.swaps_within_pairs(a, b, resamples=SENSITIVITY_RESAMPLES)
    other: Construction = "jackknife" if interval.test == PERMUTATION else "permutation"
    listed = is_enumerated(len(a), len(b), EXACT_UP_TO) or reaches(len(a), len(b), rate.first)
    if other == "permutation" and not (listed and a.size + b.size <= MOST_PERMUTED):
        return None
    return stats.spread_ratio(a, b, level=None, construction=other, alpha=rules.alpha)


def _over_x0s(
    claim: Claim, a: Curves, b: Curves, x0s: tuple[Sequence[str], Sequence[str]], rules: Rules, rate: Rate
) -> Evidence:
    """Seeds of one x0 are not independent, so that no test on seeds applies: x0s are the unit."""
    require_over_x0s(rules)
    result = stats.spread_ratio_over_x0s(a, x0s[0], b, x0s[1], level=1 - rate.alpha)
    return Evidence(claim, result, result, None, result.p, rate)


def require_over_x0s(rules: Rules) -> None:
    """Raise Refused where a test of seeds is asked for."""
    if rules.test not in ("auto", "jackknife"):
        raise Refused(f"the {rules.test} test takes seeds as independent, and seeds of one x0 are not")


def _chosen(
    a: Curves, b: Curves, pair: Pair, rules: Rules, interval: Result
) -> tuple[Result, tuple[ResultWarning, ...]]:
    """The test that was asked for, on these samples, and what to say where another had to take its place."""
    name = rules.test
    if name in PAIRED and not pair.paired:
        raise Refused(f"the {name} test needs seeds that are paired, and these arms are independent")
    if name in ("auto", "jackknife") or (name == "permutation" and not pair.paired):
        return interval, ()
    if name == "bonett":
        missing = "pairs" if pair.paired else "Avg. STD" if a.ndim > 1 else ""
        return interval, (claim_warnings.values_only(name, interval.test, missing),) if missing else ()
    if name in ("permutation", "swap"):
        return stats.swaps_within_pairs(a, b), ()
    if name in UNPAIRED and pair.paired:
        used = stats.levene(a, b, centre=rules.centre, paired=True)
        return used, (claim_warnings.paired_instead(name, used.test),)
    if name == "levene":
        return stats.levene(a, b, centre=rules.centre), ()
    if a.ndim > 1:
        return interval, (claim_warnings.values_only(name, interval.test, "Avg. STD"),)
    test = {
        "f": stats.f_test, "bartlett": stats.bartlett, "fligner": stats.fligner, "pitman-morgan": stats.pitman_morgan,
    }[name]  # fmt: skip
    return test(a, b), ()


def seeds_for(threshold: float, paired: bool) -> int | None:
    """The smallest number of seeds per method at which an exact label test can reach ``threshold``; None above 1,000."""
    tried = range(FEWEST_SEEDS, 1_001)
    return next((n for n in tried if stats.smallest_permutation_p(n, n, paired=paired) <= threshold), None)


def _levels_differ(pair: Pair, metric: Metric, rules: Rules) -> tuple[ResultWarning, ...]:
    """A warning where the mean over the first third of training differs between the arms."""
    early = max(1, round(pair.a.shape[1] * EARLY_SHARE))
    a, b = (np.asarray(curves[:, :early].mean(axis=1)) for curves in (pair.a, pair.b))
    try:
        result = stats.mean_difference(a, b, paired=pair.paired, level=1 - rules.alpha)
    except stats.CannotEstimate:
        return ()
    if result.p is None or result.estimate is None or result.p > rules.alpha:
        return ()
    note = claim_warnings.levels_differ(
        pair.method.arm.title,
        pair.baseline.arm.title,
        early / pair.a.shape[1],
        result.estimate,
        " percentage points" if metric.unit == "%" else "",
    )
    return (note,)
