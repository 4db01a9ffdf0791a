"""Networks for images of about 8 × 8 pixels: a multilayer perceptron, and a convolutional one with batch normalisation."""

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


class SmallCNN(nn.Module):
    """Two blocks of 3 × 3 convolution, batch norm and ReLU, 2 × 2 max-pooling between them, global average, linear.

    Input (batch, 1, height, width), output (batch, classes) logits; 5,178 parameters with the defaults.
    """

    def __init__(self, classes: int = 10, channels: tuple[int, int] = (16, 32)) -> None:
        super().__init__()
        first, second = channels
        self.conv1 = nn.Conv2d(1, first, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(first)
        self.conv2 = nn.Conv2d(first, second, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(second)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(second, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of a batch of images."""
        x = torch.relu(self.norm1(self.conv1(x)))
        x = nn.functional.max_pool2d(x, 2)
        x = torch.relu(self.norm2(self.conv2(x)))
        logits: Tensor = self.head(self.pool(x).flatten(1))
        return logits

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the weights from ``generator``: He's normal for convolutions, uniform ±1/√fan-in for the linear layer."""
        for layer in (self.conv1, self.conv2):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
        bound = self.head.in_features**-0.5
        nn.init.uniform_(self.head.weight, -bound, bound, generator=generator)
        nn.init.zeros_(self.head.bias)
