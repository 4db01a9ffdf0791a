"""The optimizers that can be run, their hyperparameters and outputs, and the names of methods."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from amrobust.errors import UserError
from amrobust.runs.method import Method
from amrobust.train import arguments, foreign, foreign_rules


@dataclass(frozen=True)
class OptimizerInfo:
    """What an optimizer takes, and which outputs one training of it gives."""

    hyperparameters: tuple[str, ...]
    outputs: tuple[str, ...]


OPTIMIZERS: dict[str, OptimizerInfo] = {
    "sgd": OptimizerInfo(("lr", "weight_decay"), ("I",)),
    "msgd": OptimizerInfo(("lr", "momentum", "weight_decay"), ("I",)),
    "omsgd": OptimizerInfo(("lr", "momentum", "weight_decay"), ("II",)),
    "cm": OptimizerInfo(("lr", "momentum", "weight_decay"), ("I",)),
    "aggmo": OptimizerInfo(("lr", "a", "terms", "weight_decay"), ("I",)),
    "qhm": OptimizerInfo(("lr", "momentum", "nu", "weight_decay"), ("I",)),
    "hybrid": OptimizerInfo(("lr", "nesterov", "amortized", "m", "weight_decay"), ("I", "II")),
    "am1": OptimizerInfo(("lr", "momentum", "m", "weight_decay"), ("I", "II")),
    "ntasgd": OptimizerInfo(("lr", "nonmono", "weight_decay"), ("II",)),
    "am2": OptimizerInfo(("lr", "momentum", "m", "weight_decay"), ("I", "II")),
    "msgd-tail": OptimizerInfo(("lr", "momentum", "m", "weight_decay"), ("I",)),
    "acsa": OptimizerInfo(("lr", "momentum", "theorem"), ("I", "II")),
    "am1g": OptimizerInfo(("lr", "momentum", "m", "theorem"), ("I", "II")),
    "am2g": OptimizerInfo(("lr", "momentum", "m", "theorem"), ("I", "II")),
}

CONVEX_ONLY = ("acsa", "am1g", "am2g")
"""Optimizers that run on convex workloads only."""

INTEGERS = ("m", "nonmono", "terms", "theorem")

OWN_DEFAULTS: dict[str, dict[str, float | int]] = {
    "aggmo": {"a": 0.1, "terms": 2},
    "qhm": {"lr": 1.0, "momentum": 0.999, "nu": 0.7},
    "hybrid": {"nesterov": 0.45, "amortized": 0.45},
}
"""Defaults that an optimizer has on every workload: AggMo's best in the paper's search, QHM's by its authors."""

SET_BY_THEOREM = ("lr", "momentum")
"""What a theorem's parameters replace: such a method has none of its own."""

LARGEST = sys.float_info.max
LARGEST_M = 10**15
"""Steps that no training takes; every integer up to it is a float of its own."""

RANGES: dict[str, tuple[Callable[[float], bool], str]] = {
    "lr": (lambda value: value > 0, "above 0"),
    "momentum": (lambda value: 0 <= value < 1, "in [0, 1)"),
    "m": (
        lambda value: 1 <= value <= LARGEST_M and value == int(value),
        f"an integer from 1 to {LARGEST_M:,}",
    ),
    "nonmono": (
        lambda value: 1 <= value <= LARGEST_M and value == int(value),
        f"an integer from 1 to {LARGEST_M:,}",
    ),
    "a": (lambda value: 0 < value < 1, "above 0 and below 1"),
    "terms": (lambda value: 1 <= value <= 100 and value == int(value), "an integer from 1 to 100"),
    "nu": (lambda value: 0 <= value <= 1, "in [0, 1]"),
    "nesterov": (lambda value: 0 <= value < 1, "in [0, 1)"),
    "amortized": (lambda value: 0 <= value < 1, "in [0, 1)"),
    "weight_decay": (lambda value: value >= 0, "at least 0"),
    "theorem": (
        lambda value: value in (0, 1),
        "0 (constant lr and momentum) or 1 (those of the paper's theorem)",
    ),
}


