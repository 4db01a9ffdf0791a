"""AM2-SGD's table: its start, and the indices sampled from it, as a random stream that can be read anywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amrobust.rules.rule import Array

Indices = Callable[[int], Any] | Sequence[Any]
"""The table index written at iteration k, for k = 0, 1, …: an int, or an array (S,) with a leading seed axis."""

CHUNK = 1024


class IndexStream:
    """Independent uniform indices from {0, …, m − 1}: ``stream(k)`` is the index of iteration k, whenever it is asked for.

    ``seed`` is one seed, giving an int for each k, or a sequence of S seeds, giving an array (S,) whose entry s is what
    seed s alone would give. Chunk c is drawn from ``numpy.random.default_rng([seed, c])``, so (seed, k) is the whole state.
    """

    def __init__(self, seed: int | Sequence[int], m: int) -> None:
        self.m = m
        self._single = isinstance(seed, (int, np.integer))
        self._seeds = [int(seed)] if isinstance(seed, (int, np.integer)) else [int(one) for one in seed]
        self._chunks: dict[int, NDArray[np.int64]] = {}

    def __call__(self, k: int) -> int | NDArray[np.int64]:
        """The index (or the S indices) of iteration k = 0, 1, …"""
        number, offset = divmod(k, CHUNK)
        if number not in self._chunks:
            drawn = [
                np.random.default_rng([seed, number]).integers(self.m, size=CHUNK) for seed in self._seeds
            ]
            # k and k + 1 are read together, so the previous chunk may still be wanted
            self._chunks = {n: chunk for n, chunk in self._chunks.items() if n == number - 1}
            self._chunks[number] = np.stack(drawn, axis=1)
        row = self._chunks[number][offset]
        return int(row[0]) if self._single else row


def initial_table(x0: Array, m: int) -> Array:
    """m copies of x0, shape (m, *shape of x0)."""
    return x0[None][np.zeros(m, dtype=np.int64)]


def table_positions(indices: Indices) -> Callable[[int], Any]:
    """Where iteration k writes: what a table of shape (m, *d), or (m, S, *d) with a seed axis, is indexed with."""
    index_of = indices if callable(indices) else indices.__getitem__

    def where(k: int) -> Any:
        index = index_of(k)
        # With a seed axis, row s of the iterate uses row index[s] of the table.
        return index if np.ndim(index) == 0 else (index, np.arange(len(index)))

    return where
