"""The JSON document keeps everything that a comparison holds."""

import json
import math
from collections.abc import Callable
from dataclasses import fields, replace

import numpy as np
import pytest

from amrobust.judge.comparison import Comparison, GroupComparison, Verdict
from amrobust.report import render
from amrobust.stats import Result


def test_numbers_survive_the_round_trip_exactly(comparison: Comparison) -> None:
    document = json.loads(render(comparison, "json"))
    assert document["schema_version"] == 3
    compared = comparison.groups[0]
    written = document["groups"][0]
    for verdict, data in zip(compared.verdicts, written["verdicts"], strict=True):
        assert set(data) == {field.name for field in fields(Verdict)}
        assert verdict.interval is not None
        rebuilt = Result(**{**data["interval"], "n": tuple(data["interval"]["n"]), "warnings": ()})
        assert rebuilt == verdict.interval
        assert (data["p"], data["p_adjusted"], data["outcome"]) == (
            verdict.p,
            verdict.p_adjusted,
            verdict.outcome,
        )
    assert written["notes"][0]["hint"] == compared.warnings[0].hint
    assert document["problems"] == list(comparison.problems)


def test_arms_carry_final_values_but_no_curves(comparison: Comparison) -> None:
    arm = json.loads(render(comparison, "json"))["groups"][0]["arms"][0]
    curves = comparison.groups[0].arms[0].curves["test_accuracy"]
    assert arm["final_values"] == curves[:, -1].tolist()
    assert "curves" not in arm
    assert arm["facts"]["torch"] == "2.6.0"


def test_what_is_not_finite_is_a_string_that_float_reads(judged: Callable[..., GroupComparison]) -> None:
    compared = judged(("msgd", "sgd"), diverged=("sgd",))
    mean = compared.summaries[0].final_mean
    assert mean is not None
    summary = replace(compared.summaries[0], final_mean=replace(mean, high=math.inf))
    compared = replace(compared, summaries=(summary, *compared.summaries[1:]))
    written = json.loads(render(Comparison((compared,)), "json"), parse_constant=pytest.fail)["groups"][0]
    values = np.array([float(value) for value in written["arms"][1]["final_values"]])
    assert np.isnan(values[:2]).all()
    assert np.isfinite(values[2:]).all()
    assert float(written["summaries"][0]["final_mean"]["high"]) == math.inf


def test_every_script_is_written_as_it_is_and_nothing_acts_on_a_terminal(
    judged: Callable[..., GroupComparison],
) -> None:
    names = ("优化器", "ä\u202eb\x1b\x9b\ud800\u2028\U000e0001")
    written = render(Comparison((judged(names, seeds=4, epochs=2),)), "json")
    assert '"method": "优化器"' in written
    assert all(character.isprintable() or character == "\n" for character in written)
    assert [arm["method"] for arm in json.loads(written)["groups"][0]["arms"]] == list(names)
    written.encode("utf-8")
