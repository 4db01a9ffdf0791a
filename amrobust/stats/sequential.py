"""Planned interim analyses (looks) of a growing study: how much of the error rate each may spend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import special

from amrobust.stats.limits import LEAST_TAIL, check_count, check_rate
from amrobust.stats.samples import Array, CannotEstimate

GRID = 2_001
"""Points of the grid on which the process that has not been stopped is integrated."""

MOST_LOOKS = 100
MOST_SEEDS = 1_000_000
CLOSEST = 1e-4
"""The least share of the last look's seeds that lies between two looks: closer ones fall between the points of the grid."""


@dataclass(frozen=True)
class Look:
    """One look: after ``seeds`` seeds per method, claims are tested at the two-sided level ``alpha``."""

    seeds: int
    alpha: float
    """Nominal level of this look's tests."""
    spent: float
    """Error rate spent up to and including this look."""


def obrien_fleming_looks(seeds: Sequence[int], alpha: float = 0.05) -> tuple[Look, ...]:
    """Nominal levels of planned looks whose errors add up to ``alpha``, by Lan and DeMets's spending function.

    At the share t = n/n_last of the seeds, each side has spent 2 − 2 Φ(z_{1−α/4}/√t) of its α/2, in the manner of O'Brien and
    Fleming: almost nothing early. The boundary c_k of look k solves P(|Z_1| < c_1, …, |Z_k| ≥ c_k) = α(t_k) − α(t_{k−1}) for a
    Brownian motion observed at the t_k, by numerical integration; the nominal level is 2 − 2 Φ(c_k).

    Source: K. K. G. Lan and D. L. DeMets, Discrete sequential boundaries for clinical trials, Biometrika 70 (1983). Raises
    CannotEstimate unless the looks are at most 100 growing numbers of at most 1,000,000 seeds, at least a ten-thousandth of the
    last of them apart, and alpha is an error rate.
    """
    counts, times = _checked(seeds, alpha)
    spent = _spent(times, alpha)
    looks: list[Look] = []
    grid: Array | None = None
    weighted = None
    for k, time in enumerate(times):
        increment = float(spent[k] - (spent[k - 1] if k else 0.0))
        if grid is None or weighted is None:
            boundary = float(-special.ndtri(increment / 2))
        else:
            step = float(np.sqrt(time - times[k - 1]))
            boundary = _boundary(grid, weighted, step, float(time), increment)
        looks.append(Look(counts[k], float(2 * special.ndtr(-boundary)), float(spent[k])))
        edge = min(boundary, 12.0) * float(np.sqrt(time))
        points = np.linspace(-edge, edge, GRID)
        if grid is None or weighted is None:
            density = np.exp(-(points**2) / (2 * time)) / np.sqrt(2 * np.pi * time)
        else:
            step = float(np.sqrt(time - times[k - 1]))
            kernel = np.exp(-0.5 * ((points[:, None] - grid) / step) ** 2) / (step * np.sqrt(2 * np.pi))
            density = kernel @ weighted
        trapezium = np.full(GRID, points[1] - points[0])
        trapezium[[0, -1]] /= 2
        grid, weighted = points, density * trapezium
    return tuple(looks)


def check_looks(seeds: Sequence[int], alpha: float) -> None:
    """Raise CannotEstimate unless these are looks at each of which a claim can be settled.

    Of a first look at too small a share of the last one's seeds the nominal level cannot be told from 0.
    """
    counts, times = _checked(seeds, alpha)
    first = float(_spent(times, alpha)[0])
    if first < LEAST_TAIL:
        t = (special.ndtri(alpha / 4) / special.ndtri(LEAST_TAIL / 4)) ** 2
        raise CannotEstimate(
            f"looks: the first, at {counts[0]} of {counts[-1]} seeds, would test at {first:.1g}, where nothing is settled: "
            f"plan it at {int(np.ceil(t * counts[-1]))} seeds or more, or leave it out"
        )


def _checked(seeds: Sequence[int], alpha: float) -> tuple[list[int], Array]:
    """The looks, and their shares of the last one."""
    check_rate("alpha", alpha)
    counts = list(seeds)
    check_count("the number of looks", len(counts), 1, MOST_LOOKS)
    for count in counts:
        check_count("a look", count, 1, MOST_SEEDS)
    if any(b <= a for a, b in pairwise(counts)):
        raise CannotEstimate(f"looks are growing numbers of seeds, such as 5, 10, 20, not {counts}")
    times = np.array(counts) / counts[-1]
    if (np.diff(times) < CLOSEST).any():
        raise CannotEstimate(
            f"looks: some are less than {CLOSEST:g} of the last look's {counts[-1]:,} seeds apart: plan fewer"
        )
    return counts, times


def _spent(times: Array, alpha: float) -> Array:
    """The error rate that both sides together have spent at each share of the seeds."""
    return np.asarray(4 * special.ndtr(special.ndtri(alpha / 4) / np.sqrt(times)))


def _boundary(
    grid: Array,
    weighted: Array,
    step: float,
    time: float,
    increment: float,
) -> float:
    """The c with P(not stopped before, |B(t)| ≥ c √t) = ``increment``."""
    from scipy.optimize import brentq

    def excess(c: float) -> float:
        edge = c * np.sqrt(time)
        beyond = special.ndtr((grid - edge) / step) + special.ndtr((-edge - grid) / step)
        return float(beyond @ weighted) - increment

    # Beyond 40 standard deviations no double is left of a normal tail.
    return float(brentq(excess, 0.0, 40.0, xtol=1e-15, rtol=8 * float(np.finfo(float).eps)))
