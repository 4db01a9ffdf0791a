"""Methods as Python callers give them: optimizers with one value, or a list of values, of each hyperparameter."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amrobust.errors import UserError
from amrobust.plugins import is_path
from amrobust.runs.spec import Value, plain
from amrobust.train.foreign import torch_names
from amrobust.train.optimizers import OPTIMIZERS

Values = Value | np.generic | Sequence[Value] | NDArray[Any]
Named = str | Callable[..., Any]
"""A name, a path, or the class or function itself."""
Methods = Mapping[Named, Mapping[str, Values]]


def grids(methods: Methods, example: str) -> list[tuple[str, dict[str, tuple[Value, ...]]]]:
    """Each method with the values of its hyperparameters. Raises UserError, with the ``example``, where there is none."""
    if not isinstance(methods, Mapping) or not all(isinstance(given, Mapping) for given in methods.values()):
        raise UserError(f"methods are a mapping of names to mappings of hyperparameters: {example}")
    if not methods:
        raise UserError(f"no method is given: {example}")
    return [
        (name, listed(name, given)) for name, given in ((named(key), each) for key, each in methods.items())
    ]


def named(given: Named) -> str:
    """What a class or a function goes by, ``module:Class``; torch's optimizers and amrobust's own by name. Raises UserError.

    >>> import torch
    >>> from amrobust.optim import AM1SGD
    >>> named("am2"), named(torch.optim.AdamW), named(AM1SGD)
    ('am2', 'adamw', 'am1')
    """
    if isinstance(given, str):
        return given
    if not (inspect.isclass(given) or inspect.isroutine(given)):
        raise UserError(f"{given!r:.100} is no name, class or function")
    known = [name for name, found in torch_names().items() if found is given]
    if given.__module__.startswith("amrobust.optim."):
        classes = {name: getattr(found, "torch_class", None) for name, found in OPTIMIZERS.items()}
        known = [name for name, found in classes.items() if found == (f"amrobust.optim:{given.__name__}", {})]
    if known:
        return known[0]
    name = f"{given.__module__}:{given.__qualname__}"
    if not is_path(name):
        raise UserError(
            f"{given.__qualname__} is defined within a function, where nothing can find it again: define it at the top of a "
            "cell or a module"
        )
    return name


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
