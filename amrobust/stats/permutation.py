"""Permutation tests of spread: labels of independent seeds, or swaps within pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import ArrayLike, NDArray

from amrobust.stats.results import Caution, Result
from amrobust.stats.samples import Array, CannotEstimate, as_pair

Rearranged = Iterator[tuple[Array, Array]]
"""Per-epoch variances of both groups, a block of arrangements after the other: (arrangements, epochs) each."""

Rearrangement = Callable[[Array, Array, int, int], tuple[Rearranged, bool]]

EXACT_UP_TO = 20_000
"""Arrangements that are enumerated rather than sampled."""

MANY_SEEDS = 20
"""From this many seeds on, centring curves before permuting them makes no difference worth a caution."""

BLOCK = 500
"""Arrangements that are worked on at a time, so that they stay in the processor's cache."""

TIE = 1e-9
"""Relative difference below which two statistics count as equal."""


def smallest_permutation_p(n_a: int, n_b: int, *, paired: bool = False) -> float:
    """The smallest two-sided p-value that labels of ``n_a`` and ``n_b`` seeds (or swaps of ``n_a`` pairs) can give.

    Equal group sizes: 2/C(2n, n), since exchanging the groups gives the same size of difference; unequal: 1/C(n_a+n_b, n_a).
    Pairs: 2/2ⁿ.
    """
    if paired:
        return float(2.0 ** (1 - n_a))
    return (2 if n_a == n_b else 1) / comb(n_a + n_b, n_a)


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
    if paired:
        observed, null, exact = _curves(first, second, swapped_variances, resamples, seed)
        smallest = smallest_permutation_p(len(first), len(second), paired=True)
        name = "swaps within pairs"
    elif scalar:
        deviations = _deviations(first[:, 0]), _deviations(second[:, 0])
        observed, null, exact = _relabel_means(*deviations, resamples, seed)
        smallest = smallest_permutation_p(len(deviations[0]), len(deviations[1]))
        name = "permutation of |x - median|"
    else:
        observed, null, exact = _curves(first, second, relabelled_variances, resamples, seed)
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


@lru_cache(maxsize=4)
def _labels(n_a: int, n: int, resamples: int, seed: int) -> tuple[NDArray[np.bool_], bool]:
    """Rows that say which of ``n`` seeds carry the first label: all of them where few, else random ones.

    Kept, since a comparison asks for the same labels for every pair of methods with these numbers of seeds.
    """
    exact = comb(n, n_a) <= EXACT_UP_TO
    if exact:
        rows = np.zeros((comb(n, n_a), n), bool)
        for row, chosen in zip(rows, combinations(range(n), n_a), strict=True):
            row[list(chosen)] = True
    else:
        rows = np.random.default_rng(seed).random((resamples, n)).argsort(axis=1) < n_a
    rows.flags.writeable = False
    return rows, exact


def _relabel_means(a: Array, b: Array, resamples: int, seed: int) -> tuple[float, Array, bool]:
    pooled = np.concatenate([a, b])
    labels, exact = _labels(len(a), len(pooled), resamples, seed)
    sums = labels @ pooled
    null = sums / len(a) - (pooled.sum() - sums) / len(b)
    return float(a.mean() - b.mean()), np.asarray(null), exact


def _log_ratio(first: Array, second: Array) -> Array:
    """log of the ratio of mean roots: rows are arrangements, columns epochs of variances, which become roots in place."""
    with np.errstate(divide="ignore"):
        means = [np.sqrt(variances, out=variances).mean(axis=1) for variances in (first, second)]
        return np.asarray(np.log(means[0]) - np.log(means[1]))


def _curves(
    a: Array, b: Array, rearranged: Rearrangement, resamples: int, seed: int
) -> tuple[float, Array, bool]:
    """The observed log ratio of Avg. STDs, and those of rearrangements of whole centred curves."""
    x, y = a - a.mean(axis=0), b - b.mean(axis=0)
    blocks, exact = rearranged(x, y, resamples, seed)
    null = np.concatenate([_log_ratio(first, second) for first, second in blocks])
    observed = _log_ratio(x.var(axis=0, ddof=1)[None], y.var(axis=0, ddof=1)[None])
    return float(observed[0]), null, exact


class _Moments:
    """Sums and sums of squares of rows of curves, chosen by rows of 0 and 1: the same memory for block after block."""

    def __init__(self, n: int, epochs: int) -> None:
        self.n, self.epochs = n, epochs
        self.buffer = np.empty((BLOCK, 2 * epochs))
        self.found = np.empty((BLOCK, epochs))

    def variances(self, fill: Callable[[Array], object], rows: int) -> Array:
        """Variances (ddof = 1) of ``n`` rows; ``fill`` writes (rows, 2 epochs) of sums and sums of squares."""
        moments, found = self.buffer[:rows], self.found[:rows]
        fill(moments)
        sums, squares = moments[:, : self.epochs], moments[:, self.epochs :]
        np.square(sums, out=found)
        found /= -self.n
        found += squares
        found /= self.n - 1
        return np.maximum(found, 0.0, out=found)


def relabelled_variances(a: Array, b: Array, resamples: int, seed: int) -> tuple[Rearranged, bool]:
    """Per-epoch variances of both groups under relabelling of whole centred curves, in blocks.

    The last value says whether all arrangements are enumerated. A block is overwritten by the next one.
    """
    pooled = np.concatenate([a, b])
    both = np.hstack([pooled, pooled**2])
    total, epochs = both.sum(axis=0), a.shape[1]
    labels, exact = _labels(len(a), len(pooled), resamples, seed)

    def blocks() -> Rearranged:
        own, rest = _Moments(len(a), epochs), _Moments(len(b), epochs)
        for start in range(0, len(labels), BLOCK):
            chosen = labels[start : start + BLOCK].astype(np.float64)
            first = own.variances(partial(np.matmul, chosen, both), len(chosen))
            # What is left of the total loses digits where the groups differ by many orders of magnitude: only among the
            # arrangements next to the one observed, which all are there when they are enumerated.
            fill = (
                partial(np.matmul, 1 - chosen, both)
                if exact
                else partial(np.subtract, total, own.buffer[: len(chosen)])
            )
            yield first, rest.variances(fill, len(chosen))

    return blocks(), exact


def swapped_variances(a: Array, b: Array, resamples: int, seed: int) -> tuple[Rearranged, bool]:
    """As :func:`relabelled_variances`, under swaps within pairs of centred curves."""
    n, epochs = a.shape
    exact = 2**n <= EXACT_UP_TO
    swapped = (
        np.arange(2**n)[:, None] >> np.arange(n) & 1
        if exact
        else np.random.default_rng(seed).integers(2, size=(resamples, n))
    )
    one, other = (np.vstack([np.hstack([x, x**2]), np.hstack([y, y**2])]) for x, y in ((a, b), (b, a)))

    def blocks() -> Rearranged:
        first, second = _Moments(n, epochs), _Moments(n, epochs)
        for start in range(0, len(swapped), BLOCK):
            moved = swapped[start : start + BLOCK].astype(np.float64)
            chosen = np.hstack([1 - moved, moved])
            yield (
                first.variances(partial(np.matmul, chosen, one), len(chosen)),
                second.variances(partial(np.matmul, chosen, other), len(chosen)),
            )

    return blocks(), exact
