"""Methods as Python callers give them: optimizers with one value, or a list of values, of each hyperparameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from amrobust.errors import UserError
from amrobust.experiments.spec import Value

Methods = Mapping[str, Mapping[str, Value | Sequence[Value]]]


def grids(methods: Methods, example: str) -> list[tuple[str, dict[str, tuple[Value, ...]]]]:
    """Each method with the values of its hyperparameters. Raises UserError, with the ``example``, where there is none."""
    if not methods:
        raise UserError(f"no method is given: {example}")
    return [(name, listed(name, given)) for name, given in methods.items()]


def listed(owner: str, given: Mapping[str, Value | Sequence[Value]]) -> dict[str, tuple[Value, ...]]:
    """The values of each parameter of ``owner``. Raises UserError where one has none."""
    found = {
        name: tuple(values) if isinstance(values, Sequence) and not isinstance(values, str) else (values,)
        for name, values in given.items()
    }
    if empty := [name for name, values in found.items() if not values]:
        raise UserError(f"{owner}: {empty[0]} has no value to try")
    return found
