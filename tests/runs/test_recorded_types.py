"""Types of what is recorded: settled at the first call, so that no training is lost to one at its end."""

import enum
import fractions
import json
import math
import re
import warnings
from collections import UserList
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from recorded import logged

import amrobust
from amrobust.errors import UserError
from amrobust.ingest.read import read_path
from amrobust.ingest.recorder_place import Place
from amrobust.runs.seeds import as_given, seed_of
from amrobust.runs.store import open_runs


class Rate(float):
    """A subclass of float."""


class Level(enum.IntEnum):
    """An integer with a name."""

    LOW = 1


class Number(int, enum.Enum):
    """An integer whose text is none."""

    THREE = 3


class Colour(str, enum.Enum):  # noqa: UP042 - what people have
    """A text whose text is another."""

    RED = "red"


NUMPY = [np.dtype(code).type for code in "bBhHiIlLqQefdg?"]
TORCH = [
    torch.int8, torch.uint8, torch.int16, torch.int32, torch.int64, torch.float16, torch.bfloat16, torch.float32, torch.float64,
    torch.bool,
]  # fmt: skip
MAKERS = [
    int, float, bool, str, lambda x: None, Rate, lambda x: Level.LOW, lambda x: Number.THREE, lambda x: Colour.RED, np.str_,
    np.bytes_, Decimal, fractions.Fraction, complex, np.complex64, lambda x: [x], lambda x: (x,), lambda x: {x: x},
    lambda x: UserList([x]), lambda x: date(2026, 1, 1 + x % 28), lambda x: np.datetime64(x, "s"), lambda x: b"x",
    lambda x: object(), lambda x: np.array(x), lambda x: np.array([x]), lambda x: np.array([x, x]), lambda x: 10**30 + x,
    lambda x: float("nan"), lambda x: np.float32("inf"), lambda x: "x" * 20_000, lambda x: json, lambda x: lambda: x,
    lambda x: torch.tensor([x, x]), lambda x: torch.tensor(float(x), requires_grad=True),
    *NUMPY, *(lambda x, dtype=dtype: torch.tensor(x, dtype=dtype) for dtype in TORCH),
]  # fmt: skip
ANYTHING = st.builds(lambda make, x: make(x), st.sampled_from(MAKERS), st.integers(0, 100))


def the_run(directory):
    ((run,), problems) = open_runs([directory])
    assert not problems
    return run


@given(value=ANYTHING, seed=ANYTHING, metric=ANYTHING)
def test_whatever_is_given_is_refused_at_the_first_call_or_recorded_for_good(
    value, seed, metric, tmp_path_factory
):
    directory = tmp_path_factory.mktemp("runs")
    try:
        recording = amrobust.record(
            directory, method="m", workload="w", seed=seed, hyperparameters={"lr": value}
        )
    except UserError:
        assert not list(directory.iterdir())
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with recording as run:
            run.log(1, acc=metric)  # what it cannot take is said, and left out
            run.log(2, acc=0.75)
    found = the_run(directory)
    kept = found.spec.hyperparameters["lr"]
    assert kept is None or type(kept) in (bool, int, float, str)
    assert kept == value
    assert type(kept) is not bool or str(kept) == str(getattr(value, "item", lambda: value)())
    known = seed_of(seed)
    assert found.manifest.complete == (known,)
    for lr in (kept, value):
        done = amrobust.recorded(directory, method="m", workload="w", hyperparameters={"lr": lr})
        assert done == (as_given(known),)


@pytest.mark.parametrize(
    "seed", [*(kind(3) for kind in NUMPY[:10]), torch.tensor(3), np.array(3), Number.THREE], ids=repr
)
def test_integers_of_every_make_are_seeds(seed, tmp_path):
    logged(tmp_path, seed)
    assert the_run(tmp_path).manifest.complete == (3,)
    with pytest.raises(UserError, match="seed 3 of adam is already recorded"):
        logged(tmp_path, 3)


