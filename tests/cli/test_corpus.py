"""Inputs of the kind that people bring, each once read wrongly: what comes of each now, and none is left out."""

import json
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from amrobust.cli import main

CORPUS = Path(__file__).resolve().parents[1] / "corpus"
TABLES, LOGS = CORPUS / "tables", CORPUS / "logs"


def amrobust(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)


def read(path, *options):
    done = amrobust("import", path, "--dry-run", "--format", "json", *options)
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


def judged(path, *options):
    done = amrobust("compare", path, "--format", "json", *options)
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)["groups"]


def refused(*arguments):
    done = amrobust(*arguments)
    assert done.exit_code == 2
    said = done.stderr.splitlines()[-1]
    assert said.startswith("Error: ")
    return said


FIELDS = ("method", "optimizer", "algo")
LOWER = ("regret", "wer", "fid", "testerr", "cross_entropy", "blowup", "finite_diverged")
HIGHER = (
    "acc_norm", "hns", "frac", "nan_first", "same_constant", "copies", "othersteps", "othersteps2", "add1", "add2",
    "zero_one_based", "finals", "one", "twelve", "hyperparameter_sweep", "sgd_only", "adam_only", "method_nfc",
)  # fmt: skip
WORDS = dict.fromkeys(LOWER, "lower") | dict.fromkeys(HIGHER, "higher")
"""Tables with a column that names the method, a seed and one metric whose name says which way it is better."""
SPLIT = {"sweep": "lr", "sweep_uniqueseed": "lr", "lr_sameseeds": "lr", "model": "model"}
"""Tables in which a column beside the optimizer tells methods apart."""
RATES = ("0.1", "0.01", "0.001")
WIDE = ("layers", "lrs", "lr_methods", "topk")
ELSEWHERE = {
    "wandb_epoch.csv", "wandb_runs.csv", "results.jsonl", "results_records.json", "finals_wide.csv", "finals_cols.csv",
    "finals_methods_rows.csv", "finals_nameless.csv", "finals_tasks.csv", "finals_tasks_step.csv", "table.csv", "results.tsv",
    "keras_na.csv", "two_workloads.csv", "envs.csv", "ppl_blowup.csv", "pct_share2.csv", "budget.csv", "seeds.csv",
    "bo.parquet", "bomb.parquet",
}  # fmt: skip
"""Tables that have a test of their own, below or in tests/ingest."""


def test_no_input_is_left_out():
    named = {f"{stem}.csv" for stem in (*WORDS, *SPLIT, *WIDE)} | ELSEWHERE
    assert {path.name for path in TABLES.iterdir()} == named


@pytest.mark.parametrize("stem", WORDS)
def test_a_tidy_table_is_read_as_pandas_reads_it(stem):
    frame = pd.read_csv(TABLES / f"{stem}.csv")
    (field,) = (name for name in FIELDS if name in frame)
    steps = [name for name in ("epoch", "step") if name in frame]
    (metric,) = set(frame.columns) - {field, "seed", *steps}
    found = read(TABLES / f"{stem}.csv")
    assert [(m["method"], m["seeds"]) for m in found["methods"]] == [
        (method, sorted(rows.seed.unique())) for method, rows in frame.groupby(field, sort=False)
    ]
    for method in found["methods"]:
        (known,) = method["metrics"]
        assert (known["name"], known["better"], known["better_by"]) == (metric, WORDS[stem], "name")
        if steps:
            assert method["steps"] == sorted(frame[frame[field] == method["method"]][steps[0]].unique())
            assert method["axis"]["name"] == steps[0]
    assert f"method = {field}" in found["read"]
    assert f"{metric} ({WORDS[stem]} is better, by its name" in found["read"]


@pytest.mark.parametrize("stem", SPLIT)
def test_a_field_that_varies_within_a_method_splits_it(stem):
    frame, field = pd.read_csv(TABLES / f"{stem}.csv"), SPLIT[stem]
    found = read(TABLES / f"{stem}.csv")
    assert {m["method"]: m["seeds"] for m in found["methods"]} == {
        f"{optimizer}[{field}={value}]": sorted(rows.seed.unique())
        for (optimizer, value), rows in frame.groupby(["optimizer", field], sort=False)
    }
    assert f"method = optimizer, {field}" in found["read"]


