"""A method's own numbers, each with its interval."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from amrobust import stats
from amrobust.judge import claim_warnings
from amrobust.judge.comparison import MethodSummary
from amrobust.judge.rules import Rules
from amrobust.judge.samples import Curves, Refused, Sample
from amrobust.runs.metric import Metric
from amrobust.stats.bootstrap import NAMES, STATISTICS, Statistic
from amrobust.stats.results import Result
from amrobust.stats.samples import FEWEST_SEEDS, means, stds

Found = TypeVar("Found")

DESCRIPTION = "description"
"""In place of a construction: the number describes these seeds and has no interval."""


def summary_of(sample: Sample, metric: Metric, rules: Rules) -> MethodSummary:
    """One row of the table, at level 1 - alpha; None stands where a number cannot be had.

    Fewer seeds than any interval takes are described: their mean, and of two or three their spreads, without intervals.
    Over several x0 the mean and Avg. STD have x0s as their unit, and the final spread is that of seeds within one x0.
    """
    level = 1 - rules.alpha

    def attempt(compute: Callable[[], Found]) -> Found | None:
        try:
            sample.require_finite()
            return compute()
        except (stats.CannotEstimate, Refused):
            return None

    curves, x0s = sample.curves, sample.x0s
    several = sample.curves.shape[1] > 1
    components = None
    if x0s:
        components = attempt(
            lambda: stats.variance_components(stats.final_values(curves, rules.final), x0s, level=level)
        )
        mean = attempt(lambda: stats.mean_over_x0s(stats.final_values(curves, rules.final), x0s, level=level))
        spread = components.seed if components is not None else None
        avg_std = attempt(lambda: stats.avg_std_over_x0s(curves, x0s, level=level)) if several else None
    elif 0 < len(curves) < FEWEST_SEEDS:
        values = attempt(lambda: stats.final_values(sample.curves, rules.final))
        mean, spread, avg_std = _described(curves, values) if values is not None else (None, None, None)
    else:
        own = partial(_own_interval, sample, rules)
        mean = attempt(lambda: own("mean", stats.mean_interval))
        spread = attempt(lambda: own("std", stats.spread_interval))
        avg_std = attempt(lambda: own("avg_std", stats.avg_std_interval)) if several else None
    correct = None if x0s else attempt(lambda: sample.correct(metric, rules.final))
    percent = 100.0 if metric.unit == "%" else 1.0
    return MethodSummary(
        method=sample.arm.method,
        n=len(sample.seeds),
        diverged=sample.diverged,
        final_mean=mean,
        final_spread=spread,
        avg_std=avg_std,
        components=components,
        on_distribution=None
        if correct is None
        else attempt(lambda: stats.spread_on_distribution(correct, unit=percent, level=level)),
        warnings=sample.warnings,
    )


def _own_interval(sample: Sample, rules: Rules, statistic: Statistic, usual: Callable[..., Result]) -> Result:
    """The usual interval, or the bootstrap's where one was asked for; without an end, and why, where there is none."""
    finals = stats.final_values(sample.curves, rules.final)
    values, level = sample.curves if statistic == "avg_std" else finals, 1 - rules.alpha
    if rules.interval == "test":
        return usual(values, level=level)
    try:
        return stats.bootstrap_interval(values, statistic, kind=rules.interval, level=level)
    except stats.CannotEstimate as error:
        described = dict(zip(STATISTICS, _described(sample.curves, finals), strict=True))[statistic]
        if described is None:
            raise
        note = claim_warnings.no_interval(
            sample.arm.title, described.quantity, NAMES[rules.interval], error.reason
        )
        return replace(described, warnings=(note,))


def _described(curves: Curves, values: Curves) -> tuple[Result, Result | None, Result | None]:
    """Mean, final STD and Avg. STD of too few seeds for intervals; a single seed has a mean alone."""
    n = (len(values),)
    mean = Result("mean", DESCRIPTION, n, float(means(values[:, None])[0]))
    if len(values) == 1:
        return mean, None, None
    spread = Result("STD", DESCRIPTION, n, float(stds(values[:, None])[0]))
    several = curves.shape[1] > 1
    average = Result("Avg. STD", DESCRIPTION, n, float(stds(curves).mean()))
    return mean, spread, average if several else None
