"""Restarts after a drop of the learning rate: who is watched, from which point, and across a resumed training."""

import pytest
import torch
from stepping import KINDS, assert_same, output_of, parameters, steps
from torch import nn

from amrobust.optim import AM1SGD, restart_on_drop

SHAPES = [(3,), (2, 2)]


def schedule_of(kind, optimizer):
    schedulers = torch.optim.lr_scheduler
    return {
        "by 10": lambda: schedulers.MultiStepLR(optimizer, [6, 15], gamma=0.1),
        "by 2": lambda: schedulers.MultiStepLR(optimizer, [6, 15], gamma=0.5),
        "cosine": lambda: schedulers.CosineAnnealingLR(optimizer, 20),
        "one cycle": lambda: schedulers.OneCycleLR(optimizer, 0.1, total_steps=21),
    }[kind]()


def restarts_during(kind, factor, steps_taken=20, tensor=False):
    params = parameters(shapes=SHAPES)
    optimizer = AM1SGD(params, torch.tensor(0.1) if tensor else 0.1, m=4)
    schedule = schedule_of(kind, optimizer)
    restarted = []
    restart = optimizer.restart
    optimizer.restart = lambda *a, **o: (restarted.append(k), restart(*a, **o))
    restart_on_drop(optimizer, factor)
    for k in range(steps_taken):
        steps(optimizer, params, [k])
        schedule.step()
    return restarted


@pytest.mark.parametrize(
    ("kind", "factor", "expected"),
    [
        ("by 10", 10, [6, 15]),
        ("by 10", 5, [6, 15]),
        ("by 10", 11, []),
        ("by 2", 5, []),
        ("by 2", 2, [6, 15]),
        ("cosine", 5, []),
        ("one cycle", 5, []),
    ],
)
def test_a_large_drop_restarts_once_and_a_gradual_one_never(kind, factor, expected):
    assert restarts_during(kind, factor) == expected


def test_a_learning_rate_in_a_tensor_is_watched_too():
    assert restarts_during("by 10", 10, tensor=True) == [6, 15]


def test_a_plateau_is_watched_too():
    params = parameters(shapes=SHAPES)
    optimizer = AM1SGD(params, 0.1, m=4)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.1, patience=2)
    restart_on_drop(optimizer)
    for k in range(10):
        steps(optimizer, params, [k])
        schedule.step(1.0)
    # bad evaluations 1, 2 and 3 follow steps 1, 2 and 3: the drops are before steps 4 and 7, so 7, 8 and 9 are one cycle
    assert [state["step"] for state in optimizer.state.values()] == [3, 3]


@pytest.mark.parametrize("at", ["iterate", "output"])
def test_what_follows_is_a_training_from_that_point(at):
    params = parameters(shapes=SHAPES)
    optimizer = AM1SGD(params, 0.1, m=4)
    restart_on_drop(optimizer, at=at)
    steps(optimizer, params, range(10))
    starts = params if at == "iterate" else output_of(optimizer, params)
    fresh = [nn.Parameter(p.detach().clone()) for p in starts]
    optimizer.param_groups[0]["lr"] = 0.01
    steps(optimizer, params, range(10, 19))
    steps(AM1SGD(fresh, 0.01, m=4), fresh, range(10, 19))
    assert_same(params, fresh)


def test_only_the_groups_that_dropped_restart():
    params = parameters(shapes=SHAPES)
    optimizer = AM1SGD([{"params": [params[0]]}, {"params": [params[1]], "lr": 0.01}], 0.1, m=4)
    restart_on_drop(optimizer)
    steps(optimizer, params, range(6))
    optimizer.param_groups[0]["lr"] = 0.01
    steps(optimizer, params, range(6, 7))
    assert [optimizer.state[p]["step"] for p in params] == [1, 3]


def test_a_training_resumed_between_the_drop_and_the_next_step_restarts_as_it_would_have():
    straight = parameters(shapes=SHAPES)
    optimizer = AM1SGD(straight, 0.1, m=4)
    restart_on_drop(optimizer)
    steps(optimizer, straight, range(10))
    optimizer.param_groups[0]["lr"] = 0.01
    resumed = [nn.Parameter(p.detach().clone()) for p in straight]
    second = AM1SGD(resumed, 0.1, m=4)
    restart_on_drop(second)
    second.load_state_dict(optimizer.state_dict())
    steps(optimizer, straight, range(10, 13))
    steps(second, resumed, range(10, 13))
    assert_same(straight, resumed)
    assert second.state[resumed[0]]["step"] == 3


def test_a_training_resumed_long_after_the_drop_does_not():
    params = parameters(shapes=SHAPES)
    optimizer = AM1SGD(params, 0.1, m=4)
    restart_on_drop(optimizer)
    steps(optimizer, params, range(3))
    optimizer.param_groups[0]["lr"] = 0.01
    steps(optimizer, params, range(3, 5))
    resumed = [nn.Parameter(p.detach().clone()) for p in params]
    second = AM1SGD(resumed, 0.1, m=4)
    restart_on_drop(second)
    second.load_state_dict(optimizer.state_dict())
    steps(second, resumed, [5])
    assert second.state[resumed[0]]["step"] == 3


def test_the_watch_can_be_ended():
    params = parameters(shapes=SHAPES)
    optimizer = AM1SGD(params, 0.1, m=4)
    restart_on_drop(optimizer).remove()
    steps(optimizer, params, range(2))
    optimizer.param_groups[0]["lr"] = 0.001
    steps(optimizer, params, [2])
    assert optimizer.state[params[0]]["step"] == 3


@pytest.mark.parametrize("name", KINDS)
def test_a_restart_before_the_first_step_changes_nothing(name):
    params, others = parameters(shapes=SHAPES), parameters(shapes=SHAPES)
    optimizer = KINDS[name].make(params)
    optimizer.restart("output")
    steps(optimizer, params, range(5))
    steps(KINDS[name].make(others), others, range(5))
    assert_same(params, others)


def test_mistakes_are_named():
    optimizer = AM1SGD(parameters(shapes=SHAPES), 0.1)
    with pytest.raises(ValueError, match="'iterate' or at the 'output'"):
        optimizer.restart("x0")
    with pytest.raises(ValueError, match="above 1"):
        restart_on_drop(optimizer, factor=0.1)
