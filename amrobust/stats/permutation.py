"""Permutation tests of spread: labels of independent seeds, or swaps within pairs."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray

from amrobust.stats.results import Caution, Result
from amrobust.stats.samples import Array, CannotEstimate, as_pair

Contrast = Callable[[Array, Array], Array]
"""From both groups' variances, (arrangements, epochs) each, to what is read off each arrangement."""
Rearranged = Callable[[Array, Array, Contrast, int, np.random.Generator], tuple[Array, bool]]

EXACT_UP_TO = 20_000
"""Arrangements that are enumerated rather than sampled."""

MANY_SEEDS = 20
"""From this many seeds on, centring curves before permuting them makes no difference worth a caution."""

BLOCK = 256
"""Arrangements taken at once, so that their variances stay in the cache."""

TIE = 1e-9
"""Relative difference below which two statistics count as equal."""


def smallest_permutation_p(n_a: int, n_b: int, *, paired: bool = False) -> float:
    """The smallest two-sided p-value that labels of ``n_a`` and ``n_b`` seeds (or swaps of ``n_a`` pairs) can give.

    Equal group sizes: 2/C(2n, n), since exchanging the groups gives the same size of difference; unequal: 1/C(n_a+n_b, n_a).
    Pairs: 2/2ⁿ.
    """
    if paired:
        return float(2.0 ** (1 - n_a))
    return (2.0 if n_a == n_b else 1.0) / comb(n_a + n_b, n_a)


def permutation_spread(
    a: ArrayLike, b: ArrayLike, *, paired: bool = False, resamples: int = 9_999, seed: int = 0
) -> Result:
    """Permutation test of equal spread, two-sided; a p-value, no interval.

    Final values, independent: the difference of mean |x − median| of each sample, where an odd-sized sample's one zero (the
    median itself) is left out, over relabellings of these deviations. Final values, paired: the log ratio of mean squared
    deviations from each sample's mean over swaps within pairs. Curves: the log ratio of Avg. STDs over relabellings (or swaps)
    of whole curves centred for each method and epoch; approximate, since centring breaks exact exchangeability.

    All arrangements are enumerated up to 20,000; beyond, ``resamples`` are drawn and p = (b+1)/(B+1), with its Monte Carlo
    standard error in ``details["monte_carlo_se"]``.
    """
    first, second = as_pair(a, b, paired)
    scalar = first.shape[1] == 1
    if not np.ptp(first, axis=0).any() or not np.ptp(second, axis=0).any():
        raise CannotEstimate("all seeds gave the same values: the spread is zero")
    rng = np.random.default_rng(seed)
    if paired:
        observed, null, exact = _curves(first, second, swapped, resamples, rng)
        smallest = smallest_permutation_p(len(first), len(second), paired=True)
        name = "swaps within pairs"
    elif scalar:
        deviations = _deviations(first[:, 0]), _deviations(second[:, 0])
        observed, null, exact = _relabel_means(*deviations, resamples, rng)
        smallest = smallest_permutation_p(len(deviations[0]), len(deviations[1]))
        name = "permutation of |x - median|"
    else:
        observed, null, exact = _curves(first, second, relabelled, resamples, rng)
        smallest = smallest_permutation_p(len(first), len(second))
        name = "permutation of whole curves"
    extreme = int((np.abs(null) >= abs(observed) * (1 - TIE)).sum())
    total = len(null)
    p = extreme / total if exact else (extreme + 1) / (total + 1)
    details = {"arrangements": float(total), "exact": float(exact)}
    if not exact:
        details["monte_carlo_se"] = float(np.sqrt(p * (1 - p) / total))
        smallest = max(smallest, 1 / (total + 1))
    return Result(
        quantity="spread" if scalar else "Avg. STD",
        test=name,
        n=(len(first),) if paired else (len(first), len(second)),
        p=p,
        smallest_p=smallest,
        paired=paired,
        centre="median" if scalar and not paired else "mean",
        assumption="exchangeable seeds under equal spread",
        details=details,
        cautions=(APPROXIMATE,) if not scalar and min(len(first), len(second)) < MANY_SEEDS else (),
    )


APPROXIMATE = Caution(
    "approximate-permutation",
    "Curves are centred before their labels are permuted, which makes this test approximate at few seeds.",
    "rest on the jackknife interval; read the permutation as a second opinion",
)


