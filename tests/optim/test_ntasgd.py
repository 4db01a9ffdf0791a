"""NTASGD against its rule, in float64, with the trigger at several places."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from amrobust import rules
from amrobust.optim import NTASGD

X0 = np.random.default_rng(0).normal(size=(3, 2))
LOSSES = [
    [3.0, 2.0, 1.0, 1.5, 2.0, 0.5],
    [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
    [5.0, float("nan"), 4.0, 6.0, 1.0, 9.0],
]


def gradient(k):
    return np.random.default_rng(k + 1).normal(size=X0.shape)


def step(optimizer, p, k):
    p.grad = torch.from_numpy(gradient(k))
    optimizer.step()


@pytest.mark.parametrize("losses", LOSSES, ids=["late", "early", "with NaN"])
@pytest.mark.parametrize("nonmono", [1, 2, 3])
@pytest.mark.parametrize("foreach", [True, False], ids=["foreach", "loop"])
def test_it_computes_what_the_rule_does(losses, nonmono, foreach):
    rule = rules.ntasgd(nonmono, weight_decay=0.1)
    state = rule.init(X0)
    p = nn.Parameter(torch.from_numpy(X0.copy()))
    optimizer = NTASGD([p], 0.1, nonmono, 0.1, foreach=foreach)
    for k in range(24):
        if k % 4 == 3:
            state = rule.observe(state, losses[k // 4])
            optimizer.observe(losses[k // 4])
        lr = 0.1 / (1 + k)
        optimizer.param_groups[0]["lr"] = lr
        state = rule.step(state, gradient(k), lr)
        step(optimizer, p, k)
        outputs = rule.outputs(state)
        np.testing.assert_allclose(p.detach(), outputs["I"], rtol=1e-12)
        iterate = p.detach().clone()
        with optimizer.output_point():
            np.testing.assert_allclose(p.detach(), outputs["II"], rtol=1e-12)
        assert torch.equal(p, iterate)


def test_a_state_dict_carries_the_trigger_and_the_average():
    p = nn.Parameter(torch.from_numpy(X0.copy()))
    optimizer = NTASGD([p], 0.1, 1)
    for k, loss in enumerate((1.0, 2.0, 3.0, 4.0)):
        step(optimizer, p, k)
        optimizer.observe(loss)
    copied = nn.Parameter(p.detach().clone())
    other = NTASGD([copied], 0.1, 1)
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for k in range(4, 8):
        step(optimizer, p, k)
        step(other, copied, k)
    with optimizer.output_point(), other.output_point():
        assert torch.equal(p, copied)


def test_groups_do_not_share_their_losses():
    one, other = (nn.Parameter(torch.zeros(1)) for _ in range(2))
    optimizer = NTASGD([{"params": [one]}, {"params": [other]}], 0.1)
    optimizer.observe(1.0)
    assert [group["losses"] for group in optimizer.param_groups] == [[1.0], [1.0]]
    assert NTASGD([one], 0.1).param_groups[0]["losses"] == []


def test_a_nonmono_below_one_is_refused():
    with pytest.raises(ValueError, match="nonmono"):
        NTASGD([nn.Parameter(torch.zeros(1))], 0.1, 0)
