"""The record of a tuning, as a manifest has it and as a file that ``amrobust run --tuned`` reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

from amrobust import __version__
from amrobust.errors import UserError
from amrobust.runs.files import escape, read_bounded, reason
from amrobust.runs.output import write_output
from amrobust.runs.seeds import MAX_SEED
from amrobust.runs.spec import MAX_TEXT, Value, content_digest
from amrobust.runs.tuning import MOST_SEEDS, Tuning
from amrobust.runs.validators import CorruptRun, Name, UnreadableRun, check_parameters, checksummed, converted

SCHEMA_VERSION = 1
MAX_BYTES = 50_000_000
MAX_TRIALS = 10_000
MAX_METHODS = 1_000


@dataclass(frozen=True)
class TunedMethod:
    """One method as it was tuned: its complete hyperparameters, those that were chosen among them."""

    optimizer: Name
    hyperparameters: Mapping[str, Value]
    tuning: Tuning


@dataclass(frozen=True)
class TuningFile:
    """What one ``amrobust tune`` found: methods on one workload, whose parameters are those of the full training set."""

    workload: Name
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
        top, _ = checksummed(data, SCHEMA_VERSION, "record")
        found = converted(top, TuningFile, "record")
        if not 1 <= len(found.methods) <= MAX_METHODS:
            raise CorruptRun("its record has no method, or too many")
        check_parameters(found.workload_params, "record", "workload_params")
        for place, method in enumerate(found.methods):
            check_parameters(method.hyperparameters, "record", f"methods[{place}].hyperparameters")
            check_tuning(method.tuning, "record", f"methods[{place}].tuning")
            check_chosen(method.hyperparameters, method.tuning)
        return found
    except OSError as error:
        raise UserError(f"cannot read the tuning {escape(path)}: {reason(error)}") from None
    except CorruptRun as problem:
        hint = problem.hint if isinstance(problem, UnreadableRun) else "'amrobust tune' writes it again"
        raise UserError(f"{escape(path)} is no record of a tuning: {escape(problem)}; {hint}") from None


def check_chosen(hyperparameters: Mapping[str, Value], tuning: Tuning) -> None:
    """Raise CorruptRun unless a method with these ``hyperparameters`` is the one that ``tuning`` chose."""
    for name, value in tuning.best.values.items():
        if name not in hyperparameters or hyperparameters[name] != value:
            raise CorruptRun(
                f"its record chooses {escape(name)} = {escape(value)}, which is not what was run"
            )


def check_tuning(tuning: Tuning, what: str, at: str) -> None:
    """Raise CorruptRun where the tuning ``at`` a place of a record is out of bounds, or has other trials than its grid."""
    count = prod(map(len, tuning.searched.values()))
    if not 1 <= count <= MAX_TRIALS or count != len(tuning.trials):
        raise CorruptRun(f"{at} in its {what} has other trials than the combinations of what was searched")
    points = product(*tuning.searched.values())
    for trial, point in zip(tuning.trials, points, strict=True):
        if trial.values != dict(zip(tuning.searched, point, strict=True)):
            raise CorruptRun(
                f"{at} in its {what} has other trials than the combinations of what was searched"
            )
        check_parameters(trial.values, what, f"{at}.trials")
        if not 0 <= trial.diverged <= MAX_SEED:
            raise CorruptRun(f"{at} in its {what} has a trial of which {trial.diverged} seeds diverged")
    seeds = set(tuning.seeds)
    if not 1 <= len(seeds) == len(tuning.seeds) <= MOST_SEEDS or min(seeds) < 0 or max(seeds) >= MAX_SEED:
        raise CorruptRun(
            f"{at} in its {what} has no tuning seeds, too many, one twice, or one that is no seed"
        )
    if not 0 <= tuning.chosen < len(tuning.trials) or tuning.best.mean is None:
        raise CorruptRun(f"{at} in its {what} chooses a trial that is not there, or that diverged")
    if tuning.epochs < 1 or tuning.root_seed < 0 or tuning.x0_index < 0:
        raise CorruptRun(f"{at} in its {what} has epochs below 1, or a root_seed or an x0_index below 0")
    if (
        not (tuning.metric and tuning.output)
        or max(map(len, (tuning.metric, tuning.output, tuning.unit))) > MAX_TEXT
    ):
        raise CorruptRun(f"{at} in its {what} has a metric, an output or a unit that is empty or too long")
    if tuning.validation is not None and not 0 < tuning.validation < 1:
        raise CorruptRun(
            f"{at}.validation in its {what} is {tuning.validation:g}: expected a share between 0 and 1"
        )
