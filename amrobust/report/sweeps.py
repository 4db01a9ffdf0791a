"""Which methods differ in one hyperparameter alone: the sweeps among the methods of a comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from amrobust.runs.method import Method, number

FEWEST = 3
"""Fewer values than these are no sweep."""


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


def sweeps(methods: Mapping[str, Method]) -> tuple[Sweep, ...]:
    """The sweeps among methods, given by their names; a method may be in one over each of its hyperparameters."""
    found: dict[str, dict[tuple[Method, str], dict[float, str]]] = {}
    for name, method in methods.items():
        # What keeps two measurements of one method apart, such as its metric, is in the name alone.
        mark = name.removeprefix(method.name) if name.startswith(method.name) else ""
        for parameter in sorted(method.hyperparameters):
            if (value := number(method.hyperparameters[parameter])) is not None:
                groups = found.setdefault(parameter, {})
                groups.setdefault((method.without(parameter), mark), {}).setdefault(value, name)
    return tuple(
        Sweep(parameter, series)
        for parameter, groups in found.items()
        if (
            series := tuple(
                _series(f"{rest.title}{mark}", group)
                for (rest, mark), group in groups.items()
                if len(group) >= FEWEST
            )
        )
    )


def _series(label: str, group: dict[float, str]) -> Series:
    values = tuple(sorted(group))
    return Series(label, tuple(group[value] for value in values), values)
