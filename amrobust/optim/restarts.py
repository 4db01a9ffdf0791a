"""Restarts after a large drop of the learning rate, whatever scheduler made it."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
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
