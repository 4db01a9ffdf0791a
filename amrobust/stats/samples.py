"""Checked samples, and the summaries that everything else is built on.

A sample is an array (seeds,) of final values or (seeds, epochs) of curves; an array of final values is a curve of one epoch.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import ArrayLike, NDArray

FEWEST_SEEDS = 4

Array = NDArray[np.float64]


class CannotEstimate(ValueError):
    """A statistic that these samples do not allow: the reason in words, and the seeds a method that would, if any."""

    def __init__(self, reason: str, seeds_needed: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.seeds_needed = seeds_needed


def as_curves(x: ArrayLike) -> Array:
    """``x`` as (seeds, epochs). Raises CannotEstimate on other shapes, non-finite values and fewer than 4 seeds."""
    values = np.asarray(x, dtype=np.float64)
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2 or values.shape[1] == 0:
        raise CannotEstimate(f"samples are arrays (seeds,) or (seeds, epochs), not of shape {np.shape(x)}")
    if len(values) < FEWEST_SEEDS:
        raise CannotEstimate(f"{len(values)} seeds are too few", FEWEST_SEEDS)
    if not np.isfinite(values).all():
        raise CannotEstimate("some values are not finite: diverged seeds have no spread")
    return values


def as_values(x: ArrayLike) -> Array:
    """``x`` as (seeds,), checked as :func:`as_curves` does.

    Raises CannotEstimate on curves too.
    """
    values = as_curves(x)
    if values.shape[1] != 1:
        raise CannotEstimate("one number a seed is needed here, not curves")
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
    """One number a seed from curves (seeds, epochs): the last epoch's, or with "mean:K" the mean of the last K.

    Non-finite values are passed on. Raises CannotEstimate where ``final`` asks for something else or for too many epochs.
    """
    values = np.asarray(curves, dtype=np.float64)
    if final == "last":
        return np.asarray(values[:, -1])
    if (count := final_epochs(final)) > values.shape[1]:
        raise CannotEstimate(f"a final value {final!r} needs {count} epochs, and there are {values.shape[1]}")
    return np.asarray(values[:, -count:].mean(axis=1))


def final_epochs(final: str) -> int:
    """Over how many epochs a final value is: 1 of "last", K of "mean:K". Raises CannotEstimate on anything else."""
    match = re.fullmatch(r"last|mean:([1-9][0-9]{0,8})", final) if isinstance(final, str) else None
    if match is None:
        raise CannotEstimate(
            f"a final value is 'last' or 'mean:K' with K >= 1, not {final!r:.40}: the best test epoch is chosen by the test "
            "itself"
        )
    return int(match[1] or 1)


def std(x: ArrayLike) -> float:
    """Standard deviation over seeds, ddof = 1."""
    return float(np.std(_centred(as_values(x)[:, None]), ddof=1))


def avg_std(curves: ArrayLike) -> float:
    """Avg. STD: the mean over epochs of the standard deviation over seeds (ddof = 1) at that epoch."""
    return float(np.std(_centred(as_curves(curves)), axis=0, ddof=1).mean())


def kurtosis(x: ArrayLike) -> float:
    """n Σ(x − x̄)⁴ / (Σ(x − x̄)²)²: 3 for a normal distribution. On curves, the mean over the epochs that vary.

    Raises CannotEstimate where all values are equal.
    """
    deviations = _centred(as_curves(x))
    squares = (deviations**2).sum(axis=0)
    varying = squares > 0
    if not varying.any():
        raise CannotEstimate("all values are equal: there is no shape to speak of")
    fourth = (deviations[:, varying] ** 4).sum(axis=0)
    return float((len(deviations) * fourth / squares[varying] ** 2).mean())


def _centred(curves: Array) -> Array:
    """Deviations from the mean of each epoch; the first seed is taken off before, so that an offset costs no digits."""
    shifted = curves - curves[0]
    return np.asarray(shifted - shifted.mean(axis=0))


def log_spreads(curves: Array) -> tuple[Array, Array]:
    """log spread of all seeds and without each in turn, for arrays (..., seeds, epochs): shapes (...) and (..., seeds).

    Spread is the STD (one epoch) or the Avg. STD. With deviations d from the mean of n seeds and Q = Σd², leaving seed i out
    leaves Q − n/(n−1)·d_i². A spread of zero gives −inf.
    """
    n = curves.shape[-2]
    shifted = curves - curves[..., :1, :]
    d = shifted - shifted.mean(axis=-2, keepdims=True)
    squares = (d**2).sum(axis=-2, keepdims=True)
    without = np.maximum(squares - n / (n - 1) * d**2, 0.0)
    # Rounding can leave a tiny positive rest where all other seeds are equal.
    without[without < 1e-12 * squares] = 0.0
    with np.errstate(divide="ignore"):
        whole = np.log(np.sqrt(squares[..., 0, :] / (n - 1)).mean(axis=-1))
        parts = np.log(np.sqrt(without / (n - 2)).mean(axis=-1))
    return whole, parts


def pseudo_values(curves: Array) -> Array:
    """Jackknife pseudo-values n·θ − (n−1)·θ₋ᵢ of the log spread θ, for arrays (..., seeds, epochs): (..., seeds)."""
    return _pseudo_values(*log_spreads(curves))


def _pseudo_values(whole: Array, parts: Array) -> Array:
    n = parts.shape[-1]
    return np.asarray(n * whole[..., None] - (n - 1) * parts)


def checked_pseudo_values(curves: Array) -> Array:
    """:func:`pseudo_values` of one sample; raises CannotEstimate where a spread is zero, which has no logarithm."""
    whole, parts = log_spreads(curves)
    if np.isneginf(whole):
        raise CannotEstimate(
            "all seeds gave the same values: the spread is zero, and a ratio to it says nothing"
        )
    if np.isneginf(parts).any():
        raise CannotEstimate(
            "all seeds but one gave the same values: the spread rests on a single seed (a finer metric, such as a loss, "
            "may tell more)"
        )
    return _pseudo_values(whole, parts)
