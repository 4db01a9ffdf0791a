"""Optimizers of others: torch's own by their names, any class by its path, those that packages announce.

``adamw`` is ``torch.optim.AdamW``, ``package.module:Class`` that class, and any other name an entry point of the group
``amrobust.optimizers`` whose value is a class. Each is a :class:`torch.optim.Optimizer` whose constructor takes the parameters
first and has a learning rate ``lr``, which the workload's schedule moves.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from amrobust import plugins
from amrobust.errors import UserError
from amrobust.runs.spec import Spec
from amrobust.train import arguments
from amrobust.train.optimizer import Optimizer
from amrobust.workloads.workload import Workload

if TYPE_CHECKING:
    import torch

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


@plugins.forgettable
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


@dataclass(frozen=True)
class TorchOptimizer(Optimizer):
    """A class of torch's, or of anybody's."""

    kind: type[torch.optim.Optimizer] = None  # type: ignore[assignment]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """The constructor's arguments after the parameters, with their defaults."""
    known: tuple[str, ...] = ()
    """What can run on convex problems, for the error's hint."""

    def defaults(self, of_workload: Mapping[str, float | int]) -> dict[str, Any]:
        """The constructor's own, ``inspect.Parameter.empty`` where it has none."""
        return arguments.expanded(self.arguments)

    def resolve(self, given: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
        """As :class:`Optimizer`."""
        return arguments.resolve(self.name, defaults, given)

    def check_workload(self, workload: Workload) -> None:
        """As :class:`Optimizer`."""
        if workload.kind == "convex":
            raise UserError(
                f"{self.name} trains networks, and {workload.name} is a convex problem: choose one of {', '.join(self.known)}"
            )

    def build(self, spec: Spec, params: Iterable[torch.nn.Parameter], seed: int) -> torch.optim.Optimizer:
        """As :class:`Optimizer`."""
        made: Any = self.kind
        found: torch.optim.Optimizer = made(
            params, **arguments.collected(self.arguments, spec.hyperparameters)
        )
        return found

    def check(self, spec: Spec) -> None:
        """One step on the network, with gradients of zeros. Raises UserError where the optimizer cannot train it."""
        import torch

        from amrobust.train.network import network_at_x0

        closure = inspect.signature(self.kind.step).parameters.get("closure")
        if closure is not None and closure.default is inspect.Parameter.empty:
            raise UserError(
                f"{self.name} evaluates the loss itself (its step needs a closure): no workload trains so"
            )
        params = [param for param in network_at_x0(spec).parameters() if param.requires_grad]
        for param in params:
            param.grad = torch.zeros_like(param)
        try:
            self.build(spec, params, 0).step()
        except Exception as error:
            lines = str(error).splitlines() or [type(error).__name__]
            raise UserError(f"{self.name} cannot train {spec.workload} so: {lines[0]}") from error


def find(name: str, known: tuple[str, ...]) -> TorchOptimizer:
    """The optimizer of others called ``name``; ``known`` are amrobust's names, for hints. Raises UserError on no such one.

    An argument with a pair as its default is two hyperparameters: ``betas`` is ``beta1`` and ``beta2``.
    """
    kind = optimizer_class(name, known)
    after_parameters = list(inspect.signature(kind.__init__).parameters.values())[2:]
    found = arguments.plain(after_parameters, leave_out=IMPLEMENTATION)
    named = arguments.expanded(found)
    if "lr" not in named:
        raise UserError(f"{name} has no learning rate lr, which the schedules of workloads move")
    return TorchOptimizer(name, tuple(named), kind=kind, arguments=found, known=known)
