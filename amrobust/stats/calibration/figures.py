"""One measured rate with its Monte Carlo error, the band it has to keep, and the cell of the study that it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from scipy import special

Measure = Literal["type I error", "coverage", "power", "mean seeds used"]

BANDS: dict[str, tuple[float, float]] = {"type I error": (0.0, 0.06), "coverage": (0.93, 1.0)}
"""What decides has to keep these under normal and t5 seeds of equal shape, at a nominal 5 % and 95 %."""

CERTAINTY = 0.99


@dataclass(frozen=True)
class Effort:
    """Replications: for final values, for curves, and for constructions that resample inside every replication."""

    values: int = 20_000
    curves: int = 4_000
    slow: int = 1_000

    def __post_init__(self) -> None:
        if min(self.values, self.curves, self.slow) < 1:
            raise ValueError("at least one replication is needed")


@dataclass(frozen=True)
class Cell:
    """One condition at one number of seeds: every construction of its topic sees the same draws."""

    topic: str
    condition: str
    n: int
    ratio: float = 1.0

    @property
    def name(self) -> str:
        """The text that fixes the cell's random numbers."""
        return f"{self.topic}|{self.condition}|{self.n}|{self.ratio:g}"


@dataclass(frozen=True)
class Figure:
    """A rate in [0, 1] with its 99 % Monte Carlo interval (exact), or a mean number of seeds with a normal one."""

    topic: str
    construction: str
    condition: str
    n: int
    measure: Measure
    value: float
    low: float
    high: float
    replications: int
    band_low: float | None = None
    band_high: float | None = None
    seed: int = 0
    """Root of the random numbers that it was measured with."""

    @property
    def outside(self) -> bool:
        """Whether the Monte Carlo interval lies wholly outside the band that this figure has to keep."""
        if self.band_low is None or self.band_high is None:
            return False
        return self.high < self.band_low or self.low > self.band_high


def rate(
    cell: Cell,
    construction: str,
    measure: Measure,
    hits: int,
    total: int,
    *,
    banded: bool = False,
    condition: str = "",
) -> Figure:
    """A share of replications as a figure."""
    tail = (1 - CERTAINTY) / 2
    low = float(special.betaincinv(hits, total - hits + 1, tail)) if hits else 0.0
    high = float(special.betaincinv(hits + 1, total - hits, 1 - tail)) if hits < total else 1.0
    band = BANDS.get(measure) if banded else None
    return Figure(
        cell.topic, construction, condition or described(cell), cell.n, measure, hits / total, low, high, total,
        *(band or (None, None)),
    )  # fmt: skip


def described(cell: Cell) -> str:
    """The condition with its true ratio, where that is not 1."""
    return cell.condition if cell.ratio == 1 else f"{cell.condition}, true ratio {cell.ratio:g}"
