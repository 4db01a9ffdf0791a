"""Batch-norm statistics at the point where the parameters are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import update_bn


@contextmanager
def batch_norm_statistics(
    model: nn.Module, batches: Iterable[Any], device: torch.device | int | None = None
) -> Iterator[None]:
    """Within this context the batch norms of ``model`` hold the statistics of ``batches``; afterwards those they had.

    During training they follow the iterate, and option II is another point. As in the paper's implementation they are left
    alone by default; this is the recomputation on request::

        with optimizer.output_point(), batch_norm_statistics(model, train_loader):
            evaluate(model)

    ``batches`` are inputs, or tuples or lists that begin with them, as for :func:`torch.optim.swa_utils.update_bn`, which
    does the pass: in training mode, without gradients, each batch with equal weight. Modes of modules and the random
    number generators of torch are put back too. A model without batch norm makes no pass.
    """
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    buffers = [(buffer, buffer.clone()) for norm in norms for buffer in norm.buffers(recurse=False)]
    used = {p.device.index for p in model.parameters() if p.is_cuda}
    try:
        with (
            _settings_kept(model, norms),
            torch.random.fork_rng([index for index in used if index is not None]),
        ):
            update_bn(batches, model, device)
        yield
    finally:
        with torch.no_grad():
            for buffer, value in buffers:
                buffer.copy_(value)


@contextmanager
def _settings_kept(model: nn.Module, norms: list[_BatchNorm]) -> Iterator[None]:
    """``update_bn`` sets every module to the mode of the model, and loses the momenta where a batch fails."""
    modes = [(module, module.training) for module in model.modules()]
    momenta = [(norm, norm.momentum) for norm in norms]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
        for norm, momentum in momenta:
            norm.momentum = momentum
