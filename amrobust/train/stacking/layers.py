"""Layers whose parameters carry a leading seed axis. Each computes for every seed what torch's layer computes for one.

The activations of all seeds lie in one tensor, so that a model's own ``forward`` can work on it unchanged, in one of two ways.
"channels": (batch, S·channels, ...), the seeds side by side among the channels. A convolution of all seeds is then one grouped
convolution and batch norm is torch's own, both with channels last in memory; what joins channels mixes up the seeds.
"batch": (S·batch, ...), the seeds one after the other along the batch. Whatever treats examples alike works.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

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


class CannotStack(Exception):
    """A model or optimizer has to be trained one seed at a time; the message says why."""


class StackedLayer(nn.Module):
    """A layer of S seeds.

    ``bind`` gives it the tensors (S, *shape) that stand for the parameters and buffers of the layer that it was made from,
    under the same names; those that the layer lacks are None.
    """

    seeds: int
    arrangement: Arrangement
    names: tuple[str, ...] = ("weight", "bias")

    def __init__(self, arrangement: Arrangement) -> None:
        super().__init__()
        self.arrangement = arrangement
        for name in self.names:
            self.bind(name, None)

    def bind(self, name: str, tensor: Tensor | None) -> None:
        """Use ``tensor`` as ``name`` from here on."""
        object.__setattr__(self, name, tensor)

    def separated(self, x: Tensor) -> Tensor:
        """The activations (S, batch, ...) in ``x``."""
        return separate(x, self.seeds, self.arrangement)

    def arranged(self, parts: Tensor) -> Tensor:
        """One tensor of the activations (S, batch, ...)."""
        return arrange(parts, self.arrangement)

    def to_channels(self, x: Tensor) -> Tensor:
        """``x`` with the seeds among the channels."""
        return x if self.arrangement == "channels" else arrange(self.separated(x), "channels")

    def from_channels(self, x: Tensor) -> Tensor:
        """``x``, which has the seeds among the channels, arranged as this layer's model is."""
        return x if self.arrangement == "channels" else self.arranged(separate(x, self.seeds, "channels"))


def flat(tensor: Tensor | None) -> Tensor | None:
    """(S, channels, ...) as (S·channels, ...)."""
    return None if tensor is None else tensor.flatten(0, 1)


def joined(weight: Tensor) -> Tensor:
    """Weights (S, outputs, inputs, ...) as (S·outputs, inputs, ...); those of images with channels last in memory."""
    if weight.ndim != 5:
        return weight.flatten(0, 1)
    return weight.permute(0, 1, 3, 4, 2).flatten(0, 1).permute(0, 3, 1, 2)


class StackedConv(StackedLayer):
    """A convolution of each seed as one grouped convolution."""

    weight: Tensor
    bias: Tensor | None

    def __init__(self, layer: nn.Conv1d | nn.Conv2d, arrangement: Arrangement) -> None:
        super().__init__(arrangement)
        if layer.padding_mode != "zeros":
            raise CannotStack(f"a convolution pads with {layer.padding_mode!r}")
        self.groups = layer.groups
        self.settings = {"stride": layer.stride, "padding": layer.padding, "dilation": layer.dilation}
        self.convolve: Callable[..., Tensor] = (
            functional.conv1d if isinstance(layer, nn.Conv1d) else functional.conv2d
        )

    def forward(self, x: Tensor) -> Tensor:
        """The convolution of every seed's images with its own weight."""
        out = self.convolve(
            self.to_channels(x),
            joined(self.weight),
            flat(self.bias),
            groups=self.seeds * self.groups,
            **self.settings,
        )
        return self.from_channels(out)


class StackedBatchNorm(StackedLayer):
    """Batch norm with the statistics of each seed's own batch, and running statistics a seed."""

    weight: Tensor | None
    bias: Tensor | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None
    names = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")

    def __init__(self, layer: nn.BatchNorm1d | nn.BatchNorm2d, arrangement: Arrangement) -> None:
        super().__init__(arrangement)
        self.momentum, self.eps = layer.momentum, layer.eps

    def forward(self, x: Tensor) -> Tensor:
        """Normalised by the batch's statistics in training, by the running ones in evaluation where there are any."""
        momentum = self.momentum
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if momentum is None:
                momentum = 1 / int(self.num_batches_tracked[0])
        out = functional.batch_norm(
            self.to_channels(x),
            flat(self.running_mean),
            flat(self.running_var),
            flat(self.weight),
            flat(self.bias),
            self.training or self.running_mean is None,
            momentum or 0.0,
            self.eps,
        )
        return self.from_channels(out)


