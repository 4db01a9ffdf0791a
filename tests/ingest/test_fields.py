"""A method is every recorded field but the seed: runs that differ in another are several methods, or refused by its name."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import amrobust
from amrobust.cli import main
from amrobust.errors import UserError
from amrobust.ingest.assemble import gather
from amrobust.ingest.logged import LoggedRun
from amrobust.ingest.mappings import Mappings
from amrobust.ingest.policies import Policies
from amrobust.ingest.read import read_path
from amrobust.runs.store import open_runs

CORPUS = Path(__file__).resolve().parents[1] / "corpus"
STEPS = np.arange(1.0, 4)


def methods_of(path):
    """Every method that a comparison of ``path`` has, with its seeds."""
    done = CliRunner().invoke(main, ["compare", str(path), "--format", "json"], catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    arms = [arm for group in json.loads(done.stdout)["groups"] for arm in group["arms"]]
    return {f"{arm['method']} on {arm['workload']}": len(arm["seeds"]) for arm in arms}, done.stderr


@pytest.mark.parametrize(
    ("path", "methods", "seeds"),
    [
        ("tables/sweep.csv", ["sgd[lr=0.1]", "sgd[lr=0.01]", "adam[lr=0.1]", "adam[lr=0.01]"], 5),
        ("tables/lr_sameseeds.csv", ["sgd[lr=0.1]", "sgd[lr=0.01]", "adam[lr=0.1]", "adam[lr=0.01]"], 5),
        (
            "tables/sweep_uniqueseed.csv",
            [f"{o}[lr={lr}]" for o in ("sgd", "adam") for lr in (0.001, 0.01, 0.1, 1.0)],
            2,
        ),
        ("tables/model.csv", [f"{o}[model={m}]" for o in ("sgd", "adam") for m in ("resnet18", "vgg16")], 5),
        ("logs/mlruns", [f"{o}[lr={lr}]" for o in ("sgd", "adam") for lr in (0.001, 0.01, 0.1)], 2),
        ("logs/lightning_lr", [f"{o}[lr={lr}]" for o in ("SGD", "Adam") for lr in (0.001, 0.01, 0.1)], 2),
    ],
)
def test_learning_rates_and_models_are_methods_however_their_seeds_are_numbered(path, methods, seeds):
    found, said = methods_of(CORPUS / path)
    assert {name.partition(" on ")[0]: n for name, n in found.items()} == dict.fromkeys(methods, seeds)
    assert "is several methods, told apart by" in said
    told = "model" if "model" in path else "lr"
    assert f"method = optimizer, {told} · seed = seed" in said


def test_several_environments_are_several_workloads():
    found, _ = methods_of(CORPUS / "tables" / "envs.csv")
    assert found == {f"{m} on {env}": 5 for env in ("Hopper-v4", "Humanoid-v4") for m in ("ppo", "sac")}


@pytest.mark.parametrize("name", ["lrs", "lr_methods", "topk", "layers"])
def test_numbers_in_the_names_of_columns_are_no_seeds(name):
    done = CliRunner().invoke(main, ["compare", str(CORPUS / "tables" / f"{name}.csv")])
    assert done.exit_code == 2
    assert "end in numbers, which may be seeds, settings or metrics" in done.stderr


def gathered(fields, **mappings):
    """Of runs with these fields, each with its own curve, the methods with their seeds."""
    logged = [
        LoggedRun(f"run{i}", own, {"loss": (STEPS, np.array([3.0, 2.0, 1.0 + 0.01 * i]))})
        for i, own in enumerate(fields)
    ]
    found = gather(logged, Mappings(**mappings), Policies(), "log")
    return {method.method: method.seeds for method in found.methods}


def of_sgd(name, values, **others):
    return [
        {"optimizer": "sgd", "seed": str(i), name: str(value), **others} for i, value in enumerate(values)
    ]


def test_a_number_that_is_another_in_every_run_is_refused_by_its_name():
    with pytest.raises(
        UserError, match=r"the 4 runs of sgd differ in warmup.*\(1, 2, 3, 4\).*--nuisance warmup"
    ):
        gathered(of_sgd("warmup", [1, 2, 3, 4]))
    assert gathered(of_sgd("warmup", [1, 2, 3, 4]), nuisances=frozenset({"warmup"})) == {"sgd": (0, 1, 2, 3)}


@pytest.mark.parametrize(
    "field", ["host", "run_id", "args/output_dir", "mlflow.user", "git_commit", "torch_seed", "gpu"]
)
def test_what_says_where_and_when_a_run_was_made_is_none_of_the_method(field):
    assert gathered(of_sgd(field, ["1", "1", "2", "2"])) == {"sgd": (0, 1, 2, 3)}


def test_a_text_that_is_another_in_every_run_names_runs():
    assert gathered(of_sgd("label", ["quiet-moon", "dry-sea", "old-tree"])) == {"sgd": (0, 1, 2)}
    assert gathered(of_sgd("url", ["site/1f3", "site/9a0", "site/77c"])) == {"sgd": (0, 1, 2)}


def test_a_word_that_is_another_in_every_run_is_refused_by_its_name():
    with pytest.raises(UserError, match=r"differ in schedule.*\(cosine, linear\).*--nuisance schedule"):
        gathered(of_sgd("schedule", ["cosine", "linear"]))


def test_a_field_that_tells_nothing_more_is_left_out_of_the_name():
    fields = of_sgd("lr", [0.1, 0.1, 0.2, 0.2])
    for own in fields:
        own["variant"] = f"lr-{own['lr']}"
    assert gathered(fields) == {"sgd[lr=0.1]": (0, 1), "sgd[lr=0.2]": (2, 3)}


def test_a_choice_of_the_method_pools_no_settings_unless_they_are_declared_to_be_none_of_it():
    fields = of_sgd("lr", [0.1, 0.1, 0.2, 0.2])
    split = {"sgd[lr=0.1]": (0, 1), "sgd[lr=0.2]": (2, 3)}
    assert gathered(fields, method_from="optimizer") == split
    assert gathered(fields, method_from="optimizer", nuisances=frozenset({"lr"})) == {"sgd": (0, 1, 2, 3)}
    with pytest.raises(
        UserError, match=r"another in every run \(1, 2\): call it none of the method with --nuisance m"
    ):
        gathered(of_sgd("m", [1, 2]), method_from="optimizer")


@pytest.mark.parametrize("policy", ["refuse", "first", "last"])
def test_runs_of_one_seed_that_differ_in_a_field_are_no_repeats(policy):
    cells = [("imdb", "dev"), ("imdb", "test"), ("sst", "dev"), ("sst", "test")]
    logged = [
        LoggedRun("t.csv", {"model": "bert", "corpus": c, "split": s, "seed": seed}, {"f1": (STEPS, STEPS)})
        for c, s in cells
        for seed in "01"
    ]
    with pytest.raises(
        UserError, match=r"differ in corpus, split \(corpus: imdb, sst; split: dev, test\)"
    ) as error:
        gather(logged, Mappings(method_from="model"), Policies(duplicates=policy), "log")
    assert "--duplicates" not in str(error.value)
    for hint in (
        "--method-from model,corpus,split",
        "--workload-from corpus,split",
        "--seed-from seed,corpus,split",
    ):
        assert hint in str(error.value)
    found = gather(logged, Mappings(method_from="model", workload_from="corpus,split"), Policies(), "log")
    assert {one.workload: len(one.seeds) for one in found.methods} == {f"{c}/{s}": 2 for c, s in cells}


def test_folds_of_a_repeat_are_no_repeats_and_both_make_the_seed(tmp_path):
    rows = [
        f"{m},{r},{f},0.{r + 1}{f}{k}"
        for k, m in enumerate(("svm", "rf"))
        for r in range(3)
        for f in range(4)
    ]
    (tmp_path / "t.csv").write_text("\n".join(["clf,repeat,fold,accuracy", *rows]))
    for policy in ("refuse", "first"):
        with pytest.raises(UserError, match=r"differ in fold \(fold: 0, 1, 2, 3\).*--seed-from repeat,fold"):
            read_path(
                tmp_path / "t.csv", mappings=Mappings(method_from="clf"), policies=Policies(duplicates=policy)
            )
    (svm, _) = read_path(tmp_path / "t.csv", mappings=Mappings(method_from="clf", seed_from="repeat,fold"))[
        0
    ].methods
    assert {str(seed) for seed in svm.seeds} == {f"{r}/{f}" for r in range(3) for f in range(4)}


def test_what_differs_stands_with_the_parameters_that_a_name_has_already():
    fields = [{**own, "optimizer": "am1[m=5]/II"} for own in of_sgd("lr", [0.1, 0.1, 0.2, 0.2])]
    assert gathered(fields) == {"am1[m=5,lr=0.1]/II": (0, 1), "am1[m=5,lr=0.2]/II": (2, 3)}


def test_a_metric_that_stands_still_is_no_setting(tmp_path):
    rows = [f"{m},{s},{e},{v}" for m, v in (("a", 0.1), ("b", 0.11)) for s in range(4) for e in (1, 2)]
    table = tmp_path / "stuck.csv"
    table.write_text("\n".join(["method,seed,epoch,accuracy", *rows]))
    assert set(methods_of(table)[0].values()) == {4}


def test_a_schedule_that_is_logged_tells_no_methods_apart(tmp_path):
    rows = [f"a,{s},{e},{0.1 / e},{90 + e + s * e % 3}" for s in range(4) for e in (1, 2, 3)]
    table = tmp_path / "schedule.csv"
    table.write_text("\n".join(["method,seed,epoch,lr,accuracy", *rows]))
    assert methods_of(table)[0] == {"a on schedule": 4}


def test_a_parameter_that_no_run_of_a_method_differs_in_is_recorded_with_it(tmp_path, monkeypatch):
    rows = [
        (m, s, t, lr, 0.9, 0.5 + (3 * s + t) % 7 / 20)
        for m, lr in (("sgd", 0.1), ("adam", 0.001))
        for s in range(3)
        for t in (1, 2)
    ]
    frame = pd.DataFrame(rows, columns=["method", "seed", "epoch", "lr", "momentum", "acc"])
    frame.to_csv(tmp_path / "t.csv", index=False)
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(main, ["import", "t.csv"]).exit_code == 0
    expected = {"sgd": {"lr": 0.1, "momentum": 0.9}, "adam": {"lr": 0.001, "momentum": 0.9}}
    for place in ("t.csv", "runs"):
        arms = amrobust.load(place).arms
        assert {arm.method: dict(arm.identity.hyperparameters) for arm in arms} == expected
    assert {
        run.manifest.spec.optimizer: dict(run.manifest.spec.hyperparameters)
        for run in open_runs([tmp_path / "runs"])[0]
    } == expected
    # A claim finds them by it, and other rates are another run.
    verdicts = amrobust.compare(
        "t.csv", claims=[amrobust.Claim("less spread", "adam[lr=0.001]", "sgd[lr=0.1]")]
    ).verdicts
    assert verdicts[0].claim.method == "adam"
    frame.assign(lr=0.2).to_csv(tmp_path / "t.csv", index=False)
    assert CliRunner().invoke(main, ["import", "t.csv"]).exit_code == 0
    assert len(open_runs([tmp_path / "runs"])[0]) == 4


def test_a_parameter_in_which_runs_of_a_chosen_method_differ_is_none_of_its_own():
    fields = of_sgd("lr", [0.1, 0.1, 0.2, 0.2], momentum="0.9", note="x")
    logged = [LoggedRun(f"run{i}", own, {"loss": (STEPS, STEPS / (i + 1))}) for i, own in enumerate(fields)]
    (found,) = gather(
        logged, Mappings(method_from="optimizer", nuisances=frozenset({"lr"})), Policies(), "log"
    ).methods
    assert dict(found.identity.hyperparameters) == {"momentum": 0.9}


def test_learning_rates_of_final_values_are_methods_too(tmp_path):
    rows = [("sgd", lr, 10 * k + s, 0.5 + s / 50) for k, lr in enumerate((0.1, 0.01)) for s in range(4)]
    pd.DataFrame(rows, columns=["method", "lr", "seed", "acc"]).to_csv(tmp_path / "t.csv", index=False)
    arms = amrobust.load(tmp_path / "t.csv").arms
    assert {arm.method: arm.seeds for arm in arms} == {
        "sgd[lr=0.1]": (0, 1, 2, 3),
        "sgd[lr=0.01]": (10, 11, 12, 13),
    }


@pytest.mark.parametrize("key", ["optimiser", "Optimiser", "optimiser_name", "config.optimiser"])
def test_british_spellings_name_methods(key, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(
        f"{key},seed,epoch,acc\n" + "".join(f"{m},{s},1,0.{s}5\n" for m in ("sgd", "adam") for s in (1, 2))
    )
    assert amrobust.load(path).methods == ("sgd", "adam")


def test_versions_are_names_and_no_numbers(tmp_path):
    versions = ("1.1", "1.10", "1_1", "11")
    rows = [f"{m},{versions[seed % 4]},{seed},{90 + seed}" for m in "ab" for seed in range(8)]
    path = tmp_path / "runs.csv"
    path.write_text("\n".join(["method,version,seed,acc", *rows]))
    found = {method.method for method in read_path(path)[0].methods}
    assert found == {f"{m}[version={v}]" for m in "ab" for v in versions}


def test_an_index_without_a_name_is_no_method_in_any_form(tmp_path):
    frame = pd.DataFrame({"sgd": [1.0, 3, 2, 4, 3], "adam": [2.0, 2.5, 2, 3, 1]}, index=[4, 0, 2, 1, 3])
    frame.to_parquet(tmp_path / "runs.parquet")
    assert [m.method for m in read_path(tmp_path / "runs.parquet")[0].methods] == ["sgd", "adam"]
    again = frame.reset_index(names="Unnamed: 0")
    assert amrobust.Runs.from_frame(again).methods == ("sgd", "adam")
    frame.describe().to_parquet(tmp_path / "described.parquet")
    with pytest.raises(UserError, match="the first column has no name, and words in it"):
        read_path(tmp_path / "described.parquet")


def test_a_value_that_is_written_in_several_ways_is_one(tmp_path):
    rates = ("0.1", "1e-1", ".1", "0.01")
    rows = [f"{m},{rates[seed % 4]},{seed},{90 + seed}" for m in "ab" for seed in range(8)]
    path = tmp_path / "runs.csv"
    path.write_text("\n".join(["method,lr,seed,acc", *rows]))
    found = {method.method: method.seeds for method in read_path(path)[0].methods}
    assert found["a[lr=0.1]"] == (0, 1, 2, 4, 5, 6)
    assert set(found) == {f"{m}[lr={rate}]" for m in "ab" for rate in ("0.1", "0.01")}


@pytest.mark.parametrize(
    "name", ["system", "system_size", "_target_", "rep_penalty", "trial_length", "gitops"]
)
def test_a_word_in_a_name_makes_no_nuisance_of_a_setting(name):
    assert len(gathered(of_sgd(name, ["1", "1", "2", "2"]))) == 2
