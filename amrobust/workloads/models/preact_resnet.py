"""The pre-activation residual network (He et al., 2016b) for CIFAR."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from amrobust.workloads.models import initial
from amrobust.workloads.models.resnet import convolution


class PreActBlock(nn.Module):
    """Batch norm and ReLU before each of two 3 × 3 convolutions; a projecting shortcut starts at the activated input."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.conv1 = convolution(inputs, width, 3, stride)
        self.norm2 = nn.BatchNorm2d(width)
        self.conv2 = convolution(width, width, 3)
        self.shortcut = None if stride == 1 and inputs == width else convolution(inputs, width, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, h, w) to (batch, width, h/stride, w/stride)."""
        y = torch.relu(self.norm1(x))
        straight = x if self.shortcut is None else self.shortcut(y)
        y = self.conv2(torch.relu(self.norm2(self.conv1(y))))
        total: Tensor = y + straight
        return total


class PreActResNet18(nn.Module):
    """Stem convolution, four stages of two blocks, global average, linear; 11,171,146 parameters at 10 classes.

    Without a batch norm after the last block, as in the implementation that the paper follows (Appendix D.1).
    Input (batch, 3, height, width), output (batch, classes) logits.
    """

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.conv = convolution(3, 64, 3)
        shapes = [(64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)]
        self.blocks = nn.Sequential(
            *(
                block
                for inputs, width, stride in shapes
                for block in (PreActBlock(inputs, width, stride), PreActBlock(width, width, 1))
            )
        )
        self.head = nn.Linear(512, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of a batch of images."""
        logits: Tensor = self.head(self.blocks(self.conv(x)).mean(dim=(2, 3)))
        return logits

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the weights from ``generator`` as PyTorch's default does."""
        initial.uniform_by_fan_in(self, generator)
