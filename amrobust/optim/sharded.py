"""Sharded parameters: what must happen around writing to them, so that their model sees it."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from amrobust.optim import forms


def reshard(params: Iterable[Tensor], model: nn.Module | None) -> None:
    """Make ``fully_shard`` gather the parameters anew: after an evaluation its root module still holds them whole.

    Nothing is done for parameters that are not sharded. Raises RuntimeError where ``model`` is missing, and on parameters of
    ``FullyShardedDataParallel``, which are rewritten by it when their memory changes.
    """
    subclasses = []
    for p in params:
        if getattr(p, "_fsdp_flattened", False):
            raise RuntimeError(
                "the output point cannot be put into FullyShardedDataParallel's parameters: use fully_shard"
            )
        if not forms.is_plain(p):
            subclasses.append(p)
    if not subclasses or not torch.distributed.is_available():
        return
    from torch.distributed.fsdp import FSDPModule
    from torch.distributed.tensor import DTensor

    if not any(isinstance(p, DTensor) for p in subclasses):
        return
    if model is None:
        raise RuntimeError("the parameters are sharded: give the model, as in output_point(model)")
    for module in model.modules():
        if isinstance(module, FSDPModule):
            module.reshard()
