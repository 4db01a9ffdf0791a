"""amrobust's own optimizers, an entry each, and the one place where a name of ``--opt`` becomes an optimizer."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from amrobust import plugins, rules
from amrobust.errors import UserError
from amrobust.rules import theory
from amrobust.runs.spec import Spec
from amrobust.train import composed, foreign, foreign_rules
from amrobust.train.optimizer import Optimizer
from amrobust.train.streams import integer, seed_sequence
from amrobust.workloads.workload import Workload

if TYPE_CHECKING:
    import torch

Values = Mapping[str, Any]
General = Callable[[Any, int, rules.Prox, Any], rules.Rule]
"""Of momentum (None where a theorem sets it), m, prox setup and indices."""

LARGEST = sys.float_info.max
LARGEST_M = 10**15
"""Steps that no training takes; every integer up to it is a float of its own."""


def _whole_up_to(most: int) -> tuple[Callable[[float], bool], str]:
    return lambda value: 1 <= value <= most and value == int(value), f"an integer from 1 to {most:,}"


RANGES: dict[str, tuple[Callable[[float], bool], str]] = {
    "lr": (lambda value: value > 0, "above 0"),
    "momentum": (lambda value: 0 <= value < 1, "in [0, 1)"),
    "m": _whole_up_to(LARGEST_M),
    "nonmono": _whole_up_to(LARGEST_M),
    "a": (lambda value: 0 < value < 1, "above 0 and below 1"),
    "terms": _whole_up_to(100),
    "nu": (lambda value: 0 <= value <= 1, "in [0, 1]"),
    "nesterov": (lambda value: 0 <= value < 1, "in [0, 1)"),
    "amortized": (lambda value: 0 <= value < 1, "in [0, 1)"),
    "weight_decay": (lambda value: value >= 0, "at least 0"),
    "theorem": (
        lambda value: value in (0, 1),
        "0 (constant lr and momentum) or 1 (those of the paper's theorem)",
    ),
}
INTEGERS = ("m", "nonmono", "terms", "theorem")
SET_BY_THEOREM = ("lr", "momentum")
"""What a theorem's parameters replace: such a method has none of its own."""


