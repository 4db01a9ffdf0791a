"""Spread along training: per-epoch intervals, and the epochs at which two methods differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from amrobust.stats.permutation import relabelled_variances, swapped_variances
from amrobust.stats.samples import Array, CannotEstimate, as_curves, as_pair, pseudo_values


@dataclass(frozen=True)
class Band:
    """STD over seeds at every epoch with an interval for each epoch by itself: descriptive, not simultaneous."""

    std: Array
    low: Array
    high: Array
    level: float


def std_band(curves: ArrayLike, *, level: float = 0.95) -> Band:
    """Per-epoch STD with the delete-one-seed jackknife interval of its logarithm (t, n − 1 degrees of freedom).

    NaN bounds where an epoch's spread is zero or rests on a single seed.
    """
    values = as_curves(curves)
    n = len(values)
    with np.errstate(invalid="ignore"):
        pseudo = pseudo_values(values.T[:, :, None])  # every epoch as a sample of one
        centre, se = pseudo.mean(axis=1), pseudo.std(axis=1, ddof=1) / np.sqrt(n)
        half = special.stdtrit(n - 1, 0.5 + level / 2) * se
        low, high = np.exp(centre - half), np.exp(centre + half)
    bad = ~np.isfinite(se)
    low[bad] = high[bad] = np.nan
    return Band((values - values[0]).std(axis=0, ddof=1), low, high, level)


@dataclass(frozen=True)
class EpochwiseDifference:
    """Where in training two spreads differ.

    ``log_ratio`` (epochs,) is log STD(a) − log STD(b); ``p_adjusted`` holds over all epochs at once, NaN where an epoch has
    no spread to compare; ``epochs`` lists those at most ``alpha``, counted from 1.
    """

    log_ratio: Array
    p_adjusted: Array
    epochs: tuple[int, ...]
    alpha: float


def when_spreads_differ(
    a: ArrayLike,
    b: ArrayLike,
    *,
    paired: bool = False,
    alpha: float = 0.05,
    resamples: int = 9_999,
    seed: int = 0,
) -> EpochwiseDifference:
    """The epochs at which two methods' STDs over seeds differ, adjusted over all epochs by max-T (Westfall and Young 1993).

    Whole curves, centred for each method and epoch, are relabelled (paired: swapped within pairs). At each epoch the log ratio
    of STDs is divided by its standard deviation under relabelling; an epoch's adjusted p is the share of relabellings whose
    largest statistic over all epochs reaches the one observed there. To ask about the early phase, give its epochs only.

    Approximate, since centring breaks exact exchangeability. Raises CannotEstimate where no epoch has a spread in both.
    """
    first, second = as_pair(a, b, paired)
    both = (np.ptp(first, axis=0) > 0) & (np.ptp(second, axis=0) > 0)
    if not both.any():
        raise CannotEstimate("at no epoch do both methods vary")
    x, y = (values[:, both] - values[:, both].mean(axis=0) for values in (first, second))
    blocks, exact = (swapped_variances if paired else relabelled_variances)(x, y, resamples, seed)
    with np.errstate(divide="ignore", invalid="ignore"):
        null = np.concatenate([np.log(np.divide(one, other, out=one)) for one, other in blocks])
        null *= 0.5
        if not np.isfinite(null.sum()):
            null = null[np.isfinite(null).all(axis=1)]
    observed = 0.5 * (np.log(x.var(axis=0, ddof=1)) - np.log(y.var(axis=0, ddof=1)))
    total = len(null)
    mean = null.mean(axis=0)
    scale = np.sqrt(np.maximum(np.einsum("ij,ij->j", null, null) / total - mean**2, 0.0))
    # Pairs that are copies of each other have a ratio that no swap changes: nothing is tested there.
    tested = scale > 1e-12
    if not tested.any():
        raise CannotEstimate("the two samples are copies of each other: there is nothing to test")
    np.divide(null, scale, out=null, where=tested)
    largest = np.abs(null, out=null).max(axis=1, where=tested, initial=0.0)
    reached = (largest[:, None] >= np.abs(observed[tested] / scale[tested]) * (1 - 1e-9)).sum(axis=0)
    ratio, p = np.full(first.shape[1], np.nan), np.full(first.shape[1], np.nan)
    ratio[both] = observed
    p[np.flatnonzero(both)[tested]] = reached / total if exact else (reached + 1) / (total + 1)
    with np.errstate(invalid="ignore"):
        epochs = tuple(int(epoch) + 1 for epoch in np.flatnonzero(p <= alpha))
    return EpochwiseDifference(ratio, p, epochs, alpha)
