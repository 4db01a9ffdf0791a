"""The optimizers that can be run, their hyperparameters and outputs, and the names of methods."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from amrobust.errors import UserError


@dataclass(frozen=True)
class OptimizerInfo:
    """What an optimizer is called in print, what it takes, and which outputs one training of it gives."""

    title: str
    hyperparameters: tuple[str, ...]
    outputs: tuple[str, ...]


OPTIMIZERS: dict[str, OptimizerInfo] = {
    "sgd": OptimizerInfo("SGD", ("lr", "weight_decay"), ("I",)),
    "msgd": OptimizerInfo("M-SGD", ("lr", "momentum", "weight_decay"), ("I",)),
    "omsgd": OptimizerInfo("OM-SGD", ("lr", "momentum", "weight_decay"), ("II",)),
    "cm": OptimizerInfo("CM", ("lr", "momentum", "weight_decay"), ("I",)),
    "am1": OptimizerInfo("AM1-SGD", ("lr", "momentum", "m", "weight_decay"), ("I", "II")),
    "ntasgd": OptimizerInfo("SGD+ASGD", ("lr", "nonmono", "weight_decay"), ("II",)),
    "am2": OptimizerInfo("AM2-SGD", ("lr", "momentum", "m", "weight_decay"), ("I", "II")),
    "msgd-tail": OptimizerInfo("M-SGD, tail average", ("lr", "momentum", "m", "weight_decay"), ("I",)),
    "acsa": OptimizerInfo("AC-SA", ("lr", "momentum", "theorem"), ("I", "II")),
    "am1g": OptimizerInfo("AM1-SGD, general", ("lr", "momentum", "m", "theorem"), ("I", "II")),
    "am2g": OptimizerInfo("AM2-SGD, general", ("lr", "momentum", "m", "theorem"), ("I", "II")),
}

CONVEX_ONLY = ("msgd-tail", "acsa", "am1g", "am2g")
"""Optimizers that run on convex workloads only."""

INTEGERS = ("m", "nonmono", "theorem")

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
    "weight_decay": (lambda value: value >= 0, "at least 0"),
    "theorem": (
        lambda value: value in (0, 1),
        "0 (constant lr and momentum) or 1 (those of the paper's theorem)",
    ),
}


def info(optimizer: str) -> OptimizerInfo:
    """The entry of ``optimizer``; UserError naming the nearest if there is none."""
    if optimizer not in OPTIMIZERS:
        near = difflib.get_close_matches(optimizer, OPTIMIZERS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(OPTIMIZERS)}"
        raise UserError(f"no optimizer is called {optimizer!r}: {hint}")
    return OPTIMIZERS[optimizer]


def resolve(
    optimizer: str, given: Mapping[str, Any], defaults: Mapping[str, float | int]
) -> dict[str, float | int]:
    """The complete hyperparameters of a method: those given, else the workload's defaults.

    With ``theorem`` = 1 there is neither a learning rate nor a momentum among them. Raises UserError on a hyperparameter that
    the optimizer does not have, or a value out of range.
    """
    names = info(optimizer).hyperparameters
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
    if resolved.get("theorem"):
        for name in SET_BY_THEOREM:
            if name in given:
                raise UserError(f"{optimizer}: theorem = 1 sets {name} itself; leave one of the two out")
            del resolved[name]
    return resolved


def method_name(
    optimizer: str, hyperparameters: Mapping[str, Any], defaults: Mapping[str, Any], output: str
) -> str:
    """``am1[m=5]/II``: m where there is one, what differs from the workload's defaults, the output where there are two."""
    shown = [
        f"{name}={value:g}"
        for name, value in hyperparameters.items()
        if name == "m" or value != defaults.get(name, value)
    ]
    name = optimizer + (f"[{','.join(sorted(shown))}]" if shown else "")
    return f"{name}/{output}" if len(OPTIMIZERS[optimizer].outputs) > 1 else name