class StackedGroupNorm(StackedLayer):
    """Group norm; a seed's groups are its own."""

    weight: Tensor | None
    bias: Tensor | None

    def __init__(self, layer: nn.GroupNorm, arrangement: Arrangement) -> None:
        super().__init__(arrangement)
        self.groups, self.eps = layer.num_groups, layer.eps

    def forward(self, x: Tensor) -> Tensor:
        """Every example normalised within each of its seed's groups."""
        groups = self.seeds * self.groups
        out = functional.group_norm(self.to_channels(x), groups, flat(self.weight), flat(self.bias), self.eps)
        return self.from_channels(out)


class StackedLayerNorm(StackedLayer):
    """Layer norm over the last axes, scaled and shifted a seed."""

    weight: Tensor | None
    bias: Tensor | None

    def __init__(self, layer: nn.LayerNorm, arrangement: Arrangement) -> None:
        super().__init__(arrangement)
        self.shape, self.eps = list(layer.normalized_shape), layer.eps

    def forward(self, x: Tensor) -> Tensor:
        """Every example normalised over its last axes."""
        out = functional.layer_norm(self.separated(x), self.shape, eps=self.eps)
        for tensor, combine in ((self.weight, torch.mul), (self.bias, torch.add)):
            if tensor is not None:
                ones = [1] * (out.ndim - 1 - len(self.shape))
                out = combine(out, tensor.reshape(self.seeds, *ones, *self.shape))
        return self.arranged(out)


class StackedLinear(StackedLayer):
    """A linear layer of each seed as one batched matrix product."""

    weight: Tensor
    bias: Tensor | None

    def __init__(self, layer: nn.Linear, arrangement: Arrangement) -> None:
        super().__init__(arrangement)

    def forward(self, x: Tensor) -> Tensor:
        """xWᵀ + b of every seed, over the last axis."""
        if self.arrangement == "channels" and x.ndim != 2:
            raise CannotStack("a linear layer works on more than one axis")
        parts = self.separated(x)
        rows = parts.reshape(self.seeds, -1, parts.shape[-1])
        weight = self.weight.transpose(1, 2)
        out = (
            torch.bmm(rows, weight) if self.bias is None else torch.baddbmm(self.bias[:, None], rows, weight)
        )
        return self.arranged(out.view(*parts.shape[:-1], -1))


class StackedEmbedding(StackedLayer):
    """An embedding of each seed: one look-up in the tables joined."""

    weight: Tensor

    def __init__(self, layer: nn.Embedding, arrangement: Arrangement) -> None:
        super().__init__(arrangement)
        if layer.max_norm is not None or layer.scale_grad_by_freq or layer.sparse:
            raise CannotStack(
                "an embedding renormalises, scales its gradient by frequency, or has sparse ones"
            )
        self.padding = layer.padding_idx

    def forward(self, tokens: Tensor) -> Tensor:
        """The rows of every seed's own table; those of the padding index get no gradient."""
        parts = self.separated(tokens)
        size = self.weight.shape[1]
        first = torch.arange(0, self.seeds * size, size, device=tokens.device)
        out = functional.embedding(parts + first.view(-1, *[1] * (parts.ndim - 1)), self.weight.flatten(0, 1))
        if self.padding is not None:
            out = torch.where((parts == self.padding)[..., None], out.detach(), out)
        return self.arranged(out)


class GlobalAveragePool(StackedLayer):
    """The mean over height and width, whose gradient comes back with channels last in memory.

    torch's own gives a gradient in another layout, and everything before it then computes across two layouts.
    """

    names = ()

    def __init__(self, layer: nn.AdaptiveAvgPool2d, arrangement: Arrangement) -> None:
        super().__init__(arrangement)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width) to (batch, channels, 1, 1)."""
        out: Tensor = _GlobalMean.apply(x)  # type: ignore[no-untyped-call]
        return out


class _GlobalMean(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.size = x.shape[2:]
        return x.mean(dim=(2, 3), keepdim=True)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        height, width = ctx.size
        whole: Tensor = (gradient / (height * width)).expand(-1, -1, height, width)
        return whole.contiguous(memory_format=torch.channels_last)


def is_global_pool(layer: nn.Module) -> bool:
    """Whether ``layer`` averages over all of height and width."""
    return type(layer) is nn.AdaptiveAvgPool2d and layer.output_size in (1, (1, 1), [1, 1])


LAYERS: dict[type[nn.Module], Callable[[Any, Arrangement], StackedLayer]] = {
    nn.Conv1d: StackedConv,
    nn.Conv2d: StackedConv,
    nn.BatchNorm1d: StackedBatchNorm,
    nn.BatchNorm2d: StackedBatchNorm,
    nn.GroupNorm: StackedGroupNorm,
    nn.LayerNorm: StackedLayerNorm,
    nn.Linear: StackedLinear,
    nn.Embedding: StackedEmbedding,
}

Generators = Sequence[torch.Generator]
"""Of the dropout masks, one per seed."""
