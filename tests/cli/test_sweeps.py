"""Trends over any hyperparameter, from a table and a file of claims to the verdict."""

import csv
import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from amrobust import stats
from amrobust.cli import main

CORPUS = Path(__file__).parents[1] / "corpus"
TABLE = CORPUS / "tables/hyperparameter_sweep.csv"
CLAIMS = CORPUS / "documents/sweep.toml"


def run(*arguments):
    return CliRunner().invoke(main, ["compare", *map(str, arguments)])


def curves():
    """The curves of the table by learning rate, read without amrobust."""
    found = defaultdict(lambda: defaultdict(list))
    with TABLE.open() as file:
        for row in csv.DictReader(file):
            found[float(row["method"].partition("=")[2].strip("]"))][row["seed"]].append(float(row["acc"]))
    return {lr: np.array(list(seeds.values())) for lr, seeds in sorted(found.items())}


def test_a_trend_over_lr_is_judged_as_one_over_m_is():
    done = run(TABLE, "--claims", CLAIMS, "--format", "json")
    assert done.exit_code == 0, done.output
    ((verdict,),) = [compared["verdicts"] for compared in json.loads(done.stdout)["groups"]]
    data = curves()
    oracle = stats.spread_trend(list(data.values()), list(data))
    assert verdict["outcome"] == "supported"
    assert verdict["claim"]["over"] == "lr"
    assert verdict["claim"]["methods"] == ["sgd[lr=0.01]", "sgd[lr=0.03]", "sgd[lr=0.1]"]
    assert verdict["interval"]["estimate"] == pytest.approx(oracle.estimate, rel=1e-12)
    assert "the spread of acc rises as lr grows, over sgd[lr=0.01]" in verdict["sentence"]


def test_the_same_sweep_over_m_has_the_same_text(tmp_path):
    table, claims = tmp_path / "hyperparameter_sweep.csv", tmp_path / "sweep.toml"
    # A name of the same length, so that columns stand alike.
    table.write_text(TABLE.read_text().replace("[lr=", "[m_="))
    claims.write_text(CLAIMS.read_text().replace("[lr=", "[m_="))
    over_m, over_lr = run(table, "--claims", claims), run(TABLE, "--claims", CLAIMS)
    assert over_m.exit_code == 0, over_m.output
    assert over_m.output.replace("m_=", "lr=") == over_lr.output