@pytest.mark.parametrize("stem", WIDE)
def test_a_number_in_a_columns_name_is_no_seed_and_the_message_says_what_it_may_be(stem):
    path = TABLES / f"{stem}.csv"
    said = refused("compare", path)
    frame = pd.read_csv(path)
    names = list(frame.columns[1:])
    assert names[0] in said
    assert "--method-from column" in said
    assert "--method-from =NAME --seed-from =0" in said
    as_methods = read(path, "--method-from", "column")
    assert [m["method"] for m in as_methods["methods"]] == names
    if stem != "lrs":  # lr=0.1 is a parameter, and no metric
        as_metrics = read(path, "--method-from", "=net", "--seed-from", "=0")
        assert [[m["name"] for m in method["metrics"]] for method in as_metrics["methods"]] == [names]


@pytest.mark.parametrize(
    ("name", "seeds"),
    [
        ("finals_wide.csv", {"sgd": 8, "adam": 8}),
        ("finals_cols.csv", {"sgd": 8, "adam": 8, "am1": 8}),
        ("finals_methods_rows.csv", {"sgd": 5, "adam": 5, "am1": 5}),
        ("finals_nameless.csv", {"sgd": 5, "adam": 5, "am1": 5}),
    ],
)
def test_final_values_without_a_name_ask_for_the_direction_alone(name, seeds):
    assert "say --metric value:lower or --metric value:higher" in refused("compare", TABLES / name)
    frame = pd.read_csv(TABLES / name)
    (compared,) = judged(TABLES / name, "--metric", "value:higher")
    assert {arm["method"]: len(arm["seeds"]) for arm in compared["arms"]} == seeds
    for summary in compared["summaries"]:
        if summary["method"] in frame:
            values = frame[summary["method"]]
        else:
            row = frame.set_index("optimizer").loc[summary["method"]]
            values = row[[c for c in row.index if c[-1].isdigit()]].astype(float)
        assert summary["final_mean"]["estimate"] == pytest.approx(values.mean())
        assert summary["final_spread"]["estimate"] == pytest.approx(values.std())
    assert {verdict["claim"]["kind"] for verdict in compared["verdicts"]} <= {"better mean", "less spread"}
    assert amrobust("tails", TABLES / name, "--metric", "value:higher").exit_code == 0


@pytest.mark.parametrize("name", ["finals_tasks.csv", "finals_tasks_step.csv"])
def test_final_values_of_several_datasets_are_several_workloads(name):
    frame = pd.read_csv(TABLES / name)
    found = judged(TABLES / name)
    assert [j["workload"] for j in found] == list(frame.dataset.unique())
    for compared in found:
        rows = frame[frame.dataset == compared["workload"]]
        for summary in compared["summaries"]:
            expected = rows[rows.method == summary["method"]].accuracy
            assert summary["final_mean"]["estimate"] == pytest.approx(expected.mean())


def test_a_trackers_table_of_runs_is_final_values():
    frame = pd.read_csv(TABLES / "wandb_runs.csv")
    (compared,) = judged(TABLES / "wandb_runs.csv")
    assert compared["metric"]["name"] == "val/acc"
    assert {arm["method"]: arm["final_values"] for arm in compared["arms"]} == {
        m: rows["val/acc"].tolist() for m, rows in frame.groupby("optimizer")
    }


def test_a_chart_over_epochs_is_read_without_its_envelopes():
    frame = pd.read_csv(TABLES / "wandb_epoch.csv")
    found = read(TABLES / "wandb_epoch.csv")
    assert {m["method"]: m["seeds"] for m in found["methods"]} == {
        "sgd": [0, 1, 2, 3, 4],
        "adam": [0, 1, 2, 3, 4],
    }
    assert "step = epoch 1…7 · val/acc (higher is better, by its name)" in found["read"]
    (compared,) = judged(TABLES / "wandb_epoch.csv")
    for arm in compared["arms"]:
        assert arm["final_values"] == [frame[f"{arm['method']}-seed{s} - val/acc"].iloc[-1] for s in range(5)]


