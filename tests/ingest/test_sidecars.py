"""Logs whose configuration lies beside them, or in records: it names the method and the seed."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from amrobust.errors import UserError
from amrobust.ingest.mappings import Mappings
from amrobust.ingest.read import read_path

CORPUS = Path(__file__).resolve().parents[1] / "corpus"


def methods_of(path, **mappings):
    return {m.method: m for m in read_path(path, mappings=Mappings(**mappings))[0].methods}


@pytest.mark.parametrize("name", ["results.jsonl", "results_records.json"])
def test_records_are_rows_of_a_table(name):
    path = CORPUS / "tables" / name
    frame = pd.read_json(path, lines=name.endswith("l"))
    found = methods_of(path)
    assert list(found) == list(frame.optimizer.unique())
    for method, rows in frame.groupby("optimizer"):
        wide = rows.pivot_table(index="seed", columns="epoch", values="val_acc")
        np.testing.assert_allclose(found[method].curves["val_acc"], wide.to_numpy(), rtol=1e-14)
        assert found[method].seeds == tuple(wide.index)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1}\n{"a": ', "line 2 as JSON"),
        ("", "holds no records"),
        ("[1, 2]\n", "holds no records"),
        ('{"seed": NaN}', "neither steps nor"),
    ],
)
def test_what_holds_no_records_is_refused_in_a_line(tmp_path, text, message):
    path = tmp_path / "log.jsonl"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        methods_of(path)


def test_nested_records_name_their_method(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text(
        "\n".join(
            json.dumps(
                {
                    "config": {"optimizer": {"name": "adam", "lr": lr}},
                    "seed": s,
                    "epoch": e,
                    "val": {"loss": 1 / e + s + lr},
                }
            )
            for lr in (0.1, 0.2)
            for s in (0, 1)
            for e in (1, 2)
        )
    )
    found = methods_of(path)
    assert list(found) == ["adam[lr=0.1]", "adam[lr=0.2]"]
    assert found["adam[lr=0.2]"].curves["val.loss"].tolist() == [[1.2, 0.7], [2.2, 1.7]]


def test_a_trainers_state_with_what_was_measured_at_every_evaluation():
    found = methods_of(CORPUS / "logs" / "hf", metrics=("eval_accuracy",))
    assert {name: method.seeds for name, method in found.items()} == dict.fromkeys(
        ("adamw", "sgd"), (0, 1, 2, 3, 4)
    )
    for name, method in found.items():
        for row, seed in enumerate(method.seeds):
            state = json.loads(
                (CORPUS / "logs" / "hf" / f"{name}-seed{seed}" / "trainer_state.json").read_text()
            )
            expected = [entry["eval_accuracy"] for entry in state["log_history"] if "eval_accuracy" in entry]
            assert method.curves["eval_accuracy"][row].tolist() == expected
        assert method.steps == (10.0, 20.0, 30.0)


def test_of_a_run_and_its_checkpoints_the_farthest_state_counts(tmp_path):
    shutil.copytree(CORPUS / "logs" / "hf", tmp_path / "hf")
    early = tmp_path / "hf" / "sgd-seed0" / "checkpoint-10"
    early.mkdir()
    state = json.loads((tmp_path / "hf" / "sgd-seed0" / "trainer_state.json").read_text())
    state |= {"global_step": 10, "log_history": state["log_history"][:2]}
    (early / "trainer_state.json").write_text(json.dumps(state))
    whole = methods_of(CORPUS / "logs" / "hf")["sgd"].curves["eval_accuracy"]
    np.testing.assert_array_equal(methods_of(tmp_path / "hf")["sgd"].curves["eval_accuracy"], whole)


@pytest.mark.parametrize("name", ["hydra", "hydra_multirun"])
def test_the_configuration_of_a_job_of_hydra_is_its_method(name):
    folder = CORPUS / "logs" / name
    found = methods_of(folder, metrics=("val_acc",))
    assert {method: m.seeds for method, m in found.items()} == dict.fromkeys(("sgd", "adam"), (0, 1, 2, 3, 4))
    for file in folder.rglob("metrics.csv"):
        config = (file.parent / ".hydra" / "config.yaml").read_text()
        method = found["adam" if "adam" in config else "sgd"]
        seed = int(config.partition("seed: ")[2].split()[0])
        np.testing.assert_array_equal(
            method.curves["val_acc"][method.seeds.index(seed)], pd.read_csv(file)["val_acc"]
        )


def test_progress_between_tabs_with_its_configuration():
    folder = CORPUS / "logs" / "spinup"
    found = methods_of(folder, metrics=("AverageEpRet",))
    assert {name: method.seeds for name, method in found.items()} == dict.fromkeys(
        ("ppo", "sac"), (0, 1, 2, 3, 4)
    )
    assert {method.workload for method in found.values()} == {"HalfCheetah-v2"}
    table = pd.read_csv(folder / "sac" / "sac_s3" / "progress.txt", sep="\t")
    np.testing.assert_array_equal(found["sac"].curves["AverageEpRet"][3], table["AverageEpRet"])


def test_hyperparameters_of_tensorboard_name_their_run():
    found = methods_of(CORPUS / "logs" / "tb_hparams", metrics=("val_acc",))
    assert {name: method.seeds for name, method in found.items()} == dict.fromkeys(
        ("sgd", "adam"), (0, 1, 2, 3, 4)
    )


def test_scalars_that_tensorboard_wrote_under_one_tag_are_metrics_of_one_run():
    found = methods_of(CORPUS / "logs" / "tb_scalars", metrics=("acc/test", "acc/train"))
    assert {name: method.seeds for name, method in found.items()} == dict.fromkeys(
        ("sgd", "adam"), (0, 1, 2, 3, 4)
    )
    assert set(found["sgd"].curves) == {"acc/test", "acc/train"}


def test_a_table_says_its_method_before_the_configuration_beside_it(tmp_path):
    for seed in (0, 1):
        folder = tmp_path / f"job{seed}"
        folder.mkdir()
        (folder / "log.csv").write_text(f"method,epoch,acc\nmine,1,{90 + seed}\nmine,2,{91 - seed}\n")
        (folder / "config.json").write_text(
            json.dumps({"method": "other", "seed": seed, "optim": {"lr": 0.1}})
        )
    assert {name: method.seeds for name, method in methods_of(tmp_path).items()} == {"mine": (0, 1)}


def test_a_whole_number_beyond_all_floats_is_infinite_and_no_traceback(tmp_path):
    path = tmp_path / "sgd-seed0" / "trainer_state.json"
    path.parent.mkdir()
    history = [{"step": step, "eval_loss": 10**400 if step == 2 else 0.5} for step in (1, 2)]
    path.write_text(json.dumps({"log_history": history, "global_step": 2}))
    (method,) = methods_of(tmp_path).values()
    assert method.curves["eval_loss"].tolist() == [[0.5, np.inf]]


def log_at(place, seed, value=0.5):
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("epoch,val_acc\n" + "".join(f"{e},{value + seed / 100 + e / 50}\n" for e in (1, 2, 3)))


TWO = {"betas": ([0.9, 0.999], [0.5, 0.9]), "lr": (0.1, 0.01), "net": ({"w": [64]}, {"w": [64, 64]})}


@pytest.mark.parametrize("setting", TWO)
@pytest.mark.parametrize(
    ("log", "configuration"),
    [
        ("run{}/log.csv", "run{}/config.json"),
        ("run{}/logs/log.csv", "run{}/config.json"),
        ("run{}/log.csv", "run{}/hyperparameters.json"),
        ("run{}/log.csv", "run{}/config.yml"),
        ("run{}/log.csv", "run{}/args.toml"),
        ("run{}.csv", "run{}.json"),
    ],
)
def test_settings_beside_or_above_a_log_tell_methods_apart(tmp_path, setting, log, configuration):
    for seed in range(4):
        log_at(tmp_path / log.format(seed), seed)
        value = TWO[setting][seed // 2]
        said = {"optimizer": "adam", "seed": seed, setting: value}
        inline = f"{{w = {value['w']}}}" if setting == "net" else json.dumps(value)
        text = json.dumps(said)
        if configuration.endswith("toml"):
            text = f'optimizer = "adam"\nseed = {seed}\n{setting} = {inline}\n'
        (tmp_path / configuration.format(seed)).write_text(text)
    found = methods_of(tmp_path)
    assert [one.seeds for one in found.values()] == [(0, 1), (2, 3)]
    assert all(name.startswith("adam[") for name in found)


def test_tuples_of_python_in_a_configuration_are_lists(tmp_path):
    for seed in range(4):
        log_at(tmp_path / f"run{seed}" / "log.csv", seed)
        betas = "\n".join(f"- {beta}" for beta in TWO["betas"][seed // 2])
        text = f"optimizer: adam\nseed: {seed}\nbetas: !!python/tuple\n{betas}\nfn: !!python/object:os.system {{}}\n"
        (tmp_path / f"run{seed}" / "hparams.yaml").write_text(text)
    assert list(methods_of(tmp_path)) == ["adam[betas=[0.9, 0.999]]", "adam[betas=[0.5, 0.9]]"]


def test_results_of_a_file_named_as_the_log_are_no_settings(tmp_path):
    for seed in range(3):
        log_at(tmp_path / f"adam-seed{seed}.csv", seed)
        (tmp_path / f"adam-seed{seed}.json").write_text(json.dumps({"best_val_acc": seed / 10, "lr": 0.1}))
    assert list(methods_of(tmp_path)) == ["adam"]


def test_lists_of_many_entries_have_a_short_name_and_are_told_apart(tmp_path):
    for seed in range(4):
        log_at(tmp_path / f"run{seed}" / "log.csv", seed)
        said = {"optimizer": "adam", "seed": seed, "schedule": [*range(200), seed // 2]}
        (tmp_path / f"run{seed}" / "config.json").write_text(json.dumps(said))
    first, second = methods_of(tmp_path)
    assert first != second
    assert len(first) < 100


def test_lists_that_are_logged_tell_nothing_apart(tmp_path):
    rows = [
        {
            "optimizer": "adam",
            "betas": TWO["betas"][s // 2],
            "seed": s,
            "epoch": e,
            "acc": s + e,
            "of_classes": [s, e],
        }
        for s in range(4)
        for e in (1, 2, 3)
    ]
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = methods_of(tmp_path / "log.jsonl")
    assert {name: one.seeds for name, one in found.items()} == {
        "adam[betas=[0.9, 0.999]]": (0, 1),
        "adam[betas=[0.5, 0.9]]": (2, 3),
    }


def test_what_a_folder_holds_beside_what_is_read_is_said(tmp_path):
    for seed in range(3):
        log_at(tmp_path / f"adam-seed{seed}" / "log.csv", seed)
        (tmp_path / f"adam-seed{seed}" / "config.json").write_text(json.dumps({"lr": 0.1}))
    assert read_path(tmp_path)[0].left_out == ()
    (tmp_path / "adam-seed3").mkdir()
    (tmp_path / "adam-seed3" / "config.json").write_text(json.dumps({"lr": 0.1}))
    (tmp_path / "adam-seed4.csv.gz").write_bytes(b"")
    pd.DataFrame({"epoch": [1], "val_acc": [0.5]}).to_parquet(tmp_path / "sgd-seed0.parquet")
    form = read_path(tmp_path, "csv")[0]
    said = "\n".join(form.left_out)
    assert "adam-seed3/config.json: a configuration without any log" in said
    assert "adam-seed4.csv.gz: compressed" in said
    assert "sgd-seed0.parquet (to compare all, import the folder with --from csv" in said


def logged(seed, epochs=(1, 2), **others):
    return [{"epoch": e, "val_acc": seed + e / 10, **others} for e in epochs]


def in_lines(path, records):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


@pytest.mark.parametrize(
    "configuration",
    [
        lambda s: [{"optimizer": "adam", "lr": 0.1, "seed": s}],
        lambda s: [{"host": "a"}, {"type": "config", "config": {"optimizer": "adam", "seed": s}}],
    ],
)
def test_a_configuration_before_the_records_of_a_log_names_its_run(tmp_path, configuration):
    for s in (3, 4):
        in_lines(tmp_path / f"{s}.jsonl", [*configuration(s), *logged(s, type="log")])
    found = methods_of(tmp_path)["adam"]
    assert found.seeds == (3, 4)
    assert found.curves["val_acc"].tolist() == [[3.1, 3.2], [4.1, 4.2]]


def test_a_configuration_that_comes_again_begins_the_next_run(tmp_path):
    runs = [(method, s) for method in ("adam", "sgd") for s in (0, 1)]
    records = [[{"optimizer": method, "seed": s}, *logged(s)] for method, s in runs]
    in_lines(tmp_path / "log.jsonl", [record for each in records for record in each])
    assert {name: one.seeds for name, one in methods_of(tmp_path / "log.jsonl").items()} == {
        "adam": (0, 1),
        "sgd": (0, 1),
    }


def test_a_result_before_the_steps_is_no_configuration(tmp_path):
    in_lines(tmp_path / "adam-seed0.jsonl", [{"test_acc": 0.5}, *logged(0)])
    with pytest.raises(UserError, match="'test_acc' have no step beside them"):
        methods_of(tmp_path)


def test_lines_in_a_json_file_as_ray_tune_writes_them(tmp_path):
    for s in (0, 1):
        folder = tmp_path / f"train_fn_{s}_optimizer=adam,seed={s}"
        rows = [
            {
                "accuracy": s + i / 10,
                "training_iteration": i,
                "done": i == 3,
                "date": "2024-05-01",
                "trial_id": f"a{s}",
                "experiment_tag": f"{s}_optimizer=adam,seed={s}",
                "config": {"optimizer": "adam", "lr": 0.1, "seed": s},
            }
            for i in (1, 2, 3)
        ]
        in_lines(folder / "result.json", rows)
        (folder / "params.json").write_text(json.dumps(rows[0]["config"]))
        pd.json_normalize(rows, sep="/").to_csv(folder / "progress.csv", index=False)
    for form in ("json", "csv"):
        gathered, _ = read_path(tmp_path, form)
        (found,) = gathered.methods
        assert (found.method, found.seeds, found.axis.values) == ("adam", (0, 1), (1, 2, 3))
        assert found.curves["accuracy"].tolist() == [[0.1, 0.2, 0.3], [1.1, 1.2, 1.3]]


@pytest.mark.parametrize("orient", ["columns", "index", "split", "table", "records"])
@pytest.mark.parametrize("kept", [slice(None), slice(1, None, 2)])
def test_a_frame_as_pandas_writes_it(tmp_path, orient, kept):
    rows = [
        {"optimizer": "adam", "seed": s, "epoch": e, "val_acc": s + e / 10} for s in (7, 9) for e in (1, 2)
    ]
    pd.DataFrame(rows)[kept].to_json(tmp_path / "frame.json", orient=orient)
    found = methods_of(tmp_path / "frame.json")["adam"]
    assert found.seeds == (7, 9)
    assert found.curves["val_acc"].tolist() == [[s + e / 10 for e in (1, 2)][kept] for s in (7, 9)]


def test_rows_of_training_beside_those_of_validation(tmp_path):
    for s in (0, 1):
        train = [{"mode": "train", "epoch": e, "iter": 50, "loss": 1.0 + s} for e in (1, 2)]
        val = logged(s, mode="val", iter=625)
        rows = [
            {"env_info": "linux", "seed": s},
            *(row for pair in zip(train, val, strict=True) for row in pair),
        ]
        in_lines(tmp_path / f"adam-seed{s}.json", rows)
    with pytest.raises(
        UserError, match=r"one of their metrics alone with --metric.*--nuisance mode --nuisance iter$"
    ):
        methods_of(tmp_path, method_from="=adam")
    gathered, _ = read_path(tmp_path, mappings=Mappings(method_from="=adam", metrics=("val_acc",)))
    assert gathered.methods[0].curves["val_acc"].tolist() == [[0.1, 0.2], [1.1, 1.2]]
    assert gathered.left_out == ("2 of 4 runs have no val_acc and are left out: those of mode train",)
