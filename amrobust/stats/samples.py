"""Checked samples, what of them is rounding, and the summaries that everything else is built on.

A sample is an array (seeds,) of final values or (seeds, epochs) of curves; an array of final values is a curve of one epoch.

Two rules hold for every statistic. Seeds that differ by no more than rounding are equal: :func:`varies` says so, and checked
samples have exactly equal values there. Moments are taken of :func:`deviations`, which are scaled by a power of two: that
changes no digit, and no finite sample up to 1e±300 overflows or vanishes when it is squared.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FEWEST_SEEDS = 4

BEST = "best:"
"""How a final value begins that is read where another metric is best."""

LARGEST = 2.0**1000
"""Values beyond this (1.07e301) are refused: their differences and sums leave the range of numbers."""

FARTHEST = 400
"""Powers of two by which the smaller of two samples is taken to be smaller at most: below that its squares would vanish."""

NOWHERE = -2_000
"""The power of two of a sample without deviations: below every other."""

LOG_2 = float(np.log(2.0))
MOST_LOST = 0.01
"""Rounding of a pseudo-value, on the log scale, from which a spread without its farthest seed is not known."""

EPSILON = float(np.finfo(np.float64).eps)

Array = NDArray[np.float64]
Powers = NDArray[np.int32]


class CannotEstimate(ValueError):
    """A statistic that these samples do not allow: the reason in words, and the seeds per method that would, if any."""

    def __init__(self, reason: str, seeds_needed: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.seeds_needed = seeds_needed


def rounding(n: int, size: float | Array) -> Array:
    """How far rounding alone can take apart what is the same in ``n`` seeds of magnitude ``size``: 2 n ε size.

    n ε size bounds the error of a sum over the seeds divided by their number, and the last bit of a value is half of ε size.
    """
    return np.asarray(2 * n * EPSILON * np.asarray(size))


def varies(x: Array, size: float | Array | None = None) -> NDArray[np.bool_]:
    """Whether seeds (the first axis) differ by more than :func:`rounding`, at each epoch.

    ``size`` is the magnitude of what ``x`` was computed from, where that is larger than ``x`` (differences, deviations).
    """
    return np.asarray(np.ptp(x, axis=0) > rounding(len(x), np.abs(x).max(axis=0) if size is None else size))


def without_rounding(x: Array, size: float | Array | None = None) -> Array:
    """``x`` with the first seed's value for all seeds at every epoch where they do not :func:`varies`."""
    different = varies(x, size)
    return x if different.all() else np.where(different, x, x[:1])


def with_ties(x: Array, size: Array | None = None) -> Array:
    """Numbers (k,) in which those within :func:`rounding` of the next larger one are made equal: ranks see the ties there are.

    ``size`` (k,) as in :func:`varies`. Infinite numbers, diverged runs, are equal as well.
    """
    order = np.argsort(x, kind="stable")
    ascending, sizes = x[order], np.abs(x if size is None else size)[order]
    larger = np.maximum(sizes[1:], sizes[:-1])
    with np.errstate(invalid="ignore"):
        new = np.diff(ascending) > np.where(np.isfinite(larger), rounding(len(x), larger), 0.0)
    starts = np.maximum.accumulate(np.where(np.concatenate([[True], new]), np.arange(len(x)), 0))
    found = np.empty_like(x)
    found[order] = ascending[starts]
    return found


def as_floats(x: ArrayLike) -> Array:
    """``x`` in double precision. Raises CannotEstimate where a masked array masks a value: it is missing, not diverged."""
    if np.ma.is_masked(x):
        raise CannotEstimate(
            "some values are masked, so missing: leave their seeds out, such as by x.compressed()"
        )
    return np.asarray(x, dtype=np.float64)


def as_curves(x: ArrayLike) -> Array:
    """``x`` as (seeds, epochs), exactly constant where seeds differ by rounding alone.

    Raises CannotEstimate on other shapes, values that are not finite or beyond 1e301, and fewer than 4 seeds.
    """
    values = as_floats(x)
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2 or values.shape[1] == 0:
        raise CannotEstimate(f"samples are arrays (seeds,) or (seeds, epochs), not of shape {np.shape(x)}")
    if len(values) < FEWEST_SEEDS:
        raise CannotEstimate(f"{len(values)} seeds are too few", FEWEST_SEEDS)
    if not np.isfinite(values).all():
        raise CannotEstimate("some values are not finite: diverged seeds have no spread")
    if np.abs(values).max() > LARGEST:
        raise CannotEstimate("some values are beyond 1e301, too large to compute with: such seeds diverged")
    return without_rounding(values)


def as_values(x: ArrayLike) -> Array:
    """``x`` as (seeds,), checked as :func:`as_curves` does.

    Raises CannotEstimate on curves too.
    """
    values = as_curves(x)
    if values.shape[1] != 1:
        raise CannotEstimate("one number per seed is needed here, not curves")
    return values[:, 0]


