"""The library in Python: the same as the command line, as DataFrames, axes and notebook cells."""

import doctest
import json
import subprocess
import sys

import foreign
import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from matplotlib.axes import Axes

import amrobust
from amrobust.cli import main
from amrobust.errors import UserError
from amrobust.judge.compare import compare as judge

mpl.use("Agg")


@pytest.fixture
def table(tmp_path):
    return foreign.tidy_csv(tmp_path / "results.csv")


@pytest.fixture(scope="module")
def comparison():
    rng = np.random.default_rng(0)
    arrays = {
        "sgd": rng.normal(90, 2, (12, 8)),
        "adam": rng.normal(90, 0.5, (12, 8)),
        "am1[m=5]": rng.normal(90, 1, (12, 8)),
    }
    return amrobust.compare(amrobust.Runs.from_arrays(arrays, metric="acc", unit="%"), baseline="sgd")


class TestRuns:
    def test_loaded_from_what_compare_takes(self, table):
        runs = amrobust.load(table)
        assert runs.methods == ("adam", "sgd")
        assert runs.metrics == ("val_acc", "val_loss")
        assert len(runs) == 2
        assert len(amrobust.load(table, metric="val_acc").metrics) == 1

    def test_long_and_back(self, table):
        runs = amrobust.load(table)
        frame = runs.to_frame("val_acc")
        assert list(frame.columns) == ["workload", "method", "seed", "epoch", "metric", "value"]
        assert len(frame) == 2 * foreign.SEEDS * foreign.STEPS
        again = amrobust.Runs.from_frame(frame, step_from="epoch")
        for arm, other in zip(runs, again, strict=True):
            np.testing.assert_array_equal(arm.curves["val_acc"], other.curves["val_acc"])

    def test_a_tidy_frame_with_an_index_and_missing_cells(self):
        frame = pd.DataFrame({"opt": ["a"] * 3, "seed": [0] * 3, "acc": [1.0, 2.0, None], "epoch": [1, 2, 3]})
        (arm,) = amrobust.Runs.from_frame(frame.set_index(["opt", "seed"]))
        assert arm.method == "a"
        assert arm.curves["acc"].tolist() == [[1, 2]]

    def test_a_table_of_what_there_is(self, table):
        frame = amrobust.load(table).table()
        assert frame["seeds"].tolist() == [5, 5]
        expected = foreign.curves("adam")[:, -1]
        assert frame["val_acc_mean"][0] == pytest.approx(expected.mean())
        assert frame["val_acc_std"][0] == pytest.approx(expected.std(ddof=1))

    def test_chosen_among_and_put_together(self, table):
        runs = amrobust.load(table)
        assert runs.select("sgd").methods == ("sgd",)
        assert (runs.select("sgd") + runs.select("adam")).methods == ("sgd", "adam")
        with pytest.raises(UserError, match="there are adam, sgd on results"):
            runs.select(["rmsprop"])

    def test_two_groups_of_one_name_are_refused_and_renamed(self):
        generator = np.random.default_rng(0)
        first = amrobust.Runs.from_arrays(
            {"sgd": generator.normal(90, 2, (10, 5)), "adam": generator.normal(90, 0.5, (10, 5))}
        )
        second = amrobust.Runs.from_arrays({"adam": generator.normal(70, 5, (12, 5))})
        with pytest.raises(UserError, match=r"two groups of runs on arrays are called adam.*Runs\.rename"):
            first + second
        frame = amrobust.compare(
            first + second.rename({"adam": "adam 2"}), metric="value:higher", baseline="sgd"
        ).methods()
        means = [np.mean(arm.curves["value"][:, -1]) for arm in (*first, *second)]
        np.testing.assert_allclose(frame.set_index("method")["mean"], means)
        assert list(frame["method"]) == ["sgd", "adam", "adam 2"]
        with pytest.raises(UserError, match="two groups of runs"):
            judge([*first.arms, *second.arms])

    def test_names_that_clash_after_renaming_and_unknown_ones_are_refused(self):
        runs = amrobust.Runs.from_arrays({"sgd": [1.0, 2], "adam": [1.0, 3]})
        with pytest.raises(UserError, match="are called adam"):
            runs.rename({"sgd": "adam"})
        assert runs.rename({"sgd": "adam", "adam": "sgd"}).methods == ("adam", "sgd")
        with pytest.raises(UserError, match="no method is called 'lion'"):
            runs.rename({"lion": "adam"})

    def test_one_name_on_two_workloads_is_no_clash(self):
        runs = amrobust.Runs.from_arrays({"sgd": [1.0, 2]}, workload="one")
        assert len(runs + amrobust.Runs.from_arrays({"sgd": [1.0, 2]}, workload="other")) == 2

    def test_a_frame_with_two_columns_of_one_name_is_refused(self):
        frame = pd.DataFrame([["a", 0, 1, 1.0, 2.0]], columns=["method", "seed", "step", "acc", "acc"])
        with pytest.raises(UserError, match="two columns are called 'acc'"):
            amrobust.Runs.from_frame(frame)

    def test_arrays(self):
        runs = amrobust.Runs.from_arrays(
            {"a": [1, 2, np.nan], "b": np.ones((3, 2))}, metric="loss", paired=True
        )
        assert runs.arms[0].curves["loss"].shape == (3, 1)
        assert runs.arms[0].diverged == (2,)
        assert runs.arms[0].metrics["loss"].better == "lower"
        assert runs.arms[0].pairing == runs.arms[1].pairing is not None

    @pytest.mark.parametrize(
        "options",
        [
            {"arrays": {"a": np.ones((2, 2, 2))}}, {"arrays": {"a": []}}, {"arrays": {1: [1, 2], "1": [3, 4]}},
            {"better": "best"},
        ],
    )  # fmt: skip
    def test_arrays_that_are_none(self, options):
        with pytest.raises(UserError):
            amrobust.Runs.from_arrays(**({"arrays": {"a": [1, 2]}} | options))

    @pytest.mark.parametrize("key", ["seed", "Seed", "epoch", "step"])
    def test_a_column_of_seeds_or_steps_is_no_method_of_a_mapping(self, key):
        arrays = {key: range(4), "adam": [1.0, 2, 3, 5], "sgd": [1.0, 3, 2, 4]}
        with pytest.raises(UserError, match=f"'{key}' would be one"):
            amrobust.Runs.from_arrays(arrays)
        frame = pd.DataFrame(arrays)
        if key == "seed":
            assert amrobust.Runs.from_frame(frame).methods == ("adam", "sgd")


