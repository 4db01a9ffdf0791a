"""Means: intervals, differences, equivalence and non-inferiority."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from amrobust.stats.limits import check_level, check_margin
from amrobust.stats.results import Result
from amrobust.stats.samples import (
    CannotEstimate,
    as_pair,
    as_values,
    deviations,
    deviations_together,
    means,
    ratio_of,
    std,
    welch_df,
    without_rounding,
)
from amrobust.stats.spread import t_quantile, t_two_sided


def mean_interval(x: ArrayLike, *, level: float = 0.95) -> Result:
    """Mean of one sample with Student's interval."""
    check_level(level)
    values = as_values(x)
    n = len(values)
    se = float(std(values) / np.sqrt(n))
    half = t_quantile(n - 1, 0.5 + level / 2) * se
    mean = float(means(values[:, None])[0])
    return Result(
        "mean", "t", (n,), mean, mean - half, mean + half, level,
        assumption="independent seeds; means about normal", se=se, df=n - 1,
    )  # fmt: skip


def mean_difference(a: ArrayLike, b: ArrayLike, *, paired: bool = False, level: float = 0.95) -> Result:
    """mean(a) − mean(b): Welch's t for independent samples, the paired t for pairs; two-sided p.

    Raises CannotEstimate where neither sample varies beyond rounding (or, for pairs, where the differences do not).
    """
    check_level(level)
    first, second = as_pair(as_values(a), as_values(b), paired)
    n_a, n_b = len(first), len(second)
    details = {}
    if paired:
        size = np.maximum(np.abs(first).max(), np.abs(second).max())
        differences, k = deviations(without_rounding(first - second, size))
        variance, df = float(differences.var(ddof=1) / n_a), float(n_a - 1)
        x, y = (deviations(values)[0][:, 0] for values in (first, second))
        if x.any() and y.any():
            details["correlation"] = float(np.corrcoef(x, y)[0, 1])
    else:
        x, y, k = deviations_together(first, second)
        parts = float(x.var(ddof=1) / n_a), float(y.var(ddof=1) / n_b)
        variance, df = sum(parts), float(welch_df(*parts, n_a, n_b))
    se = float(np.ldexp(np.sqrt(variance), k.item()))
    if se == 0:
        raise CannotEstimate(
            "the values do not vary at all beyond rounding, so that there is no error to judge a difference by"
        )
    estimate = float(means(first)[0] - means(second)[0])
    half = t_quantile(df, 0.5 + level / 2) * se
    return Result(
        "difference of means", "paired t" if paired else "Welch t", (n_a,) if paired else (n_a, n_b),
        estimate, estimate - half, estimate + half, level, t_two_sided(estimate / se, df), paired=paired,
        assumption="independent seeds; means about normal", se=se, df=df, details=details,
    )  # fmt: skip


def ratio_of_costs(a: ArrayLike, b: ArrayLike, *, level: float = 0.95) -> Result:
    """Ratio of typical costs (seeds,), such as wall times, first over second: Welch's t on their logarithms.

    ``estimate`` is the ratio of geometric means. Raises CannotEstimate where a cost is not above 0.
    """
    x, y = as_values(a), as_values(b)
    if min(x.min(), y.min()) <= 0:
        raise CannotEstimate("costs above 0 are needed")
    logs = mean_difference(np.log(x), np.log(y), level=level)
    assert logs.estimate is not None
    assert logs.low is not None
    assert logs.high is not None
    return replace(
        logs,
        quantity="ratio of costs",
        test="Welch t on logs",
        estimate=ratio_of(logs.estimate),
        low=ratio_of(logs.low),
        high=ratio_of(logs.high),
        assumption="independent seeds; log costs about normal",
    )


def equivalence(
    a: ArrayLike, b: ArrayLike, margin: float, *, paired: bool = False, level: float = 0.90
) -> Result:
    """Two one-sided tests (TOST) of |mean(a) − mean(b)| < ``margin``; p is the larger of the two.

    The means are equivalent at α exactly when the interval at ``level`` = 1 − 2α lies within ±margin.
    """
    return equivalence_of(mean_difference(a, b, paired=paired, level=level), margin)


def equivalence_of(difference: Result, margin: float) -> Result:
    """:func:`equivalence` from a difference of means with its standard error and degrees of freedom."""
    check_margin(margin)
    below = one_sided(difference, -margin, "above")
    above = one_sided(difference, margin, "below")
    return _with_one_sided(difference, max(below, above), margin, f"TOST ({difference.test})")


def non_inferiority(
    a: ArrayLike,
    b: ArrayLike,
    margin: float,
    *,
    better: Literal["higher", "lower"],
    paired: bool = False,
    level: float = 0.90,
) -> Result:
    """One-sided test that mean(a) is worse than mean(b) by less than ``margin``.

    It is at α exactly when the interval at ``level`` = 1 − 2α lies on the right side of the margin.
    """
    return non_inferiority_of(mean_difference(a, b, paired=paired, level=level), margin, better=better)


def non_inferiority_of(difference: Result, margin: float, *, better: Literal["higher", "lower"]) -> Result:
    """:func:`non_inferiority` from a difference of means with its standard error and degrees of freedom."""
    check_margin(margin)
    p = (
        one_sided(difference, -margin, "above")
        if better == "higher"
        else one_sided(difference, margin, "below")
    )
    return _with_one_sided(difference, p, margin, f"non-inferiority ({difference.test})")


def one_sided(result: Result, border: float, side: Literal["above", "below"]) -> float:
    """p-value of the claim that the difference lies above (below) ``border``."""
    assert result.estimate is not None
    assert result.se is not None
    t = (result.estimate - border) / result.se
    return float(special.stdtr(result.df, -t if side == "above" else t))


def _with_one_sided(result: Result, p: float, margin: float, test: str) -> Result:
    return replace(result, p=p, test=test, details={**result.details, "margin": margin})
