"""NumPy on the CPU: samples in blocks that stay in the cache, and products of sparse rows where most entries are zero."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amrobust.errors import UserError
from amrobust.workloads.backends.backend import Elementwise, Matrix, Precision

CACHED_MARGINS = 65_536
"""Margins that are computed at a time; benchmarks/convex_seeds.py shows what it gains."""

SPARSE_BELOW = 0.2
"""The share of entries that are not zero below which sparse products win."""


def block_length(points: int) -> int:
    """How many samples are computed at a time for so many points: a power of two from 256 to 4,096."""
    return 1 << min(max(CACHED_MARGINS // max(points, 1), 256).bit_length() - 1, 12)


class DenseMatrix:
    """Rows (n, d), multiplied by BLAS, block by block."""

    def __init__(self, rows: NDArray[Any]) -> None:
        self._rows = rows

    def _blocks(self, points: int) -> Iterator[NDArray[Any]]:
        length = block_length(points)
        return (self._rows[start : start + length] for start in range(0, len(self._rows), length))

    def mean(self, x: NDArray[Any], value: Elementwise) -> NDArray[Any]:
        """See :class:`amrobust.workloads.backends.Matrix`."""
        total = np.zeros(len(x), x.dtype)
        for rows in self._blocks(len(x)):
            total += value(x @ rows.T).sum(axis=1)
        return total / len(self._rows)

    def mean_gradient(self, x: NDArray[Any], slope: Elementwise) -> NDArray[Any]:
        """See :class:`amrobust.workloads.backends.Matrix`."""
        total = np.zeros_like(x)
        for rows in self._blocks(len(x)):
            total += slope(x @ rows.T) @ rows
        return total / len(self._rows)


class SparseMatrix:
    """Rows (n, d) mostly of zeros, in compressed form; what a point gets does not depend on the points beside it."""

    def __init__(self, rows: NDArray[Any]) -> None:
        from scipy.sparse import csr_array

        self._rows = csr_array(rows)
        self._blocks = lru_cache(maxsize=4)(self._cut)

    def _cut(self, length: int) -> list[tuple[Any, Any]]:
        """Blocks of ``length`` rows, each with its transpose, which is as costly to make as a small product."""
        blocks = (self._rows[start : start + length] for start in range(0, self._rows.shape[0], length))
        return [(block, block.T) for block in blocks]

    def mean(self, x: NDArray[Any], value: Elementwise) -> NDArray[Any]:
        """See :class:`amrobust.workloads.backends.Matrix`."""
        columns = np.ascontiguousarray(x.T)
        total = np.zeros(len(x), x.dtype)
        for rows, _ in self._blocks(block_length(len(x))):
            total += value(rows @ columns).sum(axis=0)
        mean: NDArray[Any] = total / self._rows.shape[0]
        return mean

    def mean_gradient(self, x: NDArray[Any], slope: Elementwise) -> NDArray[Any]:
        """See :class:`amrobust.workloads.backends.Matrix`."""
        columns = np.ascontiguousarray(x.T)
        total = np.zeros_like(columns)
        for rows, transposed in self._blocks(block_length(len(x))):
            total += transposed @ slope(rows @ columns)
        mean: NDArray[Any] = np.ascontiguousarray(total.T) / self._rows.shape[0]
        return mean


class NumpyBackend:
    """See :class:`amrobust.workloads.backends.Backend`."""

    name = "numpy"

    def __init__(self, device: str) -> None:
        if device != "cpu":
            raise UserError(
                f"the numpy backend computes on the device cpu, not {device!r}: choose --backend torch or jax"
            )
        self.device = device

    @property
    def versions(self) -> dict[str, str]:
        """NumPy's, which every run records, and SciPy's."""
        import scipy

        return {"numpy": np.__version__, "scipy": scipy.__version__}

    def computing(self) -> AbstractContextManager[Any]:
        """A diverging point overflows; the others are not touched."""
        return np.errstate(over="ignore", invalid="ignore")

    def array(self, values: NDArray[np.float64], precision: Precision) -> NDArray[Any]:
        """``values`` in the precision asked for."""
        return values.astype(precision, copy=False)

    def numpy(self, array: NDArray[Any]) -> NDArray[np.float64]:
        """The array as float64."""
        return array.astype(np.float64, copy=False)

    def matrix(self, rows: NDArray[np.float64], precision: Precision) -> Matrix:
        """Sparse rows where fewer than a fifth of the entries are not zero."""
        typed = self.array(rows, precision)
        sparse = np.count_nonzero(rows) < SPARSE_BELOW * rows.size
        return SparseMatrix(typed) if sparse else DenseMatrix(typed)