class TestComparison:
    OPTIONS = (
        {}, {"test": "levene", "center": "mean"}, {"margin": 2.0}, {"pairs": "all"}, {"alpha": 0.1, "final": "mean:2"},
        {"scale": "log"},
    )  # fmt: skip

    @pytest.mark.parametrize("options", OPTIONS, ids=str)
    def test_it_says_what_the_command_line_says(self, table, options):
        comparison = amrobust.compare(table, metric="val_acc", baseline="sgd", **options)
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        command = [
            "compare",
            str(table),
            "--metric",
            "val_acc",
            "--baseline",
            "sgd",
            "--format",
            "json",
            *words,
        ]
        done = CliRunner().invoke(main, command, catch_exceptions=False)
        assert json.loads(done.stdout) == json.loads(comparison.render("json"))

    def test_verdicts_as_a_frame(self, comparison):
        frame = comparison.table()
        assert len(frame) == len(comparison.verdicts) == 6
        assert set(frame["method"]) == {"adam", "am1[m=5]"}
        row = frame[(frame["method"] == "adam") & (frame["claim"] == "less Avg. STD")].iloc[0]
        assert row["outcome"] == "supported"
        assert row["estimate_low"] < row["estimate"] < row["estimate_high"] < 1

    def test_methods_as_a_frame(self, comparison):
        frame = comparison.methods().set_index("method")
        assert list(frame.index) == ["sgd", "adam", "am1[m=5]"]
        assert (frame["std_low"] < frame["std"]).all()

    def test_the_same_warnings_with_their_hints(self, comparison):
        frame = comparison.warnings_table()
        printed = comparison.render("table", verbose=True)
        assert len(frame) == len(comparison.warnings) > 0
        for warning in comparison.warnings:
            assert warning.message in printed
        assert frame["hint"].str.endswith(".").all()

    def test_printed_and_in_a_notebook(self, comparison):
        read, _, table = str(comparison).partition("\n\n")
        assert read == f"read: {comparison.read[0]}"
        assert table == comparison.render("table").rstrip("\n")
        assert comparison._repr_html_().startswith('<div class="amrobust">')

    @pytest.mark.parametrize("name", ["curves", "stds", "finals"])
    def test_plots_give_axes(self, comparison, name):
        import matplotlib.pyplot as plt

        axes = getattr(comparison.plot, name)()
        assert isinstance(axes, Axes)
        assert axes.lines
        _, mine = plt.subplots()
        assert getattr(comparison.plot, name)(mine) is mine
        mine.figure.canvas.draw()
        plt.close("all")

    @pytest.mark.parametrize("quantity", ["spread", "avg_std", "mean"])
    def test_plots_of_claims(self, comparison, quantity):
        import matplotlib.pyplot as plt

        axes = comparison.plot.claims(quantity)
        assert [label.get_text() for label in axes.get_yticklabels()] == ["adam / sgd", "am1[m=5] / sgd"]
        axes.figure.canvas.draw()
        plt.close("all")

    def test_what_cannot_be_drawn(self, comparison):
        with pytest.raises(UserError, match="no group 3"):
            comparison.plot.curves(group=3)
        with pytest.raises(UserError, match="not of 'spreads'"):
            comparison.plot.claims("spreads")
        finals = amrobust.compare(
            amrobust.Runs.from_arrays({"a": [1.0, 2, 3, 4], "b": [1.0, 3, 5, 7]}, better="lower")
        )
        with pytest.raises(UserError, match="one epoch"):
            finals.plot.stds()

    def test_files(self, comparison, tmp_path):
        comparison.write_report(tmp_path / "x.pdf", title="Mine", authors=["A"], paper="letter")
        assert (tmp_path / "x.pdf").read_bytes().startswith(b"%PDF-")
        comparison.write_report(tmp_path / "x.html", sections=["results", "answer"])
        assert "<!DOCTYPE html>" in (tmp_path / "x.html").read_text()
        with pytest.raises(UserError, match="no section 'all'"):
            comparison.write_report(tmp_path / "y.pdf", sections=["all"])
        written = {path.name for path in comparison.write_figures(tmp_path / "figures", ["svg"])}
        assert {"1-claims.svg", "1-curves.svg", "1-stds.svg", "1-finals.svg", "1-power.svg"} <= written

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"test": "magic"}, "jackknife"),
            ({"alpha": 2}, "alpha"),
            ({"alpha": np.nan}, "alpha"),
            ({"center": "middle"}, "no center is called 'middle': choose one of median, mean, trimmed"),
            ({"pairs": "some"}, "no pairs is called 'some': choose one of baseline, all"),
            ({"scale": "ln"}, "no scale is called 'ln': choose one of none, logit, log"),
            (
                {"lengths": "longest"},
                "no lengths is called 'longest': choose one of refuse, common, hold, drop, diverged",
            ),
            ({"margin": -1.0}, "a margin is a number above 0"),
            ({"margin": np.nan}, "a margin is a number above 0"),
            ({"looks": (10, 5)}, "looks are growing numbers"),
            ({"looks": 5}, r"looks are several, such as \(5, 10, 20\), not 5"),
            ({"grid": 5}, "grid is a text, such as 'every:1000' or 'intersection', not 5"),
            ({"tuning": 5}, "tuning is a text, such as '20 random learning rates per method', not 5"),
            ({"labels": "a=X"}, r"labels is a mapping from names, such as \{'sgd': 'SGD'\}, not 'a=X'"),
            ({"labels": {1: "X"}}, "labels is a mapping from names, .* and 1 is no name"),
            ({"metric": 5}, "metric is a text, such as 'acc' or 'acc:higher', not 5"),
            ({"baseline": 5}, "baseline is a text, such as 'sgd', not 5"),
            ({"claims": 5}, r"claims are several, such as \[amrobust.Claim"),
            ({"claims": ["a"]}, "and 'a' is none"),
        ],
        ids=str,
    )
    def test_choices_that_are_none(self, comparison, options, message):
        with pytest.raises(UserError, match=message):
            amrobust.compare(amrobust.Runs.from_arrays({"a": [1.0, 2], "b": [1.0, 2]}), **options)


