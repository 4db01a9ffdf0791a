"""A setting in a log is no metric: what no seed differs in is left out, and parameters by their names, unless asked for."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from amrobust.cli import main
from amrobust.ingest.assemble import gather
from amrobust.ingest.logged import LoggedRun
from amrobust.ingest.mappings import Mappings
from amrobust.ingest.policies import Policies

STEPS = np.arange(1.0, 4)


def runs(rates, seeds=2, accuracy=lambda seed: seed + STEPS):
    return [
        LoggedRun(
            f"{method}/{seed}",
            {"method": method, "seed": str(seed)},
            {"ema": (STEPS, np.array(rate, float)), "acc": (STEPS, accuracy(seed))},
        )
        for method, rate in rates.items()
        for seed in range(seeds)
    ]


def metrics(found):
    return [[metric.name for metric in method.metrics] for method in found.methods]


def gathered(logged, **mappings):
    return gather(logged, Mappings(**mappings), Policies(), "log")


@pytest.mark.parametrize(
    "rates", [{"sgd": [0.1] * 3, "adam": [0.01] * 3}, {"sgd": [0.1, 0.1, 0.01]}], ids=["constant", "schedule"]
)
def test_it_is_left_out_and_that_is_said(rates):
    found = gathered(runs(rates))
    assert metrics(found) == [["acc"]] * len(rates)
    assert [set(method.curves) for method in found.methods] == [{"acc"}] * len(rates)
    assert found.notes[0].startswith("ema: the same for all seeds, and left out")


def test_what_is_never_a_number_makes_no_seed_diverged():
    found = gathered(runs({"sgd": [np.nan] * 3}))
    assert metrics(found) == [["acc"]]
    assert found.methods[0].diverged == ()
    some = runs({"sgd": [np.nan] * 3, "adam": [1, 2, np.nan]})
    assert [method.diverged for method in gathered(some).methods] == [(0, 1), (0, 1)]


def test_asked_for_it_is_taken():
    assert metrics(gathered(runs({"sgd": [0.1] * 3}), metrics=("ema", "acc"))) == [["ema", "acc"]]


def test_what_differs_between_two_seeds_is_a_metric():
    logged = runs({"sgd": [0.1] * 3, "adam": [0.1] * 3})
    logged[-1].series["ema"][1][2] = 0.2
    assert metrics(gathered(logged)) == [["ema", "acc"]] * 2


def test_a_seed_that_is_alone_is_told_from_its_steps():
    """So that seeds that are imported one after the other have the same metrics."""
    assert metrics(gathered(runs({"sgd": [0.1] * 3}, seeds=1))) == [["acc"]]
    assert metrics(gathered(runs({"sgd": [0.1, 0.1, 0.01]}, seeds=1))) == [["ema", "acc"]]


def test_where_nothing_would_be_left_nothing_is_left_out():
    assert metrics(gathered(runs({"sgd": [0.1] * 3}, accuracy=lambda seed: STEPS))) == [["ema", "acc"]]


@pytest.mark.parametrize("name", ["lr", "train/learning_rate", "lr-SGD", "batch_size", "momentum"])
def test_a_parameter_is_none_even_where_seeds_differ_in_it(name):
    logged = runs({"sgd": [0.1] * 3, "adam": [0.1] * 3})
    for place, one in enumerate(logged):
        one.series[name] = (STEPS, STEPS + place)
    found = gathered(logged)
    assert metrics(found) == [["acc"]] * 2
    assert f"{name}: a parameter by its name, and left out as no result of training" in found.notes[0]
    assert metrics(gathered(logged, metrics=(name,))) == [[name]] * 2


def test_a_table_with_a_column_of_them_is_judged_by_what_was_measured(tmp_path):
    rows = ["optimizer,ema,seed,epoch,test_accuracy"]
    rows += [
        f"{method},0.1,{seed},{epoch},{80 + epoch + factor * ((7 * seed + epoch) % 5)}"
        for method, factor in (("sgd", 1.0), ("adam", 0.3))
        for seed in range(5)
        for epoch in (1, 2, 3)
    ]
    table = tmp_path / "tidy.csv"
    table.write_text("\n".join(rows))
    done = CliRunner().invoke(
        main, ["compare", str(table), "--baseline", "sgd", "--format", "json"], catch_exceptions=False
    )
    assert [group["metric"]["name"] for group in json.loads(done.stdout)["groups"]] == ["test_accuracy"]
    assert "lr" not in done.stderr  # A setting of the method, in which the two do not differ.
    assert "ema: the same for all seeds" in done.stderr
