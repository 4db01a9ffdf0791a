"""Update rules of others on convex problems: those that packages announce, any by its path, optax's by theirs.

``signed`` is an entry point of the group ``amrobust.rules``, ``package.module:function`` that function, and ``optax:adam`` one
of optax. Called with hyperparameters, each returns an :class:`amrobust.rules.Rule`, or a transformation of optax, which becomes
one. The learning rate is what steps are given; a function with an argument ``learning_rate`` (or ``lr``) gets it there too.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from amrobust import plugins, rules
from amrobust.errors import UserError
from amrobust.runs.spec import Spec
from amrobust.train import arguments, foreign
from amrobust.train.optimizer import Optimizer
from amrobust.workloads import backends
from amrobust.workloads.backends import Backend, Precision
from amrobust.workloads.workload import Workload

GROUP = "amrobust.rules"
RATES = ("learning_rate", "lr")
OUTPUTS = ("I", "II")
POINTS = (2, 3)
"""The shape of the points on which a rule is tried before anything is trained."""


def names() -> tuple[str, ...]:
    """Those that packages announce."""
    return tuple(plugins.announced(GROUP))


@plugins.forgettable
@cache
def maker(name: str) -> Callable[..., Any] | None:
    """The function called ``name`` that makes a rule; None where it names an optimizer's class, or nothing at all.

    Raises UserError where what it names cannot be imported, or called.
    """
    announced = plugins.announced(GROUP)
    if plugins.is_path(name):
        found = _imported(name)
        if inspect.isclass(found):
            return None
    elif name in announced and name not in foreign.names():
        found = plugins.load(announced[name])
    else:
        return None
    if not callable(found):
        raise UserError(
            f"{name} is {found!r:.60}, neither a function that returns an amrobust.rules.Rule nor a class of "
            "torch.optim.Optimizer"
        )
    return found  # type: ignore[no-any-return]


@dataclass(frozen=True)
class ForeignRule(Optimizer):
    """An update rule of others: a method of convex workloads, and of no network."""

    defaults_of_its_own: Mapping[str, Any] = field(default_factory=dict)

    def defaults(self, of_workload: Mapping[str, float | int]) -> dict[str, Any]:
        """The function's own; ``lr`` is the workload's."""
        return {**self.defaults_of_its_own, "lr": of_workload["lr"]}

    def resolve(self, given: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
        """As :class:`Optimizer`."""
        return arguments.resolve(self.name, defaults, given)

    def rule(self, spec: Spec, indices: rules.IndexStream | None) -> rules.Rule:
        """Raises UserError where its function makes none of these values."""
        return _made(self.name, spec.hyperparameters)

    def check_backend(self, spec: Spec, library: Backend) -> None:
        """Two steps on ``library``, with gradients of zeros. Raises UserError where the rule cannot run there."""
        rule = self.rule(spec, None)
        if rule.backend not in (None, library.name):
            raise UserError(
                f"{self.name} computes with {rule.backend} alone: choose --backend {rule.backend}"
            )
        precision: Precision = spec.workload_params.get("dtype", "float64")  # type: ignore[assignment]
        found = _tried(self.name, rule, library, precision, spec.hyperparameters["lr"])
        if found != self.outputs:
            raise UserError(
                f"{self.name} has other outputs with these values than with its defaults: {', '.join(found)}"
            )


def refuse_network(name: str, workload: Workload) -> None:
    """Raise UserError where ``name`` makes a rule and ``workload`` trains a network: before it is made and tried."""
    if workload.kind != "convex" and maker(name) is not None:
        raise UserError(
            f"{name} is not a class of torch.optim.Optimizer but makes an update rule: for convex workloads "
            f"(logistic, ...), and {workload.name} is none"
        )


def find(name: str) -> ForeignRule | None:
    """The rule of others called ``name``, its outputs those that it has with its defaults; None where it names none."""
    if maker(name) is None:
        return None
    usual = arguments.expanded(_arguments(name)[0])
    rule = _made(name, {"lr": 1.0, **usual})
    outputs = _tried(name, rule, backends.get(rule.backend or "numpy"), "float64", 1.0)
    return ForeignRule(name, ("lr", *usual), outputs, defaults_of_its_own={"lr": arguments.MISSING, **usual})


def _imported(name: str) -> Any:
    try:
        return plugins.imported(name)
    except UserError as error:
        absent = error.__cause__
        if isinstance(absent, ModuleNotFoundError) and absent.name == "optax":
            raise UserError(
                f"{name} needs optax, which is not installed: pip install 'amrobust[optax]'"
            ) from None
        raise


@plugins.forgettable
@cache
def _arguments(name: str) -> tuple[dict[str, Any], str | None]:
    """The arguments of the function with their defaults, but for that of the learning rate, whose name comes beside them."""
    function = maker(name)
    assert function is not None
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError) as error:
        raise UserError(f"{name} cannot be called by keyword: {error}") from None
    rate = next((argument for argument in RATES if argument in parameters), None)
    found = arguments.plain(parameters.values(), leave_out=RATES)
    if missing := [argument for argument, default in found.items() if default is arguments.MISSING]:
        raise UserError(
            f"{name} has no default for {', '.join(missing)}: a rule needs one for every argument"
        )
    return found, rate


def _made(name: str, values: Mapping[str, Any]) -> rules.Rule:
    function = maker(name)
    known, rate = _arguments(name)
    given = arguments.collected(known, values) | ({rate: values["lr"]} if rate else {})
    assert function is not None
    try:
        found = function(**given)
    except Exception as error:
        raise UserError(f"{name} cannot be made so: {plugins.reason(error)}") from error
    if isinstance(found, rules.Rule):
        return found
    if not (hasattr(found, "init") and hasattr(found, "update")):
        raise UserError(
            f"{name} returns {found!r:.60}, neither an amrobust.rules.Rule nor a transformation of optax"
        )
    if rate is None:
        raise UserError(f"{name} has no learning_rate, which is what a transformation of optax steps with")
    backends.get("jax")
    return rules.transformed(found, name)


def _tried(name: str, rule: rules.Rule, library: Backend, precision: Precision, lr: Any) -> tuple[str, ...]:
    """The outputs of ``rule`` after two steps from zero on ``library``."""
    try:
        with library.computing():
            zeros = library.array(np.zeros(POINTS), precision)
            state = rule.init(zeros)
            for _ in range(2):
                state = rule.step(state, zeros, lr)
            found = {output: library.numpy(point) for output, point in rule.outputs(state).items()}
    except Exception as error:
        raise UserError(
            f"{name} cannot run on the {library.name} backend: {plugins.reason(error)}"
        ) from error
    if not found or not set(found) <= set(OUTPUTS) or any(point.shape != POINTS for point in found.values()):
        shown = ", ".join(f"{output} {point.shape}" for output, point in found.items())
        raise UserError(
            f"{name} must have outputs 'I', 'II' or both, points of the shape of x0; it has {shown or 'none'}"
        )
    return tuple(output for output in OUTPUTS if output in found)
