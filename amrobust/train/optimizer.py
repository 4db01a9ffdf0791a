"""What a training has to know of an optimizer, whoever wrote it: amrobust's own, a torch class, an update rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from amrobust import rules
from amrobust.runs.method import Method
from amrobust.runs.spec import Spec
from amrobust.workloads.workload import Workload

if TYPE_CHECKING:
    import torch

    from amrobust.workloads.backends import Backend


@dataclass(frozen=True)
class Optimizer:
    """One name of ``--opt``; what a subclass leaves out its optimizers cannot do."""

    name: str
    hyperparameters: tuple[str, ...]
    """Their names, the learning rate first."""
    outputs: tuple[str, ...] = ("I",)
    """Those that one training of it gives: I, the iterate, and II, the output point."""
    draws_numbers: bool = False
    """Whether it draws random numbers itself: the stream ``rule``."""
    takes_names: bool = False
    """Whether it is built on pairs of a name and a parameter, as ``model.named_parameters()`` gives them."""

    def defaults(self, of_workload: Mapping[str, float | int]) -> dict[str, Any]:
        """The hyperparameters used where none are given: the workload's, and the optimizer's own over them."""
        raise NotImplementedError

    def resolve(self, given: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
        """The complete hyperparameters: those given, else ``defaults``. Raises UserError on wrong ones."""
        raise NotImplementedError

    def check_workload(self, workload: Workload) -> None:
        """Raise UserError where it is for other workloads."""

    def check(self, spec: Spec) -> None:
        """Raise UserError where it cannot train the network of ``spec``, as one step shows."""

    def check_backend(self, spec: Spec, library: Backend) -> None:
        """Raise UserError where it cannot run on the array library of a convex problem."""

    def first_moves(self, hyperparameters: Mapping[str, Any]) -> dict[str, int]:
        """For each output the first step after which it is no longer x0."""
        return dict.fromkeys(self.outputs, 1)

    def needs_closure(self, spec: Spec) -> bool:
        """Whether its step evaluates the loss of the batch again, by a closure."""
        return False

    def build(self, spec: Spec, params: Iterable[torch.nn.Parameter], seed: int) -> torch.optim.Optimizer:
        """The torch optimizer of ``spec`` on ``params``; ``seed`` is of the stream of one that draws numbers."""
        raise NotImplementedError

    def rule(self, spec: Spec, indices: rules.IndexStream | None) -> rules.Rule:
        """The update rule of ``spec`` without a constraint; ``indices`` are what one that draws numbers has drawn."""
        raise NotImplementedError

    def rule_in(self, prox: rules.Prox, spec: Spec, indices: rules.IndexStream | None) -> rules.Rule | None:
        """The same with a constraint, an ℓ1 term or another geometry; None where it has no such form."""
        return None

    def method(self, hyperparameters: Mapping[str, Any], defaults: Mapping[str, Any], output: str) -> Method:
        """The method: its name tells m where there is one, what differs from the defaults, and the output of two."""
        named = tuple(
            name
            for name, value in hyperparameters.items()
            if name == "m" or value != defaults.get(name, value)
        )
        return Method(self.name, hyperparameters, named, output if len(self.outputs) > 1 else None)
