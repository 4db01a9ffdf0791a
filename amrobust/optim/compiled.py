"""Updates compiled by ``torch.compile`` over a whole list of tensors, where there is a compiler."""

from __future__ import annotations

import logging
import types
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import torch
from torch import Tensor

BACKEND = "inductor"
"""What compiles the traced update; tests trace without compiling."""

_functions: dict[Hashable, Callable[..., None] | None] = {}
_log = logging.getLogger(__name__)


def run_compiled(
    update: Callable[..., None],
    form: type,
    phase: Hashable,
    lists: Sequence[list[Tensor]],
    scalars: Sequence[Tensor],
) -> bool:
    """Run ``update(form, phase, lists, scalars)`` compiled; False, with nothing done, where it cannot be compiled.

    The first call for a phase and a list of shapes compiles: seconds to a minute. A missing or failing compiler is
    remembered and not tried again.
    """
    from torch._dynamo.exc import TorchDynamoException

    # AOT autograd loses what is written to a 0-d float64 tensor on CPU (torch 2.13), so that there are none
    given = [[t.view(1) if t.dim() == 0 else t for t in ts] for ts in lists]
    xs = given[0]
    key = (BACKEND, update, phase, xs[0].device, xs[0].dtype, tuple(x.shape for x in xs), len(lists))
    if key not in _functions:
        _functions[key] = _own_function(update, form, phase)
    function = _functions[key]
    if function is None:
        return False
    try:
        function(given, scalars)
    except TorchDynamoException as error:  # raised while compiling, before anything has run
        _log.info("%s is not compiled: %s", getattr(update, "__name__", update), error)
        _functions[key] = None
        return False
    return True


def _own_function(update: Callable[..., None], form: type, phase: Hashable) -> Callable[..., None] | None:
    """A compiled function with a code object of its own: Dynamo gives up after 8 variants of one code object."""

    def run(lists: Any, scalars: Any) -> None:
        update(form, phase, lists, scalars)

    own = types.FunctionType(run.__code__.replace(), run.__globals__, run.__name__, None, run.__closure__)
    # Dynamo's guards have looked at sizes already
    options: dict[str, Any] | None = {"size_asserts": False} if BACKEND == "inductor" else None
    try:
        compiled: Callable[..., None] = torch.compile(
            own, backend=BACKEND, dynamic=False, fullgraph=True, options=options
        )
    except RuntimeError as error:  # this Python or platform has no torch.compile
        _log.info("torch.compile is not available: %s", error)
        return None
    return compiled
