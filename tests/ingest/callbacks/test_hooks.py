"""The callbacks by their framework's protocol: hooks called in the order in which the framework calls them."""

import importlib
import json
import random
import sys
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch

import amrobust
from amrobust.errors import UserError
from amrobust.ingest.callbacks.weights import output_point
from amrobust.runs.axis import Axis
from amrobust.runs.store import open_runs
from amrobust.runs.values import absent


def fake(monkeypatch, name, **contents):
    """A module ``name`` and its parents, in the place of a framework that is not installed."""
    parts = name.split(".")
    for size in range(1, len(parts) + 1):
        monkeypatch.setitem(sys.modules, ".".join(parts[:size]), ModuleType(".".join(parts[:size])))
    for key, value in contents.items():
        setattr(sys.modules[name], key, value)


@pytest.fixture
def lightning(monkeypatch):
    fake(
        monkeypatch,
        "lightning.pytorch.callbacks",
        Callback=type("Callback", (), {"_generate_state_key": lambda self, **named: repr(named)}),
    )
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


def curves(directory, output="I"):
    """The curves of the one seed, or of seed 0: None where nothing was measured."""
    return {
        name: [
            None if gone else value for value, gone in zip(found[0].tolist(), absent(found[0]), strict=True)
        ]
        for name, found in only(directory).curves()[output].items()
    }


class Fit:
    """Lightning's trainer as far as the callback knows it: hooks in order, and metrics that stay until they are new ones."""

    def __init__(self, **changes):
        self.is_global_zero, self.fast_dev_run, self.sanity_checking, self.enable_validation = (
            True,
            False,
            False,
            True,
        )
        self.current_epoch, self.global_step, self.num_training_batches = 0, 0, 4
        self.callback_metrics, self.optimizers = {}, []
        self.fit_loop = SimpleNamespace(
            epoch_loop=SimpleNamespace(batch_progress=SimpleNamespace(is_last_batch=False, current=None))
        )
        for name, value in changes.items():
            setattr(self, name, value)

    def run(self, callback, epochs, *, every=1, at=(4,), fail=None, module=None, end=True, values=None):
        callback.on_fit_start(self, module)
        if self.enable_validation:
            self.sanity_checking = True
            self.validate(callback, module, -1.0)
            self.sanity_checking = False
            self.callback_metrics = {}
        while self.current_epoch < epochs:
            callback.on_train_epoch_start(self, module)
            progress = self.fit_loop.epoch_loop.batch_progress
            for batch in range(1, 5):
                progress.is_last_batch, progress.current = batch == 4, SimpleNamespace(ready=batch)
                callback.on_train_batch_start(self, module, None, batch - 1)
                self.global_step += 1
                self.callback_metrics["train_loss_step"] = float(self.global_step)
                if self.enable_validation and batch in at and (self.current_epoch + 1) % every == 0:
                    value = self.current_epoch + batch / 10
                    self.validate(callback, module, values[self.current_epoch] if values else value)
            self.callback_metrics["train_loss"] = 1.0 / (1 + self.current_epoch)
            callback.on_train_epoch_end(self, module)
            self.callback_metrics["late"] = float(self.global_step)
            if fail == self.current_epoch:
                callback.on_exception(self, module, RuntimeError("out of memory"))
                return self
            self.current_epoch += 1
        callback.on_train_end(self, module)
        if end:
            callback.on_fit_end(self, module)
        return self

    def validate(self, callback, module, value):
        callback.on_validation_start(self, module)
        self.callback_metrics["val_acc"] = value + 0.0  # a new object
        callback.on_validation_end(self, module)


class Module(torch.nn.Linear):
    """A module that an optimizer with an output point moves by one."""

    def __init__(self):
        super().__init__(1, 1)
        torch.nn.init.zeros_(self.weight)

    @contextmanager
    def output_point(self, model):
        with torch.no_grad():
            self.weight += 1
            yield
            self.weight -= 1


