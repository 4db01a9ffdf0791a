"""What Python users have in hand goes in as it is: frames of any library, mappings of arrays, one number per seed."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import amrobust
from amrobust import Claim, Runs
from amrobust.errors import UserError
from amrobust.runs.values import absent

CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "tables"
FINALS = CORPUS / "finals.csv"
LIBRARIES = {
    "pandas": pd.read_csv,
    "polars": pl.read_csv,
    "polars, lazy": pl.scan_csv,
    "pyarrow": lambda path: pa.Table.from_pandas(pd.read_csv(path)),
}


@pytest.mark.parametrize("read", LIBRARIES.values(), ids=LIBRARIES)
@pytest.mark.parametrize("name", ["finals", "sweep", "hns", "finals_tasks", "envs"])
def test_a_frame_is_read_as_the_file_it_came_from(name, read):
    from_file = amrobust.load(CORPUS / f"{name}.csv")
    from_frame = Runs.from_frame(read(CORPUS / f"{name}.csv"), workload=name)
    assert from_frame.read == from_file.read
    for ours, theirs in zip(from_frame, from_file, strict=True):
        assert (ours.method, ours.workload, ours.seeds) == (theirs.method, theirs.workload, theirs.seeds)
        assert ours.axis == theirs.axis
        for metric, curves in theirs.curves.items():
            np.testing.assert_array_equal(ours.curves[metric], curves)


@pytest.mark.parametrize("read", LIBRARIES.values(), ids=LIBRARIES)
def test_compare_takes_a_frame_and_says_what_the_file_says(read):
    frame = amrobust.compare(read(FINALS), baseline="sgd").table().drop(columns="workload")
    file = amrobust.compare(FINALS, baseline="sgd").table().drop(columns="workload")
    pd.testing.assert_frame_equal(frame.replace("on frame", "on finals", regex=True), file)


@pytest.mark.parametrize("read", LIBRARIES.values(), ids=LIBRARIES)
def test_what_frames_give_back_goes_in_again(read, tmp_path):
    runs = amrobust.load(CORPUS / "envs.csv") + Runs.from_arrays(
        {"adam[lr=0.1]": np.array([[np.nan, 0.5, np.inf], [0.125, 0.25, 0.5]])}, metric="acc"
    )
    runs.to_frame().to_csv(tmp_path / "long.csv", index=False)
    again = Runs.from_frame(read(tmp_path / "long.csv"))
    assert [(arm.workload, arm.method) for arm in again] == [(arm.workload, arm.method) for arm in runs]
    for ours, theirs in zip(again, runs, strict=True):
        assert (ours.seeds, ours.diverged, ours.axis) == (theirs.seeds, theirs.diverged, theirs.axis)
        for metric, curves in theirs.curves.items():
            np.testing.assert_array_equal(ours.curves[metric], curves)


def test_a_missing_value_is_no_divergence_and_nan_of_polars_is():
    rows = [("sgd", s, t, 0.5 + s / 10 + t / 100) for s in range(3) for t in (1, 2, 3)]
    table = pl.DataFrame(rows, schema=["method", "seed", "epoch", "acc"], orient="row")
    last = (pl.col("seed") == 1) & (pl.col("epoch") == 3)

    def lost(as_what):
        return table.with_columns(pl.when(last).then(as_what).otherwise(pl.col("acc")).alias("acc"))

    assert Runs.from_frame(lost(float("nan"))).arms[0].diverged == (1,)
    try:
        assert Runs.from_frame(lost(None)).arms[0].diverged == ()
    except UserError as error:
        assert "--lengths" in str(error)  # noqa: PT017 - asked about is right too


def test_the_choices_of_the_command_line_are_keywords():
    frame = pd.read_csv(FINALS)
    wide = frame.rename(columns={"optimizer": "what", "seed": "which"})
    found = Runs.from_frame(wide, method_from="what", seed_from="which", metric="wer=test_acc:lower")
    assert found.arms[0].metrics["wer"].better == "lower"
    assert amrobust.compare(frame, units={"test_acc": "%"}).data.groups[0].metric.unit == "%"
    twice = pd.concat([frame, frame.assign(epoch=1)]).assign(epoch=1)
    with pytest.raises(UserError, match="--duplicates"):
        amrobust.compare(twice)
    assert len(Runs.from_frame(twice, duplicates="first").arms[0].seeds) == 8
    several = frame.assign(lr=0.1, model="m")
    named = Runs.from_frame(several, method_from=["optimizer", "lr"])
    assert named.methods == ("sgd[lr=0.1]", "adam[lr=0.1]")


def test_policies_are_keywords_of_load_too(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(
        "method,seed,epoch,acc\n" + "".join(f"a,{s},{t},0.{t}{s}\n" for s in (0, 1) for t in (1, 1))
    )
    with pytest.raises(UserError, match="--duplicates"):
        amrobust.load(path)
    assert amrobust.load(path, duplicates="mean").arms[0].curves["acc"].shape == (2, 1)


def test_a_row_without_a_seed_is_asked_about():
    frame = pd.read_csv(FINALS)
    frame["seed"] = frame["seed"].where(frame["seed"] != 2)
    with pytest.raises(UserError, match=r"1 of 8 runs have no seed.*--missing-seeds"):
        amrobust.compare(frame)
    skipped = amrobust.compare(frame, missing_seeds="skip")
    assert [len(arm.seeds) for arm in skipped.data.groups[0].arms] == [7, 7]
    assert "1 of 8 runs have no seed and are left out" in skipped.problems[0]


def test_what_was_decided_about_a_frame_is_said(caplog):
    Runs.from_frame(pd.read_csv(CORPUS / "finals_cols.csv"))
    assert "every row is one, numbered" in caplog.text
    assert "are methods, of one metric" in caplog.text


def test_a_pivot_table_has_its_roles_in_its_index_and_columns():
    frame = pd.read_csv(FINALS)
    pivot = frame.pivot(index="seed", columns="optimizer", values="test_acc")
    found = Runs.from_frame(pivot, metric="test_acc=value:higher")
    assert found.methods == ("adam", "sgd")
    assert found.arms[0].seeds == tuple(sorted(frame["seed"].unique()))


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (
            pd.DataFrame({"seed0": [1.0, 2], "seed1": [2.0, 3]}, index=["sgd", "adam"]),
            "has no name.*rename_axis",
        ),
        (
            pd.DataFrame([[1.0, 2.0]], columns=pd.MultiIndex.from_tuples([("a", 0), ("a", 1)])),
            "several levels.*join",
        ),
        (pa.table([[1], [2]], names=["a", "a"]), "cannot be read.*unique"),
        (pd.DataFrame({"method": ["a"], "seed": [0]}), "no column of numbers measures anything"),
        (pd.DataFrame({"method": [], "acc": []}), "has no rows"),
        (pd.Series([1.0, 2.0]), "a Series is no table: give a DataFrame"),
        ([1, 2], "a list is no table"),
        (None, "a NoneType is no table"),
        (pd.read_csv(CORPUS / "table.csv"), "judge-table"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_what_is_no_table_of_runs_is_refused_with_what_was_found(frame, message):
    with pytest.raises(UserError, match=message):
        amrobust.compare(frame)


def test_an_option_that_would_do_nothing_is_refused():
    frame = pd.read_csv(FINALS)
    for given, options, message in (
        (frame, {"seeds_first": True}, "'seeds_first' says nothing of how this is read"),
        (frame, {"duplicate": "last"}, "'duplicate' says nothing"),
        (frame, {"duplicates": "newest"}, "duplicates is 'refuse', 'first', 'last', 'mean', not 'newest'"),
        (frame, {"units": {"acc": "%"}}, "names 'acc', which is no metric here"),
        (Runs.from_frame(frame), {"seed_from": "seed"}, "Runs are read already"),
        (Runs.from_frame(frame), {"units": {"test_acc": "%"}}, "Runs are read already"),
        ({"sgd": [0.1, 0.2], "adam": [0.2, 0.3]}, {"seed_from": "x"}, "every role is said already"),
        (
            {"sgd": [0.1, 0.2], "adam": [0.2, 0.3]},
            {"metric": "acc", "units": {"loss": "%"}},
            "'loss'.*no metric",
        ),
    ):
        with pytest.raises(UserError, match=message):
            amrobust.compare(given, **options)


class TestMappings:
    def values(self, *shape):
        generator = np.random.default_rng(0)
        return {"sgd": generator.normal(90, 2, (10, *shape)), "adam": generator.normal(90, 1, (12, *shape))}

    def test_one_number_a_seed(self):
        values = self.values()
        found = amrobust.compare(values, metric="acc", units={"acc": "%"}, baseline="sgd")
        table = found.methods().set_index("method")
        assert table.loc["adam", "std"] == pytest.approx(np.std(values["adam"], ddof=1))
        assert list(found.table()["claim"]) == ["better mean", "less spread"]
        assert found.read == (
            "method = key · seed = row, numbered from 0 · step = none, final values · acc (higher is better, by its name; %)",
        )
        assert str(found).startswith("read: method = key")

    def test_curves(self):
        found = amrobust.compare(self.values(5), metric="foo:lower")
        assert list(found.table()["claim"]) == ["better mean", "less spread", "less Avg. STD"]
        assert "step = column 1…5 · foo (lower is better, as declared)" in found.read[0]

    def test_a_direction_that_no_name_tells_is_asked_for(self):
        with pytest.raises(UserError, match="metric='value:lower'"):
            amrobust.compare(self.values())

    def test_seeds_with_names_stay_as_they_are(self):
        seeds = [7, 2**63, "fold A"]
        runs = Runs.from_arrays({"a": {seed: value for value, seed in enumerate(seeds)}})
        frame = runs.to_frame()
        assert dict(zip(frame["seed"], frame["value"], strict=True)) == {7: 0, 2**63: 1, "fold A": 2}
        assert Runs.from_frame(frame).arms[0].seeds == runs.arms[0].seeds

    @pytest.mark.parametrize(
        ("arrays", "message"),
        [
            ({"method": ["a", "b"], "acc": [1, 2]}, "table with columns goes in as a DataFrame"),
            ({"a": [[1, 2], [3]]}, "curves of unequal length as a long one"),
            ({"a": {1: 2.0, "1": 3.0}}, "two of its seeds are one number"),
            ({"a": {0.5: 2.0}}, "'0.5' is not a whole number"),
            ({"a": pd.DataFrame({"x": [1.0, 2]})}, "does not say which of its sides are seeds"),
            ({}, "a mapping from methods to arrays"),
            (
                {"cifar10": {"sgd": [90.0, 91], "adam": [91.0, 92]}},
                "'sgd', 'adam' are cannot be told.*data sets",
            ),
            ({"sgd": {"accuracy": [0.5, 0.6], "loss": [0.7, 0.6]}}, "'accuracy', 'loss' are cannot be told"),
            ({"cifar10": {"sgd": 90.0, "adam": 91.0}}, "the inner keys are seeds"),
            ({"a": [1 + 2j, 3.0]}, "complex128, and should be real"),
            ({"a": pd.Series([1.0, 2.0], index=["sgd", "adam"])}, "'sgd', 'adam' are cannot be told"),
            (
                {"a": pd.Series([1.0, 2.0], index=pd.Index([1, 2], name="epoch"))},
                "index of its Series is called 'epoch'",
            ),
        ],
    )
    def test_what_is_no_array_of_seeds_is_refused(self, arrays, message):
        with pytest.raises(UserError, match=message):
            amrobust.compare(arrays, metric="acc")

    def test_none_is_not_measured_and_nan_diverged(self):
        values = {"sgd": [90.1, None, np.nan, 91.0], "adam": [91.0, 92.0, 93.0, pd.NA]}
        sgd, adam = Runs.from_arrays(values)
        assert (sgd.diverged, adam.diverged) == ((2,), ())
        assert absent(sgd.curves["value"])[:, 0].tolist() == [False, True, False, False]
        with pytest.raises(UserError, match=r"sgd on arrays: 1 of 4 seeds \(1\) have no acc.*--lengths"):
            amrobust.compare(values, metric="acc")

    @pytest.mark.parametrize("index", [[3, 7, 5], ["seed3", "seed7", "seed5"]], ids=str)
    def test_the_index_of_a_series_is_its_seeds(self, index):
        series = pd.Series([0.3, 0.7, 0.5], index=index)
        (ours,) = Runs.from_arrays({"a": series})
        (theirs,) = Runs.from_arrays({"a": dict(series)})
        assert ours.seeds == theirs.seeds
        assert ours.curves["value"].tolist() == theirs.curves["value"].tolist()
        (numbered,) = Runs.from_arrays({"a": series.reset_index(drop=True)})
        assert numbered.seeds == (0, 1, 2)
        assert "numbered from 0" in Runs.from_arrays({"a": series.reset_index(drop=True)}).read[0]

    @pytest.mark.parametrize("kind", ["float64", "Float64"])
    def test_what_a_series_lacks_was_not_measured_as_in_a_frame(self, kind):
        series = pd.Series([0.3, None, 0.5], dtype=kind)
        for given in (series, series.set_axis([3, 4, 5])):
            (arm,) = Runs.from_arrays({"a": given})
            assert arm.diverged == ()
            assert absent(arm.curves["value"])[:, 0].tolist() == [False, True, False]
        with pytest.raises(UserError, match="two values of one seed"):
            Runs.from_arrays({"a": series.set_axis([3, 3, 5])})

    def test_tensors_with_a_graph_and_of_types_that_numpy_lacks(self):
        torch = pytest.importorskip("torch")
        tensor = torch.tensor([0.5, 0.25], requires_grad=True)
        half = tensor.bfloat16()
        for given in (tensor, list(tensor), {0: tensor[0], 1: tensor[1]}, half, list(half)):
            assert Runs.from_arrays({"a": given}).arms[0].curves["value"].tolist() == [[0.5], [0.25]]


def test_what_needs_curves_is_not_judged_on_final_values_and_says_so():
    frame = pd.read_csv(FINALS)
    assert list(amrobust.compare(frame).table()["claim"]) == ["better mean", "less spread"]
    for claim in (Claim("less Avg. STD", "adam", "sgd"), Claim("better mean", "adam", "sgd", phase=(0.5, 1))):
        (verdict,) = amrobust.compare(frame, claims=[claim]).verdicts
        assert verdict.outcome == "not assessable"
        assert "one number per seed" in verdict.sentence
    with pytest.raises(UserError, match="needs 3 epochs, and there are 1"):
        amrobust.compare(frame, final="mean:3")


def test_a_comparison_of_a_file_loads_no_frame_library():
    code = (
        "import sys, amrobust\n"
        "amrobust.compare(sys.argv[1])\n"
        "assert not {'narwhals', 'polars', 'torch', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, FINALS], check=True, timeout=240)


@pytest.mark.parametrize("form", ["path", "frame"])
def test_an_epoch_is_chosen_by_another_metric_that_alone_is_read_beside_the_judged_one(form, tmp_path):
    rng = np.random.default_rng(0)
    rows = [
        {"method": method, "seed": seed, "epoch": epoch, "val_loss": abs(epoch - 1 - seed % 2), "acc": rng.random(), "x": 1.0}
        for method in ("sgd", "adam") for seed in range(5) for epoch in range(4)
    ]  # fmt: skip
    frame = pd.DataFrame(rows)
    frame.to_csv(tmp_path / "log.csv", index=False)
    given = frame if form == "frame" else tmp_path / "log.csv"
    # Whether x is better high or low nobody knows, and nobody needs to.
    compared = amrobust.compare(given, metric="test=acc:higher", final="best:val_loss")
    expected = frame[frame.epoch == 1 + frame.seed % 2].groupby("method").acc.mean()
    assert compared.methods().set_index("method")["mean"].to_dict() == pytest.approx(expected.to_dict())
