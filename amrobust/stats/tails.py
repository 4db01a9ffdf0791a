"""Tails: how likely, and how bad, are the worst runs? Exact intervals only, and the number of seeds where there is none.

Every function takes values where larger is worse after ``worse`` is applied: "low" for accuracies, "high" for losses. Seeds
that diverged may be given as NaN or infinite: they count as worse than any value.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from amrobust.stats.limits import check_finite, check_level, check_rate
from amrobust.stats.results import Result
from amrobust.stats.samples import Array, CannotEstimate, as_floats

Worse = Literal["low", "high"]


def badness(x: ArrayLike, worse: Worse) -> Array:
    """The values turned so that larger is worse, with every non-finite one as +inf. Raises CannotEstimate on no values."""
    values = as_floats(x).ravel()
    if not len(values):
        raise CannotEstimate("there are no values", 1)
    turned = -values if worse == "low" else values
    return np.where(np.isfinite(values), turned, np.inf)


def proportion_interval(hits: int, n: int, *, level: float = 0.95, quantity: str = "proportion") -> Result:
    """Clopper–Pearson: the exact interval of a binomial proportion.

    The upper bound of zero hits in n is 1 − (tail)^(1/n): with 95 % one-sided, 45 % at n = 5, 26 % at 10, 14 % at 20.

    Raises CannotEstimate on a number of hits that is none of n.
    """
    check_level(level)
    if n < 1 or not 0 <= hits <= n:
        raise CannotEstimate(f"{hits} of {n} is no proportion")
    tail = (1 - level) / 2
    low = float(special.betaincinv(hits, n - hits + 1, tail)) if hits else 0.0
    high = float(special.betaincinv(hits + 1, n - hits, 1 - tail)) if hits < n else 1.0
    return Result(
        quantity, "Clopper-Pearson", (n,), hits / n, low, high, level, assumption="independent seeds",
        details={"hits": float(hits)},
    )  # fmt: skip


def exceedance(x: ArrayLike, threshold: float, *, worse: Worse, level: float = 0.95) -> Result:
    """Probability that a run ends worse than ``threshold``, with its exact interval; diverged runs always do."""
    check_finite("threshold", threshold)
    values = badness(x, worse)
    border = -threshold if worse == "low" else threshold
    return proportion_interval(
        int((values > border).sum()), len(values), level=level, quantity=f"P(worse than {threshold:g})"
    )


@dataclass(frozen=True)
class ExceedanceCurve:
    """P(a run ends worse than x) for every x, with an exact interval at each x by itself.

    ``share``, ``low`` and ``high`` are constant between neighbouring ``thresholds`` and have one entry more: first those below
    the smallest threshold, last those above the largest.
    """

    thresholds: Array
    """The finite values that occur, ascending, in their own unit."""
    share: Array
    low: Array
    high: Array
    level: float


def exceedance_curve(x: ArrayLike, *, worse: Worse, level: float = 0.95) -> ExceedanceCurve:
    """:func:`exceedance` at every threshold: Clopper–Pearson intervals, pointwise; diverged runs always end worse."""
    check_level(level)
    values = badness(x, worse)
    finite = np.sort(np.asarray(x, dtype=np.float64).ravel()[np.isfinite(values)])
    thresholds = np.unique(finite)
    n = len(values)
    passed = np.concatenate([[0], np.searchsorted(finite, thresholds, side="right")])
    hits = n - len(finite) + (passed if worse == "low" else len(finite) - passed)
    tail = (1 - level) / 2
    with np.errstate(invalid="ignore"):
        low = np.where(hits > 0, special.betaincinv(hits, n - hits + 1, tail), 0.0)
        high = np.where(hits < n, special.betaincinv(hits + 1, n - hits, 1 - tail), 1.0)
    return ExceedanceCurve(thresholds, hits / n, low, high, level)


def divergence_rate(diverged: int, n: int, *, level: float = 0.95) -> Result:
    """Probability that a run diverges, with its exact interval."""
    return proportion_interval(diverged, n, level=level, quantity="divergence rate")


def seeds_for_quantile_bound(q: float, level: float = 0.95) -> int:
    """Smallest n whose largest value bounds the q-quantile from above with this confidence: ⌈log(1 − level)/log q⌉.

    29 for q = 0.9, 59 for 0.95, 299 for 0.99 at 95 %. Raises CannotEstimate on a quantile or level that is none.
    """
    check_level(level)
    check_rate("a quantile", q)
    return ceil(log(1 - level) / log(q) - 1e-12)


def tail_quantile(x: ArrayLike, q: float, *, worse: Worse, level: float = 0.95) -> Result:
    """The q-quantile of badness with a distribution-free upper confidence bound from order statistics.

    ``high`` (``low`` where low values are worse) is the smallest order statistic X₍ᵣ₎ with P(Bin(n, q) < r) ≥ level; the
    other end is left open. Raises CannotEstimate, with the number of seeds needed, where even the worst value bounds nothing.
    """
    needed = seeds_for_quantile_bound(q, level)
    values = np.sort(badness(x, worse))
    n = len(values)
    if n < needed:
        raise CannotEstimate(f"{n} seeds cannot bound the {q:g} quantile", needed)
    ranks = np.arange(1, n + 1)
    enough = special.bdtr(ranks - 1, n, q) >= level
    bound = float(values[int(np.argmax(enough))])
    # The inverse of the empirical distribution: an order statistic, never a mixture of two.
    estimate = float(values[ceil(q * n) - 1])
    turn = -1.0 if worse == "low" else 1.0
    return Result(
        f"{q:g} quantile of badness", "order statistic", (n,), turn * estimate,
        low=turn * bound if worse == "low" else None, high=None if worse == "low" else bound, level=level,
        assumption="independent seeds",
    )  # fmt: skip


@dataclass(frozen=True)
class DistributionBand:
    """The empirical distribution of badness and a band that holds everywhere at once with probability ``level``."""

    values: Array
    """Sorted badness; diverged seeds are +inf at its end."""
    share: Array
    """Share of seeds at most as bad."""
    low: Array
    high: Array
    level: float


def distribution_band(x: ArrayLike, *, worse: Worse, level: float = 0.95) -> DistributionBand:
    """Dvoretzky–Kiefer–Wolfowitz band with Massart's constant: ± √(log(2/(1 − level)) / (2n))."""
    check_level(level)
    values = np.sort(badness(x, worse))
    n = len(values)
    share = np.arange(1, n + 1) / n
    half = np.sqrt(np.log(2 / (1 - level)) / (2 * n))
    return DistributionBand(values, share, np.maximum(share - half, 0), np.minimum(share + half, 1), level)


