"""The default workload: its split, its data and its network never change."""

import numpy as np
import pytest
import torch

from amrobust import workloads
from amrobust.errors import UserError
from amrobust.workloads.digits import WORKLOAD, held_out
from amrobust.workloads.models.small import SmallCNN


def test_about_a_third_is_held_out_of_every_class():
    labels = np.array([0, 1, 0, 1, 0, 0, 1, 1, 1, 0, 0])
    mask = held_out(labels)
    assert mask.tolist() == [False, False, False, False, True, False, True, False, False, False, True]


def test_the_split_is_fixed():
    split = WORKLOAD.split()
    assert split.train_images.shape == (1201, 1, 8, 8)
    assert split.test_images.shape == (596, 1, 8, 8)
    assert split.train_images.dtype == torch.float32
    counts = torch.bincount(split.test_labels, minlength=10)
    assert counts.min() >= 55
    assert split.train_images.mean().abs() < 1e-5
    assert (split.train_images.std() - 1).abs() < 1e-3


def test_the_data_are_the_published_ones():
    assert WORKLOAD.data_digest({}) == "f6d9e39f37dc45d327f6db33428ee58970ccceabb2535a5c179de35886b70443"


def test_an_epoch_has_only_whole_batches():
    assert WORKLOAD.steps_per_epoch(WORKLOAD.defaults) == 1201 // 16 == 75


def test_the_network_has_its_stated_size_and_depends_on_its_generator_alone():
    assert sum(p.numel() for p in SmallCNN().parameters()) == 5178
    torch.manual_seed(1)
    one = WORKLOAD.model(torch.Generator().manual_seed(5)).state_dict()
    torch.manual_seed(2)
    other = WORKLOAD.model(torch.Generator().manual_seed(5)).state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(("model", "size"), [("cnn", 5178), ("mlp", 26122), ("resnet8", 77754)])
def test_every_model_has_its_stated_size_and_gives_logits(model, size):
    network = WORKLOAD.model(torch.Generator().manual_seed(0), model)
    again = WORKLOAD.model(torch.Generator().manual_seed(0), model)
    assert sum(p.numel() for p in network.parameters()) == size
    assert all(
        torch.equal(one, other) for one, other in zip(network.parameters(), again.parameters(), strict=True)
    )
    logits = network(WORKLOAD.split().test_images[:50])
    assert logits.shape == (50, 10)
    assert 0.1 < logits.std() < 3


def test_the_learning_rate_drops_tenfold_at_thirds():
    params = {**WORKLOAD.defaults, "epochs": 9}
    rates = [WORKLOAD.learning_rate(params, 0.1, epoch) for epoch in range(9)]
    assert rates == pytest.approx([0.1] * 3 + [0.01] * 3 + [0.001] * 3)
    assert WORKLOAD.learning_rate({**params, "lr_drops": 0}, 0.1, 8) == 0.1


def test_unknown_workloads_name_the_nearest():
    with pytest.raises(UserError, match="did you mean 'digits'"):
        workloads.get("digit")


@pytest.mark.parametrize(
    "change",
    [{"epochs": 0}, {"batch_size": 1}, {"lr_drops": -1}, {"lr_drops": 30}, {"epochs": 2.5}, {"model": "vgg"},
     {"clip_norm": 0}, {"clip_norm": True}, {"clip_norm": float("nan")}],
)  # fmt: skip
def test_values_that_make_no_sense_are_refused(change):
    with pytest.raises(UserError, match=next(iter(change))):
        WORKLOAD.check({**WORKLOAD.defaults, **change})
