"""``--interval`` as a user types it: in every format, in the report, in Python and in an analysis."""

import csv
import io
import json
from importlib.resources import files

import jsonschema
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import amrobust
from amrobust.analysis import load_analysis
from amrobust.cli import main
from amrobust.errors import UserError
from amrobust.report.json_schema import published
from amrobust.stats.bootstrap import KINDS, NAMES


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)


@pytest.fixture
def table(tmp_path):
    """Ten seeds of two methods over four epochs."""
    rng = np.random.default_rng(3)
    values = {"adam": rng.normal(90, 1.5, (10, 4)), "am1": rng.normal(90.4, 0.4, (10, 4))}
    rows = [
        (method, seed, epoch + 1, found[seed, epoch])
        for method, found in values.items()
        for seed in range(10)
        for epoch in range(4)
    ]
    path = tmp_path / "runs.csv"
    pd.DataFrame(rows, columns=["method", "seed", "epoch", "test_accuracy"]).to_csv(path, index=False)
    return path


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("form", ["table", "json", "csv", "latex", "markdown", "html"])
def test_every_format_names_the_interval_and_what_it_was_measured_to_be_worth(table, kind, form):
    done = run("compare", table, "--baseline", "adam", "--interval", kind, "--format", form)
    assert done.exit_code == 0, done.output
    assert NAMES[kind] in done.stdout
    assert "9,999 resamples" in done.stdout or form in ("json", "csv")
    shown = done.stdout.replace("\\", "")
    for condition in ("normal seeds", "AR(0.8) curves"):
        assert condition in shown
    assert "nan" not in done.stdout.lower().replace("finance", "")


def test_json_has_kind_resamples_seed_and_coverage_and_keeps_to_its_schema(table):
    document = json.loads(
        run("compare", table, "--baseline", "adam", "--interval", "percentile", "--format", "json").stdout
    )
    jsonschema.validate(document, published())
    (compared,) = document["groups"]
    assert compared["rules"]["interval"] == "percentile"
    measured = pd.read_csv(files("amrobust.reference_runs") / "calibration" / "figures.csv")
    for verdict, topic in zip(
        compared["verdicts"],
        ("difference of means by bootstrap", "ratio of STDs by bootstrap", "ratio of Avg. STDs by bootstrap"),
        strict=True,
    ):
        found = verdict["interval"]["bootstrap"]
        assert (found["kind"], found["resamples"], found["seed"]) == ("percentile", 9_999, 0)
        expected = measured[measured.topic == topic].query(
            "construction == 'bootstrap (percentile)' and n == 10"
        )
        assert [each["value"] for each in found["coverage"]] == expected.value.tolist()
        assert [each["condition"] for each in found["coverage"]] == expected.condition.tolist()
        assert verdict["test_interval"]["p"] == verdict["test"]["p"]
    usual = json.loads(run("compare", table, "--baseline", "adam", "--format", "json").stdout)
    jsonschema.validate(usual, published())
    assert all(v["interval"]["bootstrap"] is None for v in usual["groups"][0]["verdicts"])


def test_csv_has_resamples_seed_and_coverage_of_every_bootstrap_interval(table):
    text = run("compare", table, "--baseline", "adam", "--interval", "bca", "--format", "csv").stdout
    rows = [row for row in csv.DictReader(io.StringIO(text)) if row["record"] in ("method", "claim")]
    assert len(rows) == 9
    for row in rows:
        assert row["interval_by"] == "bootstrap (BCa)"
        assert (row["resamples"], row["resampling_seed"]) == ("9999", "0")
        assert "n = 10: 0." in row["coverage"]


def test_the_same_command_gives_the_same_numbers(table):
    first, again = (
        run("compare", table, "--baseline", "adam", "--interval", "bootstrap-t", "--format", "json").stdout
        for _ in range(2)
    )
    assert first == again


def test_the_report_shows_method_and_coverage_and_its_command_asks_for_the_interval(table, tmp_path):
    place = tmp_path / "report.html"
    done = run("report", table, "--baseline", "adam", "--interval", "percentile", "-o", place)
    assert done.exit_code == 0, done.output
    page = place.read_text(encoding="utf-8")
    for text in ("Percentile bootstrap", "9,999 resamples", "AR(0.8) curves", "--interval percentile"):
        assert text in page
    pdf = tmp_path / "report.pdf"
    assert run("report", table, "--baseline", "adam", "--interval", "bca", "-o", pdf).exit_code == 0
    assert pdf.read_bytes().startswith(b"%PDF")


def test_a_comparison_without_bootstrap_does_not_read_the_calibration_file(table, monkeypatch):
    from amrobust.stats import coverage

    def opened(measure):
        raise AssertionError("the calibration file was read")

    monkeypatch.setattr(coverage, "_shipped", opened)
    assert run("compare", table, "--baseline", "adam").exit_code == 0
    done = run("compare", table, "--baseline", "adam", "--interval", "bca")
    assert (done.exit_code, "the calibration file was read" in done.output) == (1, True)


def test_an_unknown_interval_is_a_usage_error_with_the_choices(table):
    done = run("compare", table, "--interval", "basic")
    assert done.exit_code == 2
    for choice in ("test", *KINDS):
        assert choice in done.output


def test_python_compares_with_the_same_intervals(table):
    found = amrobust.compare(table, baseline="adam", interval="bca")
    rows = found.table()
    assert set(rows.interval_by) == {"bootstrap (BCa)"}
    text = run("compare", table, "--baseline", "adam", "--interval", "bca", "--format", "json").stdout
    verdicts = json.loads(text)["groups"][0]["verdicts"]
    assert rows.estimate_low.tolist() == [verdict["interval"]["low"] for verdict in verdicts]


ANALYSIS = """
title = "T"
question = "Q?"
workload = "logistic"
metric = "suboptimality"
baseline = "sgd"
seeds = 5
interval = "{interval}"
methods = [{{ opt = "sgd" }}, {{ opt = "am1" }}]
claims = [{{ kind = "less spread", method = "am1/II" }}]
"""


def test_an_analysis_may_declare_it(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(ANALYSIS.format(interval="bca"), encoding="utf-8")
    assert load_analysis(str(path)).rules.interval == "bca"
    path.write_text(ANALYSIS.format(interval="basic"), encoding="utf-8")
    with pytest.raises(UserError, match="choose one of test, bootstrap-t, bca, percentile"):
        load_analysis(str(path))
