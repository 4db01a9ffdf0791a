"""Rearrangements of seeds, relabelled or swapped within pairs, and the test of spread by swaps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from itertools import combinations
from math import comb
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from amrobust.stats.limits import check_resamples
from amrobust.stats.results import Result, ResultWarning
from amrobust.stats.samples import Array, CannotEstimate, as_pair, deviations_together


class Rearranged(NamedTuple):
    """Arrangements of two groups: their number, whether these are all that there are, and what they give, block by block.

    ``blocks`` yields per-epoch variances of both groups, (arrangements, epochs) each; a block is overwritten by the next one.
    """

    total: int
    exact: bool
    blocks: Iterator[tuple[Array, Array]]


EXACT_UP_TO = 20_000
"""Arrangements that are enumerated rather than sampled."""

MANY_SEEDS = 20
"""From this many seeds on, centring curves before permuting them makes no difference worth a warning."""

BLOCK = 200
"""Arrangements that are worked on at a time, so that they stay in the processor's cache."""
BLOCK_VALUES = 1_000_000
"""Variances that are worked on at a time: of curves of more than 5,000 epochs it is fewer arrangements."""

SWAPS = "swaps within pairs"

TIE = 1e-9
"""Difference below which two statistics count as equal: of log ratios, and of others relative to their size."""


def smallest_permutation_p(n_a: int, n_b: int, *, paired: bool = False) -> float:
    """The smallest two-sided p-value that labels of ``n_a`` and ``n_b`` seeds (or swaps of ``n_a`` pairs) can give.

    Equal group sizes: 2/C(2n, n), since exchanging the groups gives the same size of difference; unequal: 1/C(n_a+n_b, n_a).
    Pairs: 2/2ⁿ.
    """
    if paired:
        return float(2.0 ** (1 - n_a))
    return (2 if n_a == n_b else 1) / comb(n_a + n_b, n_a)


def swaps_within_pairs(a: ArrayLike, b: ArrayLike, *, resamples: int = 9_999, seed: int = 0) -> Result:
    """Permutation test of equal spread of pairs, two-sided; a p-value, no interval.

    The log ratio of Avg. STDs (of final values, of STDs) over swaps within pairs of whole curves, each sample centred at its
    epochs' means; approximate, since centring breaks exact exchangeability.

    All swaps are enumerated up to 20,000; beyond, ``resamples`` are drawn and p = (b+1)/(B+1), with its Monte Carlo standard
    error in ``details["monte_carlo_se"]``.

    Raises CannotEstimate where a sample has no spread.
    """
    first, second = as_pair(a, b, paired=True)
    check_resamples(resamples)
    if not np.ptp(first, axis=0).any() or not np.ptp(second, axis=0).any():
        raise CannotEstimate("all seeds gave the same values: the spread is zero")
    x, y, _ = deviations_together(first, second)
    _, exact, blocks = swapped_variances(x, y, resamples, seed)
    null = np.concatenate([_log_ratio(*variances) for variances in blocks])
    observed = float(_log_ratio(x.var(axis=0, ddof=1)[None], y.var(axis=0, ddof=1)[None])[0])
    extreme = int((np.abs(null) >= abs(observed) * (1 - TIE) - TIE).sum())
    total = len(null)
    p = extreme / total if exact else (extreme + 1) / (total + 1)
    details = {"arrangements": float(total), "exact": float(exact)}
    smallest = smallest_permutation_p(len(first), len(second), paired=True)
    if not exact:
        details["monte_carlo_se"] = float(np.sqrt(p * (1 - p) / total))
        smallest = max(smallest, 1 / (total + 1))
    scalar = first.shape[1] == 1
    return Result(
        quantity="spread" if scalar else "Avg. STD",
        test=SWAPS,
        n=(len(first),),
        p=p,
        smallest_p=smallest,
        paired=True,
        centre="mean",
        assumption="exchangeable seeds under equal spread",
        details=details,
        warnings=(APPROXIMATE,) if not scalar and len(first) < MANY_SEEDS else (),
    )


