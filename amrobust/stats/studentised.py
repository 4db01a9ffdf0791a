"""The studentised permutation of whole curves: test and interval of a ratio of spreads of independent seeds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations
from math import ceil

import numpy as np
from numpy.typing import NDArray
from scipy import special

from amrobust.stats.jackknife import SpreadContrast
from amrobust.stats.permutation import EXACT_UP_TO, TIE, smallest_permutation_p
from amrobust.stats.samples import Array, deviations

FEWEST_RELABELLINGS, MOST_RELABELLINGS = 1_999, 4_999
"""Drawn where not all are enumerated."""

BEYOND_CRITICAL, FEWEST_BEYOND = 10, 3
"""So many relabellings are to lie beyond the critical value of the smallest level that is asked for, and so many at least."""

FARTHEST = 300.0
"""Each sample is scaled by at most e³⁰⁰ when a ratio is tested, so that nothing overflows; an end farther off is infinite."""

BLOCK_VALUES = 150_000
"""Values that are worked on at a time, so that they stay in the processor's cache."""

CLOSE = 1e-4
"""How far an end of an interval may be off, relative to its distance from the estimate."""


def reaches(n_a: int, n_b: int, alpha: float) -> bool:
    """Whether relabellings of so many seeds can give p-values as small as ``alpha``, and drawn ones some more than one."""
    return smallest_permutation_p(n_a, n_b) <= alpha and (
        is_enumerated(n_a, n_b, EXACT_UP_TO) or alpha * (MOST_RELABELLINGS + 1) >= FEWEST_BEYOND
    )


def is_enumerated(n_a: int, n_b: int, most: int) -> bool:
    """Whether there are ``most`` relabellings at most."""
    return smallest_permutation_p(n_a, n_b) * most > 1 - TIE


