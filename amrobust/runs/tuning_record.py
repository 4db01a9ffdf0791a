"""The record of a tuning, as a manifest has it and as a file that ``amrobust run --tuned`` reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import product
from math import prod
from pathlib import Path
from typing import Any, Literal

from amrobust import __version__
from amrobust.errors import UserError
from amrobust.runs.entries import (
    MAX_SEED,
    Broken,
    OutOfReach,
    a_boolean,
    a_mapping,
    a_name,
    a_number,
    a_scalar,
    a_sequence,
    a_table,
    a_text,
    an_integer,
    entry,
    optional,
    sealed,
)
from amrobust.runs.files import read_bounded, reason, shown
from amrobust.runs.output import write_output
from amrobust.runs.spec import Value, content_digest
from amrobust.runs.tuning import MOST_SEEDS, Trial, Tuning

SCHEMA_VERSION = 1
MAX_BYTES = 50_000_000
MAX_TRIALS = 10_000
MAX_METHODS = 1_000


@dataclass(frozen=True)
class TunedMethod:
    """One method as it was tuned: its complete hyperparameters, those that were chosen among them."""

    optimizer: str
    hyperparameters: Mapping[str, Value]
    tuning: Tuning


@dataclass(frozen=True)
class TuningFile:
    """What one ``amrobust tune`` found: methods on one workload, whose parameters are those of the full training set."""

    workload: str
    workload_params: Mapping[str, Value]
    methods: tuple[TunedMethod, ...]


def write_tuning(path: Path, found: TuningFile) -> None:
    """Write ``found`` to ``path``, wholly or not at all. Raises UserError or RunError as :func:`write_output`."""
    content: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "amrobust_version": __version__,
        **asdict(found),
    }
    content["checksum"] = content_digest(content)
    write_output(path, (json.dumps(content, indent=2, allow_nan=False) + "\n").encode())


def read_tuning(path: Path) -> TuningFile:
    """The file that :func:`write_tuning` wrote. Raises UserError on anything else, naming what is wrong."""
    try:
        data = read_bounded(path, MAX_BYTES)
        top, _ = sealed(data, SCHEMA_VERSION, "record")
        methods = entry(top, "methods", a_sequence(_method))
        if not 1 <= len(methods) <= MAX_METHODS:
            raise Broken("its record has no method, or too many")
        return TuningFile(
            workload=entry(top, "workload", a_name),
            workload_params=entry(top, "workload_params", a_mapping(a_scalar)),
            methods=methods,
        )
    except OSError as error:
        raise UserError(f"cannot read the tuning {shown(path)}: {reason(error)}") from None
    except Broken as problem:
        remedy = problem.remedy if isinstance(problem, OutOfReach) else "'amrobust tune' writes it again"
        raise UserError(f"{shown(path)} is no record of a tuning: {shown(problem)}; {remedy}") from None


def _method(value: Any, where: str) -> TunedMethod:
    table = a_table(value, where)
    found = TunedMethod(
        optimizer=entry(table, "optimizer", a_name),
        hyperparameters=entry(table, "hyperparameters", a_mapping(a_scalar)),
        tuning=entry(table, "tuning", a_tuning),
    )
    check_chosen(found.hyperparameters, found.tuning)
    return found


def check_chosen(hyperparameters: Mapping[str, Value], tuning: Tuning) -> None:
    """Raise Broken unless a method with these ``hyperparameters`` is the one that ``tuning`` chose."""
    for name, value in tuning.best.values.items():
        if name not in hyperparameters or hyperparameters[name] != value:
            raise Broken(f"its record chooses {shown(name)} = {shown(value)}, which is not what was run")


def a_tuning(value: Any, where: str) -> Tuning:
    """A tuning. Raises Broken where a field is wrong, or its trials are not those of its grid."""
    table = a_table(value, where)
    tuning = Tuning(
        searched=entry(table, "searched", a_mapping(a_sequence(a_scalar))),
        trials=entry(table, "trials", a_sequence(_trial)),
        chosen=entry(table, "chosen", an_integer(0, MAX_TRIALS)),
        seeds=entry(table, "seeds", a_sequence(an_integer(0, MAX_SEED - 1))),
        epochs=entry(table, "epochs", an_integer(1)),
        metric=entry(table, "metric", a_name),
        better=entry(table, "better", _direction),
        unit=entry(table, "unit", a_text),
        output=entry(table, "output", a_name),
        validation=entry(table, "validation", optional(_share)),
        root_seed=entry(table, "root_seed", an_integer(0, most=None)),
        x0_index=entry(table, "x0_index", an_integer(0, most=None)),
        paired=entry(table, "paired", a_boolean),
    )
    _check_grid(tuning)
    return tuning


def _check_grid(tuning: Tuning) -> None:
    count = prod(map(len, tuning.searched.values()))
    if not 1 <= count <= MAX_TRIALS or count != len(tuning.trials):
        raise Broken("its record has other trials than the combinations of what was searched")
    points = product(*tuning.searched.values())
    for trial, point in zip(tuning.trials, points, strict=True):
        if trial.values != dict(zip(tuning.searched, point, strict=True)):
            raise Broken("its record has other trials than the combinations of what was searched")
    if not 1 <= len(set(tuning.seeds)) == len(tuning.seeds) <= MOST_SEEDS:
        raise Broken("its record has no tuning seeds, too many, or one twice")
    if tuning.chosen >= len(tuning.trials) or tuning.best.mean is None:
        raise Broken("its record chooses a trial that is not there, or that diverged")


def _trial(value: Any, where: str) -> Trial:
    table = a_table(value, where)
    return Trial(
        values=entry(table, "values", a_mapping(a_scalar)),
        mean=entry(table, "mean", optional(a_number)),
        std=entry(table, "std", optional(a_number)),
        diverged=entry(table, "diverged", an_integer(0, MAX_SEED)),
    )


def _direction(value: Any, where: str) -> Literal["higher", "lower"]:
    if value == "higher":
        return "higher"
    if value == "lower":
        return "lower"
    raise Broken(f"{where} in its record is neither higher nor lower")


def _share(value: Any, where: str) -> float:
    share = a_number(value, where)
    if not 0 < share < 1:
        raise Broken(f"{where} in its record is not a share between 0 and 1")
    return share
