"""How many seeds would settle a claim, and with what power some do, from the standard error that was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from scipy import special

from amrobust.stats.limits import check_finite, check_margin, check_rate
from amrobust.stats.results import Result
from amrobust.stats.samples import Array, CannotEstimate

MOST_SEEDS = 100_000
TRUTHS = 39
"""Equally probable truths that an estimate stands for where a range of numbers of seeds is looked for."""
LEFT_OPEN = (0.1, 0.9)
"""The share of truths below the ends of such a range."""


@dataclass(frozen=True)
class SeedRange:
    """Seeds per method that would settle a claim, over the truths that an estimate leaves open.

    10 % of them take fewer than ``low``, 10 % more than ``high``; None is more than 100,000.
    """

    low: int | None
    high: int | None

    @classmethod
    def over(cls, needed: Sequence[int | None]) -> SeedRange:
        """The range of what equally probable truths need; None is more than 100,000."""
        ordered = sorted(inf if seeds is None else seeds for seeds in needed)
        ends = (ordered[round(share * (len(ordered) - 1))] for share in LEFT_OPEN)
        return cls(*(None if end == inf else int(end) for end in ends))

    @classmethod
    def of_all(cls, ranges: Sequence[SeedRange]) -> SeedRange:
        """Of claims that are to be settled together: the larger ends."""
        lows, highs = [r.low for r in ranges], [r.high for r in ranges]
        return cls(
            *(None if None in ends else max(end for end in ends if end is not None) for ends in (lows, highs))
        )


def truth_quantiles() -> Array:
    """The shares of equally probable truths below each of them: (k − ½)/39."""
    return np.asarray((np.arange(TRUTHS) + 0.5) / TRUTHS)


def truths(result: Result, *, ratio: bool) -> list[float]:
    """Equally probable truths for the estimate of ``result``: t around it by its standard error, of a ratio on the log scale.

    The estimate alone where it has no standard error, or is no finite number (a ratio: above 0).
    """
    if result.estimate is None:
        return []
    if not result.se or not np.isfinite(result.estimate) or (ratio and result.estimate <= 0):
        return [result.estimate]
    away = result.se * special.stdtrit(result.df if result.df is not None else inf, truth_quantiles())
    with np.errstate(over="ignore"):
        return [float(x) for x in (result.estimate * np.exp(away) if ratio else result.estimate + away)]


def rates_left_open(hits: float, n: int) -> Array:
    """Equally probable truths for a rate of which ``hits`` of ``n`` were seen: quantiles of Beta(hits + ½, n − hits + ½)."""
    return np.asarray(special.betaincinv(hits + 0.5, n - hits + 0.5, truth_quantiles()))


def required_seeds(
    result: Result, *, alpha: float = 0.05, power: float = 0.8, margin: float | None = None
) -> int | None:
    """Seeds per method at which ``result``'s claim would be settled with the given power, were the estimate the truth.

    The standard error shrinks as 1/√n from the observed one. Ratios and differences: the smallest n whose two-sided t test
    at ``alpha`` rejects with ``power``. With ``margin``: the one-sided test of the nearer border, at ``alpha``. A plug-in
    figure: as uncertain as the estimate itself. None where the estimate sits at the border, or more than 100,000 are needed.
    Raises CannotEstimate on an alpha, a power or a margin that is none.
    """
    check_rate("alpha", alpha)
    check_rate("power", power)
    if margin is not None:
        check_margin(margin)
    if result.estimate is None or not result.se:
        return None
    n = max(result.n)
    if margin is not None:
        effect = abs(margin - abs(result.estimate))
        tail = alpha
    else:
        difference = "difference" in result.quantity
        with np.errstate(divide="ignore"):
            effect = abs(result.estimate) if difference else abs(float(np.log(result.estimate)))
        tail = alpha / 2
    spread = result.se * np.sqrt(n)
    groups = len(result.n)
    if not spread / MOST_SEEDS < effect < np.inf:
        return None
    candidate = max(4.0, ((special.ndtri(1 - tail) + special.ndtri(power)) * spread / effect) ** 2)
    for _ in range(50):
        if not candidate <= MOST_SEEDS:
            return None
        df = groups * (candidate - 1)
        wanted = ((special.stdtrit(df, 1 - tail) + special.stdtrit(df, power)) * spread / effect) ** 2
        wanted = max(4.0, wanted)
        if abs(wanted - candidate) < 0.01:
            break
        candidate = wanted
    seeds = int(np.ceil(candidate))
    return seeds if seeds <= MOST_SEEDS else None


def power_at_seeds(
    result: Result, n: int, *, effect: float, alpha: float = 0.05, margin: float | None = None
) -> float:
    """Power of ``result``'s t test at ``n`` seeds per method, were ``effect`` the truth: a log ratio, or a difference of means.

    The standard error shrinks as 1/√n from the observed one, the degrees of freedom grow as n − 1. Two-sided at ``alpha``, or
    with ``margin`` the two one-sided tests of equivalence at ``alpha`` each. A plug-in figure, as uncertain as the standard
    error. Raises CannotEstimate where the result has no standard error, and on an alpha, an effect or a margin that is none.
    """
    check_rate("alpha", alpha)
    check_finite("effect", effect)
    if margin is not None:
        check_margin(margin)
    if result.se is None:
        raise CannotEstimate("a result without a standard error has no power to speak of")
    observed = max(result.n)
    df = result.df * (n - 1) / (observed - 1) if result.df is not None else np.inf
    with np.errstate(divide="ignore", invalid="ignore"):
        se = np.float64(result.se * np.sqrt(observed / n))
        if margin is None:
            return float(special.stdtr(df, abs(effect) / se - special.stdtrit(df, 1 - alpha / 2)))
        critical = special.stdtrit(df, 1 - alpha)
        below = special.stdtr(df, (margin - effect) / se - critical)
        above = special.stdtr(df, -(margin + effect) / se + critical)
    return float(max(0.0, below - above))


def seeds_to_bound(share: float, bound: float, *, alpha: float = 0.05, power: float = 0.8) -> int | None:
    """Seeds at which a probability would be shown to be below ``bound`` with the given power, were ``share`` the truth.

    By the normal approximation of the one-sided binomial test, and never fewer than a tail without a run takes. None where the
    share is not below the bound, or more than 100,000 are needed. Raises CannotEstimate on an alpha, a power or a
    bound that is none.
    """
    for name, value in (("alpha", alpha), ("power", power), ("bound", bound)):
        check_rate(name, value)
    if not share < bound:
        return None
    wanted = special.ndtri(1 - alpha) * np.sqrt(bound * (1 - bound)) + special.ndtri(power) * np.sqrt(
        share * (1 - share)
    )
    seeds = int(np.ceil(max((wanted / (bound - share)) ** 2, np.log(alpha) / np.log1p(-bound))))
    return seeds if seeds <= MOST_SEEDS else None
