"""Spread over an ordered sweep, such as AM1-SGD's m or a learning rate: its trend, and the value at which it turns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from amrobust.stats.jackknife import inverted, pooled_scales
from amrobust.stats.levene import absolute_deviations
from amrobust.stats.limits import check_level, check_rate, check_resamples
from amrobust.stats.results import Result
from amrobust.stats.samples import (
    Array,
    CannotEstimate,
    LogSpread,
    as_curves,
    avg_std,
    ratio_of,
    rounding,
    with_ties,
)
from amrobust.stats.spread import spread_ratio, t_quantile

_STEP = "step of the sweep"


def spread_trend(samples: Sequence[ArrayLike], values: Sequence[float], *, level: float = 0.95) -> Result:
    """Ratio of spreads for each doubling of the swept value, or each step of the sweep, over independent samples.

    The slope Σ c_k θ_k of the jackknifed log spreads θ_k on l = log2(value), with c_k = (l_k − l̄)/Σ(l − l̄)². Where a value is
    0 or negative, as the first of a sweep of momentum or weight decay may be, no doubling leads to it: then l counts the values
    in order (0, 1, 2, ...), and the ratio is that of a step. t with Satterthwaite's degrees of freedom. When a slope is tested,
    each sample's variance is taken at the level pooled over the sweep, as in
    :class:`amrobust.stats.jackknife.SpreadContrast`. ``estimate``, ``low`` and ``high`` are exp(slope): below 1 the spread
    falls as the value grows. p is two-sided and the inversion of the interval; ``se`` and ``df`` are those of the estimate.

    ``samples`` are final values (seeds,) or curves (seeds, epochs), in the order of ``values``. Raises
    CannotEstimate on fewer than 3 samples, equal values, a sample without spread or whose spread rests on a single seed, and
    where no spread changes with a seed left out.
    """
    check_level(level)
    groups, logs, each = _sweep(samples, values)
    weights = (logs - logs.mean()) / ((logs - logs.mean()) ** 2).sum()
    spreads = [LogSpread.of(group) for group in groups]
    plain = np.array([spread.whole + spread.level for spread in spreads])
    sizes = np.array([len(group) for group in groups])
    centre = float(weights @ np.array([spread.centre for spread in spreads]))
    parts = weights**2 * np.array([spread.pseudo.var(ddof=1) for spread in spreads]) / sizes
    if np.sqrt(parts.sum()) <= np.abs(weights) @ np.array([spread.rounding for spread in spreads]):
        raise CannotEstimate(
            "the spreads are the same without whichever seed: there is no error to judge a trend by"
        )

    def error(scales: Array) -> tuple[Array, Array]:
        scaled = parts * scales**2
        total = scaled.sum(axis=-1)
        return np.sqrt(total), total**2 / (scaled**2 / (sizes - 1)).sum(axis=-1)

    def p_value(slope: float | Array) -> Array:
        se, df = error(pooled_scales(plain - np.multiply.outer(slope, logs), sizes.tolist()))
        return np.asarray(2 * special.stdtr(df, -np.abs((centre - slope) / se)))

    se, df = (float(x) for x in error(np.ones_like(plain)))
    low, high = inverted(p_value, centre, se * t_quantile(df, 0.5 + level / 2), level)
    curves = groups[0].shape[1] > 1
    return Result(
        f"ratio of {'Avg. STDs' if curves else 'STDs'} for each {each}",
        f"trend of log {'Avg. STD' if curves else 'STD'} by the jackknife", tuple(int(n) for n in sizes),
        ratio_of(centre), ratio_of(low), ratio_of(high), level, float(p_value(0.0)),
        assumption="independent seeds", se=se, df=df,
    )  # fmt: skip


def unit_of(trend: Result) -> str:
    """What the ratio of a trend is for each of: "doubling", or "step of the sweep"."""
    return _STEP if trend.quantity.endswith(_STEP) else "doubling"


def permutation_trend(
    samples: Sequence[ArrayLike], values: Sequence[float], *, resamples: int = 9_999, seed: int = 0
) -> Result:
    """Permutation test of a trend in z_i = mean over epochs of |x_it − median_t|, one number per seed, on log2(value).

    Values of which one is not above 0 are counted in order, as in :func:`spread_trend`. The statistic is the covariance of z
    with the log value; whole seeds change groups. Two-sided p = (b + 1)/(B + 1).
    """
    check_resamples(resamples)
    groups, logs, _ = _sweep(samples, values)
    z = _deviations(groups)
    labels = np.repeat(logs - logs.mean(), [len(group) for group in groups])
    return _permuted(z, labels, groups, "permutation of a trend in |x - median|", resamples, seed)


def jonckheere(
    samples: Sequence[ArrayLike], values: Sequence[float], *, resamples: int = 9_999, seed: int = 0
) -> Result:
    """Jonckheere and Terpstra's test of ordered alternatives on the deviations |x − median| of final values (seeds,).

    J counts, over pairs of seeds of two groups, how often the deviation is larger at the larger value (ties ½); its null
    distribution is that of relabelled seeds. Curves give one number per seed, as in :func:`permutation_trend`.
    """
    check_resamples(resamples)
    groups, logs, _ = _sweep(samples, values)
    z = _deviations(groups)
    order = np.repeat(np.argsort(np.argsort(logs)), [len(group) for group in groups])
    statistic = _sum_of_signs(z, len(groups))
    rng = np.random.default_rng(seed)
    observed = abs(statistic(order))
    reached = sum(abs(statistic(rng.permutation(order))) >= observed for _ in range(resamples))
    return Result(
        "trend of spread", "Jonckheere-Terpstra", tuple(len(group) for group in groups), p=(reached + 1) / (resamples + 1),
        smallest_p=1 / (resamples + 1), centre="median", assumption="exchangeable seeds under equal spread",
    )  # fmt: skip


def _deviations(groups: Sequence[Array]) -> Array:
    """One number per seed of all groups, with the ties that rounding broke."""
    z = np.concatenate([absolute_deviations(group, "median") for group in groups])
    sizes = [(np.abs(group) + np.abs(np.median(group, axis=0))).mean(axis=1) for group in groups]
    return with_ties(z, np.concatenate(sizes))


def _sum_of_signs(z: Array, groups: int) -> Callable[[NDArray[np.intp]], int]:
    """Σ_ij sign(z_i − z_j) sign(l_i − l_j) as a function of the labels l, 0 to ``groups`` − 1: J is half of it and a constant.

    By counts of labels below and above each z, in time proportional to the number of seeds times that of groups.
    """
    sorter = np.argsort(z, kind="stable")
    ascending = z[sorter]
    first, after = (
        np.searchsorted(ascending, ascending, "left"),
        np.searchsorted(ascending, ascending, "right"),
    )
    names = np.arange(groups)
    counts = np.zeros((len(z) + 1, groups), np.int64)

    def statistic(labels: NDArray[np.intp]) -> int:
        own = labels[sorter][:, None]
        np.cumsum(own == names, axis=0, out=counts[1:])
        below_less_above = counts[first] + counts[after] - counts[-1]
        return int((below_less_above * np.sign(own - names)).sum())

    return statistic


def _permuted(
    z: Array, labels: Array, groups: Sequence[Array], name: str, resamples: int, seed: int
) -> Result:
    rng = np.random.default_rng(seed)
    power = int(np.frexp(z.max())[1])
    centred = np.ldexp(z - z.mean(), -power)
    observed = abs(float(centred @ labels))
    null = np.abs(rng.permuted(np.broadcast_to(labels, (resamples, len(labels))), axis=1) @ centred)
    tie = max(1e-9 * observed, float(rounding(len(z), np.abs(labels).sum())))
    p = float((1 + (null >= observed - tie).sum()) / (resamples + 1))
    return Result(
        "trend of average absolute deviation", name, tuple(len(group) for group in groups), p=p,
        smallest_p=1 / (resamples + 1), centre="median", assumption="exchangeable seeds under equal spread",
        details={"monte_carlo_se": float(np.sqrt(p * (1 - p) / resamples))},
    )  # fmt: skip


@dataclass(frozen=True)
class TurningPoint:
    """Where a sweep's spread is smallest, and how sure that is."""

    value: float
    """The swept value with the smallest spread."""
    candidates: tuple[float, ...]
    """Values whose spread is not shown to be larger than the smallest, each tested at alpha over the number of others."""
    falls_before: bool
    """The spread at the smallest value of the sweep is shown to be larger."""
    rises_after: bool
    """The spread at the largest value of the sweep is shown to be larger: with ``falls_before``, the sweep is U-shaped."""