@pytest.mark.parametrize("units", ["%", ["acc"], {"acc": 5}, {5: "%"}], ids=str)
def test_units_are_a_mapping_of_texts_wherever_they_are_given(tmp_path, units):
    frame = pd.DataFrame({"opt": ["a", "a", "b", "b"], "seed": [0, 1, 0, 1], "acc": [0.1, 0.2, 0.3, 0.5]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    for given in (frame, tmp_path / "t.csv", {"a": [0.1, 0.2], "b": [0.3, 0.5]}):
        with pytest.raises(UserError, match=r"such as (in )?\{'acc': '%'\}"):
            amrobust.compare(given, metric="acc", units=units)
    for read, given in ((amrobust.Runs.from_frame, frame), (amrobust.load, tmp_path / "t.csv")):
        with pytest.raises(UserError, match=r"such as (in )?\{'acc': '%'\}"):
            read(given, units=units)


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    root = tmp_path_factory.mktemp("tuning")
    methods = {"sgd": {"lr": [0.03, 0.1, 0.3]}, "msgd": {"lr": [0.03, 0.1, 0.3], "momentum": 0.9}}
    options = {"workload": "logistic", "params": {"iterations": 40}, "executor": "local"}
    return amrobust.tune(methods, seeds=4, runs_dir=root / "runs", **options)


class TestTune:
    def test_it_is_the_command_in_python(self, tuned, tmp_path):
        arguments = [
            "tune", "--opt", "sgd", "--opt", "msgd[momentum=0.9]", "--lr", "0.03,0.1,0.3", "--workload", "logistic",
            "--iterations", "40", "--executor", "local", "--seeds", "4", "-o", str(tmp_path / "command.json"),
        ]  # fmt: skip
        done = CliRunner().invoke(main, [*arguments, "--runs-dir", str(tmp_path / "runs")])
        assert done.exit_code == 0, done.output
        tuned.write(tmp_path / "python.json")
        assert (tmp_path / "python.json").read_text() == (tmp_path / "command.json").read_text()

    def test_every_combination_is_a_row_and_the_best_is_chosen(self, tuned):
        table = tuned.table()
        assert list(table["method"]) == ["sgd"] * 3 + ["msgd"] * 3
        tuning = tuned.data.methods[0].tuning
        mean = table[f"{tuning.metric}_mean"]
        for method, rows in table.groupby("method"):
            best = mean[rows.index].idxmin() if tuning.better == "lower" else mean[rows.index].idxmax()
            assert list(rows.index[rows["chosen"]]) == [best]
            assert tuned.chosen[method]["lr"] == table["lr"][best]
        assert len(tuned.warnings) == sum(bool(m.tuning.at_edge) for m in tuned.data.methods)

    @pytest.mark.parametrize(
        ("methods", "options", "message"),
        [
            ({}, {}, "no method is given"),
            ({"sgd": {"lr": 0.1}}, {}, "nothing to choose from"),
            ({"sgd": {"lr": []}}, {}, "sgd: lr has no value"),
            ({"sgd": {"rate": [1, 2]}}, {}, "rate"),
            ({"sdg": {"lr": [1, 2]}}, {}, "did you mean 'sgd'"),
            ({"sgd": {"lr": [1, 2]}}, {"seeds": 0}, "1 to 1,000 seeds"),
            ({"sgd": {"lr": [1, 2]}}, {"validation": 1.5}, "a share between 0 and 1"),
            ({"am1": {"lr": [1, 2]}}, {"by": "III"}, "has no output 'III'"),
            ({"sgd": {"lr": [1, 2]}}, {"executor": "rayy"}, "no executor is called"),
        ],
    )
    def test_what_cannot_be_meant_is_refused(self, tmp_path, methods, options, message):
        with pytest.raises(UserError, match=message):
            amrobust.tune(methods, runs_dir=tmp_path, **options)
        assert not list(tmp_path.iterdir())


class TestImport:
    def test_it_imports_nothing(self):
        code = (
            "import sys, amrobust\n"
            "heavy = {'numpy', 'torch', 'pandas', 'scipy', 'click', 'matplotlib'} & set(sys.modules)\n"
            "assert not heavy, heavy\n"
            "assert {'load', 'compare', 'record', 'run', 'tune', 'Runs'} <= set(dir(amrobust))\n"
        )
        subprocess.run([sys.executable, "-c", code], check=True, timeout=240)

    def test_comparing_never_imports_torch(self, table):
        code = (
            "import sys, amrobust\namrobust.compare(sys.argv[1]).table()\nassert 'torch' not in sys.modules"
        )
        subprocess.run([sys.executable, "-c", code, table], check=True, timeout=240)

    def test_what_is_not_there(self):
        with pytest.raises(AttributeError, match="no attribute 'lod'"):
            amrobust.lod  # noqa: B018


@pytest.mark.parametrize(
    "name",
    [
        "amrobust",
        "amrobust.api.runs",
        "amrobust.api.comparison",
        "amrobust.api.tuning",
        "amrobust.ingest.recorder",
    ],
)
def test_the_examples_in_the_docstrings_run(name):
    module = __import__(name, fromlist=["x"])
    assert doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE).failed == 0
