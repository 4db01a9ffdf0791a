"""Readers of what users write down and of data sets, for the fuzz targets."""

from __future__ import annotations

import json
from pathlib import Path

# --- what users write down


def analysis(path: Path) -> object:
    from amrobust.analysis import load_analysis
    from amrobust.train.prepare import make_spec

    analysis = load_analysis(str(path))
    return [
        make_spec(
            analysis.workload, training.optimizer, setting.workload_params, training.hyperparameters,
            root_seed=analysis.root_seed,
        )
        for setting in analysis.settings
        for training in analysis.trainings
    ]  # fmt: skip


def claims(path: Path) -> object:
    from amrobust.judge.declared import load_claims

    return load_claims(path)


CLAIMS = b"""
metric = "test_accuracy"
baseline = "msgd"
question = "Is it?"
[[claims]]
kind = "less Avg. STD"
method = "am1[m=5]/II"
epochs = [1, 3]
[[claims]]
kind = "equivalent mean"
method = "am1[m=5]/II"
margin = 0.5
[[claims]]
kind = "trend"
methods = ["a", "b", "c"]
rising = true
[[claims]]
kind = "composite"
method = "a"
[[claims.parts]]
kind = "less spread"
[[claims.parts]]
kind = "better mean"
"""


def tables(path: Path, metric: str | None = None) -> object:
    from amrobust.judge.published import judge_tables
    from amrobust.judge.published_tables import load_tables
    from amrobust.report import render

    return render(judge_tables(load_tables(path, metric=metric), margin=0.5), "table", verbose=True)


TABLES = b"""
[one]
metric = "test accuracy"
unit = "percent"
seeds = 5
epochs = 90
[[one.rows]]
method = "M-SGD"
final_mean = 71.2
final_std = 0.12
avg_std = 0.4
[[one.rows]]
method = "AM1-SGD"
option = "II"
m = 5
n = 6
final_mean = 71.3
final_std = 0.08
"""


def selection(data: bytes, scratch: Path) -> object:
    """A method as it is typed after --opt, and a workload's parameters after --param."""
    from amrobust.cli.requests import NAMED, specs_asked

    text, *params = data.decode("utf-8", "surrogateescape").split("\n")
    made = []
    for workload in ("digits", "logistic"):
        asked = {"opts": (text,), "params": params, "workload": workload, **dict.fromkeys(NAMED)}
        found = specs_asked(
            {**asked, "root_seed": 0, "x0": 0, "x0s": 1, "paired": False, "vary": None, "allow_code": True}
        )
        json.dumps([spec.to_dict() for spec in found], allow_nan=False)
        made.append(found)
    return made


def spec_file(path: Path) -> object:
    from amrobust.train.requests import load_request

    return load_request(path)


SPEC = b"""
workload = "digits"
seeds = 5
methods = [{ opt = "msgd" }, { opt = "am1", m = [3, 5] }]
[grid]
batch_size = [16, 32]
"""


def counts(data: bytes, scratch: Path) -> object:
    from amrobust.cli.parameters import parse_counts

    return parse_counts(data.decode("utf-8", "surrogateescape"))


# --- data sets


def libsvm(path: Path) -> object:
    from amrobust.workloads.samples import _libsvm

    return _libsvm(str(path), str(path), path.stat().st_size)


def idx(data: bytes, scratch: Path) -> object:
    from amrobust.workloads.formats import parse_idx

    return [parse_idx(data, "x", axes) for axes in (1, 3)]


def cifar(data: bytes, scratch: Path) -> object:
    from amrobust.workloads.formats import parse_cifar

    return parse_cifar(data, "x", 1, 10), parse_cifar(data, "x", 2, 100)


def words(data: bytes, scratch: Path) -> object:
    from amrobust.workloads.formats import parse_text

    return parse_text([("x", data)])
