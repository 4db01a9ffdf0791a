"""Validation splits: disjoint from what is trained on and from the test set, and without effect where there is none."""

import numpy as np
import pytest
import torch
from made_up_data import put_image_sets

from amrobust import workloads
from amrobust.errors import UserError
from amrobust.runs.manifest import identity
from amrobust.runs.metric import Metric
from amrobust.train.network import CPU, load
from amrobust.train.prepare import describe, make_spec
from amrobust.train.training import train_unit
from amrobust.workloads import Classification, data
from amrobust.workloads.validation import training_length


class Blobs(Classification):
    """Two clusters; every example has a number of its own."""

    def network(self):
        return torch.nn.Linear(2, 2)

    def data(self):
        inputs = torch.arange(100.0).reshape(50, 2)
        labels = torch.arange(50) % 2
        return inputs[:40], labels[:40], inputs[40:], labels[40:]


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv(data.ENVIRONMENT, str(tmp_path))
    put_image_sets(tmp_path)


BLOBS = f"{__name__}:Blobs"
EACH = pytest.mark.parametrize("name", ["digits", "fashion-mnist", "cifar10", "cifar100", BLOBS])


def spec(name, share=None, optimizer="msgd", **params):
    return make_spec(name, optimizer, {"epochs": 3, "batch_size": 4, "validation": share, **params})


def rows(images):
    return [image.numpy().tobytes() for image in images]


@EACH
def test_train_validation_and_test_share_no_image(root, name):
    whole, held = (load(spec(name, share), CPU, torch.float32) for share in (None, 0.25))
    count = len(whole.train_labels)
    assert len(held.test_labels) == round(0.25 * count)
    assert len(held.train_labels) + len(held.test_labels) == count
    assert sorted(rows(held.train_images) + rows(held.test_images)) == sorted(rows(whole.train_images))
    # Published sets may hold the same image twice: what is held out is told apart by how often it is where.
    if len(set(rows(whole.train_images))) == count:
        assert not set(rows(held.train_images)) & set(rows(held.test_images))
        assert not set(rows(held.test_images)) & set(rows(whole.test_images))


@EACH
def test_every_method_and_seed_has_the_same_split(root, name):
    one, other = (
        load(spec(name, 0.25, optimizer=o), CPU, torch.float32).test_images for o in ("msgd", "sgd")
    )
    assert torch.equal(one, other)


@EACH
def test_an_epoch_has_the_steps_of_what_is_left(root, name):
    workload, chosen = workloads.get(name), spec(name, 0.25)
    left = len(load(chosen, CPU, torch.float32).train_labels)
    assert workload.steps_per_epoch(chosen.workload_params) == left // 4


@EACH
def test_the_metrics_say_what_they_are_on(root, name):
    chosen = spec(name, 0.25)
    names = [row[0] for row in workloads.metrics_of(workloads.get(name), chosen.workload_params)]
    assert names == ["validation_accuracy", "validation_loss", "train_loss", "train_batch_loss"]
    assert describe(chosen).metrics[0] == Metric("validation_accuracy", "higher", "%", "workload", "workload")


@pytest.mark.parametrize("name", ["digits", BLOBS])
@pytest.mark.parametrize("seeds", [[3], [3, 4]])
def test_what_is_measured_is_on_the_held_out_part(name, seeds, monkeypatch):
    """One seed by the reference, two as a stack: the accuracy is a share of so many images as are held out."""
    chosen = spec(name, 0.25, batch_size=20)
    held = len(load(chosen, CPU, torch.float32).test_labels)
    for outcome in train_unit(chosen, seeds):
        assert outcome.error is None
        curves = outcome.curves["I"]
        assert not [metric for metric in curves if metric.startswith("test_")]
        counts = curves["validation_accuracy"] / 100 * held
        np.testing.assert_allclose(counts, np.round(counts), atol=1e-6)


def test_images_are_evaluated_on_the_held_out_part_too(root):
    (outcome,) = train_unit(spec("fashion-mnist", 0.25, model="resnet8"), [0])
    assert outcome.error is None
    assert set(outcome.curves["I"]) == {
        "validation_accuracy", "validation_loss", "train_loss", "train_batch_loss",
    }  # fmt: skip


def test_without_a_share_nothing_is_another(root):
    """The identity that a run of the default workload had before there were validation splits."""
    plain = make_spec("digits", "am1")
    assert "validation" not in plain.workload_params
    assert plain == make_spec("digits", "am1", {"validation": None})
    assert identity(plain, describe(plain)) == IDENTITY
    held = make_spec("digits", "am1", {"validation": 0.1})
    assert identity(held, describe(held)) != IDENTITY
    assert describe(held).workload_label == "digits[validation=0.1]"


IDENTITY = "43fbcca64fe8d99e842e60a65d9b928c0cb5c0c52f309a3fef110c0ced2fce2d"


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5, "a", True])
@EACH
def test_what_is_no_share_is_refused(root, name, share):
    with pytest.raises(UserError, match="validation"):
        spec(name, share)


def test_a_share_that_leaves_nothing_is_refused():
    with pytest.raises(UserError, match="validation"):
        training_length("x", {"validation": 0.001}, 100)
    with pytest.raises(UserError, match="validation"):
        training_length("x", {"validation": 0.999}, 100)
    with pytest.raises(UserError, match="batch_size"):
        spec(BLOBS, 0.5, batch_size=21)


@pytest.mark.parametrize("name", ["logistic", "ptb", "imagenet"])
def test_a_workload_without_a_training_set_to_split_has_no_such_parameter(name):
    with pytest.raises(UserError, match="no parameter 'validation'"):
        make_spec(name, "sgd", {"validation": 0.1})
