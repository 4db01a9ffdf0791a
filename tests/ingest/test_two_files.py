"""Files that hold one method each are methods of one workload, where nothing says otherwise."""

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from amrobust.cli import main
from amrobust.ingest.load import load_arms
from amrobust.ingest.mappings import Mappings

TABLES = Path(__file__).resolve().parents[1] / "corpus" / "tables"
TWO = [TABLES / "sgd_only.csv", TABLES / "adam_only.csv"]


def write(path, methods, *, metric="acc", workload=None):
    rows = [
        {"method": m, "seed": s, "epoch": e, metric: 0.5 + 0.01 * s + 0.02 * e}
        | ({"dataset": workload} if workload else {})
        for m in methods
        for s in range(4)
        for e in (1, 2)
    ]
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def workloads(*paths, **mappings):
    return [(arm.method, arm.workload) for arm in load_arms(paths, mappings=Mappings(**mappings))[0]]


def test_two_files_are_two_methods_and_that_is_said():
    done = CliRunner().invoke(main, ["compare", *map(str, TWO), "--format", "json"], catch_exceptions=False)
    assert done.exit_code == 0
    (compared,) = json.loads(done.stdout)["groups"]
    for arm, path in zip(compared["arms"], TWO, strict=True):
        frame = pd.read_csv(path)
        assert arm["final_values"] == frame[frame.epoch == frame.epoch.max()].acc.tolist()
    assert "sgd_only + adam_only: no file names its workload, and no method is in two of them" in done.stderr


def test_the_note_has_the_option_that_keeps_them_apart():
    assert workloads(*TWO, workload_from="path") == [("sgd", "sgd_only.csv"), ("adam", "adam_only.csv")]
    assert workloads(*TWO, workload_from="=digits") == [("sgd", "digits"), ("adam", "digits")]


def test_files_named_after_their_methods_need_one_option(tmp_path):
    for method in ("sgd", "adam"):
        write(tmp_path / f"{method}.csv", [method]).write_text(
            pd.read_csv(tmp_path / f"{method}.csv").drop(columns="method").to_csv(index=False)
        )
    paths = [tmp_path / "sgd.csv", tmp_path / "adam.csv"]
    assert workloads(*paths, method_from="name") == [("sgd", "sgd + adam"), ("adam", "sgd + adam")]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"methods": ["sgd", "adam"]}, {"methods": ["sgd", "adam"]}),  # the files may be data sets
        ({"methods": ["sgd"]}, {"methods": ["sgd"]}),
        ({"methods": ["sgd"], "workload": "a"}, {"methods": ["adam"]}),  # one says what it is of
        ({"methods": ["sgd"]}, {"methods": ["adam"], "metric": "loss"}),  # nothing to compare
    ],
)
def test_everything_else_stays_apart(tmp_path, first, second):
    write(tmp_path / "a.csv", **first)
    write(tmp_path / "b.csv", **second)
    assert {w for _, w in workloads(tmp_path / "a.csv", tmp_path / "b.csv")} == {"a", "b"}
