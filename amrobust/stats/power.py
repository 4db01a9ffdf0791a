"""Power by simulation of the very test that will decide, and the number of seeds that reaches a wanted power."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Literal

import numpy as np
from scipy import special

from amrobust.stats.jackknife import SpreadContrast
from amrobust.stats.levene import absolute_deviations
from amrobust.stats.limits import check_count, check_finite, check_margin, check_rate
from amrobust.stats.samples import FEWEST_SEEDS, Array, CannotEstimate
from amrobust.stats.spread import construction_for
from amrobust.stats.studentised import StudentisedPermutation

Decision = Literal["auto", "jackknife", "levene", "welch", "tost"]
"""auto (what decides), jackknife and levene: a ratio of spreads; welch: a difference of means; tost: equivalence
within a margin."""

MOST_SEEDS = 2_000
CHUNK_VALUES = 4_000_000
LARGEST_STUDY = 10_000_000
"""Values of one method in a simulated study, seeds times epochs, that memory has to hold at once."""
MOST_VALUES = 2_000_000_000
"""Values of all simulated studies of a number of seeds: some minutes' worth."""
RELABELLINGS, BEYOND_CRITICAL = 200, 3
"""Relabellings in a simulated study, and how many of them lie beyond its level at least: fewer than in a real one."""
STAND_IN = 10
"""Seeds from which the jackknife stands in for the permutation, whose power on normal seeds is within 5 points of it."""
LARGEST_EFFECT = 1e6
"""Of a true ratio or difference: more is found by any number of seeds."""


@dataclass(frozen=True)
class Study:
    """What a study would look like if its claim were true, and how it will be decided.

    ``ratio``: the larger true spread over the smaller. ``difference`` and ``margin`` are in units of the
    seed STD (welch, tost). ``epochs`` > 1 with ``autocorrelation`` makes AR(1) curves judged by Avg. STD. ``claims``: members
    of the family; the level is alpha/claims, which Holm's first step asks for.
    """

    decision: Decision = "auto"
    ratio: float = 1.0
    difference: float = 0.0
    margin: float | None = None
    alpha: float = 0.05
    claims: int = 1
    epochs: int = 1
    autocorrelation: float = 0.8
    centre: Literal["median", "mean"] = "median"

    def __post_init__(self) -> None:
        """Raises CannotEstimate where no such study can be."""
        check_finite("difference", self.difference)
        check_finite("ratio", self.ratio)
        if not 1 / LARGEST_EFFECT <= self.ratio <= LARGEST_EFFECT or abs(self.difference) > LARGEST_EFFECT:
            raise CannotEstimate(
                f"a true ratio lies between {1 / LARGEST_EFFECT:g} and {LARGEST_EFFECT:g}, a true difference is at most "
                f"{LARGEST_EFFECT:g} seed STDs"
            )
        check_count("claims", self.claims, 1, LARGEST_STUDY)
        check_count("epochs", self.epochs, 1, LARGEST_STUDY)
        check_rate("alpha", self.alpha)
        check_rate(f"alpha over {self.claims} claims", self.alpha / self.claims)
        check_finite("autocorrelation", self.autocorrelation)
        if not 0 <= self.autocorrelation < 1:
            raise CannotEstimate(f"an autocorrelation of {self.autocorrelation:g} is not in [0, 1)")
        if (self.decision == "tost") != (self.margin is not None):
            raise CannotEstimate("equivalence needs a margin above 0, and nothing else takes one")
        if self.margin is not None:
            check_margin(self.margin)


@dataclass(frozen=True)
class Power:
    """Simulated power at ``n`` seeds per method, with the 99 % Monte Carlo interval."""

    n: int
    power: float
    low: float
    high: float


