"""Image workloads in a stack: every seed as :func:`train_image_seed` trains it, resumed to the same bits."""

import numpy as np
import pytest
import torch
from made_up_data import put_fashion

from amrobust.errors import RunError
from amrobust.runs.values import absent
from amrobust.train.checkpoint import Checkpoint
from amrobust.train.images import ImageTraining, train_image_seed
from amrobust.train.layout import plan_layout
from amrobust.train.prepare import make_spec
from amrobust.train.stacking import trainer
from amrobust.train.stacking.trainer import train_stack
from amrobust.train.training import train_unit
from amrobust.train.unit import Place
from amrobust.workloads import data

TOLERANCE = 1e-8
"""Relative, of curves in float64 over a few epochs."""

STEP = {"schedule": "step", "drops": "1/4,3/4"}


@pytest.fixture(scope="module", autouse=True)
def _data(tmp_path_factory):
    """A data directory with a small set."""
    root = tmp_path_factory.mktemp("data")
    put_fashion(root, train=60, test=20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(data.ENVIRONMENT, str(root))
        trainer._arrangement_of_model.cache_clear()
        yield
    trainer._arrangement_of_model.cache_clear()


def spec_of(optimizer="am1", **params):
    return make_spec("fashion-mnist", optimizer, {"epochs": 4, "batch_size": 12, "augment": True, **params})


def assert_close(alone, together):
    assert alone.seed == together.seed
    for output, metrics in alone.curves.items():
        for name, curve in metrics.items():
            np.testing.assert_allclose(
                curve, together.curves[output][name], TOLERANCE, TOLERANCE, err_msg=f"{output} {name}"
            )
            assert (np.isfinite(curve) | absent(curve)).all()


def assert_same_bits(one, other):
    for output, metrics in one.curves.items():
        for name, curve in metrics.items():
            assert np.array_equal(curve, other.curves[output][name], equal_nan=True), (output, name)


@pytest.mark.parametrize(
    ("optimizer", "params"),
    [
        ("msgd", {"augment": False, **STEP}),
        ("msgd", {"restart": True, **STEP}),
        ("am1", {"restart": True, **STEP}),
        ("am2", {"restart": True, **STEP}),
        ("omsgd", {"schedule": "cosine"}),
        ("aggmo", {"schedule": "constant"}),
        ("am1", {"batch_size": 16, "last_batch": "train", "epochs": 3}),
        pytest.param("am1", {"model": "resnet8", "epochs": 2}, marks=pytest.mark.slow),
    ],
)
def test_a_seed_alone_and_in_a_stack_agree(optimizer, params):
    spec = spec_of(optimizer, **params)
    together = train_stack([(spec, seed) for seed in range(3)], dtype=torch.float64)
    for seed in (0, 2):
        assert_close(train_image_seed(spec, seed, dtype=torch.float64), together[seed])
    one, other = (next(iter(together[seed].curves.values()))["train_loss"] for seed in (0, 1))
    assert not np.array_equal(one, other)


def test_methods_share_a_stack():
    specs = [spec_of(name) for name in ("msgd", "sgd", "am1", "omsgd")]
    entries = [(spec, seed) for spec in specs for seed in (0, 1)]
    for (spec, seed), outcome in zip(entries, train_stack(entries, dtype=torch.float64), strict=True):
        assert_close(train_image_seed(spec, seed, dtype=torch.float64), outcome)


def test_random_streams_come_to_the_same_place():
    spec = spec_of()
    stack = trainer._Stack([(spec, seed) for seed in range(3)], torch.device("cpu"), torch.float32)
    alone = [ImageTraining(spec, seed, torch.device("cpu")) for seed in range(3)]
    stack.train_epoch(0)
    for row, training in enumerate(alone):
        training.train_epoch(0)
        own = training.state()
        assert stack.loader.state()["orders"][row] == own["order"]
        assert torch.equal(stack.loader.state()["augmentations"][row], own["augmentation"])


@pytest.mark.parametrize("optimizer", ["sgd", "msgd", "am1", "am2", "aggmo"])
def test_an_interrupted_stack_resumes_to_the_same_bits(tmp_path, monkeypatch, optimizer):
    entries = [(spec_of(optimizer, restart=True, **STEP), seed) for seed in range(3)]
    whole = train_stack(entries)
    checkpoint = Checkpoint(tmp_path / "stack.pt", "key", every=2)
    original = trainer._Stack.train_epoch

    def stopping(stack, epoch):
        if epoch == 2:
            raise InterruptedError
        return original(stack, epoch)

    with monkeypatch.context() as patch:
        patch.setattr(trainer._Stack, "train_epoch", stopping)
        with pytest.raises(InterruptedError):
            train_stack(entries, checkpoint=checkpoint)
    assert checkpoint.load()["epochs_done"] == 2
    for one, other in zip(whole, train_stack(entries, checkpoint=checkpoint), strict=True):
        assert_same_bits(one, other)
    assert not checkpoint.path.exists()


def test_a_checkpoint_that_does_not_fit_is_removed_and_told(tmp_path):
    checkpoint = Checkpoint(tmp_path / "seeds-0-1.pt", "key")
    checkpoint.save({"stack": {}, "recorders": []})
    with pytest.raises(RunError, match="was removed"):
        train_stack([(spec_of(), 0), (spec_of(), 1)], checkpoint=checkpoint)
    assert not checkpoint.path.exists()


def test_stacks_are_the_default_and_keep_their_checkpoints_in_the_run(tmp_path, monkeypatch):
    spec = spec_of(epochs=6)
    layout = plan_layout(spec, range(4), workers=2)
    assert (layout.batching, layout.blocks) == ("stack", ((0, 1), (2, 3)))
    saved = []
    monkeypatch.setattr(Checkpoint, "save", lambda self, state: saved.append(self.path.name))
    outcomes = train_unit(spec, (0, 1), Place(checkpoints=tmp_path))
    assert saved == ["seeds-0-1.pt"]
    assert [outcome.stack for outcome in outcomes] == [2, 2]


def test_what_has_no_stacked_form_is_trained_one_by_one_and_says_why():
    layout = plan_layout(spec_of(precision="bfloat16"), range(4), workers=2)
    assert layout.batching == "none"
    assert layout.note == "seeds are trained one by one: precision = bfloat16 has no stacked form"
