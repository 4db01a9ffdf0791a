"""Planned looks at a growing study: how much of the error rate each look may spend."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from amrobust.stats.samples import Array, CannotEstimate

GRID = 2_001
"""Points of the grid on which the process that has not been stopped is integrated."""


@dataclass(frozen=True)
class Look:
    """One look: after ``seeds`` seeds a method, claims are tested at the two-sided level ``alpha``."""

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
    CannotEstimate unless the looks are growing numbers of seeds and alpha lies between 0 and 1.
    """
    counts = [int(n) for n in seeds]
    if not counts or counts[0] < 1 or any(b <= a for a, b in itertools.pairwise(counts)):
        raise CannotEstimate("looks are growing numbers of seeds, such as 5, 10, 15, 20")
    if not 0 < alpha < 1:
        raise CannotEstimate("alpha lies between 0 and 1")
    times = np.array(counts) / counts[-1]
    spent = 4 * special.ndtr(special.ndtri(alpha / 4) / np.sqrt(times))
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


def _boundary(
    grid: Array,
    weighted: Array,
    step: float,
    time: float,
    increment: float,
) -> float:
    """The c with P(not stopped before, |B(t)| ≥ c √t) = ``increment``, by bisection."""
    low, high = 0.0, 40.0
    for _ in range(80):
        middle = 0.5 * (low + high)
        edge = middle * np.sqrt(time)
        beyond = special.ndtr((grid - edge) / step) + special.ndtr((-edge - grid) / step)
        low, high = (middle, high) if float(beyond @ weighted) > increment else (low, middle)
    return 0.5 * (low + high)
