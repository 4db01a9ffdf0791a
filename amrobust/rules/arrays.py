"""What plain operators cannot do alike on NumPy arrays, torch tensors and JAX arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import array_namespace, is_torch_array

from amrobust.rules.rule import Array


def like(x: Array, values: Any) -> Array:
    """``values`` as an array of the library, precision and device of ``x``."""
    where = {"device": x.device} if is_torch_array(x) else {}
    return array_namespace(x).asarray(values, dtype=x.dtype, **where)


def per_seed(x: Array, values: Any) -> Any:
    """A number as it is; numbers of shape (S,) so that they multiply the rows of ``x``, of shape (S, *d)."""
    if np.ndim(values) == 0:
        return values
    return like(x, np.reshape(values, (-1,) + (1,) * (x.ndim - 1)))


def written(array: Array, where: Any, values: Array) -> Array:
    """A copy of ``array`` with ``values`` at the index ``where``."""
    if hasattr(array, "at"):  # JAX arrays cannot be written to
        return array.at[where].set(values)
    copy = array + 0.0
    copy[where] = values
    return copy
