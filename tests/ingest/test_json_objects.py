"""A JSON object a run: final values, and curves as lists."""

import json

import pytest

from amrobust.errors import UserError
from amrobust.ingest.mappings import Mappings
from amrobust.ingest.read import read_path


def written(place, objects):
    for name, found in objects.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(json.dumps(found))
    return place


def methods(path, **mappings):
    gathered, form = read_path(path, mappings=Mappings(**mappings))
    assert form == "json-objects"
    return {one.method: one for one in gathered.methods}


def test_numbers_are_final_values_and_settings_tell_methods_apart(tmp_path):
    found = methods(
        written(
            tmp_path,
            {
                f"{s}/results.json": {
                    "optimizer": "adam",
                    "lr": lr,
                    "seed": s,
                    "test": {"acc": 0.5 + s / 10},
                    "betas": [lr, 0.9],
                }
                for s, lr in enumerate((0.1, 0.1, 0.01, 0.01))
            },
        )
    )
    assert {name: one.seeds for name, one in found.items()} == {
        "adam[lr=0.1]": (0, 1),
        "adam[lr=0.01]": (2, 3),
    }
    assert [list(one.curves) for one in found.values()] == [["test.acc"]] * 2
    assert found["adam[lr=0.01]"].curves["test.acc"].tolist() == [[0.7], [0.8]]


@pytest.mark.parametrize("inner", [True, False])
def test_lists_of_one_length_are_curves_along_their_steps(tmp_path, inner):
    def run(s):
        curves = {"epoch": [0, 5, 10], "val_loss": [3 + s, 2 + s, 1 + s]}
        return {"best_val_loss": 1 + s, **({"history": curves} if inner else curves)}

    found = methods(written(tmp_path, {f"sgd_seed{s}.json": run(s) for s in (3, 4)}))
    (name,) = found["sgd"].curves
    assert name == ("history.val_loss" if inner else "val_loss")
    assert found["sgd"].curves[name].tolist() == [[6, 5, 4], [7, 6, 5]]
    if not inner:
        assert found["sgd"].axis.values == (0, 5, 10)


def test_lists_of_several_lengths_are_refused(tmp_path):
    with pytest.raises(
        UserError, match=r"a_seed1.json: its lists of numbers have different lengths \(2, 3\)"
    ):
        methods(written(tmp_path, {"a_seed1.json": {"acc": [1, 2], "loss": [1, 2, 3]}}))


def test_a_configuration_alone_is_no_run(tmp_path):
    with pytest.raises(UserError, match="looks like none"):
        methods(written(tmp_path, {"a/config.json": {"lr": 0.1}}))


def test_lists_and_numbers_beside_results_are_settings(tmp_path):
    def run(s):
        return {
            "algo": "eqt",
            "filters": [8, 16, 32][: 2 + s % 2],
            "eval": {"recall": 0.9 + s / 100},
            "run_seed": 90 + s,
        }

    found = methods(written(tmp_path, {f"{s}/summary.json": run(s) for s in range(6)}), seed_from="run_seed")
    assert {name: one.seeds for name, one in found.items()} == {
        "eqt[filters=[8, 16]]": (90, 92, 94),
        "eqt[filters=[8, 16, 32]]": (91, 93, 95),
    }
    assert [list(one.curves) for one in found.values()] == [["eval.recall"]] * 2
    chosen = read_path(tmp_path, mappings=Mappings(method_from="algo", seed_from="run_seed"))[0]
    assert chosen.read.startswith("method = algo, filters · seed = run_seed")


@pytest.mark.parametrize("curves", [{}, {"val_acc": [0.5, 0.6]}])
def test_numbers_of_unknown_names_that_recur_tell_methods_apart(tmp_path, curves):
    objects = {
        f"sgd_seed{s}.json": {"acc": 0.5 + s / 100, "n_blocks": 4 + s // 3, **curves} for s in range(6)
    }
    assert list(methods(written(tmp_path, objects))) == ["sgd[n_blocks=4]", "sgd[n_blocks=5]"]
