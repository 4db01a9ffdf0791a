"""Training a stack: every seed as it would train alone, whatever the others do."""

import numpy as np
import pytest
import torch
from small_networks import Convolutional, Language, Small, images, register, small_spec, tokens

from amrobust.train import network
from amrobust.train.network import train_seed
from amrobust.train.prepare import make_spec
from amrobust.train.stacking import trainer
from amrobust.train.stacking.trainer import train_stack

TOLERANCE = 1e-9
"""Of curves in float64 over a few epochs. Training amplifies rounding, at high learning rates beyond any tolerance: that of the
perceptron at 0.1, where it is unstable, from 1e-16 to 1e-4 in 200 steps; at 0.02, and with batch norm at 0.1, 1e-12 is seen."""


def assert_close(one, other, tolerance=TOLERANCE):
    assert one.seed == other.seed
    assert one.diverged == other.diverged
    for output, metrics in one.curves.items():
        for name, curve in metrics.items():
            np.testing.assert_allclose(
                curve, other.curves[output][name], rtol=tolerance, atol=tolerance, err_msg=f"{output} {name}"
            )


def assert_same_bits(one, other):
    for output, metrics in one.curves.items():
        for name, curve in metrics.items():
            assert np.array_equal(curve, other.curves[output][name], equal_nan=True), (output, name)


@pytest.fixture
def small(monkeypatch):
    """Registers small workloads by name."""
    made = {
        "small-images": Small(Convolutional, *images(count=60)),
        "small-tokens": Small(Language, *tokens(count=60)),
    }
    for name, workload in made.items():
        register(monkeypatch, name, workload)


@pytest.mark.parametrize(
    ("model", "optimizer", "lr", "epochs", "batch_size"),
    [
        ("mlp", "msgd", 0.02, 2, 16),
        ("mlp", "am2", 0.02, 2, 16),
        ("cnn", "am1", 0.1, 1, 64),
        pytest.param("resnet8", "sgd", 0.1, 3, 16, marks=pytest.mark.slow),
    ],
)
def test_a_seed_alone_and_in_a_batch_of_twenty_agree(model, optimizer, lr, epochs, batch_size):
    params = {"epochs": epochs, "lr_drops": 0, "model": model, "batch_size": batch_size}
    spec = make_spec("digits", optimizer, params, {"lr": lr})
    together = train_stack([(spec, seed) for seed in range(20)], dtype=torch.float64)
    assert [outcome.seed for outcome in together] == list(range(20))
    assert {outcome.stack for outcome in together} == {20}
    for seed in (0, 13):
        assert_close(train_seed(spec, seed, dtype=torch.float64), together[seed])
    finals = {outcome.curves["I"]["train_loss"][-1] for outcome in together}
    assert len(finals) == 20, "seeds differ from each other"


@pytest.mark.parametrize("workload", ["small-images", "small-tokens"])
@pytest.mark.parametrize("optimizer", ["msgd", "am1", "am2"])
def test_dropout_embeddings_lstms_and_clipping(small, workload, optimizer):
    spec = small_spec(workload, optimizer, clip_norm=0.5)
    together = train_stack([(spec, seed) for seed in range(4)], dtype=torch.float64)
    for outcome in together:
        assert_close(train_seed(spec, outcome.seed, dtype=torch.float64), outcome)
    unclipped = train_stack(
        [(small_spec(workload, optimizer), seed) for seed in range(2)], dtype=torch.float64
    )
    assert unclipped[0].curves["I"]["train_loss"][0] != together[0].curves["I"]["train_loss"][0]


def test_random_numbers_are_identical(small, monkeypatch):
    """After training, the generators of orders and dropout masks have come to the same place."""
    made = {}

    def remember(kind, make):
        def wrapped(spec, seed, *rest):
            generator = made.setdefault(where, {})[kind, seed] = make(spec, seed, *rest)
            return generator

        return wrapped

    for kind in ("order_generator", "dropout_generator"):
        for module in (network, trainer):
            monkeypatch.setattr(module, kind, remember(kind, getattr(module, kind)))
    spec = small_spec("small-images", "msgd")
    where = "together"
    train_stack([(spec, seed) for seed in range(3)])
    where = "alone"
    for seed in range(3):
        train_seed(spec, seed)
    assert len(made["alone"]) == 6
    for (kind, seed), generator in made["alone"].items():
        other = made["together"][kind, seed]
        if kind == "order_generator":
            assert generator.bit_generator.state == other.bit_generator.state
        else:
            assert torch.equal(generator.get_state(), other.get_state())
            assert not torch.equal(
                generator.get_state(), torch.Generator().manual_seed(generator.initial_seed()).get_state()
            )