def turning_point(
    samples: Sequence[ArrayLike], values: Sequence[float], *, alpha: float = 0.05
) -> TurningPoint:
    """The swept value of the smallest spread, with the values that the data do not exclude from being it.

    Every other sample is compared with the smallest by :func:`amrobust.stats.spread_ratio` at alpha/(groups − 1). The smallest
    was chosen by looking, so this errs towards excluding too many; it describes a sweep and decides nothing.
    """
    check_rate("alpha", alpha)
    groups, *_ = _sweep(samples, values)
    spreads = [avg_std(group) for group in groups]
    best = int(np.argmin(spreads))
    level = 1 - alpha / (len(groups) - 1)
    larger = [
        i != best and float(spread_ratio(group, groups[best], level=level).low or 0.0) > 1
        for i, group in enumerate(groups)
    ]
    order = np.argsort(values)
    return TurningPoint(
        value=float(values[best]),
        candidates=tuple(float(values[i]) for i in order if not larger[i]),
        falls_before=larger[order[0]],
        rises_after=larger[order[-1]],
    )


def _sweep(samples: Sequence[ArrayLike], values: Sequence[float]) -> tuple[list[Array], Array, str]:
    """The samples as curves of one length, the places of their values on the scale of the trend, and what its unit is."""
    if len(samples) != len(values) or len(samples) < 3:
        raise CannotEstimate("a sweep needs at least 3 samples, and one value for each")
    given = np.asarray(values, float)
    if not np.isfinite(given).all() or len(np.unique(given)) < len(given):
        raise CannotEstimate("the values of a sweep are different finite numbers")
    groups = [as_curves(sample) for sample in samples]
    if len({group.shape[1] for group in groups}) > 1:
        raise CannotEstimate("the curves of a sweep need one length")
    if (given > 0).all():
        return groups, np.log2(given), "doubling"
    return groups, np.argsort(np.argsort(given)).astype(float), _STEP
