"""Torch's devices by their names."""

from __future__ import annotations

import torch

from amrobust.errors import UserError


def torch_device(name: str) -> torch.device:
    """The device called ``name``, such as cpu, cuda or cuda:1, with its index. Raises UserError where torch cannot use it."""
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"torch cannot use the device {name!r} here: {reason}") from None