def test_what_a_model_draws_outside_its_dropout_layers_depends_on_the_seed_alone(small, monkeypatch):
    class Noisy(Convolutional):
        def forward(self, x):
            return super().forward(x + 0.1 * torch.randn_like(x))

    register(monkeypatch, "noisy", Small(Noisy, *images(count=60)))
    spec = small_spec("noisy")
    state = torch.get_rng_state()
    first = train_seed(spec, 0)
    torch.randn(7)
    assert_same_bits(first, train_seed(spec, 0))
    torch.set_rng_state(state)
    train_seed(spec, 1)
    assert torch.equal(torch.get_rng_state(), state)


def test_methods_and_hyperparameters_share_a_stack():
    params = {"epochs": 2, "lr_drops": 1, "model": "mlp"}
    specs = [
        make_spec("digits", "msgd", params, {"lr": 0.02}),
        make_spec("digits", "am1", params, {"lr": 0.03, "m": 3}),
        make_spec("digits", "msgd", params, {"lr": 0.01}),
        make_spec("digits", "omsgd", params, {"lr": 0.02}, x0_index=1),
        make_spec("digits", "am2", params, {"lr": 0.02}),
    ]
    entries = [(spec, seed) for seed in (0, 1) for spec in specs]
    together = train_stack(entries, dtype=torch.float64)
    for (spec, seed), outcome in zip(entries, together, strict=True):
        assert set(outcome.curves) == set(network.find(spec.optimizer).outputs)
        assert_close(train_seed(spec, seed, dtype=torch.float64), outcome)


def test_seeds_of_different_workloads_are_no_stack():
    specs = [make_spec("digits", "sgd", {"epochs": epochs}) for epochs in (3, 4)]
    with pytest.raises(ValueError, match="different workloads"):
        train_stack([(spec, 0) for spec in specs])


@pytest.mark.parametrize("model", ["mlp", "cnn"])
def test_a_diverging_seed_does_not_touch_the_others(model):
    """The stack with it, and the same stack with another in its place: the others' bits are the same."""
    params = {"epochs": 3, "lr_drops": 1, "model": model}
    sound, diverging = (make_spec("digits", "sgd", params, {"lr": lr}) for lr in (0.1, 1e18))
    entries = [(sound, 0), (diverging, 1), (sound, 2)]
    together = train_stack(entries)
    assert [outcome.diverged for outcome in together] == [False, True, False]
    alone = train_seed(diverging, 1)
    assert_same_bits(alone, together[1])
    other = make_spec("digits", "sgd", params, {"lr": 0.05})
    unharmed = train_stack([(sound, 0), (other, 1), (sound, 2)])
    for place in (0, 2):
        assert_same_bits(unharmed[place], together[place])
        assert np.isfinite(together[place].curves["I"]["test_loss"]).all()


def test_a_seed_that_turns_nan_later_is_recorded_from_its_own_epoch_on(monkeypatch):
    spec = make_spec("digits", "am1", {"epochs": 4, "model": "mlp"})
    real = trainer._Stack.train_epoch

    def poisoned(stack, epoch):
        if epoch == 2:
            stack.rows[1, 5] = torch.nan
        return real(stack, epoch)

    sound = train_stack([(spec, seed) for seed in range(3)])
    monkeypatch.setattr(trainer._Stack, "train_epoch", poisoned)
    together = train_stack([(spec, seed) for seed in range(3)])
    assert [outcome.diverged for outcome in together] == [False, True, False]
    for metrics in together[1].curves.values():
        for curve in metrics.values():
            assert np.isfinite(curve[:2]).all()
            assert np.isnan(curve[2:]).all()
    for place in (0, 2):
        assert_same_bits(sound[place], together[place])


def test_a_stack_whose_seeds_have_all_diverged_stops(monkeypatch):
    spec = make_spec("digits", "sgd", {"epochs": 9, "model": "mlp"}, {"lr": 1e18})
    epochs = []
    real = trainer._Stack.train_epoch
    monkeypatch.setattr(
        trainer._Stack, "train_epoch", lambda stack, epoch: epochs.append(epoch) or real(stack, epoch)
    )
    assert all(outcome.diverged for outcome in train_stack([(spec, 0), (spec, 1)]))
    assert epochs == [0]
