"""JAX, on any of its platforms; the products of a problem are compiled. Needs the extra ``amrobust[jax]``."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from functools import lru_cache
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from amrobust.errors import UserError
from amrobust.rules.rule import Array
from amrobust.workloads.backends.backend import Elementwise, Matrix, PlainMatrix, Precision


class CompiledMatrix:
    """:class:`PlainMatrix`, each of its functions compiled."""

    def __init__(self, rows: Array) -> None:
        plain = PlainMatrix(rows)
        self._mean = lru_cache(maxsize=4)(lambda value: jax.jit(lambda x: plain.mean(x, value)))
        self._gradient = lru_cache(maxsize=4)(lambda slope: jax.jit(lambda x: plain.mean_gradient(x, slope)))

    def mean(self, x: Array, value: Elementwise) -> Array:
        """See :class:`amrobust.workloads.backends.Matrix`."""
        return self._mean(value)(x)

    def mean_gradient(self, x: Array, slope: Elementwise) -> Array:
        """See :class:`amrobust.workloads.backends.Matrix`."""
        return self._gradient(slope)(x)


class JaxBackend:
    """See :class:`amrobust.workloads.backends.Backend`."""

    name = "jax"

    def __init__(self, device: str) -> None:
        platform, _, number = device.partition(":")
        try:
            self._device = jax.devices(platform)[int(number or 0)]
        except (RuntimeError, ValueError, IndexError) as error:
            reason = str(error).splitlines()[0]
            raise UserError(f"jax cannot use the device {device!r} here: {reason}") from None
        self.device = device

    @property
    def versions(self) -> dict[str, str]:
        """JAX's."""
        return {"jax": jax.__version__}

    def computing(self) -> AbstractContextManager[Any]:
        """64-bit mode, on the device."""
        stack = ExitStack()
        stack.enter_context(jax.enable_x64(True))
        stack.enter_context(jax.default_device(self._device))
        return stack

    def array(self, values: NDArray[np.float64], precision: Precision) -> Array:
        """``values`` on the device."""
        return jax.device_put(values.astype(precision, copy=False), self._device)

    def numpy(self, array: Array) -> NDArray[np.float64]:
        """The array as float64 NumPy values."""
        return np.asarray(array, dtype=np.float64)

    def matrix(self, rows: NDArray[np.float64], precision: Precision) -> Matrix:
        """Dense rows on the device."""
        return CompiledMatrix(self.array(rows, precision))
