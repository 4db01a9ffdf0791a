"""The smoke test of external workloads: their data are tensors that fit together, and their network takes them."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from amrobust.errors import AmrobustError, UserError
from amrobust.plugins import reason

if TYPE_CHECKING:
    import torch
    from torch import nn

EXAMPLES = 2
"""So many inputs are computed with."""

T = TypeVar("T")


def called(name: str, method: str, call: Callable[[], T]) -> T:
    """What ``method`` of the workload ``name`` returns. Raises UserError, with the line to look at, where it raises."""
    try:
        return call()
    except AmrobustError:
        raise
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[:2][-1]  # Below this function's: theirs.
        raise UserError(
            f"{name}: {method}() raises {reason(error)} ({Path(where.filename).name}, line {where.lineno})"
        ) from error


def require_tensors(name: str, found: Any) -> None:
    """Raise UserError unless ``found`` is inputs and integer labels, as many of each, for training and for testing."""
    import torch

    if not isinstance(found, (tuple, list)) or len(found) != 4:
        what = f"{len(found)} things" if isinstance(found, (tuple, list)) else type(found).__name__
        raise UserError(
            f"{name}: data() gives {what}: training inputs and labels, test inputs and labels are needed"
        )
    for part in found:
        if not isinstance(part, torch.Tensor):
            raise UserError(
                f"{name}: data() gives a {type(part).__name__}: four tensors are needed, such as torch.as_tensor makes"
            )
    for inputs, labels in (found[:2], found[2:]):
        several = inputs.ndim and labels.ndim and 0 < len(inputs) == len(labels)
        # Of whole numbers, torch's cross-entropy takes these.
        taken = labels.dtype == torch.int64 or (labels.dtype == torch.uint8 and labels.ndim == 1)
        if not several or not taken:
            raise UserError(
                f"{name}: data() gives inputs of shape {tuple(inputs.shape)} and labels of shape {tuple(labels.shape)} and "
                f"type {labels.dtype}: as many labels as inputs are needed, as integers (labels.long())"
            )


def require_outputs(name: str, network: nn.Module, inputs: torch.Tensor, labels: torch.Tensor) -> None:
    """Raise UserError unless ``network`` makes of ``inputs`` a number for each class that is among ``labels``."""
    import torch

    if not isinstance(network, torch.nn.Module):
        raise UserError(f"{name}: network() gives a {type(network).__name__}: a torch.nn.Module is needed")
    tried = inputs[:EXAMPLES]
    if tried.is_floating_point():
        tried = tried.to(torch.float32)
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            outputs = network.eval()(tried)
    except Exception as error:
        raise UserError(
            f"{name}: the network cannot take the inputs, of shape {tuple(inputs.shape)}: {reason(error)}"
        ) from error
    shape = tuple(outputs.shape) if isinstance(outputs, torch.Tensor) else type(outputs).__name__
    wanted = (len(tried), *labels.shape[1:])
    if not isinstance(shape, tuple) or len(shape) < 2 or (shape[0], *shape[2:]) != wanted:
        raise UserError(
            f"{name}: of inputs of shape {tuple(tried.shape)} the network makes {shape}: a tensor of a number for each class "
            f"is needed, of shape ({', '.join(map(str, (wanted[0], 'classes', *wanted[1:])))})"
        )
    least, most = int(labels.min()), int(labels.max())
    if least < 0 or most >= shape[1]:
        raise UserError(
            f"{name}: the network tells {shape[1]} classes apart, and labels go from {least} to {most}: they are numbers "
            f"from 0 to {shape[1] - 1}"
        )
