"""Backends by name: where a convex problem is computed.

A further backend is a package that announces a factory, called with the name of a device, under the entry point group
``amrobust.backends``; worker processes find it as the command line does.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import lru_cache

from amrobust import plugins
from amrobust.errors import UserError
from amrobust.workloads.backends.backend import Backend, Matrix, Precision

BACKENDS = {
    "numpy": "amrobust.workloads.backends.numpy_backend:NumpyBackend",
    "torch": "amrobust.workloads.backends.torch_backend:TorchBackend",
    "jax": "amrobust.workloads.backends.jax_backend:JaxBackend",
}
GROUP = "amrobust.backends"


def names() -> tuple[str, ...]:
    """The backends that there are, installed or not: the built-in ones, and those announced by other packages."""
    return (*BACKENDS, *(name for name in plugins.announced(GROUP) if name not in BACKENDS))


@lru_cache(maxsize=8)
def get(name: str = "numpy", device: str = "cpu") -> Backend:
    """The backend called ``name`` on ``device``.

    Raises UserError where there is none of that name, its library is not installed, or it has no such device.
    """
    made: Backend = _factory(name)(device)
    return made


def _factory(name: str) -> Callable[[str], Backend]:
    if name not in BACKENDS:
        announced = plugins.announced(GROUP)
        if name not in announced:
            raise plugins.unknown("backend", name, names())
        loaded: Callable[[str], Backend] = plugins.load(announced[name])
        return loaded
    module, _, attribute = BACKENDS[name].partition(":")
    try:
        found: Callable[[str], Backend] = getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        raise UserError(
            f"the {name} backend needs {error.name}, which is not installed: pip install 'amrobust[{name}]'"
        ) from None
    return found


__all__ = ["BACKENDS", "Backend", "Matrix", "Precision", "get", "names"]