def cvar(x: ArrayLike, q: float, *, worse: Worse, fewest_beyond: int = 5) -> Result:
    """CVaR: the mean of the worst (1 − q) share of runs; no interval.

    Raises CannotEstimate, with the seeds needed, unless at least ``fewest_beyond`` runs lie in that share; and where one of
    them diverged, since their mean is then not a number.
    """
    check_rate("a quantile", q)
    values = np.sort(badness(x, worse))
    n = len(values)
    beyond = round(n * (1 - q), 9)
    if beyond < fewest_beyond:
        raise CannotEstimate(
            f"{n} seeds have {beyond:g} runs beyond the {q:g} quantile, and a mean of fewer than {fewest_beyond} says little",
            ceil(round(fewest_beyond / (1 - q), 9)),
        )
    worst = values[n - int(beyond) :]
    if not np.isfinite(worst).all():
        raise CannotEstimate("diverged runs lie in the tail: its mean is not a number")
    turn = -1.0 if worse == "low" else 1.0
    return Result(
        f"CVaR beyond {q:g}",
        "mean of the tail",
        (n,),
        turn * float(worst.mean()),
        assumption="independent seeds",
    )


def generalised_pareto(
    x: ArrayLike, threshold: float, *, worse: Worse, level: float = 0.95, fewest: int = 50
) -> Result:
    """Shape ξ of a generalised Pareto distribution of the excesses over ``threshold``, by maximum likelihood.

    The interval is the normal one with the asymptotic variance (1 + ξ)²/n of the shape's estimate (ξ > −1/2). ``details`` has
    the scale. Raises CannotEstimate with fewer than ``fewest`` finite excesses.
    """
    from scipy.stats import genpareto

    check_level(level)
    check_finite("threshold", threshold)
    values = badness(x, worse)
    excesses = values[np.isfinite(values)] - (-threshold if worse == "low" else threshold)
    excesses = excesses[excesses > 0]
    n = len(excesses)
    if n < fewest:
        raise CannotEstimate(
            f"{n} excesses over {threshold:g} are too few for a tail's shape",
            ceil(fewest * len(values) / n) if n else None,
        )
    power = int(np.frexp(np.median(excesses))[1])
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        shape, _, scale = genpareto.fit(np.ldexp(excesses, -power), floc=0)
    se = (1 + shape) / np.sqrt(n)
    z = float(special.ndtri(0.5 + level / 2))
    return Result(
        "generalised Pareto shape", "maximum likelihood", (len(values),), float(shape), float(shape - z * se),
        float(shape + z * se), level, assumption="excesses about generalised Pareto; shape above -1/2", se=float(se),
        details={"scale": float(np.ldexp(scale, power)), "excesses": float(n)},
    )  # fmt: skip
