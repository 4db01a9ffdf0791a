"""Bootstrap of whole seeds, for statistics that are functions of per-epoch means and second moments.

One matrix product of resample counts with the centred curves and their squares gives every resample's means and variances at
once. Intervals of means are sound; those of a spread cover too little at few seeds, which their caution says.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from amrobust.stats.limits import check_level, check_resamples
from amrobust.stats.location import mean_difference
from amrobust.stats.results import Caution, Result
from amrobust.stats.samples import (
    Array,
    CannotEstimate,
    as_curves,
    deviations,
    deviations_together,
    means,
    without_rounding,
)

Kind = Literal["percentile", "bca", "bootstrap-t"]
Moments = Callable[[Array, Array], Array]
"""From means and variances (ddof = 1), shape (resamples, epochs) each, to one number a resample."""

BLOCK = 256

COVERAGE_OF_A_STD = {
    "percentile": {5: 65, 10: 78, 20: 86},
    "bca": {5: 65, 10: 82, 20: 89},
    "bootstrap-t": {5: 88, 10: 92, 20: 93},
}
"""Coverage in % of a nominal 95 % interval for the STD of normal seeds, by number of seeds."""


def resample_counts(n: int, resamples: int, rng: np.random.Generator) -> Array:
    """How often each of ``n`` seeds is drawn in each resample: shape (resamples, n)."""
    check_resamples(resamples)
    drawn = rng.integers(n, size=(resamples, n))
    flat = drawn + n * np.arange(resamples)[:, None]
    return np.bincount(flat.ravel(), minlength=resamples * n).reshape(resamples, n).astype(np.float64)


@lru_cache(maxsize=1)
def _counts_of(sizes: tuple[int, ...], resamples: int, seed: int) -> tuple[Array, ...]:
    """:func:`resample_counts` of samples of these sizes, one after the other; kept for the next pair of methods."""
    rng = np.random.default_rng(seed)
    return tuple(resample_counts(n, resamples, rng) for n in sizes)


def resampled(curves: Array, counts: Array, function: Moments) -> Array:
    """``function`` of the means and variances (ddof = 1) over seeds at every epoch, for every row of ``counts``.

    Rows are taken in blocks, so that what lies between the matrix product and the result stays in the cache.
    """
    n, epochs = curves.shape
    centre = curves.mean(axis=0)
    centred = curves - centre
    both = np.hstack([centred, centred**2]) / n
    found = []
    for start in range(0, len(counts), BLOCK):
        moments = counts[start : start + BLOCK] @ both
        means, variances = moments[:, :epochs], moments[:, epochs:]
        variances -= means**2
        np.maximum(variances, 0.0, out=variances)
        variances *= n / (n - 1)
        means += centre
        found.append(function(means, variances))
    return np.concatenate(found)


def final_moments(means: Array, variances: Array) -> Array:
    """Mean and variance at the last epoch: shape (resamples, 2)."""
    return np.stack([means[:, -1], variances[:, -1]], axis=1)


def final_mean(means: Array, variances: Array) -> Array:
    """The mean over seeds at the last epoch."""
    return means[:, -1]


def log_final_std(means: Array, variances: Array) -> Array:
    """log STD over seeds at the last epoch."""
    return np.asarray(0.5 * np.log(variances[:, -1]))


def log_avg_std(means: Array, variances: Array) -> Array:
    """log Avg. STD."""
    return np.asarray(np.log(np.sqrt(variances).mean(axis=1)))


STATISTICS: dict[str, tuple[Moments, bool, str]] = {
    "mean": (final_mean, False, "mean"),
    "std": (log_final_std, True, "STD"),
    "avg_std": (log_avg_std, True, "Avg. STD"),
}


def bootstrap_interval(
    curves: ArrayLike,
    statistic: Literal["mean", "std", "avg_std"],
    *,
    kind: Kind = "percentile",
    level: float = 0.95,
    resamples: int = 9_999,
    seed: int = 0,
) -> Result:
    """Interval for one sample's final mean, final STD or Avg. STD from resamples of whole seeds.

    "percentile"; "bca" with the jackknife's acceleration; "bootstrap-t" studentised by each resample's own delete-one
    jackknife standard error (spreads on the log scale). Resamples whose spread is zero are left out and counted.

    Raises CannotEstimate where the sample does not vary.
    """
    check_level(level)
    given = as_curves(curves)
    function, logarithmic, quantity = STATISTICS[statistic]
    # Deviations from the means in units of a power of two, which go back into the results at the end.
    values, power = deviations(given)
    n = len(values)
    if not values.any():
        raise CannotEstimate("all seeds gave the same values: resampling them says nothing")
    rng = np.random.default_rng(seed)
    counts = resample_counts(n, resamples, rng)
    with np.errstate(divide="ignore"):
        observed = float(resampled(values, np.ones((1, n)), function)[0])
        drawn = resampled(values, counts, function)
    usable = np.isfinite(drawn)
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    if kind == "percentile":
        low, high = np.quantile(drawn[usable], tails)
    elif kind == "bca":
        low, high = np.quantile(drawn[usable], _bca_tails(values, function, observed, drawn[usable], tails))
    else:
        low, high = _studentised(values, function, observed, drawn, counts, usable, tails)
    if logarithmic:
        estimate, low, high = (np.ldexp(np.exp(x), power.item()) for x in (observed, low, high))
    else:
        estimate, low, high = (means(given)[-1] + np.ldexp(x, power.item()) for x in (observed, low, high))
    return Result(
        quantity, f"bootstrap ({kind})", (n,), float(estimate), float(low), float(high), level,
        assumption="independent seeds, enough of them", cautions=_cautions(statistic, kind, n),
        details={"resamples": float(resamples), "unusable": float((~usable).sum())},
    )  # fmt: skip


def bootstrap_difference(
    a: ArrayLike,
    b: ArrayLike,
    *,
    paired: bool = False,
    level: float = 0.95,
    resamples: int = 9_999,
    seed: int = 0,
) -> Result:
    """mean(a) − mean(b) of final values (seeds,) by the symmetric bootstrap-t: estimate ± quantile of |t*| times its error.

    Each resample's t* = (difference* − difference)/se*, with Welch's error (paired: of the differences); p is the share of |t*|
    at least as large as |difference|/se, counting the sample itself. Raises CannotEstimate where nothing varies.
    """
    result = mean_difference(a, b, paired=paired, level=level)
    assert result.estimate is not None
    assert result.se is not None
    first, second = as_curves(a), as_curves(b)
    if paired:
        size = np.maximum(np.abs(first).max(), np.abs(second).max())
        differences, power = deviations(without_rounding(first - second, size))
        samples = [differences]
    else:
        x, y, power = deviations_together(first, second)
        samples = [x, y]
    se = float(np.ldexp(result.se, -power.item()))
    counts = _counts_of(tuple(map(len, samples)), resamples, seed)
    moments = [resampled(x, rows, final_moments) for x, rows in zip(samples, counts, strict=True)]
    centres = [found[:, 0] for found in moments]
    errors = np.sqrt(sum(found[:, 1] / len(x) for found, x in zip(moments, samples, strict=True)))
    # The samples are deviations: a resample's difference is its own less that of the sample.
    drawn = centres[0] if paired else centres[0] - centres[1]
    usable = errors > 1e-12 * se
    if not usable.any():
        raise CannotEstimate("hardly any resample varies: resampling these seeds says nothing")
    t = np.abs(drawn[usable] / errors[usable])
    p = float((1 + (t >= abs(result.estimate) / result.se).sum()) / (len(t) + 1))
    half = float(np.quantile(t, level)) * result.se
    return Result(
        "difference of means", "bootstrap-t", result.n, result.estimate, result.estimate - half, result.estimate + half,
        level, p, smallest_p=1 / (len(t) + 1), paired=paired, assumption="independent seeds", se=result.se,
        details={"resamples": float(resamples), "unusable": float(resamples - len(t))},
    )  # fmt: skip


def _leave_one_out(values: Array, function: Moments) -> Array:
    """The statistic without each seed in turn."""
    n = len(values)
    parts = []
    for index in range(n):
        rest = np.delete(values, index, axis=0)
        parts.append(resampled(rest, np.ones((1, n - 1)), function)[0])
    return np.array(parts)


def _bca_tails(values: Array, function: Moments, observed: float, drawn: Array, tails: Array) -> Array:
    """Efron's bias-corrected and accelerated percentile levels."""
    below = (np.sum(drawn < observed) + 0.5 * np.sum(drawn == observed)) / len(drawn)
    z0 = special.ndtri(np.clip(below, 1e-6, 1 - 1e-6))
    with np.errstate(divide="ignore"):
        parts = _leave_one_out(values, function)
    if not np.isfinite(parts).all():
        raise CannotEstimate("all seeds but one gave the same values: the spread rests on a single seed")
    d = parts.mean() - parts
    a = (d**3).sum() / (6 * (d**2).sum() ** 1.5) if d.any() else 0.0
    z = special.ndtri(tails)
    return np.asarray(special.ndtr(z0 + (z0 + z) / (1 - a * (z0 + z))))


