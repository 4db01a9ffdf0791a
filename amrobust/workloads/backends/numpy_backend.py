"""NumPy on the CPU: samples in blocks that stay in the cache, and products of sparse rows where most entries are zero."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amrobust.errors import UserError
from amrobust.workloads.backends.backend import Elementwise, Matrix, Precision
from amrobust.workloads.backends.patterns import factored

CACHED_MARGINS = 65_536
"""Margins that are computed at a time; benchmarks/convex_seeds.py shows what it gains."""

SPARSE_ROWS, SPARSE_POINTS = 1024, 64
"""Samples and points whose sparse products are computed at a time, whatever the number of points, which so changes nothing."""

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
    """Rows (n, d) mostly of zeros, in compressed form; what a point gets does not depend on the points next to it.

    Where rows share patterns, a point is multiplied by the patterns first, and the samples by the few that each has.
    """

    def __init__(self, rows: NDArray[Any]) -> None:
        from scipy.sparse import csr_array, eye_array

        plain = csr_array(rows), eye_array(rows.shape[1], dtype=rows.dtype, format="csr")
        self._rows, self._patterns = factored(rows) or plain
        blocks = (self._rows[start : start + SPARSE_ROWS] for start in range(0, len(rows), SPARSE_ROWS))
        # a transpose is as costly to make as a small product
        self._blocks = [(block, block.T) for block in blocks]

    def mean(self, x: NDArray[Any], value: Elementwise) -> NDArray[Any]:
        """See :class:`amrobust.workloads.backends.Matrix`."""
        total = np.zeros(len(x), x.dtype)
        for points in _together(len(x)):
            columns = self._patterns @ np.ascontiguousarray(x[points].T)
            for rows, _ in self._blocks:
                total[points] += value(rows @ columns).sum(axis=0)
        mean: NDArray[Any] = total / self._rows.shape[0]
        return mean

    def mean_gradient(self, x: NDArray[Any], slope: Elementwise) -> NDArray[Any]:
        """See :class:`amrobust.workloads.backends.Matrix`."""
        gradient = np.empty_like(x)
        for points in _together(len(x)):
            columns = self._patterns @ np.ascontiguousarray(x[points].T)
            total = np.zeros_like(columns)
            for rows, transposed in self._blocks:
                total += transposed @ slope(rows @ columns)
            gradient[points] = (self._patterns.T @ total).T
        gradient /= self._rows.shape[0]
        return gradient


def _together(points: int) -> list[slice]:
    """The points that are multiplied by sparse rows at a time."""
    return [slice(start, start + SPARSE_POINTS) for start in range(0, points, SPARSE_POINTS)]


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
