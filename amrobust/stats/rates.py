"""The difference of two rates: an exact test that knows no rate, and the interval that inverts it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from amrobust.stats.limits import check_level
from amrobust.stats.results import Result
from amrobust.stats.samples import Array, CannotEstimate

MOST_TABLES = 10_000
"""Products of the numbers of seeds up to which all tables are listed (100 seeds per method)."""

NUISANCE = np.linspace(0.0, 1.0, 501)
"""Where, of what the second rate may be, the largest probability is looked for."""

TIE = 1e-9
STEPS = 160
"""An end of an interval is bracketed between neighbours of so many differences from -1 to 1."""

HALVINGS = 16


def divergence_difference(
    diverged_a: int, n_a: int, diverged_b: int, n_b: int, *, level: float | None = 0.95
) -> Result:
    """Difference of two divergence rates, first minus second, by the unconditional exact score test and its inversion.

    Z(δ) is the difference of the shares less δ, over its standard error at the most likely rates that differ by δ (Farrington
    and Manning; at δ = 0 the pooled error). p(δ) is the largest probability, over all pairs of rates that differ by δ, of a
    table with an absolute Z of at least that observed; at δ = 0 it is Barnard's test. Rates are looked for on a grid of 501.
    Above 10,000 tables |Z| is held against the normal distribution instead.

    The interval holds the δ with p(δ) above 1 − level; p ≤ 1 − level exactly when it excludes 0. Where p(0) ≤ 1 − level these
    are the ones on the estimate's side of 0: a test of a discrete statistic may accept single differences farther out. With
    None there is no interval. ``smallest_p`` is that of all seeds of one method diverged and none of the other.

    Source: A. Agresti and Y. Min, On small-sample confidence intervals for parameters in discrete distributions, Biometrics 57
    (2001); C. Farrington and G. Manning, Test statistics and sample size formulae for comparative binomial trials, Statistics
    in Medicine 9 (1990); S. Suissa and J. Shuster, Exact unconditional sample sizes for the 2×2 binomial trial, Journal of the
    Royal Statistical Society A 148 (1985).

    Raises CannotEstimate on a number of hits that is none of n, and on a level that is none.
    """
    if level is not None:
        check_level(level)
    for hits, n in ((diverged_a, n_a), (diverged_b, n_b)):
        if n < 1 or not 0 <= hits <= n:
            raise CannotEstimate(f"{hits} of {n} is no proportion")
    exact = (n_a + 1) * (n_b + 1) <= MOST_TABLES
    tables = _Tables(n_a, n_b)

    def p_of(x: int, y: int) -> Callable[[float], float]:
        return lambda delta: tables.p(x, y, delta) if exact else normal_p(x, n_a, y, n_b, delta)

    estimate = diverged_a / n_a - diverged_b / n_b
    p = p_of(diverged_a, diverged_b)
    at_equality = p(0.0)
    low, high = (None, None) if level is None else _accepted(p, estimate, at_equality, 1 - level)
    return Result(
        "difference of divergence rates", "exact unconditional score test" if exact else "score test", (n_a, n_b), estimate,
        low, high, level, p=at_equality, smallest_p=p_of(n_a, 0)(0.0), assumption="independent seeds",
        details={"rate of the first": diverged_a / n_a, "rate of the second": diverged_b / n_b},
    )  # fmt: skip


def normal_p(x: int, n_a: int, y: int, n_b: int, delta: float) -> float:
    """Two-sided p-value of Z(δ) by the normal distribution."""
    return float(2 * special.ndtr(-np.abs(score(x, n_a, y, n_b, delta))))


class _Tables:
    """All tables of two samples: how many of ``n_a`` and of ``n_b`` diverged."""

    def __init__(self, n_a: int, n_b: int) -> None:
        self.n_a, self.n_b = n_a, n_b

    @cached_property
    def _counts(self) -> tuple[Array, Array]:
        return np.arange(self.n_a + 1.0)[:, None], np.arange(self.n_b + 1.0)

    def p(self, x: int, y: int, delta: float) -> float:
        """The largest probability of a table with |Z(δ)| at least that of (x, y)."""
        ours, theirs = self._counts
        z = np.abs(score(ours, self.n_a, theirs, self.n_b, delta))
        extreme = (z >= z[x, y] * (1 - TIE)).astype(float)
        # The second rate, from the least to the most that leaves the first between 0 and 1.
        second = max(0.0, -delta) + (1 - abs(delta)) * NUISANCE
        first = np.clip(second + delta, 0, 1)
        both = (_binomial(self.n_a, first) @ extreme * _binomial(self.n_b, second)).sum(axis=1)
        return float(min(1.0, both.max()))


def _binomial(n: int, rates: Array) -> Array:
    """Probabilities (rates, counts) of 0 … n."""
    counts = np.arange(n + 1.0)
    ways = special.gammaln(n + 1) - special.gammaln(counts + 1) - special.gammaln(n - counts + 1)
    logs = special.xlogy(counts, rates[:, None]) + special.xlog1py(n - counts, -rates[:, None])
    return np.asarray(np.exp(ways + logs))


def score(x: ArrayLike, n_a: int, y: ArrayLike, n_b: int, delta: float) -> Array:
    """Z(δ) of ``x`` of n_a against ``y`` of n_b: 0 where the shares differ by δ, infinite where else they have no error."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    first, second = most_likely(x, n_a, y, n_b, delta)
    apart = x / n_a - y / n_b - delta
    error = np.sqrt(first * (1 - first) / n_a + second * (1 - second) / n_b)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.abs(apart) < TIE, 0.0, apart / error)


