"""A multilayer perceptron for small images."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn


class MLP(nn.Module):
    """Two hidden layers of 128 ReLU units.

    Input (batch, ...) with 64 numbers an example, output (batch, classes) logits; 26,122 parameters with the defaults.
    """

    def __init__(self, inputs: int = 64, hidden: tuple[int, ...] = (128, 128), classes: int = 10) -> None:
        super().__init__()
        sizes = (inputs, *hidden, classes)
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))

    def forward(self, x: Tensor) -> Tensor:
        """Logits of a batch of images."""
        x = x.flatten(1)
        for layer in self.layers[:-1]:
            x = torch.relu(layer(x))
        logits: Tensor = self.layers[-1](x)
        return logits

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the weights from ``generator``: He's normal for hidden layers, uniform ±1/√fan-in for the last; biases 0."""
        *hidden, head = self.layers
        for layer in hidden:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)  # type: ignore[arg-type]
        bound = int(head.in_features) ** -0.5  # type: ignore[arg-type]
        nn.init.uniform_(head.weight, -bound, bound, generator=generator)  # type: ignore[arg-type]
        for layer in self.layers:
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
