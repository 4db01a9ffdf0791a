"""Requests for many runs: methods with lists of values, on every point of a grid of workload parameters, as specs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from amrobust.errors import UserError
from amrobust.plugins import refuse_code
from amrobust.runs.documents import MAX_COMBINATIONS, Tables, combinations, grid_points, read_toml
from amrobust.runs.spec import Spec, Value
from amrobust.runs.tuning import Tuning
from amrobust.runs.tuning_record import TunedMethod, TuningFile
from amrobust.train.prepare import make_spec

MAX_SEEDS = 1_000_000
MAX_X0S = 1_000


@dataclass(frozen=True)
class Training:
    """One optimizer with the hyperparameters that are set; the rest are the workload's defaults."""

    optimizer: str
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    label: str | Mapping[str, str] = ""
    """What it is called in print, or each of its outputs."""


@dataclass(frozen=True)
class Request:
    """Specs to run, and how many seeds of each."""

    specs: tuple[Spec, ...]
    seeds: int
    tunings: Mapping[str, Tuning] = field(default_factory=dict)
    """By a spec's method key, how it was tuned."""


def trainings_of(tables: Tables, methods: Iterable[dict[str, Any]]) -> tuple[Training, ...]:
    """One training for every combination of the hyperparameters that a ``[[methods]]`` table gives as lists."""
    found = []
    for number, table in enumerate(methods, 1):
        own = tables.within(f"method {number}")
        optimizer, label = own.take(table, "opt", str), ""
        if "label" in table:
            label = own.take(table, "label", (str, dict))
            for text in label.values() if isinstance(label, dict) and label else [label]:
                if not isinstance(text, str) or not text.strip():
                    raise own.complain(f"the label of {optimizer} is a text to print, not {text!r}")
        values = {name: value if isinstance(value, list) else [value] for name, value in table.items()}
        points = combinations(own, values)
        if label and len(points) > 1:
            raise own.complain(f"a label is of one method, and {optimizer} here is {len(points)}")
        found += [Training(optimizer, point, label) for point in points]
    return tuple(found)


def specs_of(
    workload: str,
    points: Sequence[Mapping[str, Any]],
    trainings: Sequence[Training],
    *,
    root_seed: int = 0,
    x0s: Sequence[int] = (0,),
    paired: bool = False,
    vary: str | None = None,
) -> tuple[Spec, ...]:
    """The specs of ``trainings`` on every one of ``points`` (workload parameters) from every starting point; each once.

    Raises UserError where one makes no sense, or there are more than 100,000.
    """
    count = len(points) * len(trainings) * len(x0s)
    if count > MAX_COMBINATIONS:
        raise UserError(f"{count:,} runs are asked for, more than {MAX_COMBINATIONS:,}")
    specs = [
        make_spec(
            workload, training.optimizer, point, training.hyperparameters, root_seed=root_seed, x0_index=x0, paired=paired,
            vary=vary,
        )
        for x0 in x0s
        for point in points
        for training in trainings
    ]  # fmt: skip
    return tuple({spec.key: spec for spec in specs}.values())


def load_request(path: Path, *, allow_code: bool = False) -> Request:
    """Read a file of what to run.

    Raises UserError on anything missing, unknown or ill-typed, and on the path of code unless ``allow_code``.
    """
    data, tables = read_toml(path, "spec"), Tables(str(path))
    if "claims" in data:
        raise tables.complain("has claims: it is an analysis, use 'amrobust analyze' with it")
    take = tables.take
    trainings = trainings_of(tables, take(data, "methods", list))
    if not trainings:
        raise tables.complain("needs at least one method")
    if any(training.label for training in trainings):
        raise tables.complain(
            "labels are for print: give them in an analysis, or with 'amrobust compare --label'"
        )
    params = take(data, "workload_params", dict, {})
    points = [{**params, **point} for point in grid_points(tables, take(data, "grid", dict, {}))]
    seeds, x0, x0s = take(data, "seeds", int, 20), take(data, "x0", int, 0), take(data, "x0s", int, 1)
    if not 1 <= seeds <= MAX_SEEDS or not 1 <= x0s <= MAX_X0S:
        raise tables.complain(f"'seeds' is at least 1 and at most {MAX_SEEDS:,}, 'x0s' at most {MAX_X0S:,}")
    paired = data.pop("paired", False)
    if not isinstance(paired, bool):
        raise tables.complain(f"'paired' is true or false, not {paired!r}")
    vary = take(data, "vary", str, "all")
    workload, root_seed = take(data, "workload", str, "digits"), take(data, "root_seed", int, 0)
    tables.nothing_left(data, "the file")
    if not allow_code:
        refuse_code(tables.source, (workload, *(training.optimizer for training in trainings)))
    return Request(
        specs_of(
            workload,
            points,
            trainings,
            root_seed=root_seed,
            x0s=range(x0, x0 + x0s),
            paired=paired,
            vary=None if vary == "all" else vary,
        ),
        seeds,
    )


def from_tuning(
    found: TuningFile,
    seeds: int,
    *,
    methods: Sequence[TunedMethod] | None = None,
    params: Mapping[str, Value] | None = None,
    root_seed: int | None = None,
    x0: int | None = None,
    x0s: int = 1,
    paired: bool = False,
    vary: str | None = None,
) -> Request:
    """The request for ``methods`` of ``found`` [default: all], each with the record of how it was tuned.

    ``params`` stand over the workload's parameters of the file; root seed and first starting point are those of the tuning
    where none are given. Raises UserError where something makes no sense.
    """
    tunings: dict[str, Tuning] = {}
    specs: list[Spec] = []
    for method in found.methods if methods is None else methods:
        first = method.tuning.x0_index if x0 is None else x0
        own = specs_of(
            found.workload,
            [{**found.workload_params, **(params or {})}],
            [Training(method.optimizer, method.hyperparameters)],
            root_seed=method.tuning.root_seed if root_seed is None else root_seed,
            x0s=range(first, first + x0s),
            paired=paired,
            vary=vary,
        )
        specs += own
        tunings |= {spec.method_key: method.tuning for spec in own}
    return Request(tuple(specs), seeds, tunings)