class TestLightning:
    def made(self, lightning, tmp_path, seed=0, method="adam", **options):
        return lightning.AmrobustCallback(tmp_path, method=method, seed=seed, workload="w", **options)

    def test_an_epoch_a_row_without_the_sanity_check_and_the_values_of_steps(self, lightning, tmp_path):
        Fit().run(self.made(lightning, tmp_path, 3), 4)
        assert only(tmp_path).manifest.complete == (3,)
        assert curves(tmp_path) == {
            "val_acc": [0.4, 1.4, 2.4, 3.4],
            "train_loss": [1.0, 1 / 2, 1 / 3, 1 / 4],
            "late": [4, 8, 12, 16],
        }

    def test_what_is_measured_at_some_epochs_alone_has_no_old_values_at_the_others(self, lightning, tmp_path):
        Fit().run(self.made(lightning, tmp_path), 6, every=3)
        assert curves(tmp_path)["val_acc"] == [None, None, 2.4, None, None, 5.4]
        assert None not in curves(tmp_path)["train_loss"]

    def test_validations_within_an_epoch_are_at_their_part_of_it(self, lightning, tmp_path):
        Fit().run(self.made(lightning, tmp_path), 2, at=(2, 4))
        assert only(tmp_path).manifest.facts.coordinates.values == (0.5, 1, 1.5, 2)
        assert curves(tmp_path)["val_acc"] == [0.2, 0.4, 1.2, 1.4]
        assert curves(tmp_path)["train_loss"] == [None, 1.0, None, 0.5]

    def test_the_axis_may_be_the_trainers_steps(self, lightning, tmp_path):
        Fit().run(self.made(lightning, tmp_path, axis="step"), 2, at=(2, 4))
        assert only(tmp_path).manifest.facts.axis == Axis("step", "", (2, 4, 6, 8))
        with pytest.raises(UserError, match="'epoch' or 'step', not 'tokens'"):
            self.made(lightning, tmp_path, axis="tokens")

    def test_of_data_of_unknown_length_validations_within_an_epoch_have_no_place_and_it_is_said_once(
        self, lightning, tmp_path, caplog
    ):
        Fit(num_training_batches=float("inf")).run(self.made(lightning, tmp_path), 2, at=(2, 4))
        assert curves(tmp_path)["val_acc"] == [0.4, 1.4]
        (line,) = caplog.messages
        assert "axis='step'" in line

    def test_without_validation_every_epoch_counts(self, lightning, tmp_path):
        Fit(enable_validation=False).run(self.made(lightning, tmp_path, metrics=("train_loss",)), 3)
        assert curves(tmp_path) == {"train_loss": [1.0, 1 / 2, 1 / 3]}

    def test_what_was_logged_before_an_exception_is_kept_and_the_seed_not_done(self, lightning, tmp_path):
        Fit().run(self.made(lightning, tmp_path, 1), 3, fail=1)
        manifest = only(tmp_path).manifest
        assert manifest.complete == ()
        assert manifest.seeds[1].error == "stopped at epoch 2: RuntimeError: out of memory"
        assert (only(tmp_path).path / "seed-1.jsonl").exists()

    def test_a_fit_that_is_resumed_goes_on_where_its_checkpoint_was(self, lightning, tmp_path):
        first = self.made(lightning, tmp_path)
        Fit().run(first, 3, end=False)
        state = json.loads(json.dumps(first.state_dict()))
        Fit().run(self.made(lightning, tmp_path, 1), 4)
        second = self.made(lightning, tmp_path)
        assert second.state_key == first.state_key
        assert second.state_key != self.made(lightning, tmp_path, 1).state_key
        second.load_state_dict(state)
        Fit(current_epoch=2, global_step=8).run(second, 4, values=[9] * 4)
        assert curves(tmp_path)["val_acc"] == [0.4, 1.4, 2.4, 9]
        assert only(tmp_path).manifest.complete == (0, 1)

    def test_a_checkpoint_that_is_saved_after_the_fit_has_its_rows(self, lightning, tmp_path):
        first = self.made(lightning, tmp_path)
        Fit().run(first, 2)
        second = self.made(lightning, tmp_path)
        second.load_state_dict(first.state_dict())
        Fit(current_epoch=2, global_step=8).run(second, 4)
        assert curves(tmp_path)["val_acc"] == [0.4, 1.4, 2.4, 3.4]

    def test_a_fit_that_goes_on_goes_on_and_one_that_begins_anew_is_another_attempt(
        self, lightning, tmp_path, caplog
    ):
        callback = self.made(lightning, tmp_path)
        fit = Fit().run(callback, 2)
        fit.run(callback, 4)
        assert curves(tmp_path)["val_acc"] == [0.4, 1.4, 2.4, 3.4]
        assert not caplog.messages
        Fit().run(callback, 4, values=[9] * 4)
        assert curves(tmp_path)["val_acc"] == [0.4, 1.4, 2.4, 3.4]
        assert "another attempt" in caplog.text

    def test_nothing_raises_into_a_fit(self, lightning, tmp_path, caplog):
        (tmp_path / "file").write_text("")
        Fit().run(self.made(lightning, tmp_path / "file"), 2)
        (line,) = caplog.messages
        assert "cannot write to" in line
        fit = Fit(optimizers=[object()])
        del fit.num_training_batches, fit.fit_loop
        callback = self.made(lightning, tmp_path / "runs", measure=lambda module: 1 / 0)
        callback.on_fit_start(fit, None)
        callback.on_validation_end(fit, None)
        callback.on_train_epoch_end(fit, None)

    def test_validation_without_a_fit_is_none_of_its_business(self, lightning, tmp_path, caplog):
        fit, callback = Fit(num_training_batches=float("inf")), self.made(lightning, tmp_path)
        progress = fit.fit_loop.epoch_loop.batch_progress
        progress.current = SimpleNamespace(ready=0)
        fit.validate(callback, None, 0.5)
        assert not caplog.messages
        fit.run(callback, 2)
        progress.is_last_batch = False
        fit.validate(callback, None, 0.5)
        assert not caplog.messages
        assert curves(tmp_path)["val_acc"] == [0.4, 1.4]

    @pytest.mark.parametrize(
        ("given", "said"),
        [(lambda: 1 / 0, "ZeroDivisionError: division by zero"), (lambda: 0.5, "not float")],
    )
    def test_what_is_wrong_with_measure_is_said_of_it(self, lightning, tmp_path, caplog, given, said):
        callback = self.made(lightning, tmp_path, measure=lambda module: given())
        Fit(optimizers=[]).run(callback, 2, module=Module())
        (line,) = caplog.messages
        assert line.startswith("recording with amrobust what measure= gives: ")
        assert said in line
        assert curves(tmp_path)["val_acc"] == [0.4, 1.4]

    def test_bad_options_are_refused_before_anything_trains(self, lightning, tmp_path):
        with pytest.raises(UserError, match="method is a name"):
            self.made(lightning, tmp_path, method=" ")
        with pytest.raises(UserError, match="'higher' or 'lower'"):
            self.made(lightning, tmp_path, better={"y": "up"})

    def test_a_development_run_and_other_processes_of_a_distributed_fit_record_nothing(
        self, lightning, tmp_path
    ):
        Fit(fast_dev_run=True).run(self.made(lightning, tmp_path), 1)
        Fit(is_global_zero=False).run(self.made(lightning, tmp_path), 2)
        assert not list(tmp_path.iterdir())

    def test_other_measurements_are_of_both_outputs_at_the_same_weights_and_leave_no_trace(
        self, lightning, tmp_path, monkeypatch
    ):
        module, seen = Module(), []
        module.weight.grad = gradient = torch.ones(1, 1)
        monkeypatch.setattr(lightning, "_validated", lambda trainer: {"val_acc": float(module.weight) * 10})

        def measure(model):
            seen.append((model.training, model.weight.grad))
            model.weight.grad = torch.zeros(1, 1)
            torch.randn(3), random.random(), np.random.random()  # noqa: NPY002
            return {"norm": model.weight.norm()}

        def drawn():
            return torch.get_rng_state().tolist(), random.getstate(), str(np.random.get_state())  # noqa: NPY002

        before = drawn()
        Fit(optimizers=[module]).run(self.made(lightning, tmp_path, measure=measure), 2, module=module)
        assert curves(tmp_path, "I")["norm"] == [0, 0]
        assert curves(tmp_path, "II") == {
            "val_acc": [10, 10], "norm": [1, 1], "train_loss": [None] * 2, "late": [None] * 2,
        }  # fmt: skip
        assert seen == [(False, None)] * 4
        assert module.training
        assert module.weight.grad is gradient
        assert drawn() == before

    def test_another_measurement_of_the_trainers_metrics_is_an_output_of_the_same_training(
        self, lightning, tmp_path, monkeypatch
    ):
        monkeypatch.setattr(lightning, "_validated", lambda trainer: {"val_acc": 0.5})
        for method in "ab":
            for seed in range(4):
                module = Module()

                def measured(model, noise=seed / 100):
                    return {"val_acc": float(model.weight.detach()) / 2 + noise}

                callback = self.made(
                    lightning, tmp_path, method=method, seed=seed, measurements={"recomputed": measured}
                )
                Fit(optimizers=[module]).run(callback, 2, module=module)
        runs, _ = open_runs([tmp_path])
        assert runs[0].curves().keys() == {"I", "II", "I@recomputed", "II@recomputed"}
        assert runs[0].curves()["II@recomputed"]["val_acc"][1].tolist() == [0.51, 0.51]
        groups = amrobust.compare(tmp_path, metric="val_acc:higher").data.groups
        assert [compared.measurement for compared in groups] == [None, "recomputed"]
        assert groups[0].also_measured == ("recomputed",)

    def test_what_measures_is_a_function(self, lightning, tmp_path):
        with pytest.raises(UserError, match="measurements is a mapping from names"):
            self.made(lightning, tmp_path, measurements=[print])
        with pytest.raises(UserError, match="what measures ema is a function of the model"):
            self.made(lightning, tmp_path, measurements={"ema": 0.5})