def _deviations(values: Array) -> Array:
    """|x − median|, without the one zero that an odd-sized sample's median leaves."""
    deviations = np.sort(np.abs(values - np.median(values)))
    return deviations[1:] if len(values) % 2 else deviations


def _labels(n_a: int, n: int, resamples: int, rng: np.random.Generator) -> tuple[NDArray[np.bool_], bool]:
    """Rows that say which of ``n`` seeds carry the first label: all of them where few, else random ones."""
    if comb(n, n_a) <= EXACT_UP_TO:
        rows = np.zeros((comb(n, n_a), n), bool)
        for row, chosen in zip(rows, combinations(range(n), n_a), strict=True):
            row[list(chosen)] = True
        return rows, True
    ranks = rng.random((resamples, n)).argsort(axis=1)
    return ranks < n_a, False


def _relabel_means(a: Array, b: Array, resamples: int, rng: np.random.Generator) -> tuple[float, Array, bool]:
    pooled = np.concatenate([a, b])
    labels, exact = _labels(len(a), len(pooled), resamples, rng)
    sums = labels @ pooled
    null = sums / len(a) - (pooled.sum() - sums) / len(b)
    return float(a.mean() - b.mean()), np.asarray(null), exact


def log_ratio_of_avg_stds(first: Array, second: Array) -> Array:
    """log Avg. STD of the first group less that of the second: shape (arrangements,)."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.sqrt(first).mean(axis=1)) - np.log(np.sqrt(second).mean(axis=1)))


def _curves(
    a: Array, b: Array, rearranged: Rearranged, resamples: int, rng: np.random.Generator
) -> tuple[float, Array, bool]:
    """The observed log ratio of Avg. STDs, and those of rearrangements of whole centred curves."""
    x, y = a - a.mean(axis=0), b - b.mean(axis=0)
    null, exact = rearranged(x, y, log_ratio_of_avg_stds, resamples, rng)
    observed = log_ratio_of_avg_stds(x.var(axis=0, ddof=1)[None], y.var(axis=0, ddof=1)[None])
    return float(observed[0]), null, exact


def relabelled(
    a: Array, b: Array, contrast: Contrast, resamples: int, rng: np.random.Generator
) -> tuple[Array, bool]:
    """``contrast`` under relabelling of whole centred curves, and whether all arrangements were enumerated."""
    pooled = np.concatenate([a, b])
    labels, exact = _labels(len(a), len(pooled), resamples, rng)
    both = np.hstack([pooled, pooled**2])
    total = both.sum(axis=0)

    def sums(block: Array) -> tuple[Array, Array]:
        first = block @ both
        return first, total - first

    return _contrasts(labels.astype(np.float64), sums, (len(a), len(b)), contrast), exact


def swapped(
    a: Array, b: Array, contrast: Contrast, resamples: int, rng: np.random.Generator
) -> tuple[Array, bool]:
    """As :func:`relabelled`, under swaps within pairs of centred curves."""
    n = len(a)
    exact = 2**n <= EXACT_UP_TO
    swaps = (
        (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(np.float64)
        if exact
        else rng.integers(2, size=(resamples, n)).astype(np.float64)
    )
    own, other = np.hstack([a, a**2]), np.hstack([b, b**2])
    total = own.sum(axis=0) + other.sum(axis=0)

    def sums(block: Array) -> tuple[Array, Array]:
        first = block @ (other - own) + own.sum(axis=0)
        return first, total - first

    return _contrasts(swaps, sums, (n, n), contrast), exact


def _contrasts(
    rows: Array, sums: Callable[[Array], tuple[Array, Array]], sizes: tuple[int, int], contrast: Contrast
) -> Array:
    """``contrast`` of the variances that ``sums`` (of values, then of squares) gives for every row, in blocks."""

    def variances(moments: Array, n: int) -> Array:
        epochs = moments.shape[1] // 2
        return np.asarray(np.maximum((moments[:, epochs:] - moments[:, :epochs] ** 2 / n) / (n - 1), 0.0))

    found = []
    for start in range(0, len(rows), BLOCK):
        one, other = sums(rows[start : start + BLOCK])
        found.append(contrast(variances(one, sizes[0]), variances(other, sizes[1])))
    return np.concatenate(found)
