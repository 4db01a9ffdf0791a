"""Optimizers of others: torch's own by their names, any class by its path, those that packages announce.

``adamw`` is ``torch.optim.AdamW``, ``package.module:Class`` that class, and any other name an entry point of the group
``amrobust.optimizers`` whose value is a class. Each is a :class:`torch.optim.Optimizer` whose constructor takes the parameters
first and has a learning rate ``lr``, which the workload's schedule moves.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import packages_distributions, version
from typing import TYPE_CHECKING, Any

from amrobust import plugins
from amrobust.errors import UserError

if TYPE_CHECKING:
    import torch

    from amrobust.experiments.spec import Spec, Value

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
    found: dict[str, Any] = {}
    for argument, default in _arguments(name).items():
        if isinstance(default, tuple):
            found |= dict(zip(_places(argument, default), default, strict=True))
        else:
            found[argument] = default
    if "lr" not in found:
        raise UserError(f"{name} has no learning rate lr, which the schedules of workloads move")
    return found


def resolve(name: str, given: Mapping[str, Any]) -> dict[str, Value]:
    """Complete hyperparameters: those given, else the constructor's defaults.

    Raises UserError on one that it does not have, that is missing or is no number where the default is one.
    """
    known = hyperparameters(name)
    for argument in given:
        if argument not in known:
            raise UserError(f"{name} has no {argument!r}: it takes {', '.join(known)}")
    missing = [argument for argument in known if known[argument] is inspect.Parameter.empty]
    if lacking := [argument for argument in missing if argument not in given]:
        raise UserError(f"{name} has no default for {', '.join(lacking)}: give --param {lacking[0]}=VALUE")
    resolved: dict[str, Value] = {}
    for argument, default in known.items():
        value = given.get(argument, default)
        if isinstance(default, (bool, str)) and type(value) is not type(default):
            raise UserError(f"{name}: {argument} = {value!r:.40} is not {_kind(default)}")
        if type(default) in (int, float):
            if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
                raise UserError(f"{name}: {argument} = {value!r:.40} is not a number")
            value = type(value)(value) if isinstance(default, int) else float(value)
        resolved[argument] = value
    if type(resolved["lr"]) not in (int, float) or not resolved["lr"] > 0:  # type: ignore[operator]
        raise UserError(f"{name}: lr = {resolved['lr']!r:.40} is not above 0")
    return resolved


def build(spec: Spec, params: Iterable[torch.nn.Parameter]) -> torch.optim.Optimizer:
    """The optimizer of ``spec`` on ``params``."""
    values = dict(spec.hyperparameters)
    arguments: dict[str, Any] = {}
    for argument, default in _arguments(spec.optimizer).items():
        if isinstance(default, tuple):
            arguments[argument] = tuple(values[place] for place in _places(argument, default))
        else:
            arguments[argument] = values[argument]
    return optimizer_class(spec.optimizer)(params, **arguments)


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


def provenance(name: str) -> dict[str, str]:
    """Where the class comes from: its distribution's version, and the start of its source's SHA-256; nothing for torch's."""
    found = optimizer_class(name)
    top = found.__module__.partition(".")[0]
    if top == "torch":
        return {}
    versions = {owner: version(owner) for owner in packages_distributions().get(top, ())}
    try:
        source = inspect.getsource(found)
    except (OSError, TypeError):
        return versions
    return versions | {
        f"{found.__module__}:{found.__qualname__}": f"sha256 {hashlib.sha256(source.encode()).hexdigest()[:12]}"
    }


@cache
def _arguments(name: str) -> dict[str, Any]:
    """The constructor's arguments after the parameters, with their defaults."""
    found = list(inspect.signature(optimizer_class(name).__init__).parameters.values())[2:]
    return {
        argument.name: argument.default
        for argument in found
        if argument.name not in IMPLEMENTATION
        and argument.kind in (argument.POSITIONAL_OR_KEYWORD, argument.KEYWORD_ONLY)
        and (argument.default is argument.empty or argument.default is None or _is_plain(argument.default))
    }


def _is_plain(default: object) -> bool:
    if isinstance(default, tuple):
        return all(value is None or isinstance(value, (int, float)) for value in default)
    return isinstance(default, (bool, int, float, str))


def _places(argument: str, default: tuple[Any, ...]) -> list[str]:
    """``beta1`` and ``beta2`` for ``betas``."""
    stem = argument[:-1] if argument.endswith("s") and argument != "eps" else argument
    return [f"{stem}{place}" for place in range(1, len(default) + 1)]


def _kind(default: bool | str) -> str:
    return "true or false" if isinstance(default, bool) else "a text"
