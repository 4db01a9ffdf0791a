"""Ranks: the conditions that the probability of superiority is measured under, and its error rates there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from amrobust.stats.calibration.conditions import VALUES
from amrobust.stats.calibration.figures import Cell, Effort, Figure, Measure, rate
from amrobust.stats.ranks import chance_of_winning
from amrobust.stats.samples import Array

ALPHA = 0.05


@dataclass(frozen=True)
class Ranked:
    """Two samples whose probability of superiority is ``truth``."""

    draw: Callable[[np.random.Generator, int], tuple[Array, Array]]
    truth: float = 0.5
    paired: bool = False
    fewest: int = 4
    """Seeds from which swaps, or labels, can reject at 5 %."""
    banded: bool = False


def _apart(
    shift: float = 0.0, scale: float = 1.0
) -> Callable[[np.random.Generator, int], tuple[Array, Array]]:
    return lambda rng, n: (shift + scale * rng.standard_normal(n), rng.standard_normal(n))


def _tied(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    a, b = _apart()(rng, n)
    return a.round(), b.round()


def _diverging(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    a, b = (np.where(rng.random(n) < 0.2, np.nan, x) for x in _apart()(rng, n))
    return a, b


def _unequal(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    return rng.standard_normal(n), rng.standard_normal(4 * n)


def _in_pairs(
    shift: float = 0.0, scale: float = 1.0
) -> Callable[[np.random.Generator, int], tuple[Array, Array]]:
    def draw(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
        a, b = VALUES["normal pairs, correlation 0.5"].draw(rng, 1, n)
        return shift + scale * a[0, :, 0], b[0, :, 0]

    return draw


RANKED: dict[str, Ranked] = {
    "normal seeds": Ranked(_apart(), banded=True),
    "normal seeds, STDs 3 and 1": Ranked(_apart(scale=3.0)),
    "normal seeds rounded to their STD": Ranked(_tied, banded=True),
    "one seed in five diverges": Ranked(_diverging, banded=True),
    "normal seeds, against 4 times as many": Ranked(_unequal, banded=True),
    "normal seeds, 1 STD apart": Ranked(_apart(1.0), float(special.ndtr(1 / np.sqrt(2)))),
    "normal seeds, 2 STDs apart": Ranked(_apart(2.0), float(special.ndtr(np.sqrt(2)))),
    "normal seeds, STDs 3 and 1, as far apart": Ranked(
        _apart(np.sqrt(5), 3.0), float(special.ndtr(1 / np.sqrt(2)))
    ),
    "normal pairs, correlation 0.5": Ranked(_in_pairs(), paired=True, fewest=7, banded=True),
    "normal pairs, correlation 0.5, STDs 3 and 1": Ranked(_in_pairs(scale=3.0), paired=True, fewest=7),
    "normal pairs, correlation 0.5, 1 STD apart": Ranked(
        _in_pairs(1.0), float(special.ndtr(1 / np.sqrt(2))), paired=True, fewest=7
    ),
}
"""The conditions that ranks are measured under."""


def ranks(cell: Cell, effort: Effort, rng: np.random.Generator) -> list[Figure]:
    """Type I error where the methods win as often as each other, else power; and how often the interval holds the truth."""
    ranked = RANKED[cell.condition]
    rejected, held = 0, 0
    for _ in range(effort.curves):
        a, b = ranked.draw(rng, cell.n)
        found = chance_of_winning(a, b, better="higher", paired=ranked.paired)
        assert found.p is not None
        assert found.low is not None
        assert found.high is not None
        rejected += found.p <= ALPHA
        held += found.low <= ranked.truth <= found.high
    what: Measure = "type I error" if ranked.truth == 0.5 else "power"
    name = "permutation of ranks"
    return [
        rate(cell, name, what, rejected, effort.curves, banded=ranked.banded),
        rate(cell, name, "coverage", held, effort.curves, banded=ranked.banded),
    ]
