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
from amrobust.runs.arms import first_measured

CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "tables"


def judged(path, *options):
    done = CliRunner().invoke(
        main, ["compare", str(path), "--format", "json", *options], catch_exceptions=False
    )
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)["judgements"][0]


def test_a_reward_that_begins_later_is_not_measured_there_and_no_seed_diverged():
    frame = pd.read_csv(CORPUS / "nan_first.csv")
    found = judged(CORPUS / "nan_first.csv")
    assert [arm["diverged"] for arm in found["arms"]] == [[], []]
    assert found["first_epoch"] == 2
    assert all(verdict["outcome"] != "cannot be judged" for verdict in found["verdicts"])
    (note,) = (note for note in found["cautions"] if note["kind"] == "epochs-left-out")
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