def most_likely(x: Array, n_a: int, y: Array, n_b: int, delta: float) -> tuple[Array, Array]:
    """The rates that differ by δ at which the counts are the most probable: a root of a cubic equation, in closed form.

    Source: O. Miettinen and M. Nurminen, Comparative analysis of two rates, Statistics in Medicine 4 (1985), appendix.
    """
    n, hits = n_a + n_b, x + y
    b = ((n_a + 2 * n_b) * delta - n - hits) / n
    c = ((n_b * delta - n - 2 * y) * delta + hits) / n
    d = y * delta * (1 - delta) / n
    q = b**3 / 27 - b * c / 6 + d / 2
    p = np.where(q < 0, -1.0, 1.0) * np.sqrt(np.maximum(b**2 / 9 - c / 3, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        cosine = np.where(p == 0, 0.0, q / p**3)
    angle = (np.pi + np.arccos(np.clip(cosine, -1, 1))) / 3
    second = np.clip(2 * p * np.cos(angle) - b / 3, max(0.0, -delta), min(1.0, 1 - delta))
    return np.clip(second + delta, 0, 1), second


def _accepted(
    p: Callable[[float], float], estimate: float, at_equality: float, alpha: float
) -> tuple[float, float]:
    """The ends of the differences with p above ``alpha``."""
    rejected = at_equality <= alpha
    grid = np.linspace(-1.0, 1.0, STEPS + 1)
    least = 0.0 if rejected and estimate > 0 else -1.0
    most = 0.0 if rejected and estimate < 0 else 1.0
    inner = [
        *grid[(least < grid) & (grid < most) & (np.abs(grid) > TIE)],
        estimate,
        *([] if rejected else [0.0]),
    ]
    places = sorted({least, *map(float, inner), most})

    def accepts(delta: float) -> bool:
        if delta in (0.0, estimate):
            return delta == estimate or not rejected
        return p(delta) > alpha

    def end(inwards: list[float]) -> float:
        first = next(place for place, delta in enumerate(inwards) if accepts(delta))
        held, beyond = inwards[first], inwards[max(first - 1, 0)]
        for _ in range(HALVINGS if first else 0):
            middle = (held + beyond) / 2
            held, beyond = (middle, beyond) if accepts(middle) else (held, middle)
        return held

    return end(places), end(places[::-1])
