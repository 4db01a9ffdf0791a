"""Seeds crossed with several starting points: variance components, and comparisons whose unit is the starting point.

Seeds that share an x0 are not independent of each other, so neither their number nor their spread says how a result would
carry over to another x0. Here every x0 gives one estimate, and the spread of these estimates makes the interval.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from amrobust.stats.limits import check_level, check_ratio
from amrobust.stats.results import Result
from amrobust.stats.samples import (
    EPSILON,
    Array,
    CannotEstimate,
    LogSpread,
    as_curves,
    as_values,
    deviations,
    means,
    ratio_of,
    stds,
    varies,
    without_rounding,
)
from amrobust.stats.spread import t_quantile, t_two_sided

FEWEST_X0S = 3
X0S = "starting points"


@dataclass(frozen=True)
class VarianceComponents:
    """How much of the spread of final values comes from x0, and how much from the seed within one x0, as STDs."""

    x0: Result
    seed: Result
    share: Result
    """Share of the total variance that x0 makes (the intraclass correlation)."""


def variance_components(x: ArrayLike, x0: Sequence[Hashable], *, level: float = 0.95) -> VarianceComponents:
    """One-way random effects by analysis of variance: x_ij = μ + x0_i + seed_ij.

    With mean squares B between and W within k starting points and n₀ seeds for each (harmonic-like mean where unequal):
    var(seed) = W, var(x0) = (B − W)/n₀, floored at 0. Intervals: chi-square for W; Williams's for var(x0), with half the error
    on each side; the exact F interval for the share. All of them assume normal effects; those of x0 are wide below 10 x0.

    Source: J. S. Williams, A confidence interval for variance components, Biometrika 49 (1962). Raises CannotEstimate with
    fewer than 3 starting points or fewer than 2 seeds at one of them.
    """
    check_level(level)
    values = as_values(x)[:, None]
    by_x0 = _by_x0(values, x0)
    sizes = np.array([len(group) for group in by_x0.values()])
    if sizes.min() < 2:
        raise CannotEstimate("every x0 needs at least 2 seeds", 2)
    k, n = len(by_x0), len(values)
    varying = any(varies(group).any() for group in by_x0.values())
    d, power = deviations(values)
    unit = float(np.ldexp(1.0, power.item()))
    groups = list(_by_x0(d, x0).values())
    centres = np.array([group.mean() for group in groups])
    between = float((sizes * (centres - d.mean()) ** 2).sum() / (k - 1))
    within = float(sum(((group - group.mean()) ** 2).sum() for group in groups) / (n - k))
    if not varying or within == 0:
        raise CannotEstimate("seeds within an x0 do not vary")
    n0 = float((n - (sizes**2).sum() / n) / (k - 1))
    tail = (1 - level) / 2

    def chi(df: int, upper: float) -> float:
        return float(special.chdtri(df, upper))

    def f_quantile(p: float) -> float:
        return float(special.fdtri(k - 1, n - k, p))

    ratio = between / within
    x0_variance = max(0.0, (between - within) / n0)
    low = (k - 1) * within * max(0.0, ratio - f_quantile(1 - tail)) / (n0 * chi(k - 1, tail))
    high = (k - 1) * within * max(0.0, ratio - f_quantile(tail)) / (n0 * chi(k - 1, 1 - tail))
    seed_ends = (n - k) * within / chi(n - k, tail), (n - k) * within / chi(n - k, 1 - tail)
    ends = [max(0.0, ratio / f_quantile(p) - 1) for p in (1 - tail, tail)]
    shares = [end / (n0 + end) for end in ends]
    assumption, counts = "independent, normal effects of x0 and of the seed", (k, n)
    return VarianceComponents(
        x0=Result(
            "STD between x0s", "analysis of variance, Williams", counts, unit * float(np.sqrt(x0_variance)),
            unit * float(np.sqrt(low)), unit * float(np.sqrt(high)), level, p=float(special.fdtrc(k - 1, n - k, ratio)),
            assumption=assumption,
        ),
        seed=Result(
            "STD between seeds of one x0", "analysis of variance, chi-square", counts, unit * float(np.sqrt(within)),
            unit * float(np.sqrt(seed_ends[0])), unit * float(np.sqrt(seed_ends[1])), level, assumption=assumption,
        ),
        share=Result(
            "share of variance from x0", "analysis of variance, F", counts, x0_variance / (x0_variance + within),
            shares[0], shares[1], level, assumption=assumption,
        ),
    )  # fmt: skip


def spread_ratio_over_x0s(
    a: ArrayLike,
    x0_a: Sequence[Hashable],
    b: ArrayLike,
    x0_b: Sequence[Hashable],
    *,
    level: float = 0.95,
    tested: float = 1.0,
) -> Result:
    """Ratio of the spreads of seeds within one x0, for a population of starting points.

    At every x0 that both methods have, the jackknifed log ratio of STDs (or Avg. STDs); their mean, with t on (x0s − 1) degrees
    of freedom. ``p`` is that of the ratio ``tested``, ``n`` the number of starting points. Raises CannotEstimate below 3 of
    them, where one has fewer than 4 seeds, and on a tested ratio that is no number above 0.
    """
    check_ratio(tested)
    first, second = as_curves(a), as_curves(b)
    pairs = [(as_curves(x), as_curves(y)) for x, y in _matched(first, x0_a, second, x0_b)]
    spreads = [(LogSpread.of(x), LogSpread.of(y)) for x, y in pairs]
    logs = np.array([one.centre - other.centre for one, other in spreads])
    lost = max(one.rounding + other.rounding for one, other in spreads)
    centre, se, half = _t_interval(logs, level, lost / EPSILON)
    return Result(
        "ratio of STDs" if first.shape[1] == 1 else "ratio of Avg. STDs", "t over x0s of jackknifed log ratios", (len(logs),),
        ratio_of(centre), ratio_of(centre - half), ratio_of(centre + half), level,
        t_two_sided((centre - float(np.log(tested))) / se, len(logs) - 1), paired=True,
        assumption="independent x0s; log ratios about normal over them", unit=X0S, se=se, df=len(logs) - 1,
    )  # fmt: skip


def mean_difference_over_x0s(
    a: ArrayLike, x0_a: Sequence[Hashable], b: ArrayLike, x0_b: Sequence[Hashable], *, level: float = 0.95
) -> Result:
    """mean(a) − mean(b) for a population of starting points: the paired t over x0s of their mean differences."""
    first, second = as_values(a)[:, None], as_values(b)[:, None]
    differences = np.array([means(x)[0] - means(y)[0] for x, y in _matched(first, x0_a, second, x0_b)])
    size = max(np.abs(first).max(), np.abs(second).max()) * max(len(first), len(second))
    centre, se, half = _t_interval(differences, level, size)
    return Result(
        "difference of means", "t over x0s of mean differences", (len(differences),), centre, centre - half, centre + half,
        level, t_two_sided(centre / se, len(differences) - 1), paired=True,
        assumption="independent x0s; mean differences about normal over them", unit=X0S, se=se, df=len(differences) - 1,
    )  # fmt: skip


def mean_over_x0s(x: ArrayLike, x0: Sequence[Hashable], *, level: float = 0.95) -> Result:
    """Mean for a population of starting points: Student's interval over the means at each x0."""
    centres = np.array([means(group)[0] for group in _by_x0(as_values(x)[:, None], x0).values()])
    centre, se, half = _t_interval(centres, level, len(x0) * np.abs(centres).max())
    return Result(
        "mean", "t over x0s", (len(centres),), centre, centre - half, centre + half, level,
        assumption="independent x0s; means about normal over them", unit=X0S, se=se, df=len(centres) - 1,
    )  # fmt: skip


