"""How many seeds go into a stack: as many as pay and fit."""

import pytest
from small_networks import Small, images, register, small_spec
from torch import nn

from amrobust.train.prepare import make_spec
from amrobust.train.stacking import cost, rows


def test_free_memory_is_a_number_of_bytes():
    assert 2**20 < cost.available_memory() < 2**50


@pytest.mark.parametrize("model", ["cnn", "mlp", "resnet8"])
def test_the_small_networks_are_stacked(model):
    assert cost.stack_size(make_spec("digits", "am1", {"model": model}), 2, forced=False) == (
        cost.MOST_SEEDS,
        None,
    )


def test_the_estimate_of_memory_bounds_the_stack(monkeypatch):
    spec = make_spec("digits", "msgd", {"model": "resnet8"})
    sizes = []
    for megabytes in (1, 60, 100, 100_000):
        monkeypatch.setattr(cost, "available_memory", lambda megabytes=megabytes: megabytes * 2**20)
        sizes.append(cost.stack_size(spec, 2, forced=False))
    assert sizes[0][0] == 1
    assert "a stack of two takes about" in sizes[0][1]
    assert 1 < sizes[1][0] < sizes[2][0] < cost.MOST_SEEDS
    assert sizes[3] == (cost.MOST_SEEDS, None)


def test_the_estimate_is_of_the_size_of_what_a_stack_keeps():
    """SmallCNN, batch 16, in float32: at least the inputs and outputs of convolutions and batch norms."""
    params = tuple(sorted({**make_spec("digits", "sgd").workload_params}.items()))
    flops = cost._operations("digits", params)
    numbers, activations = cost._memory("digits", params)
    assert numbers == 5178
    assert flops == 2 * 16 * (64 * 16 * 9 + 16 * 32 * 16 * 9 + 32 * 10)
    floats = 16 * (64 + 3 * 16 * 64 + 2 * 16 * 16 + 3 * 32 * 16)
    assert 0.9 * 4 * floats < activations < 3 * 4 * floats


def test_seeds_with_many_activations_go_in_smaller_stacks(monkeypatch):
    spec = make_spec("digits", "sgd")
    monkeypatch.setattr(cost, "_memory", lambda workload, params: (5178, 30e6))
    assert cost.stack_size(spec, 2, forced=False) == (5, None)
    monkeypatch.setattr(cost, "_memory", lambda workload, params: (5178, 120e6))
    assert cost.stack_size(spec, 2, forced=False) == (2, None)


def test_where_arithmetic_is_the_bottleneck_a_stack_is_made_only_on_demand(monkeypatch):
    monkeypatch.setattr(cost, "WORTHWHILE", 1e6)
    spec = make_spec("digits", "sgd")
    assert cost.stack_size(spec, 1, forced=False) == (1, None)
    assert cost.stack_size(spec, 1, forced=True) == (cost.MOST_SEEDS, None)


def test_what_cannot_be_stacked_says_so(monkeypatch):
    class Scaled(nn.PReLU):
        pass

    network_of = Small(lambda: nn.Sequential(nn.Flatten(), nn.Linear(36, 3), Scaled()), *images())
    register(monkeypatch, "scaled", network_of)
    size, note = cost.stack_size(small_spec("scaled"), 2, forced=True)
    assert size == 1
    assert note == "seeds are trained one by one: there is no stacked form of Scaled, which has 'weight'"
    monkeypatch.setattr(rows, "mixing", lambda make: "mixes the coordinates of a parameter")
    size, note = cost.stack_size(make_spec("digits", "sgd"), 2, forced=False)
    assert (size, note) == (1, "seeds are trained one by one: sgd mixes the coordinates of a parameter")
