"""The array libraries that every rule runs on."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
import torch


@pytest.fixture(params=["numpy", "torch", "jax"])
def as_array(request: pytest.FixtureRequest) -> Iterator[Callable[[Any], Any]]:
    """Makes a float64 array of one library after another; JAX's 64-bit mode lasts for the one test."""
    with ExitStack() as stack:
        if request.param == "numpy":
            yield lambda values: np.asarray(values, dtype=np.float64)
        elif request.param == "torch":
            yield lambda values: torch.tensor(np.asarray(values), dtype=torch.float64)
        else:
            jax = pytest.importorskip("jax", reason="jax is not installed (pip install 'amrobust[jax]')")
            stack.enter_context(jax.enable_x64(True))
            yield lambda values: jax.numpy.asarray(np.asarray(values), dtype=np.float64)