class TestHuggingFace:
    ARGUMENTS = SimpleNamespace(seed=7)

    def train(self, callback, evaluations, *, begin=0, main=True, end=True, history=(), **given):
        state = SimpleNamespace(
            is_world_process_zero=main, global_step=500 * begin, epoch=begin, log_history=list(history)
        )
        callback.on_train_begin(self.ARGUMENTS, state, None, model=None)
        for place in range(begin, evaluations):
            state.global_step, state.epoch = 500 * (place + 1), place + 1.0
            metrics = {
                "eval_loss": 1.0 / (place + 1),
                "eval_runtime": 0.1,
                "eval_samples_per_second": 3.0,
                "epoch": place + 1.0,
            }
            state.log_history += [
                {"loss": 3.0, "step": state.global_step, "epoch": state.epoch},
                {**metrics, "step": state.global_step},
            ]
            callback.on_evaluate(self.ARGUMENTS, state, None, metrics=metrics, **given)
        if end:
            callback.on_train_end(self.ARGUMENTS, state, None)
        return state

    def made(self, huggingface, tmp_path, **options):
        return huggingface.AmrobustCallback(tmp_path, **({"method": "adamw", "workload": "w"} | options))

    def test_every_evaluation_is_a_row_and_the_trainers_seed_the_seed(self, huggingface, tmp_path):
        callback = self.made(huggingface, tmp_path)
        state = self.train(callback, 3)
        callback.on_evaluate(
            self.ARGUMENTS, state, None, metrics={"eval_loss": 9.0}
        )  # after the end: not of the training
        assert only(tmp_path).manifest.complete == (7,)
        assert curves(tmp_path) == {"eval_loss": [1.0, 0.5, 1 / 3]}
        assert only(tmp_path).manifest.facts.axis == Axis("step", "", (500, 1000, 1500))

    def test_the_axis_may_be_the_trainers_epochs(self, huggingface, tmp_path):
        self.train(self.made(huggingface, tmp_path, axis="epoch"), 3)
        assert only(tmp_path).manifest.facts.coordinates == Axis("epoch", "", (1, 2, 3))
        with pytest.raises(UserError, match="'step' or 'epoch', not 'tokens'"):
            self.made(huggingface, tmp_path, axis="tokens")

    def test_several_sets_are_evaluated_at_one_step_and_a_set_that_is_again_counts_once(
        self, huggingface, tmp_path, caplog
    ):
        callback = self.made(huggingface, tmp_path)
        state = SimpleNamespace(is_world_process_zero=True, global_step=0, log_history=[])
        callback.on_train_begin(self.ARGUMENTS, state, None, model=None)
        for state.global_step in (10, 20):
            for name, value in (("eval_a_loss", 1), ("eval_b_loss", 2), ("eval_a_loss", 3)):
                callback.on_evaluate(self.ARGUMENTS, state, None, metrics={name: value * state.global_step})
        callback.on_train_end(self.ARGUMENTS, state, None)
        assert curves(tmp_path) == {"eval_a_loss": [10, 20], "eval_b_loss": [20, 40]}
        assert only(tmp_path).manifest.facts.axis.values == (10, 20)
        assert not caplog.messages

    def test_a_seed_and_metrics_of_ones_own(self, huggingface, tmp_path):
        options = {"seed": 1, "metrics": ("eval_loss",)}
        self.train(self.made(huggingface, tmp_path, **options), 2)
        assert only(tmp_path).manifest.complete == (1,)
        assert set(curves(tmp_path)) == {"eval_loss"}

    def test_lists_are_a_metric_for_each_entry_and_texts_none(self, huggingface, tmp_path, caplog):
        callback = self.made(huggingface, tmp_path)
        state = self.train(callback, 0, end=False)
        for state.global_step in (1, 2):
            metrics = {"eval_f1": [0.1, 0.2], "eval_note": "fine", "eval_auc": None}
            callback.on_evaluate(self.ARGUMENTS, state, None, metrics=metrics)
        callback.on_train_end(self.ARGUMENTS, state, None)
        assert curves(tmp_path) == {"eval_f1.0": [0.1] * 2, "eval_f1.1": [0.2] * 2}
        assert caplog.messages == ["recording seed 7 of adamw: eval_note = 'fine' is not a number"]

    def test_a_training_that_never_ends_is_not_done_and_its_rows_are_kept(self, huggingface, tmp_path):
        self.train(self.made(huggingface, tmp_path, seed=0), 2)
        self.train(self.made(huggingface, tmp_path, seed=1), 2, end=False)
        assert only(tmp_path).manifest.complete == (0,)
        assert len((only(tmp_path).path / "seed-1.jsonl").read_text().splitlines()) == 2

    def test_a_training_that_is_resumed_has_the_rows_of_its_checkpoints_history(self, huggingface, tmp_path):
        stopped = self.train(self.made(huggingface, tmp_path), 3, end=False)
        self.train(self.made(huggingface, tmp_path), 4, begin=2, history=stopped.log_history[:4])
        assert curves(tmp_path) == {"eval_loss": [1.0, 1 / 2, 1 / 3, 1 / 4]}
        assert not list(only(tmp_path).path.glob("*.jsonl"))

    def test_a_second_training_is_another_attempt_and_said_so(self, huggingface, tmp_path, caplog):
        callback = self.made(huggingface, tmp_path)
        self.train(callback, 2)
        self.train(callback, 3)
        assert curves(tmp_path) == {"eval_loss": [1.0, 0.5]}
        assert "another attempt" in caplog.text

    @pytest.mark.parametrize("before", [0, 2])
    def test_no_evaluation_is_said_with_what_to_do(self, huggingface, tmp_path, caplog, before):
        if before:
            self.train(self.made(huggingface, tmp_path), before)
        self.train(self.made(huggingface, tmp_path), 0)
        assert caplog.messages == [
            "recording seed 7 of adamw: nothing was logged: give the trainer an eval_strategy"
        ]

    def test_other_processes_record_nothing(self, huggingface, tmp_path):
        self.train(self.made(huggingface, tmp_path), 2, main=False)
        assert not list(tmp_path.iterdir())

    def test_both_outputs_are_evaluated_once_the_trainer_is_known(self, huggingface, tmp_path, caplog):
        module = Module()
        wrapped = SimpleNamespace(optimizer=module)
        self.train(self.made(huggingface, tmp_path / "one"), 2, model=module, optimizer=wrapped)
        assert "attach(trainer)" in caplog.text
        assert set(only(tmp_path / "one").curves()) == {"I"}
        handler = SimpleNamespace(callbacks=["others"])

        def loop(loader, metric_key_prefix, **options):
            assert (loader, handler.callbacks) == ("loader", [])
            found = {f"{metric_key_prefix}_loss": float(module.weight), "eval_runtime": 1.0}
            return SimpleNamespace(metrics=found)

        trainer = SimpleNamespace(callback_handler=handler, compute_metrics=None, evaluation_loop=loop)
        callback = self.made(
            huggingface, tmp_path / "two", measure=lambda model: {"norm": model.weight.norm()}
        )
        given = {"model": module, "optimizer": wrapped, "eval_dataloader": "loader"}
        self.train(callback.attach(trainer), 2, **given)
        assert curves(tmp_path / "two", "I") == {"eval_loss": [1, 0.5], "norm": [0, 0]}
        assert curves(tmp_path / "two", "II") == {"eval_loss": [1, 1], "norm": [1, 1]}
        assert handler.callbacks == ["others"]
        ema = {"ema": lambda model: {"eval_loss": float(model.weight) + 1}}
        callback = self.made(huggingface, tmp_path / "three", measurements=ema)
        self.train(callback.attach(trainer), 2, **given)
        assert curves(tmp_path / "three", "II@ema") == {"eval_loss": [2, 2]}


def test_an_optimizer_with_two_points_is_measured_at_its_evaluation_point_and_put_back():
    class Two(torch.optim.SGD):
        def eval(self):
            self.calls = [*getattr(self, "calls", []), "eval"]

        def train(self):
            self.calls = [*self.calls, "train"]
            for p in self.param_groups[0]["params"]:
                p.data += 1e-7  # as rounding does

    model = torch.nn.Linear(1, 1)
    before = [p.detach().clone() for p in model.parameters()]
    optimizer = Two(model.parameters())
    with output_point([optimizer], None):
        assert optimizer.calls == ["eval"]
    assert optimizer.calls == ["eval", "train"]
    assert all(torch.equal(p, was) for p, was in zip(model.parameters(), before, strict=True))
    optimizer.param_groups[0]["train_mode"] = (
        False  # its evaluation point is in the parameters: there is no other
    )
    assert output_point([optimizer], None) is None
    assert output_point([torch.optim.SGD(torch.nn.Linear(1, 1).parameters())], None) is None