APPROXIMATE = ResultWarning(
    "approximate-permutation",
    "Curves are centred before they are swapped within pairs, which makes this test approximate at few seeds.",
    "leave --test out: the paired jackknife then decides by itself, and the swaps are the sensitivity test",
)


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


def _log_ratio(first: Array, second: Array) -> Array:
    """log of the ratio of mean roots: rows are arrangements, columns epochs of variances, which become roots in place."""
    with np.errstate(divide="ignore"):
        means = [np.sqrt(variances, out=variances).mean(axis=1) for variances in (first, second)]
        return np.asarray(np.log(means[0]) - np.log(means[1]))


def _block(epochs: int) -> int:
    """How many arrangements of curves so long are worked on at a time."""
    return max(1, min(BLOCK, BLOCK_VALUES // epochs))


class _Moments:
    """Variances of ``n`` of the rows of curves: the same memory for block after block, each epoch next to the other in it."""

    def __init__(self, n: int, epochs: int) -> None:
        self.n = n
        self._memory = np.empty((3, _block(epochs), epochs))

    def of(self, rows: int, sums: Callable[[Array], object], squares: Callable[[Array], object]) -> Array:
        """Variances (ddof = 1); ``sums`` and ``squares`` write (rows, epochs) of sums and of sums of squares."""
        self.sums, self.squares, found = (part[:rows] for part in self._memory)
        sums(self.sums)
        squares(self.squares)
        np.square(self.sums, out=found)
        found *= -1 / self.n
        found += self.squares
        found *= 1 / (self.n - 1)
        return np.maximum(found, 0.0, out=found)


def relabelled_variances(a: Array, b: Array, resamples: int, seed: int) -> Rearranged:
    """Per-epoch variances of both groups under relabelling of whole centred curves."""
    pooled = np.concatenate([a, b])
    powers = pooled, pooled**2
    labels, exact = _labels(len(a), len(pooled), resamples, seed)

    def blocks() -> Iterator[tuple[Array, Array]]:
        own, rest = _Moments(len(a), a.shape[1]), _Moments(len(b), a.shape[1])
        totals = [power.sum(axis=0) for power in powers]
        block = _block(a.shape[1])
        for start in range(0, len(labels), block):
            chosen = labels[start : start + block].astype(np.float64)
            first = own.of(len(chosen), *(partial(np.matmul, chosen, power) for power in powers))
            # What is left of the total loses digits where the groups differ by many orders of magnitude: only among the
            # arrangements next to the one observed, which all are there when they are enumerated.
            others = (
                (partial(np.matmul, 1 - chosen, power) for power in powers)
                if exact
                else map(partial, (np.subtract,) * 2, totals, (own.sums, own.squares))
            )
            yield first, rest.of(len(chosen), *others)

    return Rearranged(len(labels), exact, blocks())


def swapped_variances(a: Array, b: Array, resamples: int, seed: int) -> Rearranged:
    """As :func:`relabelled_variances`, under swaps within pairs of centred curves."""
    n, epochs = a.shape
    exact = 2**n <= EXACT_UP_TO
    swapped = (
        np.arange(2**n)[:, None] >> np.arange(n) & 1
        if exact
        else np.random.default_rng(seed).integers(2, size=(resamples, n))
    )
    one, other = (np.vstack(pair) for pair in ((a, b), (b, a)))

    def blocks() -> Iterator[tuple[Array, Array]]:
        first, second = _Moments(n, epochs), _Moments(n, epochs)
        block = _block(epochs)
        for start in range(0, len(swapped), block):
            moved = swapped[start : start + block].astype(np.float64)
            chosen = np.hstack([1 - moved, moved])
            yield (
                first.of(len(chosen), partial(np.matmul, chosen, one), partial(np.matmul, chosen, one**2)),
                second.of(
                    len(chosen), partial(np.matmul, chosen, other), partial(np.matmul, chosen, other**2)
                ),
            )

    return Rearranged(len(swapped), exact, blocks())