@dataclass(frozen=True)
class Own(Optimizer):
    """An optimizer of amrobust's: a torch class for networks, an update rule for convex problems, or one of them."""

    torch_class: tuple[str, Values] | None = None
    """``module:Class``, and arguments that are always the same."""
    plain: Callable[..., rules.Rule] | None = None
    """Makes the rule from the hyperparameters without lr, and the indices of one that draws numbers."""
    general: General | None = None
    """Makes the form with a constraint, a term or another geometry."""
    usual: Values | None = None
    """Defaults that it has on every workload."""
    waits_for_m: bool = False
    """Whether its output point stays x0 for the first m steps; every other output moves with the first."""
    theorem: int = 0
    """The number of the theorem whose learning rate it can have."""
    arguments: Callable[[dict[str, Any]], dict[str, Any]] = dict
    """What the class and the rule take, from the hyperparameters; lr, where it is among them, stays what it is."""
    together: Callable[[Values], str] = lambda values: ""
    """What is wrong with values that are each in their range; empty where nothing is."""

    def defaults(self, of_workload: Mapping[str, float | int]) -> dict[str, Any]:
        """As :class:`Optimizer`."""
        return {**of_workload, **(self.usual or {})}

    def resolve(self, given: Values, defaults: Values) -> dict[str, Any]:
        """As :class:`Optimizer`; with ``theorem`` = 1 there is neither a learning rate nor a momentum."""
        for name in given:
            if name not in self.hyperparameters:
                raise UserError(f"{self.name} has no {name!r}: it takes {', '.join(self.hyperparameters)}")
        resolved: dict[str, float | int] = {}
        for name in self.hyperparameters:
            value = given.get(name, defaults[name])
            allowed, wanted = RANGES[name]
            if value == float("inf"):
                raise UserError(f"{self.name}: {name} is infinite")
            if (
                isinstance(value, bool)
                or not isinstance(value, (int, float))
                or value != value
                or not abs(value) <= LARGEST
                or not allowed(value)
            ):
                raise UserError(f"{self.name}: {name} = {value!r:.40} is not {wanted}")
            resolved[name] = int(value) if name in INTEGERS else float(value)
        if problem := self.together(resolved):
            raise UserError(f"{self.name}: {problem}")
        if resolved.get("theorem"):
            for name in SET_BY_THEOREM:
                if name in given:
                    raise UserError(f"{self.name}: theorem = 1 sets {name} itself; leave one of the two out")
                del resolved[name]
        return resolved

    def check_workload(self, workload: Workload) -> None:
        """As :class:`Optimizer`."""
        if "nonmono" in self.hyperparameters and workload.kind != "language":
            raise UserError(
                f"{self.name} watches a validation loss, and {workload.name} has none: run it on ptb"
            )
        if self.torch_class is None and workload.kind != "convex":
            raise UserError(
                f"{self.name} is for convex workloads (logistic, ...), and {workload.name} is none"
            )

    def first_moves(self, hyperparameters: Values) -> dict[str, int]:
        """As :class:`Optimizer`."""
        return super().first_moves(hyperparameters) | (
            {"II": int(hyperparameters["m"])} if self.waits_for_m and hyperparameters.get("m") else {}
        )

    def build(self, spec: Spec, params: Iterable[torch.nn.Parameter], seed: int) -> torch.optim.Optimizer:
        """As :class:`Optimizer`."""
        assert self.torch_class is not None
        path, fixed = self.torch_class
        module, _, name = path.partition(":")
        values = {**self.arguments(dict(spec.hyperparameters)), **fixed}
        if self.draws_numbers:
            values["seed"] = integer(seed_sequence(spec, "rule", seed))
        made: torch.optim.Optimizer = getattr(import_module(module), name)(params, **values)
        return made

    def rule(self, spec: Spec, indices: rules.IndexStream | None) -> rules.Rule:
        """As :class:`Optimizer`; of one that has a general form alone, that without a constraint."""
        values = {name: value for name, value in spec.hyperparameters.items() if name != "lr"}
        if self.plain is None:
            found = self.rule_in(rules.Euclidean(), spec, indices)
            assert found is not None
            return found
        return self.plain(**self.arguments(values), **({"indices": indices} if self.draws_numbers else {}))

    def rule_in(self, prox: rules.Prox, spec: Spec, indices: rules.IndexStream | None) -> rules.Rule | None:
        """As :class:`Optimizer`."""
        h = spec.hyperparameters
        return self.general and self.general(h.get("momentum"), int(h.get("m") or 1), prox, indices)


def _am1(momentum: float | None, m: int, prox: rules.Prox, indices: Any) -> rules.Rule:
    """Algorithm 1; AC-SA at m = 1."""
    return rules.am1_general(theory.theorem1_momentum if momentum is None else momentum, m, prox=prox)


def _am2(momentum: float | None, m: int, prox: rules.Prox, indices: Any) -> rules.Rule:
    """Algorithm 3."""
    return rules.am2_general(momentum, m, prox=prox, indices=indices)


def _at_m_1(momentum: float | None, m: int, prox: rules.Prox, indices: Any) -> rules.Rule:
    """M-SGD and OM-SGD are the two options of AM1-SGD at m = 1."""
    return _am1(momentum, 1, prox, indices)


def _without_momentum(momentum: float | None, m: int, prox: rules.Prox, indices: Any) -> rules.Rule:
    """SGD is AM1-SGD with β = 0."""
    return _am1(0.0, 1, prox, indices)


def _tail(momentum: float | None, m: int, prox: rules.Prox, indices: Any) -> rules.Rule:
    return rules.tail_average(_am1(momentum, 1, prox, indices), m)


def _aggmo(values: dict[str, Any]) -> dict[str, Any]:
    """AggMo's damping factors from their number and base."""
    return {"betas": rules.aggmo_betas(values.pop("terms"), values.pop("a")), **values}


