"""The callbacks by their framework's protocol: hooks called in the order in which the framework calls them."""

import importlib
import sys
from types import ModuleType, SimpleNamespace

import pytest

from amrobust.runs.axis import Axis
from amrobust.runs.store import open_runs


def fake(monkeypatch, name, **contents):
    """A module ``name`` and its parents, in the place of a framework that is not installed."""
    parts = name.split(".")
    for size in range(1, len(parts) + 1):
        monkeypatch.setitem(sys.modules, ".".join(parts[:size]), ModuleType(".".join(parts[:size])))
    for key, value in contents.items():
        setattr(sys.modules[name], key, value)


@pytest.fixture
def lightning(monkeypatch):
    fake(monkeypatch, "lightning.pytorch.callbacks", Callback=type("Callback", (), {}))
    monkeypatch.delitem(sys.modules, "amrobust.ingest.callbacks.lightning", raising=False)
    yield importlib.import_module("amrobust.ingest.callbacks.lightning")
    sys.modules.pop("amrobust.ingest.callbacks.lightning")


@pytest.fixture
def huggingface(monkeypatch):
    fake(monkeypatch, "transformers", TrainerCallback=type("TrainerCallback", (), {}))
    monkeypatch.delitem(sys.modules, "amrobust.ingest.callbacks.huggingface", raising=False)
    yield importlib.import_module("amrobust.ingest.callbacks.huggingface")
    sys.modules.pop("amrobust.ingest.callbacks.huggingface")


def only(directory):
    ((run,), _) = open_runs([directory])
    return run


def trainer(**changes):
    return SimpleNamespace(
        **(
            {
                "is_global_zero": True,
                "sanity_checking": False,
                "enable_validation": True,
                "callback_metrics": {},
            }
            | changes
        )
    )


class TestLightning:
    def fit(self, callback, epochs, every=1, **changes):
        state = trainer(**changes)
        callback.on_fit_start(state, None)
        state.sanity_checking = True
        state.callback_metrics = {"val_acc": -1.0}
        callback.on_validation_end(state, None)
        state.sanity_checking = False
        for epoch in range(epochs):
            state.current_epoch = epoch
            state.callback_metrics = {"train_loss": 1.0, "train_loss_step": 2.0}
            if state.enable_validation and (epoch + 1) % every == 0:
                state.callback_metrics["val_acc"] = epoch / 10
                callback.on_validation_end(state, None)
            callback.on_train_epoch_end(state, None)
        return state

    def test_an_epoch_a_row_without_the_sanity_check(self, lightning, tmp_path):
        callback = lightning.AmrobustCallback(tmp_path, method="adam", seed=3, workload="w")
        callback.on_fit_end(self.fit(callback, 4), None)
        run = only(tmp_path)
        assert run.manifest.complete == (3,)
        assert run.curves()["I"]["val_acc"].tolist() == [[0.0, 0.1, 0.2, 0.3]]
        assert set(run.curves()["I"]) == {"val_acc", "train_loss"}

    def test_epochs_without_a_validation_of_their_own_are_passed_over(self, lightning, tmp_path):
        callback = lightning.AmrobustCallback(
            tmp_path, method="adam", seed=0, workload="w", metrics=("val_acc",)
        )
        callback.on_fit_end(self.fit(callback, 6, every=3), None)
        assert only(tmp_path).curves()["I"]["val_acc"].tolist() == [[0.2, 0.5]]
        assert only(tmp_path).manifest.facts.axis == Axis("epoch", "", (3, 6))

    def test_without_validation_every_epoch_counts(self, lightning, tmp_path):
        callback = lightning.AmrobustCallback(tmp_path, method="adam", seed=0, workload="w")
        callback.on_fit_end(self.fit(callback, 3, enable_validation=False), None)
        assert only(tmp_path).curves()["I"]["train_loss"].shape == (1, 3)

    def test_an_exception_leaves_the_seed_not_done(self, lightning, tmp_path):
        for seed, end in ((0, None), (1, RuntimeError("out of memory"))):
            callback = lightning.AmrobustCallback(tmp_path, method="adam", seed=seed, workload="w")
            state = self.fit(callback, 3)
            callback.on_exception(state, None, end) if end else callback.on_fit_end(state, None)
        manifest = only(tmp_path).manifest
        assert manifest.complete == (0,)
        assert manifest.seeds[1].error == "RuntimeError: out of memory"

    def test_other_processes_of_a_distributed_fit_record_nothing(self, lightning, tmp_path):
        callback = lightning.AmrobustCallback(tmp_path, method="adam", seed=0, workload="w")
        callback.on_fit_end(self.fit(callback, 2, is_global_zero=False), None)
        assert not list(tmp_path.iterdir())


