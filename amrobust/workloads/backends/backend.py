"""What a backend is: the array library and the device on which a convex problem is computed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from amrobust.rules.rule import Array

Precision = Literal["float64", "float32"]

Elementwise = Callable[[Array], Array]


class Matrix(Protocol):
    """The rows a_i, i = 1 … n, of a problem, on a backend; points are the rows of x (S, d)."""

    def mean(self, x: Array, value: Elementwise) -> Array:
        """(1/n) Σ_i value(⟨a_i, x⟩), shape (S,)."""

    def mean_gradient(self, x: Array, slope: Elementwise) -> Array:
        """(1/n) Σ_i slope(⟨a_i, x⟩) a_i, shape (S, d)."""


class Backend(Protocol):
    """An array library on a device.

    ``computing()`` is a context in which everything on the backend is made and computed, such as a library's 64-bit mode.
    """

    @property
    def name(self) -> str:
        """The name on the command line."""

    @property
    def device(self) -> str:
        """The device, as it is recorded with a run."""

    @property
    def versions(self) -> dict[str, str]:
        """The versions of the libraries that compute."""

    def __hash__(self) -> int:
        """What has been prepared on a backend is kept for it."""

    def computing(self) -> AbstractContextManager[Any]:
        """See above."""

    def array(self, values: NDArray[np.float64], precision: Precision) -> Array:
        """``values`` on this backend."""

    def numpy(self, array: Array) -> NDArray[np.float64]:
        """An array of this backend as float64 NumPy values."""

    def matrix(self, rows: NDArray[np.float64], precision: Precision) -> Matrix:
        """The rows of a problem on this backend."""


class PlainMatrix:
    """Dense rows of any array library, as two products."""

    def __init__(self, rows: Array) -> None:
        self._rows = rows

    def mean(self, x: Array, value: Elementwise) -> Array:
        """See :class:`Matrix`."""
        return value(x @ self._rows.T).sum(1) / len(self._rows)

    def mean_gradient(self, x: Array, slope: Elementwise) -> Array:
        """See :class:`Matrix`."""
        return slope(x @ self._rows.T) @ self._rows / len(self._rows)
