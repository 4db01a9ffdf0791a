"""ResNet-8: the CIFAR form of residual networks with one block a stage, for images of about 8 × 8 pixels."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Block(nn.Module):
    """Two 3 × 3 convolutions with batch norm, and a shortcut that is a 1 × 1 convolution where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        """The block's output, after the last ReLU."""
        out = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(self.norm2(self.conv2(out)) + self.shortcut(x))


class SmallResNet(nn.Module):
    """A 3 × 3 convolution, three blocks of 16, 32 and 64 channels (He et al., 2016, section 4.2, with n = 1), average, linear.

    Input (batch, 1, height, width), output (batch, classes) logits; 77,754 parameters with the defaults.
    """

    def __init__(self, classes: int = 10, channels: tuple[int, ...] = (16, 32, 64)) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, channels[0], 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels[0])
        widths = (channels[0], *channels)
        self.blocks = nn.Sequential(
            *(
                Block(inputs, outputs, 1 if stage == 0 else 2)
                for stage, (inputs, outputs) in enumerate(zip(widths, channels, strict=False))
            )
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(channels[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of a batch of images."""
        x = self.blocks(torch.relu(self.norm(self.conv(x))))
        logits: Tensor = self.head(self.pool(x).flatten(1))
        return logits

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the weights from ``generator``: He's normal for convolutions, uniform ±1/√fan-in for the linear layer."""
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
        bound = self.head.in_features**-0.5
        nn.init.uniform_(self.head.weight, -bound, bound, generator=generator)
        nn.init.zeros_(self.head.bias)