def is_rule(optimizer: str) -> bool:
    """Whether it is an update rule of others: a method of convex workloads, and of no network."""
    return optimizer not in OPTIMIZERS and foreign_rules.maker(optimizer) is not None


def info(optimizer: str) -> OptimizerInfo:
    """The entry of ``optimizer``, amrobust's own or another's; UserError naming the nearest if there is none."""
    if optimizer in OPTIMIZERS:
        return OPTIMIZERS[optimizer]
    if is_rule(optimizer):
        of_rule = tuple(foreign_rules.hyperparameters(optimizer)), foreign_rules.outputs(optimizer)
        return OptimizerInfo(*of_rule)
    foreign.optimizer_class(optimizer, _known())
    return OptimizerInfo(tuple(foreign.hyperparameters(optimizer)), ("I",))


def _known() -> tuple[str, ...]:
    return (*OPTIMIZERS, *foreign_rules.names())


def defaults(optimizer: str, of_workload: Mapping[str, float | int]) -> dict[str, Any]:
    """The hyperparameters used where none are given: the workload's, and the optimizer's own over them."""
    if is_rule(optimizer):
        return {**foreign_rules.hyperparameters(optimizer), "lr": of_workload["lr"]}
    if optimizer not in OPTIMIZERS:
        foreign.optimizer_class(optimizer, _known())
        return foreign.hyperparameters(optimizer)
    return {**of_workload, **OWN_DEFAULTS.get(optimizer, {})}


def resolve(optimizer: str, given: Mapping[str, Any], defaults: Mapping[str, float | int]) -> dict[str, Any]:
    """The complete hyperparameters of a method: those given, else the workload's defaults.

    With ``theorem`` = 1 there is neither a learning rate nor a momentum among them. Raises UserError on a hyperparameter that
    the optimizer does not have, or a value out of range.
    """
    names = info(optimizer).hyperparameters
    if optimizer not in OPTIMIZERS:
        return arguments.resolve(optimizer, defaults, given)
    for name in given:
        if name not in names:
            raise UserError(f"{optimizer} has no {name!r}: it takes {', '.join(names)}")
    resolved: dict[str, float | int] = {}
    for name in names:
        value = given.get(name, defaults[name])
        allowed, wanted = RANGES[name]
        if value == float("inf"):
            raise UserError(f"{optimizer}: {name} is infinite")
        if (
            isinstance(value, bool)
            or not isinstance(value, (int, float))
            or value != value
            or not abs(value) <= LARGEST
            or not allowed(value)
        ):
            raise UserError(f"{optimizer}: {name} = {value!r:.40} is not {wanted}")
        resolved[name] = int(value) if name in INTEGERS else float(value)
    _check_together(optimizer, resolved)
    if resolved.get("theorem"):
        for name in SET_BY_THEOREM:
            if name in given:
                raise UserError(f"{optimizer}: theorem = 1 sets {name} itself; leave one of the two out")
            del resolved[name]
    return resolved


def _check_together(optimizer: str, resolved: Mapping[str, float | int]) -> None:
    """Raise UserError on values that are each in their range and make no sense together."""
    if optimizer == "hybrid" and not resolved["nesterov"] + resolved["amortized"] < 1:
        raise UserError("hybrid: nesterov and amortized must add up to less than 1")
    if optimizer == "aggmo" and not 1 - resolved["a"] ** (resolved["terms"] - 1) < 1:
        raise UserError(
            f"aggmo: a = {resolved['a']:g} with terms = {resolved['terms']} makes the last damping factor 1: "
            "take fewer terms, or a larger a"
        )


def method_of(
    optimizer: str, hyperparameters: Mapping[str, Any], defaults: Mapping[str, Any], output: str
) -> Method:
    """The method; its name tells m where there is one, what differs from the defaults, and the output where there are two."""
    named = tuple(
        name for name, value in hyperparameters.items() if name == "m" or value != defaults.get(name, value)
    )
    return Method(optimizer, hyperparameters, named, output if len(info(optimizer).outputs) > 1 else None)
