"""Which test examples each seed got right: a bit an example, from which the finite test set's part in a spread is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.uint8]


@dataclass(frozen=True)
class SeedCorrectness:
    """Of one seed, by the key of each output: ``bits`` (epochs, bytes) and where they are ``known`` (epochs,)."""

    metric: str
    """The accuracy that the bits are of."""
    examples: int
    bits: Mapping[str, Bits]
    known: Mapping[str, NDArray[np.bool_]]

    @classmethod
    def blank(cls, metric: str, examples: int, outputs: Sequence[str], epochs: int) -> SeedCorrectness:
        """With nothing known."""
        return cls(
            metric,
            examples,
            {output: np.zeros((epochs, width(examples)), np.uint8) for output in outputs},
            {output: np.zeros(epochs, bool) for output in outputs},
        )

    def enter(self, output: str, epoch: int, right: NDArray[np.bool_]) -> None:
        """That of ``output`` these examples were ``right`` at the end of epoch 0, 1, …"""
        self.bits[output][epoch] = np.packbits(right)
        self.known[output][epoch] = True


@dataclass(frozen=True)
class Correctness:
    """Of one output of a run, for some of its seeds and coordinates."""

    metric: str
    examples: int
    seeds: tuple[int, ...]
    coordinates: tuple[float, ...]
    bits: Bits
    """(seeds, coordinates, bytes)"""
    known: NDArray[np.bool_]
    """(seeds, coordinates)"""

    def shares(self, seeds: Sequence[int], coordinates: Sequence[float]) -> NDArray[np.float64] | None:
        """(seeds, examples): in what share of ``coordinates`` each seed was right; None where that is not known of all.

        It goes by the names of seeds and coordinates, so that a part of either may have been left out since.
        """
        rows, columns = (
            [{name: place for place, name in enumerate(own)}.get(each) for each in wanted]
            for own, wanted in ((self.seeds, seeds), (self.coordinates, coordinates))
        )
        if None in rows or None in columns or not columns:
            return None
        chosen: Any = np.ix_([row for row in rows if row is not None], [c for c in columns if c is not None])
        if not self.known[chosen].all():
            return None
        right = np.unpackbits(self.bits[chosen], axis=2, count=self.examples)
        return np.asarray(right.mean(axis=1, dtype=np.float64))


def width(examples: int) -> int:
    """Bytes of so many bits."""
    return -(-examples // 8)


def agrees(accuracy: NDArray[np.float64], right: NDArray[np.float64]) -> bool:
    """Whether accuracies are equal but for rounding, to single precision."""
    return bool(np.allclose(accuracy, right, rtol=1e-5, atol=1e-6))


def moved(found: SeedCorrectness, places: NDArray[np.intp], epochs: int) -> SeedCorrectness:
    """The same along a longer axis of so many ``epochs``, on which its own have the ``places``."""
    blank = SeedCorrectness.blank(found.metric, found.examples, list(found.bits), epochs)
    for output in found.bits:
        blank.bits[output][places] = found.bits[output]
        blank.known[output][places] = found.known[output]
    return blank
