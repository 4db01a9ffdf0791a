"""``amrobust tails`` from runs to a table, CSV and JSON."""

import csv
import io
import json

import numpy as np
import pytest
from click.testing import CliRunner

from amrobust.cli import main


@pytest.fixture
def results(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "results.csv"
    lines = ["method,seed,step,accuracy"]
    for method in ("=adam()", "sgd"):
        lines += [f"{method},{seed},1,{90 + rng.normal():.4f}" for seed in range(30)]
    path.write_text("\n".join(lines) + "\n")
    return path


def run(*arguments):
    return CliRunner().invoke(main, ["tails", *map(str, arguments)])


def test_the_table_has_every_method_with_its_exact_interval(results):
    done = run(results, "--threshold", 85)
    assert done.exit_code == 0, done.output
    assert done.output.count("P(ends below 85)") == 2
    assert "[0.0 %, 11.6 %]" in done.output
    assert "at most 9.5 % at 95 %, one-sided" in done.output
    assert "(takes 50)" in done.output


def test_machines_get_the_same_numbers(results):
    rows = list(csv.DictReader(io.StringIO(run(results, "--threshold", 85, "--format", "csv").stdout)))
    records = json.loads(run(results, "--threshold", 85, "--format", "json").stdout)
    assert [float(row["high"] or "nan") for row in rows] == pytest.approx(
        [np.nan if record["high"] is None else record["high"] for record in records], nan_ok=True
    )
    assert {row["method"] for row in rows} == {"'=adam()", "sgd"}


def test_bad_input_ends_with_status_2(results, tmp_path):
    assert run(results, "--metric", "loss").exit_code == 2
    assert run(results, "--quantile", 2).exit_code == 2
    (tmp_path / "empty").mkdir()
    assert run(tmp_path / "empty").exit_code == 2
