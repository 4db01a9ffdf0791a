"""Dropout from streams of the seeds: the right masks, and the same ones in company."""

import pytest
import torch
from torch import nn

from amrobust.train.dropout import LayeredLSTM, SeededDropout, seed_dropout


def generator(seed):
    return torch.Generator().manual_seed(seed)


def test_what_is_kept_is_scaled_and_evaluation_keeps_all():
    layer = SeededDropout(0.25, [generator(0)])
    x = torch.ones(200, 50)
    out = layer(x)
    assert out.unique().tolist() == pytest.approx([0, 4 / 3])
    assert (out == 0).float().mean() == pytest.approx(0.25, abs=0.02)
    assert layer.eval()(x) is x


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_the_extreme_rates(rate):
    assert torch.equal(SeededDropout(rate, [generator(0)])(torch.ones(3, 4)), torch.full((3, 4), 1 - rate))


def test_whole_channels():
    out = SeededDropout(0.5, [generator(0)], channels=True)(torch.ones(8, 6, 5, 5))
    assert torch.equal(out.amin((2, 3)), out.amax((2, 3)))
    assert 0 < (out == 0).float().mean() < 1


@pytest.mark.parametrize("dim", [0, 1])
def test_seeds_side_by_side_have_the_masks_that_each_has_alone(dim):
    x = torch.ones(4, 6, 5)
    together = SeededDropout(0.5, [generator(0), generator(1)], dim=dim)(torch.cat([x, x], dim))
    alone = [SeededDropout(0.5, [generator(seed)])(x) for seed in (0, 1)]
    assert torch.equal(together, torch.cat(alone, dim))


def test_every_dropout_layer_of_a_network_draws_from_the_stream():
    network = nn.Sequential(nn.Dropout(0.5), nn.Sequential(nn.Dropout2d(0.5), nn.ReLU()))
    seed_dropout(network, generator(0))
    x = torch.ones(6, 4, 3, 3)
    state = torch.get_rng_state()
    out = network(x)
    assert torch.equal(torch.get_rng_state(), state)
    again = nn.Sequential(nn.Dropout(0.5), nn.Sequential(nn.Dropout2d(0.5), nn.ReLU()))
    seed_dropout(again, generator(0))
    assert torch.equal(out, again(x))


@pytest.mark.parametrize("options", [{}, {"bidirectional": True}, {"proj_size": 2, "batch_first": True}])
def test_an_lstm_in_layers_is_torchs_own_in_evaluation_and_shares_its_parameters(options):
    lstm = nn.LSTM(3, 4, num_layers=3, dropout=0.5, **options)
    layered = LayeredLSTM(lstm, generator(0)).eval()
    x = torch.randn(5, 2, 3)
    directions = 2 if options.get("bidirectional") else 1
    batch = 5 if options.get("batch_first") else 2
    states = (
        torch.randn(3 * directions, batch, options.get("proj_size", 4)),
        torch.randn(3 * directions, batch, 4),
    )
    for given in (None, states):
        out, (hidden, cell) = layered(x, given)
        own, (own_hidden, own_cell) = lstm.eval()(x, given)
        for mine, theirs in ((out, own), (hidden, own_hidden), (cell, own_cell)):
            torch.testing.assert_close(mine, theirs)
    assert {id(p) for p in layered.parameters()} == {id(p) for p in lstm.parameters()}
    trained, _ = layered.train()(x)
    assert not torch.allclose(trained, own)
