"""Not measured yet, and not finite: NaN before the first value is no divergence, NaN behind it is."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import amrobust
from amrobust.cli import main
from amrobust.runs.values import first_measured

CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "tables"


def judged(path, *options):
    done = CliRunner().invoke(
        main, ["compare", str(path), "--format", "json", *options], catch_exceptions=False
    )
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)["groups"][0]


def test_a_reward_that_begins_later_is_not_measured_there_and_no_seed_diverged():
    frame = pd.read_csv(CORPUS / "nan_first.csv")
    found = judged(CORPUS / "nan_first.csv")
    assert [arm["diverged"] for arm in found["arms"]] == [[], []]
    assert found["first_epoch"] == 2
    assert all(verdict["outcome"] != "not assessable" for verdict in found["verdicts"])
    (note,) = (note for note in found["warnings"] if note["kind"] == "epochs-left-out")
    assert "before 4096 are left out for every method: some seed was not measured there" in note["message"]
    # Avg. STD by pandas, over the steps at which every seed of both methods was measured.
    later = frame[frame.step > frame.step.min()]
    stds = later.groupby(["algo", "step"]).ep_rew_mean.std().groupby("algo").mean()
    for summary in found["summaries"]:
        assert summary["avg_std"]["estimate"] == pytest.approx(stds[summary["method"]])


def test_imported_it_is_the_same(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(CORPUS / "nan_first.csv", "nan_first.csv")
    done = CliRunner().invoke(main, ["import", "nan_first.csv"], catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    one, other = judged("nan_first.csv"), judged("runs")
    assert [v["p"] for v in one["verdicts"]] == [v["p"] for v in other["verdicts"]]


def test_recorded_it_is_the_same_and_whole(tmp_path):
    for (algo, seed), rows in pd.read_csv(CORPUS / "nan_first.csv").groupby(["algo", "seed"], sort=False):
        with amrobust.record(tmp_path, method=algo, seed=seed, workload="w", axis="step") as run:
            for step, reward in zip(rows["step"], rows["ep_rew_mean"], strict=True):
                run.log(step, ep_rew_mean=reward)
    one, other = judged(CORPUS / "nan_first.csv"), judged(tmp_path)
    assert [v["p"] for v in one["verdicts"]] == [v["p"] for v in other["verdicts"]]
    assert [arm["diverged"] for arm in other["arms"]] == [[], []]
    done = CliRunner().invoke(main, ["check", str(tmp_path)])
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("values", "diverged"),
    [
        ([np.nan, 1, 2], False), ([np.nan, np.nan, 2], False), ([1, np.nan, 2], True), ([1, 2, np.nan], True),
        ([np.inf, 1, 2], True), ([np.nan] * 3, True),
    ],
)  # fmt: skip
def test_the_recorder_tells_what_was_not_measured_yet_from_what_diverged(values, diverged, tmp_path):
    with amrobust.record(tmp_path, method="m", seed=0, workload="w") as run:
        for epoch, value in enumerate(values, 1):
            run.log(epoch, acc=value, loss=0.5)
    assert bool(amrobust.load(tmp_path).arms[0].diverged) == diverged
    assert CliRunner().invoke(main, ["check", str(tmp_path)]).exit_code == 0


def test_what_is_not_finite_behind_a_value_diverged():
    curves = np.array([[90.0, 91, 92], [np.nan, 91, 93], [90, np.nan, 92], [91, 92, np.inf], [np.nan] * 3])
    assert first_measured(curves) == 2
    runs = amrobust.Runs.from_arrays({"a": curves, "b": curves + 1}, metric="accuracy")
    assert [len(set(arm.diverged)) for arm in runs] == [3, 3]


@pytest.mark.parametrize(
    ("rows", "first"),
    [
        ([[1, 2], [3, 4]], 1),
        ([[np.nan, np.nan, 1], [np.nan, 1, 2]], 3),
        ([[np.nan] * 3], 1),
        ([[np.inf, 1], [1, 2]], 1),
    ],
)
def test_where_all_that_are_measured_have_begun(rows, first):
    assert first_measured(np.array(rows, float)) == first


def test_what_keras_and_r_write_where_nothing_was_logged_is_an_empty_cell(tmp_path):
    frame = pd.read_csv(CORPUS / "keras_na.csv")  # NA is missing to pandas too
    for text in ("NA", "N/A", ""):
        path = tmp_path / "keras.csv"
        frame.to_csv(path, index=False, na_rep=text)
        runs = amrobust.load(path, metric="val_accuracy")
        assert runs.methods == ("sgd", "adam")
        assert [arm.axis.values for arm in runs] == [(2, 5), (2, 5)]
        for arm in runs:
            wide = frame[frame.method == arm.method].pivot_table(
                index="seed", columns="epoch", values="val_accuracy"
            )
            assert np.array_equal(arm.curves["val_accuracy"], wide.to_numpy())
