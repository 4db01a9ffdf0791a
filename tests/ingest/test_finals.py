"""Tables of one number per seed, in every form that people keep them in."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import amrobust
from amrobust.api.runs import Runs
from amrobust.cli import main
from amrobust.errors import UserError
from amrobust.ingest.mappings import Mappings
from amrobust.ingest.read import read_path

CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "tables"


def compared(path, *options):
    done = CliRunner().invoke(
        main, ["compare", str(path), "--format", "json", *options], catch_exceptions=False
    )
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)["groups"], done.stderr


def means(groups):
    return {
        (j["workload"], s["method"]): (s["n"], s["final_mean"]["estimate"])
        for j in groups
        for s in j["summaries"]
    }


def expected(frame, by, value):
    """Count and mean of every group, by pandas."""
    grouped = frame.groupby(by)[value]
    return {key: (int(grouped.count()[key]), pytest.approx(grouped.mean()[key])) for key in grouped.groups}


def test_a_row_a_seed():
    frame = pd.read_csv(CORPUS / "finals.csv")
    found, _ = compared(CORPUS / "finals.csv")
    assert {m: v for (_, m), v in means(found).items()} == expected(frame, "optimizer", "test_acc")
    assert {v["claim"]["kind"] for j in found for v in j["verdicts"]} == {"better mean", "less spread"}


def test_a_row_a_seed_with_a_data_set():
    frame = pd.read_csv(CORPUS / "finals_tasks.csv")
    found, _ = compared(CORPUS / "finals_tasks.csv")
    assert means(found) == expected(frame, ["dataset", "method"], "accuracy")


@pytest.mark.parametrize("name", ["RandomSeed", "seed_idx", "Seed no."])
def test_a_seed_of_another_name_is_asked_for_and_rows_never_numbered_beside_it(name, tmp_path):
    table = tmp_path / "t.csv"
    rows = [(m, s, t, 0.5 + s / 100 + t / 50) for t in (4, 2, 3) for m in ("a", "b") for s in (11, 7, 90)]
    pd.DataFrame(rows, columns=["method", name, "minutes", "accuracy"]).to_csv(table, index=False)
    with pytest.raises(UserError, match="may be the seed: say so with --seed-from"):
        amrobust.load(table)
    arms = amrobust.load(table, seed_from=name, step_from="minutes").arms
    assert [arm.seeds for arm in arms] == [(7, 11, 90)] * 2


@pytest.mark.parametrize("name", ["finals_cols", "finals_wide"])
def test_a_column_a_method(name):
    frame = pd.read_csv(CORPUS / f"{name}.csv").drop(columns="seed", errors="ignore")
    found, said = compared(CORPUS / f"{name}.csv", "--metric", "value:higher")
    assert {m: v for (_, m), v in means(found).items()} == {
        m: (len(frame), pytest.approx(frame[m].mean())) for m in frame
    }
    assert "are methods, of one metric" in said
    assert ("every row is one, numbered" in said) == (name == "finals_cols")


@pytest.mark.parametrize(
    ("name", "drop"), [("finals_methods_rows", []), ("finals_nameless", ["mean", "std"])]
)
def test_a_row_a_method_and_a_column_a_seed(name, drop):
    frame = pd.read_csv(CORPUS / f"{name}.csv").drop(columns=drop).set_index("optimizer")
    found, said = compared(CORPUS / f"{name}.csv", "--metric", "value:higher")
    assert {m: v for (_, m), v in means(found).items()} == {
        m: (frame.shape[1], pytest.approx(frame.loc[m].mean())) for m in frame.index
    }
    assert ("mean, std summarise the seeds" in said) == bool(drop)


def test_a_table_of_runs_as_a_tracker_exports_it():
    frame = pd.read_csv(CORPUS / "wandb_runs.csv")
    found, _ = compared(CORPUS / "wandb_runs.csv")
    assert {m: v for (_, m), v in means(found).items()} == expected(frame, "optimizer", "val/acc")


@pytest.mark.parametrize("command", [["tails"], ["report", "-o", "report.pdf"]])
def test_other_commands_read_them_too(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(
        main, [command[0], str(CORPUS / "finals.csv"), *command[1:]], catch_exceptions=False
    )
    assert done.exit_code == 0, done.stderr


def test_the_direction_of_values_without_a_name_is_asked_for():
    done = CliRunner().invoke(main, ["compare", str(CORPUS / "finals_cols.csv")])
    assert done.exit_code == 2
    assert "--metric value:lower or --metric value:higher" in done.stderr


def test_a_table_of_means_is_for_another_command():
    done = CliRunner().invoke(main, ["compare", str(CORPUS / "table.csv")])
    assert done.exit_code == 2
    assert "'amrobust judge-table'" in done.stderr


def test_rows_that_look_like_steps_are_no_seeds(tmp_path):
    steps = "\n".join(["method,lap,acc", *(f"{m},{r},{80 + r * r % 7}" for m in "ab" for r in range(6))])
    curves = "\n".join(["sgd,adam", *(f"{90 + r},{91 + 2 * r}" for r in range(6))])
    for name, text in (("rounds", steps), ("curves", curves)):
        table = tmp_path / f"{name}.csv"
        table.write_text(text)
        done = CliRunner().invoke(main, ["compare", str(table)])
        assert done.exit_code == 2
        assert "only rises or only falls from row to row" in done.stderr


@pytest.mark.parametrize("name", ["round", "minutes", "time", "fold", "run"])
@pytest.mark.parametrize("spread", [1, 0.7])
def test_a_shuffled_log_without_seeds_is_asked_about_and_its_rows_never_numbered(name, spread, tmp_path):
    steps = [(m, spread * t, 0.5 + t / 50) for t in (4, 2, 5, 1, 3) for m in ("b", "a")]
    frame = pd.DataFrame(steps, columns=["method", name, "accuracy"])
    frame.to_csv(tmp_path / "t.csv", index=False)
    message = rf"{name} counts the rows of every method: .*--seed-from {name}, or counts steps with --step-from {name}"
    with pytest.raises(UserError, match=message):
        amrobust.load(tmp_path / "t.csv")
    if spread == 1:
        seeds = [arm.seeds for arm in amrobust.load(tmp_path / "t.csv", seed_from=name)]
        assert seeds == [(1, 2, 3, 4, 5)] * 2
    with pytest.raises(UserError, match="1 of 1 runs have no seed"):
        amrobust.load(tmp_path / "t.csv", step_from=name)
    found = amrobust.load(tmp_path / "t.csv", step_from=name, seed_from="=0").arms
    assert [arm.axis.values for arm in found] == [tuple(spread * t for t in (1, 2, 3, 4, 5))] * 2
    found = amrobust.load(tmp_path / "t.csv", seed_from="number", metric="accuracy").arms
    assert [arm.seeds for arm in found] == [(0, 1, 2, 3, 4)] * 2


def test_a_log_with_a_known_column_of_steps_and_no_seed_is_asked_about(tmp_path):
    rows = [(m, t, 0.5 + t / 50) for t in (4, 2, 5, 1, 3) for m in ("b", "a")]
    pd.DataFrame(rows, columns=["method", "epoch", "accuracy"]).to_csv(tmp_path / "t.csv", index=False)
    with pytest.raises(UserError, match=r"runs have no seed.*--seed-from"):
        amrobust.load(tmp_path / "t.csv")


def test_how_long_each_run_took_tells_no_rows_apart(tmp_path):
    rows = [(m, 3600 + 7 * k % 11, 0.5 + k % 7 / 50, 20 - k % 3) for k, m in enumerate("ababbaab")]
    frame = pd.DataFrame(rows, columns=["method", "time", "accuracy", "epochs"])
    frame.drop(columns="epochs").to_csv(tmp_path / "t.csv", index=False)
    assert [arm.seeds for arm in amrobust.load(tmp_path / "t.csv")] == [(0, 1, 2, 3)] * 2
    frame.to_csv(tmp_path / "t.csv", index=False)
    told = {arm.method for arm in amrobust.load(tmp_path / "t.csv")}
    assert told == {f"{m}[epochs={20 - k % 3}]" for k, m in enumerate("ababbaab")}
    arms = amrobust.load(tmp_path / "t.csv", nuisances=["epochs"]).arms
    assert [(arm.method, arm.seeds) for arm in arms] == [("a", (0, 1, 2, 3)), ("b", (0, 1, 2, 3))]


def test_what_was_read_says_that_rows_were_numbered():
    (read,) = amrobust.load(CORPUS / "finals_cols.csv").read
    assert "seed = row, numbered in their order · step = none, final values" in read
    (read,) = amrobust.load(CORPUS / "finals.csv").read
    assert "seed = seed · step = none, final values" in read


def test_a_seed_that_is_there_twice_is_none_of_the_finals(tmp_path):
    table = tmp_path / "parts.csv"
    table.write_text("method,seed,part,acc\na,0,1,90\na,0,2,91\na,1,1,92\na,1,2,90\n")
    done = CliRunner().invoke(main, ["compare", str(table)])
    assert done.exit_code == 2
    assert "seed 0 is there 2 times" in done.stderr
    assert "the steps with --step-from part" in done.stderr


@pytest.mark.parametrize("name", ["episode", "round", "env_step", "generation"])
def test_a_count_that_rises_within_every_run_is_its_steps(name, tmp_path):
    rows = [(m, s, 10 * t, 80 + s / 7 + t) for m in "ab" for s in range(5) for t in range(4)]
    pd.DataFrame(rows, columns=["method", "seed", name, "acc"]).to_csv(tmp_path / "t.csv", index=False)
    runs = amrobust.load(tmp_path / "t.csv")
    assert [(arm.seeds, arm.curves["acc"].shape) for arm in runs.arms] == 2 * [((0, 1, 2, 3, 4), (5, 4))]
    with pytest.raises(UserError, match=f"say --step-from {name} where it counts steps"):
        amrobust.load(tmp_path / "t.csv", nuisances=[name])


@pytest.mark.parametrize("name", ["episode", "spam"])
def test_runs_one_after_another_without_a_seed_are_no_seeds(name, tmp_path):
    rows = [(m, t, 80 + s / 7 + t) for m in "ab" for s in range(5) for t in range(10)]
    pd.DataFrame(rows, columns=["method", name, "return"]).to_csv(tmp_path / "t.csv", index=False)
    for metric in (None, "return"):
        with pytest.raises(UserError, match=f"--step-from {name} where it counts steps"):
            amrobust.load(tmp_path / "t.csv", metric=metric)


def test_columns_that_trend_together_with_the_row_are_curves_and_no_seeds(tmp_path):
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 2, (20, 3))
    path = tmp_path / "t.csv"
    curves = pd.DataFrame(noise + 2 * np.arange(20)[:, None], columns=["x", "y", "z"])
    curves.to_csv(path, index=False)
    with pytest.raises(
        UserError, match=r"rise from row to row, .* --step-from index, or seeds with --seed-from number"
    ):
        amrobust.load(path, metric="value:higher")
    arms = amrobust.load(path, metric="value:higher", step_from="index").arms
    assert [arm.curves["value"].shape for arm in arms] == [(1, 20)] * 3
    arms = amrobust.load(path, metric="value:higher", seed_from="number").arms
    assert [arm.curves["value"].shape for arm in arms] == [(20, 1)] * 3
    long = curves.melt(var_name="method", value_name="acc")
    with pytest.raises(UserError, match="acc in every method rise"):
        Runs.from_frame(long)
    for own in (noise, noise + 2 * np.arange(20)[:, None] * [1, -1, 1]):
        pd.DataFrame(own, columns=["x", "y", "z"]).to_csv(path, index=False)
        arms = amrobust.load(path, metric="value:higher").arms
        assert [arm.curves["value"].shape for arm in arms] == [(20, 1)] * 3


def test_a_frame_has_the_forms_of_tables():
    frame = pd.read_csv(CORPUS / "finals.csv")
    runs = Runs.from_frame(frame)
    assert runs.methods == ("sgd", "adam")
    np.testing.assert_array_equal(
        runs.arms[0].curves["test_acc"][:, 0], frame[frame.optimizer == "sgd"].test_acc
    )
    with pytest.raises(UserError, match="no column of numbers measures anything"):
        Runs.from_frame(frame[["optimizer", "seed"]])


def grid(path, name, values, metric="accuracy"):
    """A table of two methods, each with five seeds of its own at every one of ``values``."""
    rows = [
        f"{method},{value},{5 * place + seed},{80 + seed / 7 + 3 * place:.3f}"
        for method in ("sgd", "adam")
        for place, value in enumerate(values)
        for seed in range(5)
    ]
    path.write_text(f"method,{name},seed,{metric}\n" + "\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize(
    ("name", "values"),
    [("batch", (32, 64)), ("rank", (4, 64)), ("ema_decay", (0.9, 0.99)), ("precision", (16, 32)),
     ("checkpoint", ("small", "large")), ("run_name", ("a", "b")), ("fold", (1, 2))],
)  # fmt: skip
def test_what_every_method_has_in_the_same_few_values_tells_methods_apart(tmp_path, name, values):
    runs = amrobust.load(grid(tmp_path / "t.csv", name, values))
    assert [arm.title for arm in runs.arms] == [
        f"{method}[{name}={value}]" for method in ("sgd", "adam") for value in values
    ]
    assert list(amrobust.compare(runs).methods()["n"]) == [5, 5, 5, 5]


def test_a_number_that_is_asked_for_is_measured_however_balanced(tmp_path):
    path = grid(tmp_path / "t.csv", "level", (1, 2))
    assert list(amrobust.compare(path, metric="level:higher").methods()["n"]) == [10, 10]


@pytest.mark.parametrize(("name", "values"), [("host", ("a", "b")), ("num_workers", (1, 8))])
def test_what_is_left_out_though_it_sorts_the_runs_is_said(tmp_path, caplog, name, values):
    runs = amrobust.load(grid(tmp_path / "t.csv", name, values))
    assert len(runs.arms) == 2
    assert f"{name} ({values[0]}, {values[1]}) is taken for where, when or how runs were made" in caplog.text


def few(path, values, name="coarseness"):
    """A table of two methods with eight seeds each, and ``values`` of each of them in a column of a name nobody knows."""
    rows = [
        f"{m},{s},{v},{80 + s / 7 + 2 * (m == 'b'):.3f}"
        for m, own in values.items()
        for s, v in enumerate(own)
    ]
    path.write_text(f"method,seed,{name},test_acc\n" + "\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize(
    "values",
    [
        {"a": [4] * 8, "b": [4] * 4 + [64] * 4},
        {"a": [4, 4, 64, 64, 64, 64, 64, 64], "b": [4, 4, 4, 4, 4, 64, 64, 64]},
        {"a": [1, 1, 1, 2, 2, 2, 3, 3], "b": [1] * 8},
        {"a": [2, 2, 4, 8, 16, 32, 64, 128], "b": [2, 2, 4, 8, 16, 32, 64, 128]},
    ],
    ids=["one method", "unbalanced", "another method", "alike"],
)
def test_numbers_that_recur_under_a_name_nobody_knows_are_asked_about_and_never_pooled(values, tmp_path):
    path = few(tmp_path / "t.csv", values)
    with pytest.raises(UserError, match="--method-from method,coarseness") as error:
        amrobust.load(path)
    for option in ("--step-from coarseness", "--metric coarseness:higher", "--nuisance coarseness"):
        assert option in str(error.value)
    split = amrobust.load(path, method_from="method,coarseness").arms
    assert len(split) == len({(m, v) for m, own in values.items() for v in own})
    assert [len(arm.seeds) for arm in amrobust.load(path, nuisances=["coarseness"]).arms] == [8, 8]
    assert [len(arm.seeds) for arm in amrobust.load(path, metric="coarseness:higher").arms] == [8, 8]


def test_a_second_measurement_is_no_setting(tmp_path):
    path = few(tmp_path / "t.csv", {m: [k + 0.1 * s for s in range(8)] for k, m in enumerate("ab")})
    assert [len(arm.seeds) for arm in amrobust.load(path).arms] == [8, 8]
    path = few(tmp_path / "u.csv", {m: [0.5, 0.5, 0.75, 0.5, 0.75, 0.5, 0.5, 0.75] for m in "ab"}, "val_acc")
    assert [len(arm.seeds) for arm in amrobust.load(path).arms] == [8, 8]


def test_recurring_numbers_without_a_seed_are_asked_about_too(tmp_path):
    path = few(tmp_path / "t.csv", {m: [4, 64] * 4 for m in "ab"})
    frame = pd.read_csv(path).drop(columns="seed")
    with pytest.raises(UserError, match="--method-from method,coarseness"):
        Runs.from_frame(frame)


@pytest.mark.parametrize("form", ["csv", "parquet", "frame"])
def test_truths_and_empty_cells_tell_methods_apart(form, tmp_path):
    frame = pd.read_csv(few(tmp_path / "t.csv", {m: [0.2, 0.3] * 4 for m in "ab"}))
    for own in (frame["coarseness"] > 0.25, frame["coarseness"].where(frame["coarseness"] > 0.25)):
        frame = frame.assign(coarseness=own)
        if form == "csv":
            frame.to_csv(tmp_path / "u.csv", index=False)
        elif form == "parquet":
            frame.to_parquet(tmp_path / "u.parquet")
        found = frame if form == "frame" else tmp_path / f"u.{form}"
        runs = Runs.from_frame(found) if form == "frame" else amrobust.load(found)
        assert [len(arm.seeds) for arm in runs.arms] == [4, 4, 4, 4]
        assert all("coarseness=" in arm.method for arm in runs.arms)


def test_values_that_stand_below_one_another_are_final_values(tmp_path):
    frame = pd.read_csv(CORPUS / "finals.csv").assign(f1=lambda own: own["test_acc"] / 2)
    wide = means(compared(CORPUS / "finals.csv")[0]).values()
    for name in ("metric", "variable"):
        long = frame.melt(id_vars=["optimizer", "seed"], value_vars=["test_acc", "f1"], var_name=name)
        long.to_csv(tmp_path / "t.csv", index=False)
        runs = amrobust.load(tmp_path / "t.csv")
        assert {tuple(arm.curves) for arm in runs.arms} == {("test_acc", "f1")}
        assert list(means(compared(tmp_path / "t.csv")[0]).values()) == list(wide)
    frame[["seed", "optimizer", "test_acc"]].rename(columns={"test_acc": "value"}).to_csv(
        tmp_path / "t.csv", index=False
    )
    assert list(means(compared(tmp_path / "t.csv", "--metric", "value:higher")[0]).values()) == list(wide)
    columns = frame.pivot(index="seed", columns="optimizer", values="test_acc").reset_index()
    melted = columns.melt(id_vars="seed")
    for column in ("optimizer", "variable"):
        melted.set_axis(["seed", column, "value"], axis=1).to_csv(tmp_path / "t.csv", index=False)
        found = means(compared(tmp_path / "t.csv", "--metric", "value:higher")[0])
        assert sorted(found.values()) == sorted(wide)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("method,c10,c100\nsgd,95.1 ± 0.2,77 ± 0.4\nam1,95.9 ± 0.1,78 ± 1", r"c10 \(95.1 ± 0.2\) are means .* judge-table"),
        ("method,acc\nsgd,95.1 (0.2)\nam1,95.9 (0.1)", r"acc \(95.1 \(0.2\)\) are means .* judge-table"),
        ("method,acc,acc_se\nsgd,95.1,0.2\nam1,95.9,0.1", "means, and no seeds .acc, acc_se.: .*judge-table"),
        ("method,mean_acc,std_acc,n_seeds\nsgd,95,1,5\nam1,95,2,5", "means, and no seeds .*judge-table"),
        ("method,seed,return\n" + "".join(f"{m},{s},\u22129{s}.5\n" for m in "ab" for s in range(4)), "minus sign of print"),
        (
            "method,t,return\n" + "".join(f"{m},{7 * t % 11 + k / 3},{t}\n" for k, m in enumerate("ab") for t in range(9)),
            "return only rises .* seeds with --seed-from number",
        ),
    ],
)  # fmt: skip
def test_hints_of_tables_that_are_no_seeds_lead_on(content, says, tmp_path):
    (tmp_path / "t.csv").write_text(content)
    with pytest.raises(UserError, match=says):
        amrobust.load(tmp_path / "t.csv")


def test_how_a_metric_spreads_is_no_metric_beside_it(tmp_path, caplog):
    path = few(
        tmp_path / "t.csv", {m: [0.1 * s + k for s in range(8)] for k, m in enumerate("ab")}, "test_acc_se"
    )
    assert {tuple(arm.curves) for arm in amrobust.load(path).arms} == {("test_acc",)}
    assert "test_acc_se: how other columns spread" in caplog.text
    asked = amrobust.load(path, metric="test_acc_se:lower")
    assert {tuple(arm.curves) for arm in asked.arms} == {("test_acc_se",)}


def test_columns_of_means_beside_columns_of_seeds_are_left_out(tmp_path, caplog):
    seeds = {f"{m}_run{s}": [s + e / 7 for e in range(4)] for m in "ab" for s in range(3)}
    pd.DataFrame({"step": range(4), **seeds, "a_mean": range(4), "b_mean": range(4)}).to_csv(
        tmp_path / "t.csv", index=False
    )
    arms = amrobust.load(tmp_path / "t.csv", metric="value:higher").arms
    assert [(arm.method, tuple(arm.seeds)) for arm in arms] == [("a", (0, 1, 2)), ("b", (0, 1, 2))]
    assert "a_mean, b_mean summarise the seeds, and are left out" in caplog.text


def test_runs_that_did_not_finish_are_left_out_and_said(tmp_path):
    path = tmp_path / "t.csv"
    states = ["finished", "crashed", "FAILED", "running", "finished", "finished", "finished"]
    path.write_text(
        "Name,State,optimizer,seed,val_acc\n"
        + "".join(
            f"r{method}{seed},{state},{method},{seed},{80 + seed / 7:.3f}\n"
            for method in ("sgd", "adam")
            for seed, state in enumerate(states)
        )
    )
    done = CliRunner().invoke(main, ["compare", str(path)])
    assert done.exit_code == 0, done.output
    assert "4 failed and 2 running of 14 runs are left out" in done.output
    assert [len(arm.seeds) for arm in amrobust.load(path).arms] == [4, 4]
    assert [len(arm.seeds) for arm in amrobust.load(path, unfinished="keep").arms] == [7, 7]


def test_a_number_with_a_settings_name_is_measured_where_it_is_asked_for(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(
        "method,seed,bits/dim\n" + "".join(f"{m},{s},{1 + s / 7}\n" for m in "ab" for s in range(5))
    )
    assert list(amrobust.compare(path, metric="bits/dim:lower").methods()["n"]) == [5, 5]


def test_a_column_that_rises_is_a_step_or_the_seed_by_its_name(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(
        "alg,run,return\n" + "".join(f"{m},{s},{m * (s * 5 % 7)}\n" for m in (1, 2) for s in range(5))
    )
    with pytest.raises(UserError, match="that it is the seed with --seed-from run"):
        amrobust.load(path, method_from="alg")
    assert len(amrobust.load(path, method_from="alg", seed_from="run").arms) == 2


def test_columns_that_are_numbers_are_seeds_or_steps_as_the_user_says(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("method,42,1337,7\nsgd,90.1,90.5,88\nadam,91,92,93\n")
    with pytest.raises(
        UserError, match=r"42, 1337, 7 may be seeds or steps of the rows: .* --seed-from column"
    ):
        amrobust.load(path)
    arms = amrobust.load(path, seed_from="column", metric="value:higher").arms
    assert {arm.method: tuple(arm.seeds) for arm in arms} == {"sgd": (7, 42, 1337), "adam": (7, 42, 1337)}
    assert [arm.curves["value"].shape for arm in arms] == [(3, 1), (3, 1)]
    (first, _) = amrobust.load(path, seed_from="=0", metric="value:higher").arms
    assert tuple(first.seeds) == (0,)


def test_columns_that_have_names_of_settings_are_methods_where_the_user_says_so(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("seed,lr=0.1,lr=0.01\n" + "".join(f"{s},{80 + s},{90 + s / 2}\n" for s in (3, 5, 8)))
    with pytest.raises(UserError, match="where each is a method, say so with --method-from column"):
        amrobust.load(path)
    arms = amrobust.load(path, method_from="column", metric="value:higher").arms
    assert {arm.method: tuple(arm.seeds) for arm in arms} == {"lr=0.1": (3, 5, 8), "lr=0.01": (3, 5, 8)}


def test_folds_may_be_the_seeds_and_are_said_to_vary_together(tmp_path):
    path = tmp_path / "benchmark.csv"
    rows = [
        f"{tool},{data},{fold},{fold / 7 + len(tool)}"
        for tool in ("A", "H2O")
        for data in ("adult", "higgs")
        for fold in (1, 0, 2)
    ]
    path.write_text("\n".join(["framework,dataset,fold,result", *rows]))
    with pytest.raises(
        UserError, match="say --seed-from fold where fold is the seed, --method-from framework,fold"
    ):
        read_path(path, mappings=Mappings(method_from="framework"))
    found, _ = read_path(path, mappings=Mappings(method_from="framework", seed_from="fold"))
    assert {(one.workload, one.method): one.seeds for one in found.methods} == {
        (data, tool): (0, 1, 2) for data in ("adult", "higgs") for tool in ("A", "H2O")
    }
    assert any("folds share their training data" in note for note in found.notes)
    said = ["--method-from", "framework", "--seed-from", "fold", "--metric", "result:higher"]
    done = CliRunner().invoke(main, ["import", str(path), "--runs-dir", str(tmp_path / "runs"), *said])
    assert done.exit_code == 0, done.output
    for groups, _ in (compared(path, *said), compared(tmp_path / "runs")):
        assert all("folds-as-seeds" in {found["kind"] for found in j["warnings"]} for j in groups)


def test_a_seed_within_a_configuration_is_one_whatever_rises_with_the_row(tmp_path):
    path = tmp_path / "t.csv"
    rows = [f"0.{9 - s}{len(m)},{100 + s},{m},{s}" for m in ("adam", "sgd") for s in range(4)]
    path.write_text("\n".join(["accuracy,timestamp,config/optimizer,config/seed", *rows]))
    assert {one.method: one.seeds for one in read_path(path)[0].methods} == {
        "adam": (0, 1, 2, 3),
        "sgd": (0, 1, 2, 3),
    }


def test_another_column_beside_those_of_seeds_is_asked_about(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("Method,Run 1,Run 2,Δ vs base,Mean\nadam,90,91,+1.2,90.5\nsgd,92,90,0,91\n")
    with pytest.raises(
        UserError,
        match=r"Run 1, Run 2 may be the seeds of their rows, and Δ vs base is none: .*--nuisance 'Δ",
    ):
        read_path(path)
    found, _ = read_path(path, mappings=Mappings(nuisances=frozenset({"Δ vs base"})))
    assert {one.method: one.curves["value"].tolist() for one in found.methods} == {
        "adam": [[90], [91]],
        "sgd": [[92], [90]],
    }


def test_columns_of_a_letter_and_a_number_are_asked_about_and_the_answer_reads_them(tmp_path):
    path = tmp_path / "wide.csv"
    path.write_text("model,s101,s202,s303\na,90.1,90.5,90.2\nb,90.2,92.2,92.4\nc,90.9,91.2,92.5\n")
    with pytest.raises(
        UserError, match=r"may be the seeds .* --method-from model --seed-from column, where metrics"
    ):
        amrobust.load(path)
    arms = amrobust.load(path, method_from="model", seed_from="column", metric="value:higher").arms
    assert {
        arm.method: dict(zip(arm.seeds, arm.curves["value"][:, -1].tolist(), strict=True)) for arm in arms
    } == {
        "a": {101: 90.1, 202: 90.5, 303: 90.2},
        "b": {101: 90.2, 202: 92.2, 303: 92.4},
        "c": {101: 90.9, 202: 91.2, 303: 92.5},
    }


@pytest.mark.parametrize("columns", ["s101,s202", "seed101,seed202", "0,1"])
def test_percent_signs_in_every_cell_of_columns_of_seeds_are_named(tmp_path, columns):
    path = tmp_path / "wide.csv"
    path.write_text(f"method,{columns}\na,90.1%,90.5%\nb,90.2%,92.2%\n")
    with pytest.raises(
        UserError, match=r"percent signs \(90.1%\): write them without, and say --unit value=%"
    ):
        amrobust.load(path)


def test_columns_of_runs_one_of_which_is_called_as_a_metric_by_chance_are_asked_about(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("env,agent,r1,r2,r3,r4\nPong,dqn,-21,-20,-22,-19\nPong,rainbow,-18,-17,-19,-16\n")
    with pytest.raises(
        UserError, match=r"r1, r2, r3, r4 may be the seeds .* --method-from agent --seed-from column"
    ):
        amrobust.load(path)
    arms = amrobust.load(path, method_from="agent", seed_from="column", metric="value:higher").arms
    assert {arm.method: tuple(arm.seeds) for arm in arms} == {"dqn": (1, 2, 3, 4), "rainbow": (1, 2, 3, 4)}
