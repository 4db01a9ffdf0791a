"""Whether a model can be trained as a stack: shown by computing with one, before any is trained."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from amrobust.train.dropout import seed_dropout
from amrobust.train.stacking.layers import Arrangement, CannotStack
from amrobust.train.stacking.model import StackedModel, losses

EXAMPLES = 8
"""For each of the two seeds."""
TOLERANCE = 1e-8
"""In float64, relative to the largest entry."""


def arrangement_for(template: nn.Module, inputs: Tensor, labels: Tensor) -> Arrangement:
    """The arrangement in which a stack of ``template`` computes what the model itself does.

    Two seeds with different parameters see ``inputs`` and ``labels``, once each alone and once together, in float64: outputs in
    training and evaluation, gradients and buffers have to agree, and no random number may be drawn outside dropout layers.
    Raises CannotStack with the reason.
    """
    convolutions = any(isinstance(layer, (nn.Conv1d, nn.Conv2d)) for layer in template.modules())
    tried: tuple[Arrangement, ...] = ("channels", "batch") if convolutions else ("batch",)
    for arrangement in tried:
        try:
            _check(template, arrangement, inputs, labels)
            return arrangement
        except CannotStack as problem:
            reason = problem
    raise reason


def _check(template: nn.Module, arrangement: Arrangement, inputs: Tensor, labels: Tensor) -> None:
    examples = min(EXAMPLES, len(labels) // 2)
    x, y = (torch.unflatten(part[: 2 * examples], 0, (2, examples)) for part in (inputs, labels))
    x = x.double() if x.is_floating_point() else x
    alone = [copy.deepcopy(template).double().train() for _ in range(2)]
    jitter = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in alone[1].parameters():
            noise = torch.randn(2, *p.shape, generator=jitter, dtype=p.dtype)
            p.mul_(1 + noise[0] / 10).add_(noise[1] / 100)
    generators = [[torch.Generator().manual_seed(seed) for seed in range(2)] for _ in range(2)]
    stack = StackedModel(alone[0], arrangement, generators[0])
    rows = torch.stack([stack.row(network) for network in alone])
    buffers = stack.buffers(alone)
    stack.bind(rows, buffers, differentiable=True)
    stack.train()
    drawn = torch.get_rng_state()
    try:
        together = stack(x)
        gradients = torch.empty_like(rows)
        stack.gradients(losses(together, y), gradients)
        with torch.inference_mode():
            stack.train(False)
            evaluated = stack(x)
    except CannotStack:
        raise
    except Exception as error:
        raise CannotStack(f"its forward pass does not work on stacked seeds ({error})") from None
    if not torch.equal(drawn, torch.get_rng_state()):
        raise CannotStack("it draws random numbers outside its dropout layers")
    for seed, network in enumerate(alone):
        seed_dropout(network, generators[1][seed])
        own = network(x[seed])
        own_gradients = torch.autograd.grad(
            losses(own[None], y[seed][None]).sum(), list(network.parameters())
        )
        network.eval()
        with torch.inference_mode():
            own_evaluated = network(x[seed])
        pairs = [
            (together[seed], own),
            (gradients[seed], stack._row([part[None] for part in own_gradients])[0]),
            (evaluated[seed], own_evaluated),
            *((buffers[name][seed], buffer) for name, buffer in network.named_buffers()),
        ]
        if not all(_agree(one, other) for one, other in pairs):
            raise CannotStack("its forward pass computes something else on stacked seeds")


def _agree(one: Tensor, other: Tensor) -> bool:
    if one.shape != other.shape:
        return False
    one, other = one.detach().double(), other.detach().double()
    scale = float(other.abs().max()) if other.numel() else 0.0
    return torch.allclose(one, other, rtol=0, atol=TOLERANCE * (1 + scale))