class TestHuggingFace:
    ARGUMENTS = SimpleNamespace(seed=7)

    def train(self, callback, evaluations, *, main=True, end=True):
        state = SimpleNamespace(is_world_process_zero=main)
        callback.on_train_begin(self.ARGUMENTS, state, None, model=None)
        for place in range(evaluations):
            state.global_step = 500 * (place + 1)
            metrics = {
                "eval_loss": 1.0 / (place + 1),
                "eval_runtime": 0.1,
                "eval_samples_per_second": 3.0,
                "epoch": place + 1.0,
            }
            callback.on_evaluate(self.ARGUMENTS, state, None, metrics=metrics)
        if end:
            callback.on_train_end(self.ARGUMENTS, state, None)
        return state

    def test_every_evaluation_is_a_row_and_the_trainers_seed_the_seed(self, huggingface, tmp_path):
        callback = huggingface.AmrobustCallback(tmp_path, method="adamw", workload="sst2")
        state = self.train(callback, 3)
        callback.on_evaluate(
            self.ARGUMENTS, state, None, metrics={"eval_loss": 9.0}
        )  # after the end: not of the training
        run = only(tmp_path)
        assert run.manifest.complete == (7,)
        assert {name: curve.tolist() for name, curve in run.curves()["I"].items()} == {
            "eval_loss": [[1.0, 0.5, 1 / 3]]
        }
        assert run.manifest.facts.axis == Axis("step", "", (500, 1000, 1500))

    def test_several_sets_are_evaluated_at_one_step_and_a_set_that_is_again_counts_once(
        self, huggingface, tmp_path
    ):
        callback = huggingface.AmrobustCallback(tmp_path, method="adamw", workload="sst2")
        state = SimpleNamespace(is_world_process_zero=True)
        callback.on_train_begin(self.ARGUMENTS, state, None, model=None)
        for state.global_step in (10, 20):
            for name, value in (("eval_a_loss", 1), ("eval_b_loss", 2), ("eval_a_loss", 3)):
                callback.on_evaluate(self.ARGUMENTS, state, None, metrics={name: value * state.global_step})
        callback.on_train_end(self.ARGUMENTS, state, None)
        run = only(tmp_path)
        assert {name: curve.tolist() for name, curve in run.curves()["I"].items()} == {
            "eval_a_loss": [[10, 20]],
            "eval_b_loss": [[20, 40]],
        }
        assert run.manifest.facts.axis.values == (10, 20)

    def test_a_seed_and_metrics_of_ones_own(self, huggingface, tmp_path):
        options = {"seed": 1, "metrics": ("eval_loss", "eval_runtime")}
        self.train(huggingface.AmrobustCallback(tmp_path, method="a", workload="w", **options), 2)
        assert only(tmp_path).manifest.complete == (1,)
        assert set(only(tmp_path).curves()["I"]) == {"eval_loss", "eval_runtime"}

    def test_a_training_that_never_ends_is_not_done(self, huggingface, tmp_path):
        self.train(huggingface.AmrobustCallback(tmp_path, method="a", workload="w", seed=0), 2)
        self.train(huggingface.AmrobustCallback(tmp_path, method="a", workload="w", seed=1), 2, end=False)
        assert only(tmp_path).manifest.complete == (0,)

    def test_other_processes_record_nothing(self, huggingface, tmp_path):
        self.train(huggingface.AmrobustCallback(tmp_path, method="a", workload="w"), 2, main=False)
        assert not list(tmp_path.iterdir())
