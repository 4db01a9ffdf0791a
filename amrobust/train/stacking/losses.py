"""The loss of every seed of a stack."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import cross_entropy


def losses(outputs: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy (S,) of logits (S, batch, classes, ...) and labels (S, batch, ...), a seed."""
    each = cross_entropy(outputs.flatten(0, 1), labels.flatten(0, 1), reduction="none")
    return each.view(len(outputs), -1).mean(1)
