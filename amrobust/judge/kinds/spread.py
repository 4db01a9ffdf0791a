"""Less spread from seed to seed: of final values, and over training (Avg. STD)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from amrobust import stats
from amrobust.judge import warnings
from amrobust.judge.kinds.kind import FEWEST_SEEDS, SENSITIVITY_RESAMPLES, Kind, own_warnings
from amrobust.judge.kinds.mean import bootstrap_asked_for
from amrobust.judge.rules import PAIRED, UNPAIRED, Evidence, Rules
from amrobust.judge.samples import Pair, Refused
from amrobust.judge.words import significant
from amrobust.runs.axis import Axis
from amrobust.runs.metric import Metric
from amrobust.runs.values import Curves
from amrobust.stats.bootstrap import Statistic
from amrobust.stats.curves import EpochwiseDifference
from amrobust.stats.published import Summary, spread_ratio_from_summary
from amrobust.stats.results import Result, ResultWarning

if TYPE_CHECKING:
    from amrobust.judge.claim import Claim

EARLY_SHARE = 1 / 3
SIZEABLE_RATIO = 1.5
LOW_POWER = 0.5


class _LessSpread(Kind):
    """A ratio of spreads below 1; the chosen test of spread decides, with the interval's p where the two are not one."""

    estimates = "ratio"
    needs_measured = True
    statistic: Statistic

    def holds(self, claim: Claim, estimate: float, metric: Metric) -> bool:
        """Whether the method varies less."""
        return estimate < 1

    def is_practically_significant(self, result: Result, practical_ratio: float) -> bool:
        """Whether the interval leaves out every ratio nearer to 1 than ``practical_ratio``."""
        assert result.low is not None
        assert result.high is not None
        return result.high < practical_ratio or result.low > 1 / practical_ratio

    def unit(self, metric: Metric) -> str:
        """None: a ratio."""
        return ""

    def sides(self, metric: Metric) -> tuple[str, str]:
        """What the two directions of a figure of intervals mean."""
        return "← varies less", "varies more →"

    def judged(self, claim: Claim, a: Curves, b: Curves, pair: Pair, rules: Rules, family: int) -> Evidence:
        """The jackknife's ratio of the spreads of ``a`` and ``b``, the chosen test, and the permutation sensitivity test."""
        if pair.x0s is not None:
            return _over_x0s(claim, a, b, pair.x0s, rules, family)
        level = 1 - rules.alpha / family
        if rules.test == "bonett" and a.ndim == 1 and not pair.paired:
            interval = stats.pooled_kurtosis_ratio(a, b, level=level)
        else:
            interval = stats.spread_ratio(a, b, paired=pair.paired, level=level)
        permuted = _permuted(claim, a, b, pair, rules)
        test, notes = _chosen(a, b, pair, rules, interval, permuted.test)
        second = permuted.test if test is not permuted.test else interval
        if test.smallest_p > rules.alpha / family:
            raise Refused(
                f"{test.test} cannot give a p-value below {significant(test.smallest_p)} with these seeds, and "
                f"{rules.alpha:.3g} over a family of {family} asks for {significant(rules.alpha / family)}",
                _seeds_for(rules.alpha / family, pair.paired),
            )
        assert interval.p is not None
        assert test.p is not None
        p = max(test.p, interval.p)
        if second.p is not None and (second.p <= rules.alpha) != (p <= rules.alpha):
            notes += (warnings.opinions_disagree(test.test, p, second.test, second.p, rules.alpha),)
        if p > rules.alpha / family:
            weak = stats.power_at_seeds(
                interval, max(interval.n), effect=np.log(SIZEABLE_RATIO), alpha=rules.alpha / family
            )
            if weak < LOW_POWER:
                notes += (warnings.low_power(SIZEABLE_RATIO, weak),)
        return Evidence(
            claim,
            interval,
            test,
            second,
            p,
            warnings=notes + own_warnings(interval, test),
            epochwise=permuted.epochwise,
            asked=bootstrap_asked_for(a, b, self.statistic, pair, rules, level),
        )


class LessSpread(_LessSpread):
    """The STD over seeds of the final value is smaller than the baseline's."""

    name = "less spread"
    quantity = "Final STD"
    statistic = "std"

    def of_pair(self, claim: Claim, pair: Pair, metric: Metric, rules: Rules, family: int) -> Evidence:
        """Raises Refused on a phase, which final values have none of."""
        if claim.epochs is not None:
            raise Refused(
                f"the final spread has no phase: claim less Avg. STD over these {pair.method.arm.axis.plural}"
            )
        a, b = (stats.final_values(curves, rules.final) for curves in (pair.a, pair.b))
        return self.judged(claim, a, b, pair, rules, family)

    def of_summary(self, claim: Claim, a: Summary, b: Summary, alpha: float) -> Result:
        """The F test's ratio of two printed STDs."""
        return spread_ratio_from_summary(a, b, level=1 - alpha)

    def statement(self, claim: Claim, metric: Metric, axis: Axis) -> str:
        """The claim as a clause."""
        quantity = metric.name.replace("_", " ")
        return f"{claim.method} ends with less spread in {quantity} over seeds than {claim.baseline}"


