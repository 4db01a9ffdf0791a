"""Bootstrap of whole seeds, for statistics that are functions of per-epoch means and second moments.

One matrix product of resample counts with the centred curves and their squares gives every resample's means and variances at
once. What the intervals are worth at few seeds was measured (:mod:`amrobust.stats.coverage`), and they carry it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from amrobust.stats.coverage import measured_coverage, shortfall
from amrobust.stats.limits import check_level, check_resamples
from amrobust.stats.location import mean_difference
from amrobust.stats.results import Bootstrap, Result
from amrobust.stats.samples import (
    LOG_2,
    Array,
    CannotEstimate,
    LogSpread,
    as_curves,
    as_pair,
    deviations,
    deviations_together,
    log_spreads,
    means,
    ratio_of,
    without_rounding,
)

Kind = Literal["bootstrap-t", "bca", "percentile"]
KINDS: tuple[Kind, ...] = get_args(Kind)
NAMES: dict[Kind, str] = {
    "bootstrap-t": "bootstrap-t", "bca": "bootstrap (BCa)", "percentile": "bootstrap (percentile)",
}  # fmt: skip
"""What results and the calibration study call them."""
Statistic = Literal["mean", "std", "avg_std"]
Moments = Callable[[Array, Array], Array]
"""From means and variances (ddof = 1), shape (resamples, epochs) each, to one number a resample."""

BLOCK = 256
BLOCK_VALUES = 2_000_000
"""Resamples that are worked on at a time, and the values that those of long curves have at most together."""
RESAMPLES = 9_999
MOST_UNUSABLE = 0.5
"""Share of the resamples that may have no spread: beyond it, the interval would describe the rest alone."""


def resample_counts(n: int, resamples: int, rng: np.random.Generator) -> Array:
    """How often each of ``n`` seeds is drawn in each resample: shape (resamples, n)."""
    check_resamples(resamples)
    drawn = rng.integers(n, size=(resamples, n))
    flat = drawn + n * np.arange(resamples)[:, None]
    return np.bincount(flat.ravel(), minlength=resamples * n).reshape(resamples, n).astype(np.float64)


@lru_cache(maxsize=4)
def _counts_of(sizes: tuple[int, ...], resamples: int, seed: int) -> tuple[Array, ...]:
    """:func:`resample_counts` of samples of these sizes, one after the other; kept for the next methods."""
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
    block = max(1, min(BLOCK, BLOCK_VALUES // epochs))
    for start in range(0, len(counts), block):
        moments = counts[start : start + block] @ both
        means, variances = moments[:, :epochs], moments[:, epochs:]
        noise = 4 * n * np.finfo(float).eps * variances
        variances -= means**2
        # Of a resample with a single value this difference is rounding, not a spread.
        variances[variances <= noise] = 0.0
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


STATISTICS: dict[Statistic, tuple[Moments, str, str]] = {
    "mean": (final_mean, "mean", "difference of means"),
    "std": (log_final_std, "STD", "ratio of STDs"),
    "avg_std": (log_avg_std, "Avg. STD", "ratio of Avg. STDs"),
}
"""Each with what it is called of one sample and of two; spreads are resampled on the log scale."""


def bootstrap_interval(
    curves: ArrayLike,
    statistic: Statistic,
    *,
    kind: Kind = "percentile",
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Result:
    """Interval for one sample's final mean, final STD or Avg. STD from resamples of whole seeds.

    "percentile"; "bca" with the jackknife's acceleration; "bootstrap-t" studentised by each resample's own delete-one
    jackknife standard error (spreads on the log scale). Resamples whose spread is zero are left out and counted.

    Source: B. Efron and R. J. Tibshirani, An Introduction to the Bootstrap (1993), chapters 12 to 14.

    Raises CannotEstimate where the sample does not vary, where the spread rests on a single seed, where more than half of the
    resamples have no spread, where the resamples are too few for the level, and where an end is beyond any number.
    """
    check_level(level)
    given = _of_epochs(as_curves(curves), statistic)
    values, power = deviations(given)
    _require_variation(given, statistic)
    (counts,) = _counts_of((len(values),), resamples, seed)
    sample = _Replicates.of(values, statistic, counts, kind)

    def back(theta: float) -> float:
        if statistic == "mean":
            return float(means(given)[0] + np.ldexp(theta, power.item()))
        return float(np.ldexp(ratio_of(theta), power.item()))

    return _result(STATISTICS[statistic][1], [sample], kind, level, seed, statistic, back)


def bootstrap_contrast(
    a: ArrayLike,
    b: ArrayLike,
    statistic: Statistic,
    *,
    paired: bool = False,
    kind: Kind = "percentile",
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Result:
    """Interval for the difference of two final means, or the ratio of two final STDs or Avg. STDs, first over second.

    As :func:`bootstrap_interval`, of θ(a) − θ(b) with θ the mean or the log spread. The seeds of independent samples are drawn
    within each; of pairs, the pairs are drawn. Acceleration and standard error are the jackknife's over the seeds of both
    samples, or over the pairs. Raises CannotEstimate as that does.
    """
    check_level(level)
    first, second = (_of_epochs(values, statistic) for values in as_pair(a, b, paired))
    if statistic == "mean":
        mean_difference(first[:, 0], second[:, 0], paired=paired)  # which refuses what does not vary
        centre = float(means(first)[0] - means(second)[0])
        if paired:
            size = np.maximum(np.abs(first).max(), np.abs(second).max())
            x, power = deviations(without_rounding(first - second, size))
            y = np.zeros_like(x)
        else:
            x, y, power = deviations_together(first, second)

        def back(theta: float) -> float:
            return centre + float(np.ldexp(theta, power.item()))
    else:
        for values in (first, second):
            _require_variation(values, statistic)
        (x, above), (y, below) = deviations(first), deviations(second)
        level_ratio = float(above.item() - below.item()) * LOG_2

        def back(theta: float) -> float:
            return ratio_of(theta + level_ratio)

    counts = _counts_of((len(x),) if paired else (len(x), len(y)), resamples, seed)
    samples = [
        _Replicates.of(values, statistic, drawn, kind)
        for values, drawn in zip((x, y), counts * 2 if paired else counts, strict=True)
    ]
    if paired:
        samples = [samples[0].less(samples[1])]
    return _result(STATISTICS[statistic][2], samples, kind, level, seed, statistic, back, paired=paired)


def bootstrap_difference(
    a: ArrayLike,
    b: ArrayLike,
    *,
    paired: bool = False,
    level: float = 0.95,
    resamples: int = RESAMPLES,
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


def _of_epochs(curves: Array, statistic: Statistic) -> Array:
    """The epochs that the statistic is of: all of them for Avg. STD, else the last."""
    return curves if statistic == "avg_std" else curves[:, -1:]


def _require_variation(values: Array, statistic: Statistic) -> None:
    """Raise CannotEstimate where the statistic of one checked sample has no error."""
    if statistic != "mean":
        LogSpread.of(values)
    elif not np.ptp(values) > 0:
        raise CannotEstimate("all seeds gave the same values: resampling them says nothing")


@dataclass(frozen=True)
class _Replicates:
    """A statistic of one sample (of pairs: the difference of two), of its resamples, and of each without a seed."""

    observed: float
    parts: Array
    """Without each seed, shape (seeds,)."""
    drawn: Array
    """Of each resample, shape (resamples,)."""
    drawn_parts: Array | None
    """Of each resample without each of the seeds drawn, shape (resamples, seeds); for "bootstrap-t" alone."""

    @classmethod
    def of(cls, curves: Array, statistic: Statistic, counts: Array, kind: Kind) -> _Replicates:
        """From one sample's scaled deviations (seeds, epochs) and how often each seed is drawn in each resample."""
        observed, parts = _whole_and_parts(curves, statistic)
        with np.errstate(divide="ignore"):
            drawn = resampled(curves, counts, STATISTICS[statistic][0])
        if kind != "bootstrap-t":
            return cls(float(observed), parts, drawn, None)
        n = len(curves)
        # Which seed is in each place of each resample.
        chosen = np.repeat(np.tile(np.arange(n), len(counts)), counts.ravel().astype(int)).reshape(-1, n)
        block = max(1, min(BLOCK, 4 * BLOCK_VALUES // curves.size))
        blocks = [
            _whole_and_parts(curves[chosen[start : start + block]], statistic)[1]
            for start in range(0, len(counts), block)
        ]
        return cls(float(observed), parts, drawn, np.concatenate(blocks))

    def less(self, other: _Replicates) -> _Replicates:
        """The difference from another sample that the same seeds were drawn in."""
        with np.errstate(invalid="ignore"):
            return _Replicates(
                self.observed - other.observed,
                self.parts - other.parts,
                self.drawn - other.drawn,
                self.drawn_parts - other.drawn_parts
                if self.drawn_parts is not None and other.drawn_parts is not None
                else None,
            )


def _whole_and_parts(curves: Array, statistic: Statistic) -> tuple[Array, Array]:
    """The statistic of all seeds and without each in turn, for arrays (..., seeds, epochs)."""
    if statistic != "mean":
        whole, parts, level = log_spreads(curves)
        return np.asarray(whole + level), parts + level[..., None]
    values = curves[..., -1]
    n, mean = values.shape[-1], values.mean(axis=-1)
    return mean, (n * mean[..., None] - values) / (n - 1)


def _jackknife_variance(parts: Array) -> Array:
    n = parts.shape[-1]
    return np.asarray((n - 1) / n * ((parts - parts.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1))


def _result(
    quantity: str,
    samples: Sequence[_Replicates],
    kind: Kind,
    level: float,
    seed: int,
    statistic: Statistic,
    back: Callable[[float], float],
    *,
    paired: bool = False,
) -> Result:
    """The interval for the first sample's statistic, less the second's; ``back`` undoes logs and scaling."""
    signs = (1.0, -1.0)[: len(samples)]
    observed = sum(sign * sample.observed for sign, sample in zip(signs, samples, strict=True))
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = np.sum([sign * sample.drawn for sign, sample in zip(signs, samples, strict=True)], axis=0)
        usable = np.isfinite(drawn)
        own = float(np.sqrt(sum(_jackknife_variance(sample.parts) for sample in samples)))
        if kind == "bootstrap-t":
            found = [_jackknife_variance(s.drawn_parts) for s in samples if s.drawn_parts is not None]
            errors = np.sqrt(np.sum(found, axis=0))
            # Rounding leaves a tiny error where a resample holds one value alone.
            usable &= np.isfinite(errors) & (errors > 1e-12 * own)
    # A logarithm has no unit, so that its rounding has a size: samples that are copies up to scale leave nothing else.
    if not own > (0.0 if statistic == "mean" else 1e-12):
        raise CannotEstimate(
            "whichever seed is left out, the number stays the same: there is no error to resample"
        )
    left, total = int(usable.sum()), len(drawn)
    if left < (1 - MOST_UNUSABLE) * total:
        raise CannotEstimate(
            f"{1 - left / total:.0%} of the resamples have no spread to divide by, so few of the values differ"
        )
    if (1 - level) / 2 * (left + 1) < 1:
        raise CannotEstimate(
            f"{left:,} resamples cannot give the ends of a {100 * level:.6g} % interval: test fewer claims at once"
        )
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    if kind == "bootstrap-t":
        t = (drawn[usable] - observed) / errors[usable]
        low, high = observed - own * np.quantile(t, tails[::-1])
    else:
        if kind == "bca":
            tails = _bca_tails(samples, observed, drawn[usable], tails)
        low, high = np.quantile(drawn[usable], tails)
    estimate, low, high = (back(float(theta)) for theta in (observed, low, high))
    if not np.isfinite([low, high]).all():
        raise CannotEstimate("so few seeds do not bound the interval: an end of it is beyond any number")
    n = tuple(len(sample.parts) for sample in samples)
    name = NAMES[kind]
    result = Result(
        quantity, name, n, estimate, low, high, level, paired=paired,
        assumption=f"independent {'pairs of seeds' if paired else 'seeds'}, enough of them",
        bootstrap=Bootstrap(kind, total, total - left, seed, measured_coverage(quantity, name, n, paired=paired)),
    )  # fmt: skip
    return replace(result, warnings=shortfall(result))


def _bca_tails(samples: Sequence[_Replicates], observed: float, drawn: Array, tails: Array) -> Array:
    """Efron's bias-corrected and accelerated percentile levels; the acceleration over the seeds of all samples."""
    below = (np.sum(drawn < observed) + 0.5 * np.sum(drawn == observed)) / len(drawn)
    z0 = special.ndtri(np.clip(below, 1e-6, 1 - 1e-6))
    cubes, squares = 0.0, 0.0
    for sign, sample in zip((1.0, -1.0), samples, strict=False):
        n = len(sample.parts)
        d = sign * (sample.parts.mean() - sample.parts) * (n - 1) / n
        cubes, squares = cubes + float((d**3).sum()), squares + float((d**2).sum())
    a = cubes / (6 * squares**1.5)
    z = special.ndtri(tails)
    shrunk = 1 - a * (z0 + z)
    if not (shrunk > 0).all():
        raise CannotEstimate("these few seeds are too skewed for a BCa interval at this level")
    return np.asarray(special.ndtr(z0 + (z0 + z) / shrunk))