def as_pair(a: ArrayLike, b: ArrayLike, paired: bool) -> tuple[Array, Array]:
    """Two samples as curves of one length; of one number of seeds too where they are paired.

    Raises CannotEstimate where they are not.
    """
    first, second = as_curves(a), as_curves(b)
    if first.shape[1] != second.shape[1]:
        raise CannotEstimate(f"curves of {first.shape[1]} and {second.shape[1]} epochs cannot be compared")
    if paired and len(first) != len(second):
        raise CannotEstimate(f"pairs need equally many seeds, not {len(first)} and {len(second)}")
    return first, second


def final_values(curves: ArrayLike, final: str = "last") -> Array:
    """One number per seed from curves (seeds, epochs): the last epoch's, or with "mean:K" the mean of the last K.

    With "best:METRIC" these are the endpoints alone, (seeds, 1), which curves of another metric have chosen. Non-finite values
    are passed on. Raises CannotEstimate where ``final`` asks for something else or for too many epochs.
    """
    values = as_floats(curves)
    if isinstance(final, str) and final.startswith(BEST) and values.shape[1] > 1:
        raise CannotEstimate(f"{final!r} is chosen by curves of another metric, which are not here")
    if final == "last":
        return np.asarray(values[:, -1])
    if (count := final_epochs(final)) > values.shape[1]:
        raise CannotEstimate(f"a final value {final!r} needs {count} epochs, and there are {values.shape[1]}")
    return np.asarray(values[:, -count:].mean(axis=1))


def final_epochs(final: str) -> int:
    """Over how many epochs a final value is: 1 of "last" and "best:METRIC", K of "mean:K". Raises CannotEstimate on others."""
    match = re.fullmatch(r"last|best:.+|mean:([1-9][0-9]{0,8})", final) if isinstance(final, str) else None
    if match is None:
        raise CannotEstimate(
            f"a final value is 'last', 'mean:K' with K >= 1, or 'best:METRIC' with a metric on another split than the judged "
            f"one, not {final!r:.40}"
        )
    return int(match[1] or 1)


def deviations(curves: Array, *, apart: bool = False) -> tuple[Array, Powers]:
    """Deviations from the mean of each epoch times 2⁻ᵏ, and k: the largest is of size 1. For arrays (..., seeds, epochs).

    k has shape (..., 1, 1); with ``apart`` every epoch has its own, (..., 1, epochs). The first seed is taken off before the
    mean, so that an offset costs no digits.
    """
    shifted = curves - curves[..., :1, :]
    size = np.abs(shifted).max(axis=-2 if apart else (-2, -1), keepdims=True)
    powers = np.where(size > 0, np.frexp(size)[1], NOWHERE).astype(np.int32)
    scaled = np.ldexp(shifted, -powers)
    return np.asarray(scaled - scaled.mean(axis=-2, keepdims=True)), powers


def deviations_together(a: Array, b: Array, *, apart: bool = False) -> tuple[Array, Array, Powers]:
    """:func:`deviations` of two samples times one power of two, 2⁻ᵏ, and k.

    A sample that is smaller by more than 2⁴⁰⁰ is enlarged to that: no result can tell, and its squares stay numbers.
    """
    (x, k_a), (y, k_b) = deviations(a, apart=apart), deviations(b, apart=apart)
    k = np.maximum(k_a, k_b)
    return np.ldexp(x, np.maximum(k_a - k, -FARTHEST)), np.ldexp(y, np.maximum(k_b - k, -FARTHEST)), k


def means(curves: Array) -> Array:
    """Mean over seeds at each epoch (epochs,): exactly the value where all seeds have one."""
    return np.asarray(np.where((curves == curves[0]).all(axis=0), curves[0], curves.mean(axis=0)))


def stds(curves: Array) -> Array:
    """STD over seeds (ddof = 1) at each epoch (epochs,), from (seeds, epochs) of at least two seeds."""
    d, powers = deviations(curves, apart=True)
    return np.asarray(np.ldexp(np.std(d, axis=0, ddof=1), powers[0]))


def std(x: ArrayLike) -> float:
    """Standard deviation over seeds, ddof = 1."""
    return float(stds(as_values(x)[:, None])[0])


def avg_std(curves: ArrayLike) -> float:
    """Avg. STD: the mean over epochs of the standard deviation over seeds (ddof = 1) at that epoch."""
    return float(stds(as_curves(curves)).mean())


def welch_df(v_a: float | Array, v_b: float | Array, n_a: int, n_b: int) -> Array:
    """Welch's degrees of freedom of a difference of two estimates with these squared errors; NaN where both are 0."""
    # By a power of two, so that the squares of tiny errors do not vanish.
    _, k = np.frexp(np.maximum(v_a, v_b))
    a, b = np.ldexp(v_a, -k), np.ldexp(v_b, -k)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((a + b) ** 2 / (a**2 / (n_a - 1) + b**2 / (n_b - 1)))


