"""Arguments of others' functions as hyperparameters: which there are, their defaults, and values that are checked."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from typing import Any

from amrobust.errors import UserError
from amrobust.runs import spec
from amrobust.runs.spec import Value

MISSING = inspect.Parameter.empty
"""The default of an argument that has none."""

INFINITE = ("inf", "-inf")
"""How numbers are recorded that JSON does not have."""


def plain(parameters: Iterable[inspect.Parameter], leave_out: Iterable[str] = ()) -> dict[str, Any]:
    """The arguments that can be given by name as a number, a text, true or false or several numbers, with their defaults."""
    return {
        argument.name: spec.plain(argument.default)
        for argument in parameters
        if argument.name not in leave_out
        and argument.kind in (argument.POSITIONAL_OR_KEYWORD, argument.KEYWORD_ONLY)
        and (argument.default is MISSING or argument.default is None or _is_plain(argument.default))
    }


def expanded(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Hyperparameters with their defaults: of an argument with a pair as its default, ``betas``, ``beta1`` and ``beta2``.

    An infinite default is the text "inf", as it is recorded.
    """
    found: dict[str, Any] = {}
    for argument, default in arguments.items():
        if isinstance(default, (tuple, list)):
            found |= dict(zip(_places(argument, default), map(_recorded, default), strict=True))
        else:
            found[argument] = _recorded(default)
    return found


def _recorded(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not isfinite(value) else value


def collected(arguments: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments again, from the hyperparameters that :func:`expanded` made of them."""
    return {
        argument: tuple(_number(values[place]) for place in _places(argument, default))
        if isinstance(default, (tuple, list))
        else values[argument]
        if isinstance(default, str)
        else _number(values[argument])
        for argument, default in arguments.items()
    }


def _number(value: Any) -> Any:
    return float(value) if value in INFINITE else value


def resolve(name: str, known: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Value]:
    """Complete hyperparameters of ``name``: those given, else the defaults ``known``, of which ``lr`` is one.

    Raises UserError on one that it does not have, that is missing or is no number where the default is one.
    """
    for argument in given:
        if argument not in known:
            raise UserError(f"{name} has no {argument!r}: it takes {', '.join(known)}")
    missing = [argument for argument in known if known[argument] is MISSING]
    if lacking := [argument for argument in missing if argument not in given]:
        raise UserError(f"{name} has no default for {', '.join(lacking)}: give --param {lacking[0]}=VALUE")
    resolved: dict[str, Value] = {}
    for argument, default in known.items():
        value, numeric = _recorded(given.get(argument, default)), type(default) in (int, float)
        if default in INFINITE:
            default, numeric = float(default), True
        if value == "nan":
            raise UserError(f"{name}: {argument} is not a number")
        if isinstance(default, (bool, str)) and type(value) is not type(default):
            raise UserError(f"{name}: {argument} = {value!r:.40} is not {_kind(default)}")
        if numeric and value not in INFINITE:
            if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
                raise UserError(f"{name}: {argument} = {value!r:.40} is not a number")
            value = type(value)(value) if isinstance(default, int) else float(value)
        resolved[argument] = value
    if type(resolved["lr"]) not in (int, float) or not resolved["lr"] > 0:  # type: ignore[operator]
        raise UserError(f"{name}: lr = {resolved['lr']!r:.40} is not above 0")
    return resolved


def _is_plain(default: object) -> bool:
    if isinstance(default, (tuple, list)):
        return all(value is None or isinstance(value, (int, float)) for value in default)
    return isinstance(default, (bool, int, float, str))


def _places(argument: str, default: Sequence[Any]) -> list[str]:
    """``beta1`` and ``beta2`` for ``betas``."""
    stem = argument[:-1] if argument.endswith("s") and argument != "eps" else argument
    return [f"{stem}{place}" for place in range(1, len(default) + 1)]


def _kind(default: bool | str) -> str:
    return "true or false" if isinstance(default, bool) else "a text"
