"""Which methods differ in one hyperparameter alone: the sweeps among the methods of a comparison."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

FEWEST = 3
"""Fewer values than these are no sweep."""
_NAME = re.compile(r"(?P<optimizer>[^\[\]/]+)(?:\[(?P<settings>[^\[\]]*)\])?(?:/(?P<output>[^/]+))?")


@dataclass(frozen=True)
class Series:
    """Methods that differ in one hyperparameter alone, in the order of its values."""

    label: str
    """What they share: ``am1/II``."""
    methods: tuple[str, ...]
    values: tuple[float, ...]


@dataclass(frozen=True)
class Sweep:
    """All series over one hyperparameter."""

    parameter: str
    series: tuple[Series, ...]


def sweeps(methods: Sequence[str]) -> tuple[Sweep, ...]:
    """The sweeps that names such as ``am1[m=5]/II`` tell of; a method may be in one over each of its hyperparameters."""
    found: dict[str, dict[str, dict[float, str]]] = {}
    for method in methods:
        settings = _settings(method)
        for name, value in settings.items():
            if math.isfinite(number := _number(value)):
                groups = found.setdefault(name, {})
                groups.setdefault(_label(method, settings, name), {}).setdefault(number, method)
    return tuple(
        Sweep(name, series)
        for name, groups in found.items()
        if (series := tuple(_series(label, group) for label, group in groups.items() if len(group) >= FEWEST))
    )


def _series(label: str, group: dict[float, str]) -> Series:
    values = tuple(sorted(group))
    return Series(label, tuple(group[value] for value in values), values)


def _settings(method: str) -> dict[str, str]:
    parsed = _NAME.fullmatch(method)
    if parsed is None or not parsed["settings"]:
        return {}
    pairs = [part.partition("=") for part in parsed["settings"].split(",")]
    return {name.strip(): value for name, _, value in pairs}


def _label(method: str, settings: dict[str, str], without: str) -> str:
    parsed = _NAME.fullmatch(method)
    assert parsed is not None
    rest = ",".join(f"{name}={value}" for name, value in settings.items() if name != without)
    output = f"/{parsed['output']}" if parsed["output"] else ""
    return f"{parsed['optimizer']}{f'[{rest}]' if rest else ''}{output}"


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
