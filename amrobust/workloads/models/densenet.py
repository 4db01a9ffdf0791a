"""The densely connected network (Huang et al., 2017), DenseNet-BC with 121 layers, for CIFAR."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from amrobust.workloads.models.resnet import convolution, uniform_by_fan_in


class DenseLayer(nn.Module):
    """A 1 × 1 convolution to four times the growth and a 3 × 3 one to the growth, each after batch norm and ReLU.

    The result stands before the input in the output's channels.
    """

    def __init__(self, inputs: int, growth: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.conv1 = convolution(inputs, 4 * growth, 1)
        self.norm2 = nn.BatchNorm2d(4 * growth)
        self.conv2 = convolution(4 * growth, growth, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, h, w) to (batch, growth + inputs, h, w)."""
        y = self.conv1(torch.relu(self.norm1(x)))
        y = self.conv2(torch.relu(self.norm2(y)))
        return torch.cat([y, x], dim=1)


class Transition(nn.Module):
    """Batch norm, ReLU, a 1 × 1 convolution that reduces the channels, and 2 × 2 average pooling."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(inputs)
        self.conv = convolution(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, h, w) to (batch, outputs, h/2, w/2)."""
        return nn.functional.avg_pool2d(self.conv(torch.relu(self.norm(x))), 2)


class DenseNet121(nn.Module):
    """Growth 32, blocks of 6, 12, 24 and 16 layers, reduction 0.5; 7,048,548 parameters at 100 classes.

    Input (batch, 3, height, width) with height and width divisible by 8, output (batch, classes) logits.
    """

    def __init__(self, classes: int = 100, growth: int = 32) -> None:
        super().__init__()
        channels = 2 * growth
        self.conv = convolution(3, channels, 3)
        stages: list[nn.Module] = []
        for depth in (6, 12, 24, 16):
            if stages:
                stages.append(Transition(channels, channels // 2))
                channels //= 2
            for _ in range(depth):
                stages.append(DenseLayer(channels, growth))
                channels += growth
        self.stages = nn.Sequential(*stages)
        self.norm = nn.BatchNorm2d(channels)
        self.head = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of a batch of images."""
        x = torch.relu(self.norm(self.stages(self.conv(x))))
        logits: Tensor = self.head(x.mean(dim=(2, 3)))
        return logits

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the weights from ``generator`` as PyTorch's default does."""
        uniform_by_fan_in(self, generator)
