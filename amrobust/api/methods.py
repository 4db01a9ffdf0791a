"""Methods as Python callers give them: optimizers with one value, or a list of values, of each hyperparameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amrobust.errors import UserError
from amrobust.runs.spec import Value, plain

Values = Value | np.generic | Sequence[Value] | NDArray[Any]
Methods = Mapping[str, Mapping[str, Values]]


def grids(methods: Methods, example: str) -> list[tuple[str, dict[str, tuple[Value, ...]]]]:
    """Each method with the values of its hyperparameters. Raises UserError, with the ``example``, where there is none."""
    if not isinstance(methods, Mapping) or not all(isinstance(given, Mapping) for given in methods.values()):
        raise UserError(f"methods are a mapping of names to mappings of hyperparameters: {example}")
    if not methods:
        raise UserError(f"no method is given: {example}")
    return [(name, listed(name, given)) for name, given in methods.items()]


def listed(owner: str, given: Mapping[str, Values]) -> dict[str, tuple[Value, ...]]:
    """The values of each parameter of ``owner``, plain ones of NumPy's. Raises UserError where one has none."""
    found = {name: _values(values) for name, values in given.items()}
    if empty := [name for name, values in found.items() if not values]:
        raise UserError(f"{owner}: {empty[0]} has no value to try")
    return found


def _values(given: Values) -> tuple[Value, ...]:
    several = given.tolist() if isinstance(given, np.ndarray) else given
    if isinstance(several, str) or not isinstance(several, Sequence):
        return (plain(several),)
    return tuple(map(plain, several))
