"""Initial weights drawn from an explicit generator, so that x0 depends on nothing else."""

from __future__ import annotations

import torch
from torch import nn


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