def avg_std_over_x0s(curves: ArrayLike, x0: Sequence[Hashable], *, level: float = 0.95) -> Result:
    """Avg. STD of seeds within one x0, for a population of starting points: t over the jackknifed logs at each x0.

    The estimate has the jackknife's correction of the bias of a log spread, which at 6 seeds is about +10 %.
    """
    groups = [as_curves(group) for group in _by_x0(as_curves(curves), x0).values()]
    spreads = [LogSpread.of(group) for group in groups]
    logs = np.array([spread.centre for spread in spreads])
    centre, se, half = _t_interval(logs, level, max(spread.rounding for spread in spreads) / EPSILON)
    return Result(
        "Avg. STD", "t over x0s of jackknifed logs", (len(groups),), ratio_of(centre), ratio_of(centre - half),
        ratio_of(centre + half), level, assumption="independent x0s", unit=X0S, se=se, df=len(groups) - 1,
    )  # fmt: skip


def _t_interval(estimates: Array, level: float, size: float) -> tuple[float, float, float]:
    """Mean over x0s, its standard error, and half the interval; the rounding of estimates is relative to ``size``."""
    check_level(level)
    k = len(estimates)
    if k < FEWEST_X0S:
        raise CannotEstimate(f"{k} starting points are too few to speak of others: it takes {FEWEST_X0S}")
    given = without_rounding(estimates, size)[:, None]
    se = float(stds(given)[0] / np.sqrt(k))
    if se == 0:
        raise CannotEstimate("all starting points gave the same estimate: there is no error to judge it by")
    return float(means(given)[0]), se, t_quantile(k - 1, 0.5 + level / 2) * se


def _by_x0(curves: Array, x0: Sequence[Hashable]) -> dict[Hashable, Array]:
    if len(x0) != len(curves):
        raise CannotEstimate(f"{len(curves)} seeds need as many names of their x0, not {len(x0)}")
    names = list(dict.fromkeys(x0))
    if len(names) < FEWEST_X0S:
        raise CannotEstimate(f"{len(names)} starting points are too few: it takes {FEWEST_X0S}")
    return {name: curves[[i for i, given in enumerate(x0) if given == name]] for name in names}


def _matched(
    a: Array, x0_a: Sequence[Hashable], b: Array, x0_b: Sequence[Hashable]
) -> list[tuple[Array, Array]]:
    """The seeds of both methods at every x0; both need the same starting points."""
    first, second = _by_x0(a, x0_a), _by_x0(b, x0_b)
    if set(first) != set(second):
        raise CannotEstimate("the two methods were not run from the same starting points")
    return [(first[name], second[name]) for name in first]
