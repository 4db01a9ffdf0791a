"""Optimizers of others: torch's own by their names, any class by its path, those that packages announce.

``adamw`` is ``torch.optim.AdamW``, ``package.module:Class`` that class, and any other name an entry point of the group
``amrobust.optimizers`` whose value is a class. Each is a :class:`torch.optim.Optimizer` whose constructor takes the parameters
first and has a learning rate ``lr``, which the workload's schedule moves. One with ``train()`` and ``eval()``, such as the
schedule-free methods, has two outputs: I, the point of training, and II, that which ``eval()`` puts into the parameters. One
whose step evaluates the loss itself (L-BFGS, SAM) gets a closure that does so on the batch at hand.
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
    others: Mapping[str, Any] = field(default_factory=dict)
    """The defaults of arguments that no command line and no record has a word for: functions, classes, tensors."""
    known: tuple[str, ...] = ()
    """What can run on convex problems, for the error's hint."""

    def defaults(self, of_workload: Mapping[str, float | int]) -> dict[str, Any]:
        """The constructor's own, ``inspect.Parameter.empty`` where it has none."""
        return arguments.expanded(self.arguments)

    def resolve(self, given: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
        """As :class:`Optimizer`."""
        for argument in given.keys() & self.others.keys():
            default = self.others[argument]
            what = "a function" if inspect.isroutine(default) else f"of type {type(default).__name__}"
            raise UserError(
                f"{self.name}: {argument!r}, which is {what}, can only be set in a class of your own, by its path"
            )
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
        found: Any = made(params, **arguments.collected(self.arguments, spec.hyperparameters))
        if "II" in self.outputs:
            found.train()
        return found  # type: ignore[no-any-return]

    def needs_closure(self, spec: Spec) -> bool:
        """As :class:`Optimizer`: where its step cannot be called without one, but with one."""
        import torch

        params = [torch.nn.Parameter(torch.zeros(shape)) for shape in ((3, 2), (2,))]
        try:
            return self._smoke_test(spec, params)
        except Exception:
            return False  # What is wrong with it is not the closure.

    def check(self, spec: Spec) -> None:
        """One step on the network, with gradients of zeros. Raises UserError where the optimizer cannot train it."""
        from amrobust.train.network import network_at_x0

        params = [param for param in network_at_x0(spec).parameters() if param.requires_grad]
        try:
            self._smoke_test(spec, params)
        except Exception as error:
            lines = str(error).splitlines() or [type(error).__name__]
            message = f"{self.name} cannot train {spec.workload} so: {lines[0]}"
            if self._trains(spec, [param for param in params if param.ndim == 2]):
                message += f"; it trains matrices: take {self.name}+adamw, whose adamw trains the rest"
            raise UserError(message) from error

    def _trains(self, spec: Spec, params: list[torch.nn.Parameter]) -> bool:
        try:
            self._smoke_test(spec, params)
            return True
        except Exception:
            return False

    def _smoke_test(self, spec: Spec, params: list[torch.nn.Parameter]) -> bool:
        """One step with gradients of zeros, without a closure or, where that raises an exception, with one: whether it was so.

        Raises the exception of the step without a closure where neither can be taken.
        """
        import torch

        def closure() -> torch.Tensor:
            for param in params:
                param.grad = torch.zeros_like(param)
            return torch.zeros(())

        closure()
        given: Any = [(str(number), p) for number, p in enumerate(params)] if self.takes_names else params
        made: Any = self.build(spec, given, 0)
        try:
            made.step()
            return False
        except Exception as error:
            without = error
        try:
            made = self.build(spec, given, 0)
            closure()
            made.step(closure)
            return True
        except Exception:
            raise without from None


def find(name: str, known: tuple[str, ...]) -> TorchOptimizer:
    """The optimizer of others called ``name``; ``known`` are amrobust's names, for hints. Raises UserError on no such one.

    An argument with a pair as its default is two hyperparameters: ``betas`` is ``beta1`` and ``beta2``.
    """
    from amrobust.optim.loops import has_modes

    kind = optimizer_class(name, known)
    after_parameters = list(inspect.signature(kind.__init__).parameters.values())[2:]
    found = arguments.plain(after_parameters, leave_out=IMPLEMENTATION)
    named = arguments.expanded(found)
    if "lr" not in named:
        raise UserError(f"{name} has no learning rate lr, which the schedules of workloads move")
    outputs = ("I", "II") if has_modes(kind) else ("I",)
    others = {
        argument.name: argument.default
        for argument in after_parameters
        if argument.default is not arguments.MISSING and argument.name not in (*found, *IMPLEMENTATION)
    }
    return TorchOptimizer(
        name, tuple(named), outputs, takes_names=getattr(kind, "takes_names", False), kind=kind, arguments=found,
        others=others, known=known,
    )  # fmt: skip