def test_a_table_without_a_method_lists_what_could_name_it():
    said = refused("compare", TABLES / "results.tsv")
    assert (
        "name it with --method-from, =NAME where all are of one; there are name, commit, status, description"
        in said
    )
    (compared,) = judged(TABLES / "results.tsv", "--method-from", "commit")
    assert (compared["metric"]["name"], compared["metric"]["better"]) == ("val_bpb", "lower")
    assert [arm["final_values"] for arm in compared["arms"]] == [[0.9979, 0.9985], [0.9932, 0.9941]]
    assert all(verdict["outcome"] == "not assessable" for verdict in compared["verdicts"])


def test_means_and_no_seeds_go_to_judge_table():
    assert "'amrobust judge-table' judges tables of mean, std and n" in refused(
        "compare", TABLES / "table.csv"
    )


def test_several_environments_are_several_workloads():
    frame = pd.read_csv(TABLES / "envs.csv")
    found = read(TABLES / "envs.csv")
    assert {(m["workload"], m["method"], len(m["seeds"])) for m in found["methods"]} == {
        (env, algo, rows.seed.nunique()) for (env, algo), rows in frame.groupby(["env_id", "algo"])
    }


def test_of_two_datasets_one_a_line_shorter_the_other_is_judged():
    (first, *_) = judged(TABLES / "two_workloads.csv")
    assert {arm["method"] for arm in first["arms"]} == {"base", "am1", "am2"}
    assert all(verdict["outcome"] != "not assessable" for verdict in first["verdicts"])


def test_a_blown_up_loss_beside_its_perplexity_gets_no_verdict_on_means():
    (compared,) = judged(TABLES / "ppl_blowup.csv")
    assert {verdict["outcome"] for verdict in compared["verdicts"]} <= {"inconclusive", "not assessable"}


def test_shares_and_percentages_of_one_metric_are_refused_with_both_ways_out():
    said = refused("compare", TABLES / "pct_share2.csv", "--margin", "0.5")
    assert "--mixed-units percent" in said
    assert "--mixed-units keep" in said


def test_other_steps_are_refused_with_both_grids_and_on_a_declared_one_nothing_differs():
    for name, options in (
        ("othersteps.csv", ()),
        ("othersteps2.csv", ()),
        ("budget.csv", ("--metric", "value:higher")),
    ):
        said = refused("compare", TABLES / name, *options)
        assert "step 100…1000" in said
        assert "step 1000…10000 (10)" in said
        assert "--grid" in said
        for compared in judged(TABLES / name, *options, "--grid", "every:1000"):
            assert {verdict["outcome"] for verdict in compared["verdicts"]} == {"inconclusive"}
    assert "--grid shift" in refused("compare", TABLES / "zero_one_based.csv")


def test_a_later_import_at_other_steps_is_refused(tmp_path):
    where = ("--workload-from", "=w", "--runs-dir", tmp_path / "runs")
    assert amrobust("import", TABLES / "add1.csv", *where).exit_code == 0
    for more in ((), ("--add",)):
        said = refused("import", TABLES / "add2.csv", *where, *more)
        assert "step 100…1000 (10), and these are at step 1000…10000 (10)" in said


def test_a_minimised_objective_is_better_low_whatever_it_is_called():
    (compared,) = judged(TABLES / "bo.parquet")
    assert (compared["metric"]["better"], compared["metric"]["better_by"]) == ("lower", "source")


def test_a_margin_beyond_all_values_is_warned_about_in_the_metrics_unit():
    (compared,) = judged(TABLES / "frac.csv", "--margin", "0.5")
    assert any(
        "The margin 0.5 share is larger than the range" in note["message"] for note in compared["warnings"]
    )
    assert "look like shares of one" in refused("compare", TABLES / "frac.csv", "--unit", "test_acc=%")


def test_copied_runs_are_refused():
    assert "identical to the last bit" in refused("compare", TABLES / "copies.csv")


def test_stuck_methods_are_equal_and_nothing_is_judged_of_rounding():
    (compared,) = judged(TABLES / "same_constant.csv")
    assert {verdict["outcome"] for verdict in compared["verdicts"]} == {"not assessable"}


