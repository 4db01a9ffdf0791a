"""A model made to compute with the stacked parameters of many seeds."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from amrobust.train.dropout import CHANNELS, DROPOUTS, SeededDropout
from amrobust.train.stacking.layers import (
    LAYERS,
    Arrangement,
    CannotStack,
    Generators,
    GlobalAveragePool,
    StackedBatchNorm,
    StackedLayer,
    arrange,
    is_global_pool,
    separate,
)
from amrobust.train.stacking.lstm import StackedLSTM


class _Place(NamedTuple):
    """A parameter or buffer, and every layer and name under which the model uses it."""

    tensor: Tensor
    users: list[tuple[StackedLayer, str]]

    def flat(self, tensor: Tensor) -> Tensor:
        """The numbers (S, n) of a parameter (S, *shape) as they lie in a row: weights of images with channels last."""
        return (tensor.permute(0, 1, 3, 4, 2) if tensor.ndim == 5 else tensor).flatten(1)

    def shaped(self, part: Tensor) -> Tensor:
        """The parameter (S, *shape) in its part (S, n) of the rows: the inverse of :meth:`flat`, without a copy."""
        shape = self.tensor.shape
        if len(shape) == 4:
            outputs, inputs, height, width = shape
            return part.view(-1, outputs, height, width, inputs).permute(0, 1, 4, 2, 3)
        return part.view(-1, *shape)


class StackedModel:
    """The model ``template`` for S seeds at once: inputs (S, batch, ...) to outputs (S, batch, ...).

    The parameters of all seeds are one matrix (S, D), a row per seed in the order of ``template.parameters()``; :meth:`bind`
    says which matrix. Dropout masks are drawn from ``generators``, one per seed. Raises CannotStack where a layer has no
    stacked form.
    """

    def __init__(self, template: nn.Module, arrangement: Arrangement, generators: Generators = ()) -> None:
        self.arrangement: Arrangement = arrangement
        self._layers: list[StackedLayer] = []
        if not all(p.requires_grad for p in template.parameters()):
            raise CannotStack("some of its parameters are frozen")
        self._parameters = {id(p): _Place(p, []) for p in template.parameters()}
        self._buffers = {name: _Place(b, []) for name, b in template.named_buffers()}
        self._names = {id(b): name for name, b in template.named_buffers()}
        self._generators = generators
        self._done: dict[int, nn.Module] = {}
        self.network = self._converted(template)
        self.size = sum(place.tensor.numel() for place in self._parameters.values())
        self.seeds = 0
        self._leaves: list[Tensor] = []

    def row(self, network: nn.Module) -> Tensor:
        """The row (D,) of a network with the template's shape."""
        return self._row([p.detach()[None] for p in network.parameters()])[0]

    def buffers(self, networks: Sequence[nn.Module]) -> dict[str, Tensor]:
        """The buffers (S, *shape) of networks with the template's shape."""
        states = [dict(network.named_buffers()) for network in networks]
        return {name: torch.stack([state[name] for state in states]) for name in self._buffers}

    def bind(self, rows: Tensor, buffers: Mapping[str, Tensor], *, differentiable: bool = False) -> None:
        """Compute with the parameters ``rows`` (S, D) and ``buffers`` (S, *shape), which training updates in place.

        :meth:`gradients` needs them ``differentiable``.
        """
        self.seeds = len(rows)
        for layer in self._layers:
            layer.seeds = self.seeds
        sizes = [place.tensor.numel() for place in self._parameters.values()]
        self._leaves = []
        for place, part in zip(self._parameters.values(), torch.split(rows, sizes, dim=1), strict=True):
            tensor = place.shaped(part).detach().requires_grad_(differentiable)
            self._leaves.append(tensor)
            for layer, name in place.users:
                layer.bind(name, tensor)
        for key, place in self._buffers.items():
            for layer, name in place.users:
                layer.bind(name, buffers[key])

    def gathered(
        self, rows: Tensor, buffers: Mapping[str, Tensor], batches: Iterable[Tensor]
    ) -> dict[str, Tensor]:
        """``buffers`` with the batch norms' statistics of ``batches`` (batch, ...), the same for every seed, at ``rows``.

        What :func:`amrobust.optim.batch_norm_statistics` makes of each seed: without gradients, each batch with equal weight,
        the batch norms in training mode and everything else in evaluation mode. ``buffers`` stay as they are.
        """
        norms = [
            layer
            for layer in self._layers
            if isinstance(layer, StackedBatchNorm) and layer.running_mean is not None
        ]
        found = {name: buffer.clone() for name, buffer in buffers.items()}
        for key, place in self._buffers.items():
            for layer, name in place.users:
                if layer in norms:
                    found[key].fill_(1 if name == "running_var" else 0)
        self.bind(rows, found)
        self.train(False)
        momenta = [norm.momentum for norm in norms]
        for norm in norms:
            norm.training, norm.momentum = True, None  # None: every batch has equal weight
        try:
            with torch.no_grad():
                for images in batches:
                    self(images.expand(self.seeds, *images.shape))
        finally:
            for norm, momentum in zip(norms, momenta, strict=True):
                norm.training, norm.momentum = False, momentum
        return found

    def gradients(self, losses: Tensor, into: Tensor) -> None:
        """Write the gradient of each seed's loss, of ``losses`` (S,), to its row of ``into`` (S, D)."""
        parts = torch.autograd.grad(losses.sum(), self._leaves)
        self._row(parts, into)

    def _row(self, tensors: Sequence[Tensor], into: Tensor | None = None) -> Tensor:
        """Parameters (S, *shape), or their gradients, as rows (S, D)."""
        parts = [place.flat(tensor) for place, tensor in zip(self._parameters.values(), tensors, strict=True)]
        return torch.cat(parts, dim=1, out=into)

    def train(self, mode: bool = True) -> None:
        """Switch between training and evaluation."""
        self.network.train(mode)

    def __call__(self, inputs: Tensor) -> Tensor:
        """The outputs (S, batch, ...) for ``inputs`` (S, batch, ...)."""
        out = self.network(arrange(inputs, self.arrangement))
        if not isinstance(out, Tensor):
            raise CannotStack("the model gives more than one tensor")
        return separate(out, self.seeds, self.arrangement)

    def _converted(self, module: nn.Module) -> nn.Module:
        """A module like ``module`` with every layer that has parameters, or draws numbers, replaced by its stacked form."""
        if id(module) not in self._done:
            self._done[id(module)] = self._replacement(module) or self._container(module)
        return self._done[id(module)]

    def _replacement(self, module: nn.Module) -> nn.Module | None:
        kind = type(module)
        layer: StackedLayer
        if isinstance(module, DROPOUTS):
            return SeededDropout(
                module.p,
                self._generators,
                channels=isinstance(module, CHANNELS),
                dim=1 if self.arrangement == "channels" else 0,
            )
        if kind in LAYERS:
            layer = LAYERS[kind](module, self.arrangement)
        elif kind is nn.LSTM:
            layer = StackedLSTM(module, self.arrangement, self._generators)  # type: ignore[arg-type]
        elif is_global_pool(module):
            layer = GlobalAveragePool(module, self.arrangement)  # type: ignore[arg-type]
        else:
            return None
        if module._forward_hooks or module._forward_pre_hooks:
            raise CannotStack(f"a {kind.__name__} layer has hooks")
        for name, parameter in module.named_parameters(recurse=False):
            self._parameters[id(parameter)].users.append((layer, name))
        for name, buffer in module.named_buffers(recurse=False):
            self._buffers[self._names[id(buffer)]].users.append((layer, name))
        self._layers.append(layer)
        return layer

    def _container(self, module: nn.Module) -> nn.Module:
        own = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
        if own:
            raise CannotStack(f"there is no stacked form of {type(module).__name__}, which has {own[0][0]!r}")
        shell = copy.copy(module)
        shell._modules = {name: child and self._converted(child) for name, child in module._modules.items()}
        return shell


def losses(outputs: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy (S,) of logits (S, batch, classes, ...) and labels (S, batch, ...), a seed."""
    each = cross_entropy(outputs.flatten(0, 1), labels.flatten(0, 1), reduction="none")
    return each.view(len(outputs), -1).mean(1)