class LessAvgStd(_LessSpread):
    """The mean over epochs of the across-seed STD is smaller than the baseline's."""

    name = "less Avg. STD"
    quantity = "Avg. STD"
    statistic = "avg_std"
    of_summaries = False  # How strongly the epochs of one seed are correlated is never printed.

    def of_pair(self, claim: Claim, pair: Pair, metric: Metric, rules: Rules, family: int) -> Evidence:
        """Raises Refused on curves of a single epoch. A warning says where the mean curves differ early."""
        if pair.a.shape[1] < 2:
            plural = pair.method.arm.axis.plural
            raise Refused(
                f"Avg. STD needs curves of at least 2 {plural}, and these data have one number per seed"
            )
        found = self.judged(claim, pair.a, pair.b, pair, rules, family)
        if pair.x0s is not None:
            return found
        return replace(found, warnings=_levels_differ(pair, metric, rules) + found.warnings)

    def statement(self, claim: Claim, metric: Metric, axis: Axis) -> str:
        """The claim as a clause."""
        when = f"in {axis.phase(*claim.epochs)}" if claim.epochs is not None else "over training"
        quantity = metric.name.replace("_", " ")
        return f"{claim.method} varies less {when} (Avg. STD of {quantity}) than {claim.baseline}"


@dataclass(frozen=True)
class _Permuted:
    """The permutation test, and where the curves' spreads differ, if that was found beside it."""

    test: Result
    epochwise: EpochwiseDifference | None = None


def _permuted(claim: Claim, a: Curves, b: Curves, pair: Pair, rules: Rules) -> _Permuted:
    decides = rules.test in ("permutation", "swap")
    if a.ndim > 1 and claim.epochs is None and not decides:
        return _Permuted(*stats.permuted_curves(a, b, paired=pair.paired, resamples=SENSITIVITY_RESAMPLES))
    resamples = 9_999 if decides else SENSITIVITY_RESAMPLES
    return _Permuted(stats.permutation_spread(a, b, paired=pair.paired, resamples=resamples))


def _over_x0s(
    claim: Claim, a: Curves, b: Curves, x0s: tuple[Sequence[str], Sequence[str]], rules: Rules, family: int
) -> Evidence:
    """Seeds of one x0 are not independent, so that no test on seeds applies: x0s are the unit."""
    if rules.test != "jackknife":
        raise Refused(f"the {rules.test} test takes seeds as independent, and seeds of one x0 are not")
    result = stats.spread_ratio_over_x0s(a, x0s[0], b, x0s[1], level=1 - rules.alpha / family)
    return Evidence(claim, result, result, None, result.p)


def _chosen(
    a: Curves, b: Curves, pair: Pair, rules: Rules, interval: Result, permuted: Result
) -> tuple[Result, tuple[ResultWarning, ...]]:
    """The test that was asked for, on these samples, and what to say where another had to take its place."""
    name = rules.test
    if name in PAIRED and not pair.paired:
        raise Refused(f"the {name} test needs seeds that are paired, and these arms are independent")
    if name == "jackknife":
        return interval, ()
    if name == "bonett":
        missing = "pairs" if pair.paired else "Avg. STD" if a.ndim > 1 else ""
        return interval, (warnings.values_only(name, interval.test, missing),) if missing else ()
    if name in ("permutation", "swap"):
        return permuted, ()
    if name in UNPAIRED and pair.paired:
        used = stats.levene(a, b, centre=rules.centre, paired=True)
        return used, (warnings.paired_instead(name, used.test),)
    if name == "levene":
        return stats.levene(a, b, centre=rules.centre), ()
    if a.ndim > 1:
        return interval, (warnings.values_only(name, interval.test, "Avg. STD"),)
    test = {
        "f": stats.f_test, "bartlett": stats.bartlett, "fligner": stats.fligner, "pitman-morgan": stats.pitman_morgan,
    }[name]  # fmt: skip
    return test(a, b), ()


def _seeds_for(threshold: float, paired: bool) -> int | None:
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
    note = warnings.levels_differ(
        pair.method.arm.title,
        pair.baseline.arm.title,
        early / pair.a.shape[1],
        result.estimate,
        " percentage points" if metric.unit == "%" else "",
    )
    return (note,)
