"""How the activations of stacked seeds lie in one tensor, so that a model's own ``forward`` can work on it unchanged.

"channels": (batch, S·channels, ...), the seeds side by side among the channels. A convolution of all seeds is then one grouped
convolution and batch norm is torch's own, both with channels last in memory; what joins channels mixes up the seeds.
"batch": (S·batch, ...), the seeds one after the other along the batch. Whatever treats examples alike works.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Arrangement = Literal["channels", "batch"]


def arrange(parts: Tensor, arrangement: Arrangement) -> Tensor:
    """One tensor of the activations (S, batch, ...) of S seeds; images come out with channels last in memory."""
    if parts.ndim != 5:
        return parts.flatten(0, 1) if arrangement == "batch" else parts.transpose(0, 1).flatten(1, 2)
    among_channels = arrangement == "channels"
    images = (
        parts.permute(1, 3, 4, 0, 2).flatten(3)
        if among_channels
        else parts.permute(0, 1, 3, 4, 2).flatten(0, 1)
    )
    return images.contiguous().permute(0, 3, 1, 2)


def separate(x: Tensor, seeds: int, arrangement: Arrangement) -> Tensor:
    """The activations (S, batch, ...) in ``x``: the inverse of :func:`arrange`, without a copy."""
    if arrangement == "batch":
        return torch.unflatten(x, 0, (seeds, -1))
    return torch.unflatten(x, 1, (seeds, -1)).transpose(0, 1)
