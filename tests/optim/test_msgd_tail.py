"""MSGDTail against its rule and torch's own Nesterov momentum, in float64."""

import copy

import pytest
import torch
from stepping import assert_close, assert_same, give, gradients, output_of, parameters, steps

from amrobust import rules
from amrobust.optim import AM1SGD, MSGDTail


@pytest.mark.parametrize("m", [1, 3, 5, 100])
@pytest.mark.parametrize("foreach", [True, False, None], ids=["foreach", "loop", "default"])
@pytest.mark.parametrize("maximize", [False, True], ids=["minimize", "maximize"])
def test_it_computes_what_the_rule_does(m, foreach, maximize):
    params = parameters()
    optimizer = MSGDTail(params, 0.1, m=m, weight_decay=0.01, maximize=maximize, foreach=foreach)
    rule = rules.tail_average(rules.msgd(0.9, weight_decay=0.01), m)
    states = [rule.init(p.detach().clone()) for p in params]
    sign = -1 if maximize else 1
    for k in range(30):
        lr = 0.1 if k < 8 else 0.02
        optimizer.param_groups[0]["lr"] = lr
        if k in (11, 22):
            at = "iterate" if k == 11 else "output"
            optimizer.restart(at)
            states = [rule.restart(state, at) for state in states]
            assert_close(output_of(optimizer, params), [state.x for state in states])
        give(params, gradients(k))
        optimizer.step()
        states = [rule.step(s, sign * g, lr) for s, g in zip(states, gradients(k), strict=True)]
        assert_close(params, [state.x for state in states])
        assert_close(output_of(optimizer, params), [rule.outputs(state)["I"] for state in states])


def test_its_iterates_are_those_of_torchs_nesterov():
    ours, theirs = parameters(), parameters()
    optimizer = MSGDTail(ours, 0.1, momentum=0.8, m=3, weight_decay=0.01)
    reference = torch.optim.SGD(theirs, 0.1, momentum=0.8, nesterov=True, weight_decay=0.01, foreach=False)
    for k in range(20):
        for params, made in ((ours, optimizer), (theirs, reference)):
            give(params, gradients(k))
            made.param_groups[0]["lr"] = 0.1 if k < 9 else 0.01
            made.step()
        assert_close(ours, theirs)


@pytest.mark.parametrize("stop", [0, 1, 3, 4, 7])
def test_a_state_dict_carries_the_window(stop):
    straight = parameters(torch.float32)
    optimizer = MSGDTail(straight, 0.1, m=3)
    steps(optimizer, straight, range(9))
    begun = parameters(torch.float32)
    first = MSGDTail(begun, 0.1, m=3)
    steps(first, begun, range(stop))
    resumed = [torch.nn.Parameter(p.detach().clone()) for p in begun]
    second = MSGDTail(resumed, 99.0, m=3)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    steps(second, resumed, range(stop, 9))
    assert_same(straight, resumed)
    assert_same(output_of(optimizer, straight), output_of(second, resumed))


def test_its_output_is_not_am1s():
    """What the control is for: the same averaging, another momentum."""
    ours, theirs = parameters(), parameters()
    control, amortized = MSGDTail(ours, 0.1, m=3), AM1SGD(theirs, 0.1, m=3)
    steps(control, ours, range(12))
    steps(amortized, theirs, range(12))
    assert (output_of(control, ours)[3] - output_of(amortized, theirs)[3]).abs().max() > 0.01


@pytest.mark.parametrize(("name", "value"), [("m", 0), ("m", 2.5), ("momentum", 1.0), ("lr", -1.0)])
def test_nonsense_is_refused(name, value):
    with pytest.raises(ValueError, match=r"Invalid"):
        MSGDTail(parameters(), **({"lr": 0.1} | {name: value}))
