"""Residual networks (He et al., 2016a) for CIFAR and ImageNet, and a small one for either one or three channels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def convolution(inputs: int, outputs: int, size: int, stride: int = 1) -> nn.Conv2d:
    """A convolution without bias that keeps height and width, but for its stride."""
    return nn.Conv2d(inputs, outputs, size, stride=stride, padding=size // 2, bias=False)


class BasicBlock(nn.Module):
    """Two 3 × 3 convolutions, each with batch norm, added to the shortcut; ReLU after the first and after the sum."""

    expansion = 1

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = convolution(inputs, width, 3, stride)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = convolution(width, width, 3)
        self.norm2 = nn.BatchNorm2d(width)
        self.shortcut = projection(inputs, width, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, h, w) to (batch, width, h/stride, w/stride)."""
        y = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


class Bottleneck(nn.Module):
    """1 × 1, 3 × 3 (with the stride) and 1 × 1 convolutions, the last four times as wide, added to the shortcut."""

    expansion = 4

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = self.expansion * width
        self.conv1 = convolution(inputs, width, 1)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = convolution(width, width, 3, stride)
        self.norm2 = nn.BatchNorm2d(width)
        self.conv3 = convolution(width, outputs, 1)
        self.norm3 = nn.BatchNorm2d(outputs)
        self.shortcut = projection(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, inputs, h, w) to (batch, 4 width, h/stride, w/stride)."""
        y = torch.relu(self.norm1(self.conv1(x)))
        y = torch.relu(self.norm2(self.conv2(y)))
        return torch.relu(self.norm3(self.conv3(y)) + self.shortcut(x))


def projection(inputs: int, outputs: int, stride: int) -> nn.Module:
    """The shortcut: the identity where shapes agree, else a 1 × 1 convolution and batch norm."""
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    return nn.Sequential(convolution(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))


class ResNet(nn.Module):
    """Stem, stages of residual blocks, global average, linear; from the second stage on each one halves height and width.

    ``widths[i]`` and ``depths[i]`` are the width and the number of blocks of stage i. The CIFAR stem is one 3 × 3
    convolution; ``imagenet`` chooses the 7 × 7 convolution of stride 2 with max-pooling. Input (batch, channels, height,
    width), output (batch, classes) logits.
    """

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        depths: Sequence[int],
        widths: Sequence[int] = (64, 128, 256, 512),
        *,
        classes: int,
        channels: int = 3,
        imagenet: bool = False,
    ) -> None:
        super().__init__()
        self.imagenet = imagenet
        self.conv = (
            nn.Conv2d(channels, widths[0], 7, stride=2, padding=3, bias=False)
            if imagenet
            else convolution(channels, widths[0], 3)
        )
        self.norm = nn.BatchNorm2d(widths[0])
        blocks: list[nn.Module] = []
        inputs = widths[0]
        for stage, (depth, width) in enumerate(zip(depths, widths, strict=True)):
            for index in range(depth):
                blocks.append(block(inputs, width, stride=2 if stage > 0 and index == 0 else 1))
                inputs = block.expansion * width
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(inputs, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of a batch of images."""
        x = torch.relu(self.norm(self.conv(x)))
        if self.imagenet:
            x = nn.functional.max_pool2d(x, 3, stride=2, padding=1)
        logits: Tensor = self.head(self.blocks(x).mean(dim=(2, 3)))
        return logits

    def initialise(self, generator: torch.Generator) -> None:
        """Draw the weights from ``generator``: PyTorch's default for CIFAR, He's normal by fan-out for ImageNet."""
        if self.imagenet:
            he_by_fan_out(self, generator)
        else:
            uniform_by_fan_in(self, generator)


def resnet8(classes: int = 10, channels: int = 3) -> ResNet:
    """Three stages of one block, 16, 32 and 64 wide: 78,042 parameters with the defaults, 77,754 with one channel."""
    return ResNet(BasicBlock, (1, 1, 1), (16, 32, 64), classes=classes, channels=channels)


def resnet18(classes: int = 10) -> ResNet:
    """For CIFAR: 11,173,962 parameters at 10 classes."""
    return ResNet(BasicBlock, (2, 2, 2, 2), classes=classes)


def resnet34(classes: int = 10) -> ResNet:
    """For CIFAR: 21,282,122 parameters at 10 classes."""
    return ResNet(BasicBlock, (3, 4, 6, 3), classes=classes)


def resnet50(classes: int = 1000) -> ResNet:
    """For ImageNet: 25,557,032 parameters at 1,000 classes."""
    return ResNet(Bottleneck, (3, 4, 6, 3), classes=classes, imagenet=True)


def resnet152(classes: int = 1000) -> ResNet:
    """For ImageNet: 60,192,808 parameters at 1,000 classes."""
    return ResNet(Bottleneck, (3, 8, 36, 3), classes=classes, imagenet=True)


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
        uniform_by_fan_in(self, generator)


def uniform_by_fan_in(model: nn.Module, generator: torch.Generator) -> None:
    """Weights and biases of convolutions and linear layers uniform on ±1/√fan-in, in the order of the modules.

    PyTorch's own default, which the paper's CIFAR networks start from (Appendix D.1). Batch norms keep weight 1, bias 0.
    """
    for layer in model.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            _uniform(layer, generator)


def he_by_fan_out(model: nn.Module, generator: torch.Generator) -> None:
    """Convolutions normal with variance 2/fan-out (He et al., 2015), linear layers uniform on ±1/√fan-in.

    As the ImageNet networks of PyTorch's examples start, which the paper follows there (Appendix D.1).
    """
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu", generator=generator)
        elif isinstance(layer, nn.Linear):
            _uniform(layer, generator)


def _uniform(layer: nn.Conv2d | nn.Linear, generator: torch.Generator) -> None:
    bound = layer.weight[0].numel() ** -0.5
    nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
    if layer.bias is not None:
        nn.init.uniform_(layer.bias, -bound, bound, generator=generator)
