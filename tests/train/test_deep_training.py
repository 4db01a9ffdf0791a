"""Image and language trainings on small made-up data: what they depend on, what they do at drops, and exact resume."""

import math
import os
import time

import numpy as np
import pytest
import torch
from made_up_data import CIFAR10_FILES, put_cifar, put_fashion, put_ptb
from torch.nn.functional import cross_entropy

from amrobust.errors import UserError
from amrobust.train.checkpoint import Checkpoint
from amrobust.train.engine import execute
from amrobust.train.images import ImageTraining, train_image_seed
from amrobust.train.language import LanguageTraining, perplexity, train_language_seed
from amrobust.train.prepare import describe, make_spec
from amrobust.train.training import train_unit
from amrobust.workloads import data

CPU = torch.device("cpu")
SMALL_LSTM = {f"dropout_{name}": 0.1 for name in ("output", "hidden", "input", "embedding", "weight")}


@pytest.fixture(scope="module", autouse=True)
def _data(tmp_path_factory):
    """A data directory with small sets."""
    root = tmp_path_factory.mktemp("data")
    put_fashion(root, train=60, test=20)
    put_cifar(root, "cifar10", CIFAR10_FILES, 1, n=8)
    put_ptb(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(data.ENVIRONMENT, str(root))
        yield


def images(optimizer="am1", **params):
    return make_spec("fashion-mnist", optimizer, {"epochs": 4, "batch_size": 6, "augment": True, **params})


def language(optimizer="am1", hyperparameters=None, **params):
    small = {"epochs": 4, "batch_size": 8, "evaluation_batch": 2, "model": "small-lstm", **SMALL_LSTM}
    return make_spec("ptb", optimizer, small | params, hyperparameters)


def equal(one, other):
    return all(
        np.array_equal(one.curves[output][name], other.curves[output][name], equal_nan=True)
        for output in one.curves
        for name in one.curves[output]
    )


class Stop(Exception):
    """Ends a training between two epochs, as a kill would."""


def stopped_after(monkeypatch, kind, epochs):
    """Make trainings of ``kind`` fail when they come to epoch ``epochs``."""
    original = kind.train_epoch

    def train_epoch(self, epoch):
        if epoch == epochs:
            raise Stop
        return original(self, epoch)

    monkeypatch.setattr(kind, "train_epoch", train_epoch)


@pytest.mark.parametrize(
    ("kind", "train", "spec"),
    [
        *((ImageTraining, train_image_seed, lambda o=o: images(o)) for o in ("sgd", "msgd", "am1", "am2", "omsgd")),
        *((LanguageTraining, train_language_seed, lambda o=o: language(o)) for o in ("msgd", "am1", "am2")),
        (
            LanguageTraining,
            train_language_seed,
            lambda: language("ntasgd", {"nonmono": 1, "lr": 30.0}, schedule="plateau", patience=1),
        ),
    ],
    ids=[
        "sgd", "msgd", "am1", "am2", "omsgd", "msgd on text", "am1 on text", "am2 on text", "ntasgd on text",
    ],
)  # fmt: skip
def test_an_interrupted_training_resumes_to_the_same_bits(tmp_path, monkeypatch, kind, train, spec):
    spec = spec()
    whole = train(spec, 0)
    checkpoint = Checkpoint(tmp_path / "seed.pt", "key", every=2)
    with monkeypatch.context() as patch:
        stopped_after(patch, kind, 2)
        with pytest.raises(Stop):
            train(spec, 0, checkpoint=checkpoint)
    assert checkpoint.load()["epochs_done"] == 2
    resumed = train(spec, 0, checkpoint=checkpoint)
    assert equal(whole, resumed)
    assert np.isfinite(next(iter(resumed.curves["II" if "II" in resumed.curves else "I"].values()))).all()
    assert not (tmp_path / "seed.pt").exists()


def test_curves_have_every_metric_and_the_seed_decides_alone():
    spec = images()
    torch.manual_seed(1)
    one = train_unit(spec, (3,))[0]
    torch.manual_seed(2)
    assert one.error is None
    assert set(one.curves) == {"I", "II", "I@recomputed", "II@recomputed"}
    assert set(one.curves["I"]) == {"test_accuracy", "test_loss", "train_loss", "train_batch_loss"}
    assert equal(one, train_unit(spec, (3,))[0])
    assert not equal(one, train_unit(spec, (4,))[0])


def test_without_augmentation_another_stream_of_it_changes_nothing(monkeypatch):
    spec = images(augment=False)
    one = ImageTraining(spec, 0, CPU)
    other = ImageTraining(spec, 0, CPU)
    other.augmentation.manual_seed(99)
    assert one.train_epoch(0) == other.train_epoch(0)
    augmented = [ImageTraining(images(), 0, CPU) for _ in range(2)]
    augmented[1].augmentation.manual_seed(99)
    assert augmented[0].train_epoch(0) != augmented[1].train_epoch(0)


def test_an_epoch_by_hand():
    """Plain SGD without augmentation, against a loop written out."""
    spec = images("sgd", augment=False)
    training = ImageTraining(spec, 0, CPU)
    by_hand = ImageTraining(spec, 0, CPU)
    model, order = by_hand.model, by_hand.order
    pictures, labels = by_hand.source.train
    losses = []
    for batch in np.split(order.permutation(60), 10):
        loss = cross_entropy(model(pictures[batch]), labels[batch])
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        with torch.no_grad():
            for p, g in zip(model.parameters(), gradients, strict=True):
                p -= 0.1 * (g + 5e-4 * p)
        losses.append(loss.item())
    assert training.train_epoch(0) == pytest.approx(np.mean(losses), rel=1e-6)
    for ours, theirs in zip(training.model.parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_evaluation_touches_no_stream_and_no_state():
    plain, looked = ImageTraining(images(), 0, CPU), ImageTraining(images(), 0, CPU)
    for epoch in range(2):
        for output in looked.outputs:
            looked.evaluate(output)
        assert plain.train_epoch(epoch) == looked.train_epoch(epoch)


@pytest.mark.parametrize("optimizer", ["msgd", "am1", "am2"])
def test_at_a_drop_the_optimizer_restarts_from_the_iterate_where_it_is_asked_to(optimizer):
    spec = images(optimizer, drops="1/2", restart=True)
    training = ImageTraining(spec, 0, CPU)
    training.train_epoch(0)
    cleared = []
    training.optimizer.register_step_pre_hook(
        lambda o, *_: cleared.append(not any(state.get("started", True) for state in o.state.values()))
    )
    training.train_epoch(1)
    assert not any(cleared)
    cleared.clear()
    training.train_epoch(2)
    assert cleared == [True] + [False] * 9
    assert training.optimizer.param_groups[0]["lr"] == pytest.approx(0.01)


def test_augmented_cifar_trains_with_bfloat16_and_channels_last():
    params = {
        "epochs": 1,
        "batch_size": 8,
        "model": "resnet8",
        "precision": "bfloat16",
        "channels_last": True,
    }
    spec = make_spec("cifar10", "am1", params)
    training = ImageTraining(spec, 0, CPU)
    assert training.model.conv.weight.is_contiguous(memory_format=torch.channels_last)
    kinds = set()
    training.model.head.register_forward_hook(lambda *args: kinds.add(args[2].dtype))
    rough = training.train_epoch(0)
    assert kinds == {torch.bfloat16}
    exact = ImageTraining(
        make_spec("cifar10", "am1", {**params, "precision": "float32"}), 0, CPU
    ).train_epoch(0)
    assert rough != exact
    assert rough == pytest.approx(exact, rel=0.02)


def test_streamed_jpegs_train_and_are_evaluated(tmp_path, monkeypatch):
    image = pytest.importorskip("PIL.Image")
    monkeypatch.setenv(data.ENVIRONMENT, str(tmp_path))
    for split in ("train", "val"):
        for shade, name in ((20, "n01"), (230, "n02")):
            folder = tmp_path / "imagenet" / split / name
            folder.mkdir(parents=True)
            for index in range(2):
                image.fromarray(np.full((64, 80, 3), shade + index, np.uint8)).save(folder / f"{index}.JPEG")
    outcome = train_unit(make_spec("imagenet", "am1", {"epochs": 1, "batch_size": 2, "decoders": 2}), (0,))[0]
    assert outcome.error is None
    assert set(outcome.curves["II"]) == {"test_accuracy", "test_loss", "train_batch_loss"}
    assert np.isfinite([curve[0] for curve in outcome.curves["I"].values()]).all()


def test_facts_carry_the_note_and_the_starting_point():
    facts = describe(images())
    assert "not the publisher's bytes" in facts.data_note
    assert facts.x0_digest == describe(images("sgd")).x0_digest
    assert facts.x0_digest != describe(images(model="resnet8")).x0_digest
    assert facts.steps_per_epoch == 10
    assert "model=resnet8" in describe(images(model="resnet8")).workload_label
    assert describe(language()).steps_per_epoch >= 1


def test_divergence_leaves_nan_and_is_said():
    outcome = train_image_seed(
        make_spec("fashion-mnist", "sgd", {"epochs": 3, "batch_size": 6}, {"lr": 1e30}), 0
    )
    assert outcome.diverged
    assert np.isnan(outcome.curves["I"]["test_loss"]).any()


class TestLanguage:
    def test_a_pass_by_hand(self):
        """One epoch of plain SGD without dropout, against a loop written out."""
        silent = dict.fromkeys(SMALL_LSTM, 0.0)
        spec = language("sgd", {"lr": 5.0, "weight_decay": 0.0}, **silent)
        training, by_hand = LanguageTraining(spec, 0, CPU), LanguageTraining(spec, 0, CPU)
        model, text = by_hand.model, by_hand.train
        state = model.initial_state(8)
        weighted = 0.0
        for start, end in by_hand.workload.windows(by_hand.params, by_hand.order):
            output = model(text[start:end], state)
            loss = cross_entropy(output.logits.flatten(0, 1), text[start + 1 : end + 1].flatten())
            raw = output.raw
            total = loss + 2 * raw.square().mean() + (raw[1:] - raw[:-1]).square().mean()
            gradients = torch.autograd.grad(total, list(model.parameters()))
            norm = math.sqrt(sum(g.square().sum().item() for g in gradients))
            with torch.no_grad():
                for p, g in zip(model.parameters(), gradients, strict=True):
                    p -= 5.0 * (end - start) / 70 * g * min(1.0, 0.25 / (norm + 1e-6))
            state = tuple((h.detach(), c.detach()) for h, c in output.state)
            weighted += loss.item() * (end - start)
        assert training.train_epoch(0) == pytest.approx(weighted / (len(text) - 1), rel=1e-5)
        for ours, theirs in zip(training.model.parameters(), model.parameters(), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)

    def test_perplexity_is_that_of_the_whole_text_at_once(self):
        training = LanguageTraining(language(), 0, CPU)
        text = training.validation
        model = training.model.eval()
        with torch.no_grad():
            logits = model(text[:-1], model.initial_state(2)).logits
        expected = math.exp(cross_entropy(logits.flatten(0, 1), text[1:].flatten()).item())
        assert perplexity(model, text) == pytest.approx(expected, rel=1e-5)
        assert expected == pytest.approx(21, rel=0.1)

    def test_it_learns_and_the_seed_decides_alone(self):
        spec = language("msgd", {"lr": 1.0, "momentum": 0.9}, epochs=6)
        torch.manual_seed(1)
        one = train_unit(spec, (0,))[0]
        torch.manual_seed(2)
        assert one.error is None
        curve = one.curves["I"]["validation_perplexity"]
        assert curve[-1] < 0.9 * curve[0]
        assert equal(one, train_unit(spec, (0,))[0])
        assert not equal(one, train_unit(spec, (1,))[0])

    def test_a_plateau_of_the_last_output_lowers_the_rate(self):
        training = LanguageTraining(language(patience=2), 0, CPU)
        for first, second in ((20, 20), (10, 21), (5, 22)):
            training.observe({"I": {"validation_perplexity": first}, "II": {"validation_perplexity": second}})
        assert training.rate.lr == pytest.approx(1.25)

    def test_averaging_begins_when_the_validation_loss_stops_improving(self):
        spec = language("ntasgd", {"nonmono": 1, "lr": 1.0})
        training = LanguageTraining(spec, 0, CPU)
        for loss in (10, 10, 11):
            training.train_epoch(0)
            assert not any(state["count"] for state in training.optimizer.state.values())
            training.observe({"II": {"validation_perplexity": loss}})
        training.train_epoch(3)
        assert all(state["count"] for state in training.optimizer.state.values())

    def test_sgd_with_averaging_is_refused_where_nothing_is_validated(self):
        with pytest.raises(UserError, match="run it on ptb"):
            make_spec("fashion-mnist", "ntasgd")


class TestCheckpoint:
    def test_damaged_foreign_and_absent_files_are_as_none(self, tmp_path):
        checkpoint = Checkpoint(tmp_path / "deep" / "seed.pt", "key")
        assert checkpoint.load() is None
        checkpoint.save({"x": torch.ones(2), "text": "…", "list": [1, 2.5]})
        assert torch.equal(checkpoint.load()["x"], torch.ones(2))
        assert Checkpoint(checkpoint.path, "another").load() is None
        content = checkpoint.path.read_bytes()
        for bad in (content[:-10], b"", b"no checkpoint"):
            checkpoint.path.write_bytes(bad)
            assert checkpoint.load() is None

    def test_nothing_in_a_file_is_executed(self, tmp_path):
        class Evil:
            def __reduce__(self):
                return (tmp_path.joinpath("executed").touch, ())

        torch.save({"key": "key", "state": {"x": Evil()}}, tmp_path / "seed.pt")
        assert Checkpoint(tmp_path / "seed.pt", "key").load() is None
        assert not (tmp_path / "executed").exists()

    def test_it_is_due_every_few_epochs_and_gone_at_the_end(self, tmp_path, monkeypatch):
        saved = []
        checkpoint = Checkpoint(tmp_path / "seed.pt", "key", every=3)
        monkeypatch.setattr(Checkpoint, "save", lambda self, state: saved.append(state["epochs_done"]))
        train_image_seed(images("sgd", epochs=7), 0, checkpoint=checkpoint)
        assert saved == [3, 6]


class TestInterruptedRuns:
    def test_a_killed_execution_goes_on_from_its_checkpoints(self, server, tmp_path):
        """The process is killed once a checkpoint is there; the same call then gives what an undisturbed one gives."""
        params = {"epochs": 20, "batch_size": 6, "augment": True}
        spec = make_spec("fashion-mnist", "am1", params)
        script = tmp_path / "script.py"
        script.write_text(
            "from pathlib import Path; from amrobust.train.engine import execute\n"
            "from amrobust.train.prepare import make_spec\n"
            f"execute(make_spec('fashion-mnist', 'am1', {params!r}), range(1), Path({str(tmp_path / 'a')!r}), "
            "executor='local')"
        )
        process = server.script(script, env={data.ENVIRONMENT: os.environ[data.ENVIRONMENT]})
        pattern = "a/*/checkpoints/seed-0.pt"
        deadline = time.monotonic() + 240
        while not list(tmp_path.glob(pattern)) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.kill()
        process.wait()
        assert list(tmp_path.glob(pattern))
        resumed = execute(spec, range(1), tmp_path / "a", executor="local")
        whole = execute(spec, range(1), tmp_path / "b", executor="local")
        for output in ("I", "II"):
            for name, values in whole.curves()[output].items():
                assert np.array_equal(resumed.curves()[output][name], values)
        assert not list(tmp_path.glob("*/*/checkpoints/*.pt"))
