"""Optimizers of others: torch's own by their names, any class by its path, those that packages announce.

``adamw`` is ``torch.optim.AdamW``, ``package.module:Class`` that class, and any other name an entry point of the group
``amrobust.optimizers`` whose value is a class. Each is a :class:`torch.optim.Optimizer` whose constructor takes the parameters
first and has a learning rate ``lr``, which the workload's schedule moves.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from amrobust import plugins
from amrobust.errors import UserError
from amrobust.train import arguments

if TYPE_CHECKING:
    import torch

    from amrobust.runs.spec import Spec

GROUP = "amrobust.optimizers"

IMPLEMENTATION = ("foreach", "fused", "capturable", "differentiable", "maximize")
"""Arguments that say how torch computes, or turn the problem round: no hyperparameters of a method."""


def torch_names() -> dict[str, type[torch.optim.Optimizer]]:
    """Torch's optimizers by their class's name in lower case."""
    import torch

    return {
        name.lower(): found
        for name, found in vars(torch.optim).items()
        if inspect.isclass(found)
        and issubclass(found, torch.optim.Optimizer)
        and found is not torch.optim.Optimizer
    }


def names() -> tuple[str, ...]:
    """Torch's, and those that packages announce."""
    return (*torch_names(), *plugins.announced(GROUP))


@cache
def optimizer_class(name: str, own: tuple[str, ...] = ()) -> type[torch.optim.Optimizer]:
    """The class called ``name``; ``own`` are amrobust's names, for the error's hint. Raises UserError where there is none."""
    import torch

    known = torch_names()
    announced = plugins.announced(GROUP)
    if name in known:
        return known[name]
    if plugins.is_path(name):
        found = plugins.imported(name)
    elif name in announced:
        found = plugins.load(announced[name])
    else:
        raise plugins.unknown("optimizer", name, (*own, *known, *announced))
    if not (inspect.isclass(found) and issubclass(found, torch.optim.Optimizer)):
        raise UserError(f"{name} is {found!r:.60}, not a class of torch.optim.Optimizer")
    return found


@cache
def hyperparameters(name: str) -> dict[str, Any]:
    """Its hyperparameters with the constructor's defaults, ``inspect.Parameter.empty`` where it has none.

    An argument with a pair as its default is two: ``betas`` is ``beta1`` and ``beta2``.
    """
    found = arguments.expanded(_arguments(name))
    if "lr" not in found:
        raise UserError(f"{name} has no learning rate lr, which the schedules of workloads move")
    return found


def build(spec: Spec, params: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
    """The optimizer of ``spec`` on ``params``."""
    given = arguments.collected(_arguments(spec.optimizer), spec.hyperparameters)
    return optimizer_class(spec.optimizer)(params, **given)


def check(spec: Spec, network: torch.nn.Module) -> None:
    """One step on ``network``, with gradients of zeros. Raises UserError where the optimizer cannot train it."""
    import torch

    step = inspect.signature(optimizer_class(spec.optimizer).step).parameters
    closure = step.get("closure")
    if closure is not None and closure.default is inspect.Parameter.empty:
        raise UserError(
            f"{spec.optimizer} evaluates the loss itself (its step needs a closure): no workload trains so"
        )
    params = [param for param in network.parameters() if param.requires_grad]
    for param in params:
        param.grad = torch.zeros_like(param)
    try:
        build(spec, params).step()
    except Exception as error:
        lines = str(error).splitlines() or [type(error).__name__]
        raise UserError(f"{spec.optimizer} cannot train {spec.workload} so: {lines[0]}") from error


@cache
def _arguments(name: str) -> dict[str, Any]:
    """The constructor's arguments after the parameters, with their defaults."""
    found = list(inspect.signature(optimizer_class(name).__init__).parameters.values())[2:]
    return arguments.plain(found, leave_out=IMPLEMENTATION)