def _damping(values: Values) -> str:
    if 1 - values["a"] ** (values["terms"] - 1) < 1:
        return ""
    return (
        f"a = {values['a']:g} with terms = {values['terms']} makes the last damping factor 1: take fewer terms, or a "
        "larger a"
    )


def _both_momenta(values: Values) -> str:
    return (
        ""
        if values["nesterov"] + values["amortized"] < 1
        else "nesterov and amortized must add up to less than 1"
    )


_BOTH = ("I", "II")
_SGD = "torch.optim:SGD"
_MOMENTUM = ("lr", "momentum", "weight_decay")
_M = ("lr", "momentum", "m", "weight_decay")

OPTIMIZERS: dict[str, Own] = {
    entry.name: entry
    for entry in (
        Own("sgd", ("lr", "weight_decay"), torch_class=(_SGD, {}), plain=rules.sgd, general=_without_momentum),
        Own("msgd", _MOMENTUM, torch_class=(_SGD, {"nesterov": True}), plain=rules.msgd, general=_at_m_1),
        Own(
            "omsgd", _MOMENTUM, ("II",), torch_class=("amrobust.optim:AM1SGD", {"m": 1}), plain=rules.omsgd,
            general=_at_m_1,
        ),
        Own("cm", _MOMENTUM, torch_class=(_SGD, {}), plain=rules.cm),
        # AggMo's best in the paper's search.
        Own(
            "aggmo", ("lr", "a", "terms", "weight_decay"), torch_class=("amrobust.optim:AggMo", {}), plain=rules.aggmo,
            usual={"a": 0.1, "terms": 2}, arguments=_aggmo, together=_damping,
        ),
        # QHM's by its authors.
        Own(
            "qhm", ("lr", "momentum", "nu", "weight_decay"), torch_class=("amrobust.optim:QHM", {}), plain=rules.qhm,
            usual={"lr": 1.0, "momentum": 0.999, "nu": 0.7},
        ),
        Own(
            "hybrid", ("lr", "nesterov", "amortized", "m", "weight_decay"), _BOTH,
            torch_class=("amrobust.optim:HybridSGD", {}), plain=rules.hybrid, usual={"nesterov": 0.45, "amortized": 0.45},
            waits_for_m=True, together=_both_momenta,
        ),
        Own(
            "am1", _M, _BOTH, torch_class=("amrobust.optim:AM1SGD", {}), plain=rules.am1, general=_am1, waits_for_m=True
        ),
        Own(
            "ntasgd", ("lr", "nonmono", "weight_decay"), ("II",), torch_class=("amrobust.optim:NTASGD", {}), plain=rules.ntasgd
        ),
        Own(
            "am2", _M, _BOTH, draws_numbers=True, torch_class=("amrobust.optim:AM2SGD", {}), plain=rules.am2, general=_am2
        ),
        Own(
            "msgd-tail", _M, torch_class=("amrobust.optim:MSGDTail", {}), general=_tail,
            plain=lambda momentum, m, weight_decay: rules.tail_average(rules.msgd(momentum, weight_decay), m),
        ),
        Own("acsa", ("lr", "momentum", "theorem"), _BOTH, general=_am1, theorem=1),
        Own(
            "am1g", ("lr", "momentum", "m", "theorem"), _BOTH, general=_am1, waits_for_m=True, theorem=1
        ),
        Own(
            "am2g", ("lr", "momentum", "m", "theorem"), _BOTH, draws_numbers=True, general=_am2, theorem=2
        ),
    )
}  # fmt: skip
"""By name, in the order in which errors and help list them."""


def names() -> tuple[str, ...]:
    """amrobust's own, and the update rules that packages announce."""
    return (*OPTIMIZERS, *foreign_rules.names())


@plugins.forgettable
@cache
def find(name: str) -> Optimizer:
    """The optimizer called ``name``, amrobust's own or another's; UserError naming the nearest if there is none."""
    if name in OPTIMIZERS:
        return OPTIMIZERS[name]
    return composed.find(name, find) or foreign_rules.find(name) or foreign.find(name, names())