def test_the_same_values_of_other_types_are_the_same_run(tmp_path):
    given_as = (
        {"lr": 0.5, "m": 5, "nesterov": True, "schedule": "cosine"},
        {"lr": np.float32(0.5), "m": np.int64(5), "nesterov": np.bool_(True), "schedule": np.str_("cosine")},
        {"lr": torch.tensor(0.5), "m": torch.tensor(5), "nesterov": torch.tensor(True), "schedule": "cosine"},
    )
    for seed, hyperparameters in enumerate(given_as):
        logged(
            tmp_path, np.int64(seed), hyperparameters=hyperparameters, method=np.str_("adam"), paired=np.bool_(True),
            epochs=3, seeds=np.int16(3),
        )  # fmt: skip
    run = the_run(tmp_path)
    assert run.manifest.complete == (0, 1, 2)
    assert run.manifest.seed_plans == (3,)
    assert run.spec.paired is True


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (np.float16(0.5), 0.5), (np.float32(0.1), float(np.float32(0.1))), (np.longdouble(0.5), 0.5), (np.int8(-3), -3),
        (np.uint64(2**63), 2.0**63), (7, 7), (True, 1), (False, 0), (np.bool_(True), 1), (Decimal("0.1"), 0.1),
        (fractions.Fraction(1, 4), 0.25), (np.array([2.5]), 2.5), (np.array([[2.5]]), 2.5), (torch.tensor([2.5]), 2.5),
        (torch.tensor(1.5, dtype=torch.bfloat16, requires_grad=True), 1.5), (torch.tensor(True), 1), (1e-320, 1e-320),
    ],
    ids=repr,
)  # fmt: skip
def test_numbers_of_every_make_are_metrics(value, number, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with amrobust.record(tmp_path, method="m", seed=0, workload="w") as run:
            run.log(np.int64(1), acc=value)
    assert the_run(tmp_path).curves()["I"]["acc"].tolist() == [[number]]


@pytest.mark.parametrize(
    "value",
    [
        "0.5", "nan", b"0.5", np.str_("1"), np.bytes_(b"1"), 1j, np.complex64(1), date(2026, 1, 1), 10**400,
        torch.empty((), device="meta"), object(), Decimal("sNaN"),
    ],
    ids=lambda value: "object" if type(value) is object else repr(value)[:30],
)  # fmt: skip
def test_what_is_no_number_is_said_where_it_is_logged_and_left_out(value, tmp_path, caplog):
    with amrobust.record(tmp_path, method="m", seed=0, workload="w") as run:
        run.log(1, acc=value, loss=0.5)
    assert re.search("acc = .* is not a number", caplog.text)
    assert list(the_run(tmp_path).curves()["I"]) == ["loss"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seeds": "20"}, "seeds is a whole number from 1"), ({"seeds": 0}, "seeds is"), ({"epochs": 2.5}, "epochs is"),
        ({"epochs": True}, "epochs is"), ({"seed": np.bool_(True)}, "a seed is"),
        ({"seed": np.float64(3.5)}, "not a whole number"),
        ({"metrics": "acc"}, r"metrics are names, such as \('acc',\)"), ({"metrics": [1]}, "the name of a metric is"),
        ({"metrics": [""]}, "the name of a metric is"), ({"metrics": ["epoch"]}, "cannot be called 'epoch'"),
        ({"better": {"acc": "best"}}, "better of acc is 'higher' or 'lower', not 'best'"),
        ({"units": {"acc": None}}, "the unit of acc is a text"), ({"paired": "yes"}, "paired is True or False, not 'yes'"),
        ({"paired": 1}, "paired is"), ({"hyperparameters": {1: 2}}, "and 1 is no name"),
        ({"hyperparameters": {"lr": 10**30}}, "'lr' is a number"),
        ({"hyperparameters": {"lr": np.ones(2)}}, "'lr' is a number"),
    ],
)  # fmt: skip
def test_options_that_no_manifest_can_hold_are_refused_before_anything_is_made(options, message, tmp_path):
    with pytest.raises(UserError, match=message):
        amrobust.record(tmp_path, **({"method": "a", "seed": 0, "workload": "w"} | options))
    assert not list(tmp_path.iterdir())


def test_a_metric_whose_name_cannot_be_read_back_is_said_and_left_out(tmp_path, caplog):
    with amrobust.record(tmp_path, method="m", seed=0, workload="w") as run:
        run.log(1, acc=0.5, **{"": 1.0})
    assert "the name of a metric is a text" in caplog.text
    assert list(the_run(tmp_path).curves()["I"]) == ["acc"]


def test_an_error_that_nobody_thought_of_keeps_what_was_logged(tmp_path, monkeypatch, caplog):
    def broken(*_, **__):
        raise TypeError("not serializable")

    monkeypatch.setattr(Place, "complete", broken)
    logged(tmp_path)
    assert "not serializable; what was logged is in" in caplog.text
    gathered, _ = read_path(next(tmp_path.rglob("seed-0.jsonl")))
    assert gathered.methods[0].curves["test_accuracy"].tolist() == [[90.1, 90.2, 90.3]]
    assert math.isclose(gathered.methods[0].curves["test_loss"][0, 0], 0.5)
