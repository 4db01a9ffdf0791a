"""Optimizers made of others by their names: ``ema(adamw)``, an average around one, and ``muon+adamw``, one for matrices.

``wrapper(name)`` is a wrapper of :data:`amrobust.rules.WRAPPERS` around any optimizer with one output, amrobust's own or
another's; its hyperparameters are those of both. ``first+second`` trains matrices by the first and all others (biases, norms,
convolutions) by the second, whose hyperparameters have its name before them: ``adamw.lr``.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from amrobust import rules
from amrobust.errors import UserError
from amrobust.rules.wrappers import WRAPPERS, Wrapper
from amrobust.runs.spec import Spec
from amrobust.train.optimizer import Optimizer
from amrobust.workloads.workload import Workload

if TYPE_CHECKING:
    import torch

    from amrobust.workloads.backends import Backend

Find = Callable[[str], Optimizer]

_WRAPPED = re.compile(r"([a-z0-9]+)\((.*)\)")

_COUNT = (lambda value: type(value) is int and value >= 1), "an integer of at least 1"
_MOMENTUM = (lambda value: 0 <= value < 1), "in [0, 1)"
_POSITIVE = (lambda value: 0 <= value < float("inf")), "at least 0"
RANGES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "decay": _MOMENTUM,
    "start": ((lambda value: type(value) is int and value >= 0), "an integer of at least 0"),
    "every": _COUNT,
    "window": _COUNT,
    "k": _COUNT,
    "m": _COUNT,
    "alpha": ((lambda value: 0 < value <= 1), "above 0 and up to 1"),
    "beta": _MOMENTUM,
    "mu_x": _MOMENTUM,
    "mu_y": ((lambda value: 0 <= value <= 1), "in [0, 1]"),
    "interpolation": ((lambda value: 0 <= value <= 1), "in [0, 1]"),
    "weight_lr_power": _POSITIVE,
    "decay_at_y": _POSITIVE,
}


def parts(name: str) -> tuple[str, ...]:
    """The names of the optimizers that ``name`` is made of: itself where it is of none."""
    if found := _WRAPPED.fullmatch(name):
        return parts(found[2])
    return tuple(name.split("+"))


def find(name: str, find_part: Find) -> Optimizer | None:
    """The composed optimizer called ``name``; None where it is not composed. Raises UserError where its parts do not fit."""
    if found := _WRAPPED.fullmatch(name):
        if found[1] not in WRAPPERS:
            raise UserError(
                f"nothing is called {found[1]!r} around an optimizer: choose one of {', '.join(WRAPPERS)}"
            )
        return _wrapped(name, found[1], find_part(found[2]))
    if "+" not in name:
        return None
    names = name.split("+")
    if len(names) != 2 or not all(names):
        raise UserError(
            f"{name!r} is not of the form first+second: one optimizer for matrices, one for the rest"
        )
    first, second = map(find_part, names)
    if any(part.outputs != ("I",) or part.draws_numbers for part in (first, second)):
        raise UserError(f"{name}: optimizers with an output point of their own cannot be combined")
    prefix = names[1].rpartition(":")[2]
    own = {f"{prefix}.{hyperparameter}": hyperparameter for hyperparameter in second.hyperparameters}
    return Combined(name, (*first.hyperparameters, *own), first=first, second=second, of_second=own)


def _wrapped(name: str, wrapper: str, base: Optimizer) -> Optimizer:
    if base.outputs != ("I",) or base.draws_numbers:
        raise UserError(
            f"{name}: {base.name} has an output point of its own; take an optimizer with one output"
        )
    own = {each.name: each.default for each in inspect.signature(WRAPPERS[wrapper]).parameters.values()}
    if twice := own.keys() & set(base.hyperparameters):
        raise UserError(f"{name}: both have a hyperparameter {min(twice)!r}")
    return Wrapped(
        name, (*base.hyperparameters, *own), ("I", "II"), takes_names=base.takes_names, base=base, wrapper=wrapper, own=own,
    )  # fmt: skip


@dataclass(frozen=True)
class Wrapped(Optimizer):
    """A wrapper around an optimizer: option I is where gradients are taken, option II the wrapper's point."""

    base: Optimizer = None  # type: ignore[assignment]
    wrapper: str = ""
    own: Mapping[str, Any] = None  # type: ignore[assignment]
    """The wrapper's hyperparameters with their defaults."""

    def defaults(self, of_workload: Mapping[str, float | int]) -> dict[str, Any]:
        """As :class:`Optimizer`: the optimizer's, and the wrapper's own."""
        usual = self.base.defaults(of_workload)
        return {name: usual[name] for name in self.base.hyperparameters if name in usual} | dict(self.own)

    def resolve(self, given: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
        """As :class:`Optimizer`."""
        _require_known(self, given)
        resolved = {}
        for name, usual in self.own.items():
            value = given.get(name, usual)
            allowed, wanted = RANGES[name]
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not number or not allowed(value):
                raise UserError(f"{self.name}: {name} = {value!r:.40} is not {wanted}")
            resolved[name] = type(usual)(value)
        of_base = {name: value for name, value in given.items() if name not in self.own}
        return self.base.resolve(of_base, defaults) | resolved

    def check_workload(self, workload: Workload) -> None:
        """As :class:`Optimizer`."""
        self.base.check_workload(workload)

    def check(self, spec: Spec) -> None:
        """As :class:`Optimizer`: the base is checked."""
        self.base.check(self._base_spec(spec))
        if self._made(spec).moves and self.needs_closure(spec):
            raise UserError(
                f"{self.name}: {self.base.name} evaluates the loss itself, and {self.wrapper} takes gradients elsewhere"
            )

    def check_backend(self, spec: Spec, library: Backend) -> None:
        """As :class:`Optimizer`."""
        self.base.check_backend(self._base_spec(spec), library)

    def first_moves(self, hyperparameters: Mapping[str, Any]) -> dict[str, int]:
        """As :class:`Optimizer`."""
        own = {name: hyperparameters[name] for name in self.own}
        return {"I": 1, "II": WRAPPERS[self.wrapper](**own).first}

    def needs_closure(self, spec: Spec) -> bool:
        """As :class:`Optimizer`."""
        return self.base.needs_closure(self._base_spec(spec))

    def build(self, spec: Spec, params: Iterable[torch.nn.Parameter], seed: int) -> torch.optim.Optimizer:
        """As :class:`Optimizer`."""
        from amrobust.optim import WrappedOptimizer

        return WrappedOptimizer(self.base.build(self._base_spec(spec), params, seed), self._made(spec))

    def rule(self, spec: Spec, indices: rules.IndexStream | None) -> rules.Rule:
        """As :class:`Optimizer`."""
        return rules.wrapped(self.base.rule(self._base_spec(spec), indices), self._made(spec))

    def _made(self, spec: Spec) -> Wrapper:
        return WRAPPERS[self.wrapper](**{name: spec.hyperparameters[name] for name in self.own})

    def _base_spec(self, spec: Spec) -> Spec:
        return _of_part(spec, self.base, {name: name for name in self.base.hyperparameters})


@dataclass(frozen=True)
class Combined(Optimizer):
    """One optimizer for matrices, and one for the other parameters."""

    first: Optimizer = None  # type: ignore[assignment]
    second: Optimizer = None  # type: ignore[assignment]
    of_second: Mapping[str, str] = None  # type: ignore[assignment]
    """What the second's hyperparameters are called here, with their own names."""

    def defaults(self, of_workload: Mapping[str, float | int]) -> dict[str, Any]:
        """As :class:`Optimizer`: those of both."""
        usual = self.second.defaults(of_workload)
        return {
            **self.first.defaults(of_workload),
            **{name: usual[own] for name, own in self.of_second.items() if own in usual},
        }

    def resolve(self, given: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
        """As :class:`Optimizer`: each resolves its own."""
        _require_known(self, given)
        of_first = {name: value for name, value in given.items() if name not in self.of_second}
        of_second = {own: given[name] for name, own in self.of_second.items() if name in given}
        usual = {own: defaults[name] for name, own in self.of_second.items() if name in defaults}
        first = self.first.resolve(
            of_first, {name: defaults[name] for name in self.first.hyperparameters if name in defaults}
        )
        second = self.second.resolve(of_second, usual)
        return first | {name: second[own] for name, own in self.of_second.items()}

    def check_workload(self, workload: Workload) -> None:
        """As :class:`Optimizer`."""
        if workload.kind == "convex":
            raise UserError(
                f"{self.name} trains networks, and {workload.name} is a convex problem of one vector"
            )
        for part in (self.first, self.second):
            part.check_workload(workload)

    def check(self, spec: Spec) -> None:
        """One step on the network, with gradients of zeros. Raises UserError where one of them cannot train its part."""
        import torch

        from amrobust.train.network import network_at_x0

        params = [p for p in network_at_x0(spec).parameters() if p.requires_grad]
        for p in params:
            p.grad = torch.zeros_like(p)
        try:
            self.build(spec, params, 0).step()
        except Exception as error:
            lines = str(error).splitlines() or [type(error).__name__]
            raise UserError(f"{self.name} cannot train {spec.workload} so: {lines[0]}") from error

    def build(self, spec: Spec, params: Iterable[torch.nn.Parameter], seed: int) -> torch.optim.Optimizer:
        """As :class:`Optimizer`."""
        from amrobust.optim import CombinedOptimizer
        from amrobust.optim.wrapped import matrices_first

        first = _of_part(spec, self.first, {name: name for name in self.first.hyperparameters})
        second = _of_part(spec, self.second, {own: name for name, own in self.of_second.items()})
        makers = [
            partial(self.first.build, first, seed=seed),
            partial(self.second.build, second, seed=seed),
        ]
        named = ((str(number), p) for number, p in enumerate(params))
        return CombinedOptimizer(named, matrices_first, makers)


def _of_part(spec: Spec, part: Optimizer, names: Mapping[str, str]) -> Spec:
    """The spec of ``part`` alone: its own hyperparameters, called ``names`` in ``spec``."""
    own = {name: spec.hyperparameters[called] for name, called in names.items()}
    return replace(spec, optimizer=part.name, hyperparameters=own)


def _require_known(optimizer: Optimizer, given: Mapping[str, Any]) -> None:
    for name in given:
        if name not in optimizer.hyperparameters:
            raise UserError(
                f"{optimizer.name} has no {name!r}: it takes {', '.join(optimizer.hyperparameters)}"
            )
