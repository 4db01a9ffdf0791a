"""The table indices that AM2-SGD samples, as a random stream that can be read anywhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

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
