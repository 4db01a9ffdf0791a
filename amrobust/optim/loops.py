"""What a training loop may add: restarts after drops of the rate, the point for evaluation, batch-norm statistics there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from amrobust.optim.base import RestartPoint, RuleOptimizer

SEEN = "lr_at_last_step"
"""The key of a parameter group that holds the learning rate of its last step, so that a resumed training knows it too."""


def restart_on_drop(
    optimizer: RuleOptimizer,
    factor: float = 5.0,
    *,
    at: RestartPoint = "iterate",
    model: nn.Module | None = None,
) -> RemovableHandle:
    """Restart a parameter group before the first step whose learning rate is at most 1/``factor`` of its last step's.

    The learning rate is read where every scheduler puts it, in the groups, at each step: a drop by 10 restarts once, a
    cosine or a halving (for ``factor`` above 2) never. ``at`` and ``model`` are as in
    :meth:`RuleOptimizer.restart`. What was last seen
    is kept in the state dict: a training that is resumed between a drop and the next step restarts as it would have.

    Call it before loading a state dict or after, but once. Returns a handle whose ``remove()`` ends the watch. Raises
    ValueError unless ``factor`` is above 1.

    Example:
        >>> import torch
        >>> from amrobust.optim import AM1SGD
        >>> model = torch.nn.Linear(2, 1)
        >>> optimizer = AM1SGD(model.parameters(), lr=0.1)
        >>> schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [30, 60])
        >>> watch = restart_on_drop(optimizer, factor=10)
    """
    if not factor > 1:
        raise ValueError(f"Invalid factor: {factor} (must be above 1)")

    def before_step(_: Any, args: Any, kwargs: Any) -> None:
        dropped = []
        for group in optimizer.param_groups:
            lr = float(group["lr"]) if isinstance(group["lr"], Tensor) else group["lr"]
            # 0.1 · 0.1 is above 0.01: a drop by exactly the factor must count
            if SEEN in group and lr < group[SEEN] and lr * factor <= group[SEEN] * (1 + 1e-6):
                dropped.append(group)
            group[SEEN] = lr
        if dropped:
            optimizer.restart(at, groups=dropped, model=model)

    return optimizer.register_step_pre_hook(before_step)


def batch_norms(model: nn.Module) -> list[_BatchNorm]:
    """The batch norms of ``model`` that keep running statistics."""
    return [
        module
        for module in model.modules()
        if isinstance(module, _BatchNorm) and module.running_mean is not None
    ]


def has_modes(optimizer: Optimizer | type[Optimizer]) -> bool:
    """Whether an optimizer puts another point into the parameters for evaluation: by ``eval()``, which ``train()`` undoes."""
    return all(callable(getattr(optimizer, name, None)) for name in ("train", "eval"))


@contextmanager
def evaluation_point(optimizer: Optimizer) -> Iterator[None]:
    """Within this context ``optimizer.eval()`` has put its evaluation point into the parameters; afterwards they are as before.

    Schedule-free methods are of this kind. Their ``train()`` comes back to the training point up to rounding: that is called,
    for what else it does, and the parameters are put back bit for bit, so that how often a training is measured changes
    nothing of it.
    """
    modes: Any = optimizer
    kept = [(p, p.detach().clone()) for group in optimizer.param_groups for p in group["params"]]
    modes.eval()
    try:
        yield
    finally:
        modes.train()
        with torch.no_grad():
            for p, value in kept:
                p.copy_(value)


@contextmanager
def batch_norm_statistics(
    model: nn.Module,
    batches: Iterable[Any],
    device: torch.device | int | None = None,
    *,
    forward: Callable[[Any], Any] | None = None,
) -> Iterator[None]:
    """Within this context the batch norms of ``model`` hold the statistics of ``batches``; afterwards those they had.

    During training they follow the iterate, and lag behind it where the learning rate is large; option II is another point
    altogether. In the usual measurement, as in the paper's implementation, they are left alone; this is the other one::

        with optimizer.output_point(), batch_norm_statistics(model, islice(train_loader, 10)):
            evaluate(model)

    A running mean becomes the mean over batches of the batches' means, a running variance that of their unbiased variances:
    each batch has equal weight. ``batches`` are inputs, or tuples or lists that begin with them, as for
    :func:`torch.optim.swa_utils.update_bn`, and ``forward`` what is done to them, the model itself by default. The pass is made
    without gradients, the batch norms in training mode and every other module in evaluation mode, as it is when the model is
    evaluated: dropout draws nothing. Modes of modules and momenta are put back; a model without batch norm makes no pass, and
    where there are no batches its statistics stay as they were.
    """
    norms = batch_norms(model)
    buffers = [(buffer, buffer.clone()) for norm in norms for buffer in norm.buffers(recurse=False)]
    try:
        if norms:
            with _gathering(model, norms), torch.no_grad():
                for number, batch in enumerate(batches):
                    inputs = batch[0] if isinstance(batch, (tuple, list)) else batch
                    for norm in norms if number == 0 else ():
                        norm.reset_running_stats()
                    (forward or model)(inputs if device is None else inputs.to(device))
        yield
    finally:
        with torch.no_grad():
            for buffer, value in buffers:
                buffer.copy_(value)


@contextmanager
def _gathering(model: nn.Module, norms: list[_BatchNorm]) -> Iterator[None]:
    """Within this context the batch norms take cumulative averages, and all else is in evaluation mode."""
    modes = [(module, module.training) for module in model.modules()]
    momenta = [(norm, norm.momentum) for norm in norms]
    try:
        model.eval()
        for norm in norms:
            norm.training, norm.momentum = True, None  # None: every batch has equal weight
        yield
    finally:
        for module, training in modes:
            module.training = training
        for norm, momentum in momenta:
            norm.momentum = momentum