def _studentised(
    values: Array,
    function: Moments,
    observed: float,
    drawn: Array,
    counts: Array,
    usable: Array,
    tails: Array,
) -> tuple[float, float]:
    """Bootstrap-t: quantiles of (θ* − θ)/se*, each se* the jackknife's of that resample."""
    n = len(values)
    se = np.full(len(counts), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        for row in np.flatnonzero(usable):
            # A seed drawn c times is left out once in c of the n deletions.
            present = np.flatnonzero(counts[row])
            without = np.repeat(counts[row][None], len(present), axis=0)
            without[np.arange(len(present)), present] -= 1
            parts = function(*_weighted_moments(values, without))
            weight = counts[row][present]
            mean = (weight * parts).sum() / n
            se[row] = np.sqrt((n - 1) / n * (weight * (parts - mean) ** 2).sum())
        parts = _leave_one_out(values, function)
        own = float(np.sqrt((n - 1) / n * ((parts - parts.mean()) ** 2).sum()))
        t = (drawn - observed) / se
    t = t[np.isfinite(t)]
    if not np.isfinite(own) or not len(t):
        raise CannotEstimate("all seeds but one gave the same values: the spread rests on a single seed")
    upper, lower = np.quantile(t, tails[::-1])
    return observed - float(upper) * own, observed - float(lower) * own


def _weighted_moments(values: Array, counts: Array) -> tuple[Array, Array]:
    """Means and variances as in :func:`resampled`, for counts that add up to n − 1 in every row."""
    total = counts.sum(axis=1, keepdims=True)
    centre = values.mean(axis=0)
    centred = values - centre
    means = counts @ centred / total
    variances = np.maximum(counts @ centred**2 / total - means**2, 0.0) * (total / (total - 1))
    return means + centre, variances


def _cautions(statistic: str, kind: Kind, n: int) -> tuple[Caution, ...]:
    if statistic == "mean":
        return ()
    known = COVERAGE_OF_A_STD[kind]
    nearest = min(known, key=lambda size: abs(size - n))
    return (
        Caution(
            "bootstrap-spread",
            f"A {kind} interval for a spread covers about {known[nearest]} % instead of 95 % at {nearest} normal seeds.",
            "use Bonett's interval for one STD, the jackknife's for Avg. STD and for ratios",
        ),
    )
