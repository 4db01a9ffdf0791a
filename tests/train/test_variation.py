"""One random stream varies and the others stand still: what is drawn, what is refused, and what is named."""

import numpy as np
import pytest
import torch

from amrobust.errors import UserError
from amrobust.runs.spec import Spec
from amrobust.train.network import network_at_x0, train_seed
from amrobust.train.prepare import describe, make_spec
from amrobust.train.stacking.trainer import train_stack
from amrobust.train.streams import seed_sequence, x0_sequence

SHORT = {"epochs": 1, "lr_drops": 0, "model": "mlp"}


def draw(sequence):
    return sequence.generate_state(4).tolist()


def curves(spec, seeds=(0, 1, 2)):
    return np.stack([train_seed(spec, seed).curves["I"]["test_loss"] for seed in seeds])


@pytest.mark.parametrize("vary", ["order", "rule"])
def test_the_other_streams_are_those_of_seed_0(vary):
    spec = make_spec("digits", "am2", vary=vary)
    plain = make_spec("digits", "am2")
    for stream in ("order", "augmentation", "dropout", "rule"):
        expected = 7 if stream == vary else 0
        assert draw(seed_sequence(spec, stream, 7)) == draw(seed_sequence(plain, stream, expected))
    assert draw(x0_sequence(spec, 7)) == draw(x0_sequence(plain))


def test_a_starting_point_of_its_own_is_the_x0_of_that_number():
    spec = make_spec("digits", "sgd", vary="x0")
    for seed in (0, 3):
        assert draw(x0_sequence(spec, seed)) == draw(x0_sequence(make_spec("digits", "sgd", x0_index=seed)))
        assert draw(seed_sequence(spec, "order", seed)) == draw(seed_sequence(spec, "order", 0))


@pytest.mark.parametrize("vary", ["order", "x0"])
def test_seeds_differ_in_that_stream_alone(vary):
    found = curves(make_spec("digits", "msgd", SHORT, vary=vary))
    assert len(np.unique(found[:, -1])) == 3
    plain = curves(make_spec("digits", "msgd", SHORT), seeds=(0,))
    np.testing.assert_array_equal(found[0], plain[0])
    if vary == "x0":
        other = curves(make_spec("digits", "msgd", SHORT, x0_index=2), seeds=(0,))
        np.testing.assert_array_equal(found[2], other[0])


def test_in_a_stack_every_seed_has_its_own_starting_point():
    spec = make_spec("digits", "msgd", SHORT, vary="x0")
    together = train_stack([(spec, seed) for seed in range(3)], dtype=torch.float64)
    for seed, outcome in enumerate(together):
        alone = train_seed(spec, seed, dtype=torch.float64).curves["I"]["test_loss"]
        np.testing.assert_allclose(outcome.curves["I"]["test_loss"], alone, rtol=1e-9)


def test_where_nothing_is_drawn_seeds_are_equal():
    found = curves(make_spec("digits", "am2", SHORT, {"m": 5}, vary="rule"))
    assert len(np.unique(found[:, -1])) == 3
    assert len(np.unique(curves(make_spec("digits", "sgd", SHORT, vary="x0"), seeds=(1, 1)))) == 1


@pytest.mark.parametrize(
    ("workload", "optimizer", "vary", "hint"),
    [
        ("digits", "msgd", "rule", "choose one of x0, order, rounding$"),
        ("digits", "msgd", "augmentation", "choose one of x0, order, rounding$"),
        ("fashion-mnist", "msgd", "augmentation", "augment=true"),
        ("logistic", "msgd", "x0", "--x0s"),
        ("logistic", "msgd", "order", "choose one of noise$"),
        ("ptb", "msgd", "augmentation", "choose one of x0, order, dropout, rounding$"),
    ],
)
def test_a_stream_that_is_not_there_is_refused_with_a_hint(workload, optimizer, vary, hint):
    with pytest.raises(UserError, match=hint):
        make_spec(workload, optimizer, vary=vary)


def test_a_varying_x0_has_no_number():
    with pytest.raises(UserError, match="no meaning"):
        make_spec("digits", "msgd", vary="x0", x0_index=2)


def test_it_is_part_of_the_identity_and_of_the_workloads_name_and_nothing_changes_without_it():
    spec = make_spec("digits", "msgd", vary="order")
    assert spec.identity() != make_spec("digits", "msgd").identity()
    assert "vary" not in make_spec("digits", "msgd").to_dict()
    assert Spec.from_dict(spec.to_dict()) == spec
    assert describe(spec).workload_label == "digits[vary=order]"


def bits(network):
    return np.concatenate([p.detach().numpy().view(np.uint32).ravel() for p in network.parameters()])


def test_under_rounding_one_bit_of_the_starting_point_differs_and_nothing_else():
    spec, plain = make_spec("digits", "am2", vary="rounding"), make_spec("digits", "am2")
    whole = bits(network_at_x0(plain))
    changed = []
    for seed in range(4):
        apart = whole ^ bits(network_at_x0(spec, seed))
        assert apart.sum() == apart.max() == 1
        changed.append(int(apart.argmax()))
        for stream in ("order", "augmentation", "dropout", "rule"):
            assert draw(seed_sequence(spec, stream, seed)) == draw(seed_sequence(plain, stream, 0))
    assert len(set(changed)) > 1
    assert describe(spec).x0_digest == describe(plain).x0_digest


@pytest.mark.parametrize("optimizer", ["msgd", "am2"])
def test_a_bit_that_differs_is_trained_alike_alone_and_in_a_stack(optimizer):
    spec = make_spec("digits", optimizer, SHORT | {"epochs": 2}, {"lr": 0.02}, vary="rounding")
    alone = curves(spec)
    together = np.stack(
        [each.curves["I"]["test_loss"] for each in train_stack([(spec, seed) for seed in range(3)])]
    )
    np.testing.assert_allclose(together, alone, rtol=1e-4)
    assert 0 < np.ptp(alone[:, -1]) < 1e-3


def test_a_convex_problem_has_no_bit_to_change():
    with pytest.raises(UserError, match="no stream 'rounding'"):
        make_spec("logistic", "msgd", vary="rounding")