def power_at(study: Study, n: int, *, replications: int = 4_000, seed: int = 0) -> Power:
    """Share of simulated studies of ``n`` normal seeds per method in which the decision supports the claim.

    The same ``seed`` uses the same random numbers at every n. Raises CannotEstimate below 4 seeds, and where the studies would
    not fit into memory or not end within minutes.
    """
    if n < FEWEST_SEEDS:
        raise CannotEstimate(f"{n} seeds are too few", FEWEST_SEEDS)
    check_count("seeds times epochs", n * study.epochs, 1, LARGEST_STUDY)
    check_count("replications", replications, 1, MOST_VALUES // (n * study.epochs))
    rng = np.random.default_rng([seed, n])
    block = max(1, CHUNK_VALUES // (n * study.epochs))
    supported = 0
    for start in range(0, replications, block):
        size = min(block, replications - start)
        supported += int(DECISIONS[study.decision](study, *_draw(study, n, size, rng)).sum())
    tail = 0.005
    low = float(special.betaincinv(supported, replications - supported + 1, tail)) if supported else 0.0
    high = (
        float(special.betaincinv(supported + 1, replications - supported, 1 - tail))
        if supported < replications
        else 1.0
    )
    return Power(n, supported / replications, low, high)


def seeds_for_power(
    study: Study, power: float = 0.8, *, replications: int = 4_000, seed: int = 0
) -> list[Power]:
    """Powers at the numbers of seeds tried, in order of n; the last of them is the smallest n found with ``power``.

    n is doubled until the power is reached, then bisected. Raises CannotEstimate where 2,000 seeds are not enough,
    and as :func:`power_at`.
    """
    check_rate("power", power)
    tried: dict[int, Power] = {}

    def reaches(n: int) -> bool:
        if n not in tried:
            tried[n] = power_at(study, n, replications=replications, seed=seed)
        return tried[n].power >= power

    high = FEWEST_SEEDS
    while not reaches(high):
        if high >= MOST_SEEDS:
            raise CannotEstimate(
                f"{MOST_SEEDS:,} seeds per method do not reach a power of {power:.0%}; ask for less power, a larger effect or "
                "fewer claims"
            )
        high = min(2 * high, MOST_SEEDS)
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reaches(middle) else (middle, high)
    return [tried[n] for n in sorted(tried) if n <= high]


def _draw(study: Study, n: int, size: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Two samples (size, n, epochs): the first with the larger spread and the higher mean."""
    both = []
    for _ in range(2):
        noise = rng.standard_normal((size, n, study.epochs))
        rho = study.autocorrelation
        for t in range(1, study.epochs):
            noise[:, :, t] = rho * noise[:, :, t - 1] + np.sqrt(1 - rho**2) * noise[:, :, t]
        both.append(noise)
    first, second = both
    return study.ratio * first + study.difference, second


def _welch(x: Array, y: Array) -> tuple[Array, Array, Array]:
    """Difference of means, its standard error and Welch's degrees of freedom, over the last axis."""
    n = x.shape[-1]
    parts = x.var(axis=-1, ddof=1) / n, y.var(axis=-1, ddof=1) / n
    variance = parts[0] + parts[1]
    df = variance**2 / ((parts[0] ** 2 + parts[1] ** 2) / (n - 1))
    return x.mean(axis=-1) - y.mean(axis=-1), np.sqrt(variance), df


def _two_sided(study: Study, x: Array, y: Array) -> Array:
    """Whether Welch's two-sided test rejects and the sign is right."""
    difference, se, df = _welch(x, y)
    p = 2 * special.stdtr(df, -np.abs(difference / se))
    return np.asarray((p <= study.alpha / study.claims) & (difference > 0))


def _jackknife(study: Study, a: Array, b: Array) -> Array:
    contrast = SpreadContrast.of(a, b)
    return np.asarray((contrast.p() <= study.alpha / study.claims) & (contrast.centre > 0))


def _auto(study: Study, a: Array, b: Array) -> Array:
    """What :func:`amrobust.stats.construction_for` chooses, the permutation by few relabellings and below 10 seeds only."""
    (_, n, epochs), level = a.shape, study.alpha / study.claims
    chosen = construction_for(n, n, epochs=epochs, paired=False, alpha=level)
    if chosen == "jackknife" or n >= STAND_IN:
        return _jackknife(study, a, b)
    drawn = max(RELABELLINGS, ceil(BEYOND_CRITICAL / level)) - 1
    found = []
    for x, y in zip(a, b, strict=True):
        contrast = SpreadContrast.of(x, y)
        permuted = StudentisedPermutation.of(x, y, contrast, alpha=level, drawn=drawn)
        found.append(float(contrast.centre) > 0 and permuted.p() <= level)
    return np.array(found)


def _levene(study: Study, a: Array, b: Array) -> Array:
    """The pooled t on mean absolute deviations from the centre, which is Levene's F for two groups."""
    x, y = absolute_deviations(a, study.centre), absolute_deviations(b, study.centre)
    n = x.shape[1]
    se = np.sqrt((x.var(axis=1, ddof=1) + y.var(axis=1, ddof=1)) / n)
    difference = x.mean(axis=1) - y.mean(axis=1)
    p = 2 * special.stdtr(2 * n - 2, -np.abs(difference / se))
    return np.asarray((p <= study.alpha / study.claims) & (difference > 0))


def _means(study: Study, a: Array, b: Array) -> Array:
    return _two_sided(study, a[:, :, -1], b[:, :, -1])


def _equivalent(study: Study, a: Array, b: Array) -> Array:
    assert study.margin is not None
    difference, se, df = _welch(a[:, :, -1], b[:, :, -1])
    p = special.stdtr(df, -(study.margin - np.abs(difference)) / se)
    return np.asarray(p <= study.alpha / study.claims)


DECISIONS: dict[Decision, Callable[[Study, Array, Array], Array]] = {
    "auto": _auto,
    "jackknife": _jackknife,
    "levene": _levene,
    "welch": _means,
    "tost": _equivalent,
}