def kurtosis(x: ArrayLike) -> float:
    """n Σ(x − x̄)⁴ / (Σ(x − x̄)²)²: 3 for a normal distribution. On curves, the mean over the epochs that vary.

    Raises CannotEstimate where all values are equal.
    """
    d, _ = deviations(as_curves(x), apart=True)
    squares = (d**2).sum(axis=0)
    varying = squares > 0
    if not varying.any():
        raise CannotEstimate("all values are equal: there is no shape to speak of")
    fourth = (d[:, varying] ** 4).sum(axis=0)
    return float((len(d) * fourth / squares[varying] ** 2).mean())


def ratio_of(log_ratio: float | Array) -> float:
    """exp of a log ratio, infinite (not an error) where that is beyond all numbers."""
    with np.errstate(over="ignore"):
        return float(np.exp(log_ratio))


def log_spreads(curves: Array) -> tuple[Array, Array, Array]:
    """log spread of all seeds, and without each in turn, and the level that both are less: for arrays (..., seeds, epochs).

    Shapes (...), (..., seeds) and (...). Spread is the STD (one epoch) or the Avg. STD; the level k log 2 is that of
    :func:`deviations`, kept apart so that it takes no digits from the rest. With deviations d from the mean of n seeds and
    Q = Σd², leaving seed i out leaves Q − n/(n−1)·d_i². A spread of zero gives −inf.
    """
    n = curves.shape[-2]
    d, powers = deviations(curves)
    squares = (d**2).sum(axis=-2, keepdims=True)
    without = np.maximum(squares - n / (n - 1) * d**2, 0.0)
    # Rounding can leave a tiny positive rest where all other seeds are equal.
    without[without < 1e-12 * squares] = 0.0
    with np.errstate(divide="ignore"):
        whole = np.log(np.sqrt(squares[..., 0, :] / (n - 1)).mean(axis=-1))
        parts = np.log(np.sqrt(without / (n - 2)).mean(axis=-1))
    return whole, parts, np.asarray(powers[..., 0, 0] * LOG_2, np.float64)


def pseudo_values(curves: Array) -> Array:
    """Jackknife pseudo-values n·θ − (n−1)·θ₋ᵢ of the log spread θ, for arrays (..., seeds, epochs): (..., seeds)."""
    whole, parts, level = log_spreads(curves)
    return np.asarray(_pseudo_values(whole, parts) + level[..., None])


def _pseudo_values(whole: Array, parts: Array) -> Array:
    n = parts.shape[-1]
    return np.asarray(n * whole[..., None] - (n - 1) * parts)


@dataclass(frozen=True)
class LogSpread:
    """One sample's log spread by the jackknife; each number is less ``level``."""

    whole: float
    pseudo: Array
    """Pseudo-values (seeds,)."""
    level: float
    rounding: float
    """How far the rounding of the sample's values, and of leaving seeds out, can move a pseudo-value."""

    @classmethod
    def of(cls, curves: Array) -> LogSpread:
        """From checked curves; raises CannotEstimate where a spread is zero, which has no logarithm."""
        whole, parts, level = log_spreads(curves)
        if np.isneginf(whole):
            raise CannotEstimate(
                "all seeds gave the same values: the spread is zero, and a ratio to it says nothing"
            )
        n, smallest = len(curves), float(parts.min())
        # Beside the rounding of the values: leaving a seed out is a difference of sums of squares, and loses as many digits as
        # that seed has of the sum.
        size = ratio_of(np.log(np.abs(curves).max(axis=0).mean()) - level - smallest)
        farthest = ratio_of(2 * (whole - smallest))
        lost = float(rounding(n, size + farthest))
        if not lost < MOST_LOST:
            if not np.ptp(np.delete(curves, int(parts.argmin()), axis=0), axis=0).any():
                reason = (
                    "all seeds but one gave the same values: the spread rests on a single seed (a finer metric, such as a "
                    "loss, may tell more)"
                )
            elif not farthest < size:
                reason = (
                    "one seed is so far from the others that the spread rests on it alone (look at that seed: to ranks it is "
                    "one bad run, and a log scale may bring it nearer)"
                )
            else:
                reason = (
                    "the seeds differ by little more than the rounding of their values, so that the spread is not known "
                    "(record more digits, or the metric less what all seeds have in common)"
                )
            raise CannotEstimate(reason)
        return cls(float(whole), _pseudo_values(whole, parts), float(level), lost)

    @property
    def centre(self) -> float:
        """The jackknife's estimate: the mean of the pseudo-values."""
        return float(self.pseudo.mean()) + self.level