@dataclass(frozen=True)
class StudentisedPermutation:
    """log spread(a) − log spread(b) of independent samples: t of :class:`SpreadContrast` over relabellings of whole curves.

    At a ratio exp(θ), ``a`` is divided by exp(θ/2) and ``b`` multiplied by it, each centred at its epochs' medians over seeds
    and times √(n/(n − 1)). Under every relabelling of these curves t* is computed as t is, for θ = 0;
    p(θ) = (1 + #{|t*| ≥ |t(θ)|})/R over the R − 1 relabellings other than the observed one, all that there are or as many
    random ones. The interval holds the θ with p(θ) > 1 − level around the estimate.

    Studentised, it is right in the limit for samples of other shapes too; centred at medians, one seed that ends far off moves
    its group's other seeds little.

    Source: A. Janssen and T. Pauls, How do bootstrap and permutation tests work?, Annals of Statistics 31 (2003);
    E. Chung and J. P. Romano, Exact and asymptotically robust permutation tests, Annals of Statistics 41 (2013).
    """

    contrast: SpreadContrast
    first: Array
    """``a`` centred and scaled to a spread of 1, (seeds, epochs)."""
    second: Array
    labels: tuple[NDArray[np.intp], NDArray[np.intp]]
    """The rows of both groups under each relabelling, (slots, relabellings): of ``a`` and then ``b``."""
    exact: bool
    tested: float = 0.0
    """The log ratio that :meth:`p` is of."""

    @classmethod
    def of(
        cls,
        a: Array,
        b: Array,
        contrast: SpreadContrast,
        *,
        alpha: float,
        drawn: int | None = None,
        seed: int = 0,
        tested: float = 0.0,
    ) -> StudentisedPermutation:
        """From checked curves (seeds, epochs) that vary; ``alpha`` is the smallest level that will be asked for.

        Relabellings are enumerated up to 20,000, or up to ``drawn``; beyond, so many are drawn.
        """
        most = drawn or EXACT_UP_TO
        drawn = drawn or min(max(FEWEST_RELABELLINGS, ceil(BEYOND_CRITICAL / alpha) - 1), MOST_RELABELLINGS)
        first, second = _centred(a), _centred(b)
        ours, theirs, exact = relabellings(len(a), len(b), most, drawn, seed)
        if not exact:
            # Drawn by the curves' own order, so that neither the order of seeds nor which sample is first changes anything.
            order = np.lexsort(np.concatenate([first, second]).T)
            ours, theirs = order[ours], order[theirs]
        return cls(contrast, first, second, (ours, theirs), exact, tested)

    @property
    def arrangements(self) -> int:
        """How many there are with the observed one."""
        return int(self.labels[0].shape[1]) + 1

    @cached_property
    def _where_tested(self) -> Array:
        return self._null(self.tested)

    def p(self) -> float:
        """Two-sided p-value of the ratio exp(``tested``): of equal spreads, unless another is asked for."""
        reached = (self._where_tested >= self._t(self.tested) * (1 - TIE)).sum()
        return float(1 + reached) / self.arrangements

    def interval(self, level: float) -> tuple[float, float]:
        """The log ratios around the estimate with p above 1 − level; an end that no ratio reaches is infinite.

        It holds ``tested`` exactly where :meth:`p` is above 1 − level: that is one of the ratios between which an end is
        looked for.
        """
        # Of the other relabellings so many may reach t, less one, where a ratio is rejected.
        allowed = int((1 - level) * self.arrangements * (1 + TIE))
        if allowed == 0:
            return -np.inf, np.inf

        def excess(theta: float) -> float:
            """log of the critical |t*| over |t|, which is 0 or more where θ is accepted."""
            null = self._null(theta) if theta != self.tested else self._where_tested
            critical = np.partition(null, len(null) - allowed)[len(null) - allowed]
            with np.errstate(divide="ignore"):
                return float(np.clip(np.log(critical) - np.log(self._t(theta) * (1 - TIE)), -50, 50))

        se, df = (float(x) for x in self.contrast.error())
        guess = se * float(special.stdtrit(df, 0.5 + level / 2))
        return self._end(-1.0, guess, excess), self._end(1.0, guess, excess)

    def _end(self, side: float, guess: float, excess: Callable[[float], float]) -> float:
        """Where ``excess`` falls below 0 on one ``side`` of the estimate, about ``guess`` away."""
        centre = float(self.contrast.centre)
        inside, outside = 0.0, np.inf
        tested = side * (self.tested - centre)
        if tested > 0 and excess(self.tested) >= 0:
            inside = tested
        elif tested > 0:
            outside = tested
        distance = guess if inside < guess < outside else 2 * inside or outside / 2
        while distance < FARTHEST:
            found = excess(centre + side * distance)
            inside, outside = (distance, outside) if found >= 0 else (inside, distance)
            # |t| grows nearly as the distance does, and the critical value hardly changes.
            nearer = distance * np.exp(found)
            if not inside < nearer < outside:
                nearer = (inside + outside) / 2 if outside < np.inf else 2 * inside
            if abs(nearer - distance) <= CLOSE * distance:
                return float(centre + side * nearer)
            distance = nearer
        return side * np.inf

    def _t(self, theta: float) -> float:
        """|t| of the observed labels."""
        se, _ = self.contrast.error(theta)
        return abs(float((self.contrast.centre - theta) / se))

    def _null(self, theta: float) -> Array:
        """|t*| of the other relabellings; infinite where a group has no spread, or none without one of its seeds."""
        # What separates the two samples' levels is in the contrast: here both have a spread of 1.
        half = min(max((theta - float(self.contrast.plain)) / 2, -FARTHEST), FARTHEST)
        pooled = np.concatenate([self.first * np.exp(-half), self.second * np.exp(half)])
        ours, theirs = self.labels
        found = np.empty(ours.shape[1])
        size = max(1, BLOCK_VALUES // pooled.size)
        for start in range(0, len(found), size):
            block = slice(start, start + size)
            found[block] = _t_of(pooled[ours[:, block]], pooled[theirs[:, block]])
        return np.where(np.isnan(found), np.inf, np.abs(found, out=found))


def _centred(curves: Array) -> Array:
    """Deviations from each epoch's median, at a spread of 1, as if their mean square were the variance."""
    d, _ = deviations(curves)
    n = len(d)
    spread = np.sqrt((d**2).sum(axis=0) / (n - 1)).mean()
    return np.asarray((d - np.median(d, axis=0)) / spread * np.sqrt(n / (n - 1)))


@lru_cache(maxsize=4)
def relabellings(
    n_a: int, n_b: int, most: int, drawn: int, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], bool]:
    """The rows of both groups, (slots, relabellings), and whether these are all relabellings but the observed one.

    All, where they are ``most`` at most; else ``drawn`` random ones. Of equal groups each division counts once: exchanging the
    two gives −t*.

    Kept, since a comparison asks for the same ones for every pair of methods.
    """
    n, fewer = n_a + n_b, min(n_a, n_b)
    exact = is_enumerated(n_a, n_b, most)
    if exact and n_a == n_b:
        ours = np.array([(0, *others) for others in combinations(range(1, n), n_a - 1)][1:])
    elif exact:
        ours = np.array(list(combinations(range(n), n_a))[1:])
    else:
        ours = np.random.default_rng(seed).random((drawn, n)).argsort(axis=1)[:, :fewer]
    rest = np.ones((len(ours), n), bool)
    np.put_along_axis(rest, ours, False, axis=1)
    theirs = np.nonzero(rest)[1].reshape(len(ours), -1)
    if not exact and n_a > n_b:
        ours, theirs = theirs, ours
    return np.ascontiguousarray(ours.T), np.ascontiguousarray(theirs.T), exact


def _t_of(a: Array, b: Array) -> Array:
    """t of equal spreads (:class:`SpreadContrast`) for a batch of samples (seeds, batch, epochs), which are overwritten.

    With w = 1/n, spreads S and variances v of the mean pseudo-values, each taken at the pooled level:
    se² = (w_a + w_b)(v_a S_a² + v_b S_b²)/(w_a S_a² + w_b S_b²).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        (mean_a, v_a, square_a), (mean_b, v_b, square_b) = _jackknife(a), _jackknife(b)
        w_a, w_b = 1 / len(a), 1 / len(b)
        variance = (w_a + w_b) * (v_a * square_a + v_b * square_b) / (w_a * square_a + w_b * square_b)
        return np.asarray((mean_a - mean_b) / np.sqrt(variance))


def _jackknife(rows: Array) -> tuple[Array, Array, Array]:
    """Mean of the pseudo-values of the log spread, its variance, and the squared spread, for (seeds, batch, epochs)."""
    n = len(rows)
    rows -= rows.mean(axis=0)
    squares = np.square(rows, out=rows)
    total = squares.sum(axis=0)
    without = np.multiply(squares, -n / (n - 1), out=rows)
    without += total
    # Rounding leaves a tiny rest where all other seeds are equal.
    without[without < 1e-12 * total] = 0.0
    parts = np.log(np.sqrt(without, out=without).mean(axis=-1) / np.sqrt(n - 2))
    spread = np.sqrt(total).mean(axis=-1) / np.sqrt(n - 1)
    pseudo = n * np.log(spread) - (n - 1) * parts
    mean = pseudo.mean(axis=0)
    return mean, ((pseudo - mean) ** 2).sum(axis=0) / (n - 1) / n, spread**2