@pytest.mark.parametrize("name", ["blowup", "finite_diverged"])
def test_a_seed_at_1e100_decides_no_spread(name):
    (compared,) = judged(TABLES / f"{name}.csv")
    outcomes = {verdict["claim"]["kind"]: verdict["outcome"] for verdict in compared["verdicts"]}
    assert outcomes["less spread"] == outcomes["less Avg. STD"] == "not assessable"
    assert outcomes["better mean"] in ("inconclusive", "not assessable")
    for verdict in compared["verdicts"]:
        assert verdict["p"] is None or np.isfinite(verdict["p"])


@pytest.mark.parametrize(
    ("name", "methods", "metric", "step"),
    [
        ("hf", {"adamw": 5, "sgd": 5}, ["eval_loss", "eval_accuracy"], "step"),
        ("hydra", {"adam": 5, "sgd": 5}, ["val_acc"], "epoch"),
        ("hydra_multirun", {"adam": 5, "sgd": 5}, ["val_acc"], "epoch"),
        ("lightning_lr", {f"{o}[lr={lr}]": 2 for o in ("SGD", "Adam") for lr in RATES}, ["val_acc"], "epoch"),
        ("mlruns", {f"{o}[lr={lr}]": 2 for o in ("sgd", "adam") for lr in RATES}, ["val_acc"], "step"),
        ("spinup", {"ppo": 5, "sac": 5}, ["AverageEpRet"], "Epoch"),
        ("tb_hparams", {"adam": 5, "sgd": 5}, ["val_acc"], "step"),
        ("tb_scalars", {"adam": 5, "sgd": 5}, ["acc/test"], "step"),
    ],
)  # fmt: skip
def test_the_configuration_beside_a_log_is_the_method(name, methods, metric, step):
    found = read(LOGS / name)
    assert {m["method"]: len(m["seeds"]) for m in found["methods"]} == methods
    assert [m["name"] for m in found["methods"][0]["metrics"]] == metric
    assert {m["axis"]["name"] for m in found["methods"]} == {step}
    assert "lr" not in metric


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (TABLES / "bomb.parquet", "column 'method' has a text of 1,000,000 bytes"),
        (LOGS / "yaml_bomb", "a configuration has more than 10,000 entries"),
    ],
)
def test_what_unpacks_to_gigabytes_is_refused_in_a_line_within_little_memory(path, message):
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (3_000_000_000, 3_000_000_000)); "
        "from amrobust.cli import main; main(['compare', sys.argv[1]])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 1_500_000


class TestWithOneOption:
    """Excerpts of public results: refused with what is there, and read with the option of the message or one other."""

    @pytest.mark.parametrize(
        ("name", "methods", "workloads"),
        [
            ("td3", {"TD3"}, {"HalfCheetah-v1", "Hopper-v1"}),
            ("sb3", {"a2c", "ppo"}, {"Acrobot-v1"}),
            ("tdmpc2", {"sac", "tdmpc2"}, {"dog-run", "humanoid-walk"}),
        ],
    )
    def test_the_option_is_in_the_message(self, shared, tmp_path, name, methods, workloads):
        path = shared(f"corpus/real/{name}")
        if name == "tdmpc2":  # those whose seeds are of one length
            for file in (path / "sac" / "dog-run.csv", path / "tdmpc2" / "humanoid-walk.csv"):
                (tmp_path / file.parent.name).mkdir()
                shutil.copy(file, tmp_path / file.parent.name)
            path = tmp_path
        said = refused("import", path, "--dry-run")
        option = said.rpartition("--method-from ")[2].strip("'")
        found = read(path, "--method-from", option)
        assert {m["method"] for m in found["methods"]} == methods
        assert {m["workload"] for m in found["methods"]} == workloads
        assert f"workload, method{'' if name == 'tdmpc2' else ', seed'} = groups of {option}" in found["read"]

    def test_an_agent_is_the_method_where_that_is_said(self, shared):
        path = shared("corpus/real/sac_excerpt.csv")
        assert "there are name, run_id, agent, env, seed" in refused("import", path, "--dry-run")
        found = read(path, "--method-from", "agent")
        assert {m["method"] for m in found["methods"]} == {"sac"}
        assert {m["workload"]: m["seeds"] for m in found["methods"]} == {
            "cartpole_swingup_sparse": [2, 3],
            "cheetah_run": [1, 2, 3],
        }
