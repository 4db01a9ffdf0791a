"""The image workloads on small made-up sets in the published layouts, and on the real data where they are."""

import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from made_up_data import put_fashion, put_image_sets

from amrobust.errors import UserError
from amrobust.train.images import InMemory
from amrobust.train.prepare import make_spec
from amrobust.workloads import data
from amrobust.workloads.images import CIFAR10, CIFAR100, FASHION_MNIST


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A data directory with small sets of every kind; the three together."""
    monkeypatch.setenv(data.ENVIRONMENT, str(tmp_path))
    put_image_sets(tmp_path)
    return tmp_path


EACH = pytest.mark.parametrize("workload", [FASHION_MNIST, CIFAR10, CIFAR100], ids=lambda w: w.name)


@EACH
def test_defaults_pass_the_checks_and_a_split_is_standardised(root, workload):
    params = {**workload.defaults, "batch_size": 4}
    workload.check(workload.defaults)
    split = workload.split(params)
    assert split.train_images.shape[1:] == workload.shape
    assert split.train_images.dtype == torch.float32
    assert split.train_labels.dtype == torch.int64
    arrays = workload.arrays()
    pixel = arrays.test_images[3, -1, 5, 7] / 255
    expected = (pixel - workload.mean[-1]) / workload.std[-1]
    assert split.test_images[3, -1, 5, 7].item() == pytest.approx(expected, abs=1e-6)
    assert workload.steps_per_epoch(params) == len(split.train_labels) // 4


def test_cifars_batches_are_joined_in_order_and_its_last_file_is_the_test_set(root):
    arrays = CIFAR10.arrays()
    assert len(arrays.train_labels) == 50
    third = np.frombuffer((root / "cifar10" / "data_batch_3.bin").read_bytes(), np.uint8).reshape(10, 3073)
    assert np.array_equal(arrays.train_labels[20:30], third[:, 0])
    assert np.array_equal(arrays.train_images[20:30].reshape(10, -1), third[:, 1:])
    assert len(arrays.test_labels) == 10


@EACH
def test_made_up_bytes_are_said_to_be_none_of_the_publishers(root, workload):
    assert "not the publisher's bytes" in workload.data_note({})


def test_the_digest_is_of_the_content(root, tmp_path_factory, monkeypatch):
    before = FASHION_MNIST.data_digest({})
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for path in (root / "fashion-mnist").iterdir():
        (elsewhere / path.name).write_bytes(path.read_bytes())
    monkeypatch.setenv(data.ENVIRONMENT, str(elsewhere))
    assert FASHION_MNIST.data_digest({}) == before
    labels = elsewhere / "t10k-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:-1] + b"\x00")
    other = tmp_path_factory.mktemp("other")
    for path in elsewhere.iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    monkeypatch.setenv(data.ENVIRONMENT, str(other))
    assert FASHION_MNIST.data_digest({}) != before


def test_a_part_of_the_set_is_its_beginning(root):
    params = {**FASHION_MNIST.defaults, "batch_size": 4, "train_images": 13, "test_images": 5}
    whole, part = (
        FASHION_MNIST.split({**params, "train_images": None, "test_images": None}),
        FASHION_MNIST.split(params),
    )
    assert torch.equal(part.train_images, whole.train_images[:13])
    assert torch.equal(part.test_labels, whole.test_labels[:5])
    assert FASHION_MNIST.steps_per_epoch(params) == 3
    with pytest.raises(UserError, match="at most 40"):
        FASHION_MNIST.steps_per_epoch({**params, "train_images": 41})


@pytest.mark.parametrize(
    "break_it",
    [
        lambda folder: put_fashion(folder.parent, train=40, size=27),
        lambda folder: put_fashion(folder.parent, classes=11),
        lambda folder: (folder / "train-labels-idx1-ubyte").write_bytes(
            struct.pack(">4BI", 0, 0, 8, 1, 3) + b"abc"
        ),
        lambda folder: (folder / "train-images-idx3-ubyte").write_bytes(b"nonsense"),
        lambda folder: put_fashion(folder.parent, train=0),
    ],
    ids=["other size", "too many classes", "other length", "no idx", "no images"],
)
def test_files_that_do_not_fit_are_refused_in_one_line(root, break_it):
    break_it(root / "fashion-mnist")
    with pytest.raises(UserError) as caught:
        FASHION_MNIST.arrays()
    assert "\n" not in str(caught.value)


def test_without_the_data_the_message_is_the_hint(tmp_path, monkeypatch):
    monkeypatch.setenv(data.ENVIRONMENT, str(tmp_path))
    with pytest.raises(UserError, match="amrobust data fetch cifar10"):
        CIFAR10.data_digest({})


def test_augmentation_pads_with_black_and_is_the_generators(root):
    params = dict(CIFAR10.defaults)
    images = CIFAR10.split(params).train_images
    augment = CIFAR10.augmentation(params)
    one = augment(images, torch.Generator().manual_seed(1))
    assert one.shape == images.shape
    assert torch.equal(one, augment(images, torch.Generator().manual_seed(1)))
    assert not torch.equal(one, images)
    black = (0 - torch.tensor(CIFAR10.mean)) / torch.tensor(CIFAR10.std)
    assert (one.amin(dim=(0, 2, 3)) >= black - 1e-6).all()
    assert CIFAR10.augmentation({**params, "augment": False}) is None


@pytest.mark.parametrize(
    ("workload", "model"), [(w, m) for w in (FASHION_MNIST, CIFAR10, CIFAR100) for m in w.models]
)
def test_each_of_its_models_fits_the_workload(workload, model):
    net = workload.model(torch.Generator().manual_seed(0), model=model).eval()
    with torch.inference_mode():
        assert net(torch.zeros(2, *workload.shape)).shape == (2, workload.classes)


def test_the_paper_s_schedules():
    params = dict(CIFAR10.defaults)
    rates = [CIFAR10.learning_rate(params, 0.1, epoch) for epoch in (0, 29, 30, 59, 60, 89)]
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001, 0.001])
    params = dict(CIFAR100.defaults)
    rates = [CIFAR100.learning_rate(params, 0.1, epoch) for epoch in (0, 149, 150, 224, 225, 299)]
    assert rates == pytest.approx([0.1, 0.1, 0.01, 0.01, 0.001, 0.001])


def test_cosine_constant_and_restarts():
    params = dict(CIFAR10.defaults)
    assert CIFAR10.learning_rate({**params, "schedule": "cosine"}, 0.1, 45) == pytest.approx(0.05)
    assert CIFAR10.learning_rate({**params, "schedule": "constant"}, 0.1, 89) == 0.1
    assert not any(CIFAR10.restarts(params, epoch) for epoch in range(90))
    restarting = {**params, "restart": True}
    assert [epoch for epoch in range(90) if CIFAR10.restarts(restarting, epoch)] == [30, 60]


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 0},
        {"batch_size": 1},
        {"train_images": 0},
        {"train_images": 8},
        {"test_images": 2.5},
        {"model": "resnet50"},
        {"augment": 1},
        {"schedule": "plateau"},
        {"drops": "30,60"},
        {"drops": "2/3,1/3"},
        {"drops": "1/0"},
        {"drops": "soon"},
        {"drop_factor": 1},
        {"drop_factor": float("nan")},
        {"restart": True, "schedule": "cosine"},
        {"precision": "float16"},
        {"channels_last": 1},
        {"compile": None},
    ],
    ids=str,
)
def test_values_that_make_no_sense_are_refused(change):
    with pytest.raises(UserError, match=next(iter(change))):
        CIFAR10.check({**CIFAR10.defaults, **change})


def test_the_real_fashion_mnist_is_the_publishers(shared, monkeypatch):
    monkeypatch.setenv(data.ENVIRONMENT, str(Path(shared("data/fashion-mnist")).parent))
    assert FASHION_MNIST.data_note({}) is None
    arrays = FASHION_MNIST.arrays()
    assert np.bincount(arrays.train_labels).tolist() == [6000] * 10
    assert FASHION_MNIST.steps_per_epoch(FASHION_MNIST.defaults) >= 300
    pixels = arrays.train_images / np.float32(255)
    assert pixels.mean(dtype=np.float64) == pytest.approx(FASHION_MNIST.mean[0], abs=1e-4)
    assert pixels.std(dtype=np.float64) == pytest.approx(FASHION_MNIST.std[0], abs=1e-4)


def test_what_does_not_fill_a_last_batch_is_left_out_or_a_smaller_one(root):
    images = len(CIFAR10.split({**CIFAR10.defaults, "batch_size": 4}).train_labels)
    size = images // 2 - 1  # two batches and two images
    params = {**CIFAR10.defaults, "batch_size": size}
    for last_batch, sizes in (("drop", [size, size]), ("train", [size, size, 2])):
        chosen = {**params, "last_batch": last_batch}
        CIFAR10.check(chosen)
        source = InMemory(CIFAR10, chosen, torch.device("cpu"), torch.float32)
        batches = list(source.training_batches(np.random.default_rng(0), torch.Generator()))
        assert [len(labels) for _, labels in batches] == sizes
        assert CIFAR10.steps_per_epoch(chosen) == len(sizes)
    usual = make_spec("cifar10", "msgd")
    assert usual == make_spec("cifar10", "msgd", {"last_batch": "drop"})
    assert "last_batch" not in usual.workload_params


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"last_batch": "keep"}, "last_batch = 'keep' is not drop or train"),
        ({"last_batch": "train", "accumulate": 2}, "drop where gradients are accumulated"),
    ],
)
def test_a_last_batch_that_cannot_be_is_refused(change, message):
    with pytest.raises(UserError, match=message):
        CIFAR10.check({**CIFAR10.defaults, **change})


def test_a_last_batch_of_a_single_image_is_refused(root):
    images = len(CIFAR10.split({**CIFAR10.defaults, "batch_size": 4}).train_labels)
    with pytest.raises(UserError, match="a single one of the"):
        CIFAR10.steps_per_epoch({**CIFAR10.defaults, "batch_size": images - 1, "last_batch": "train"})
