"""The torch optimizers of networks and the rules of convex problems have the hyperparameters of their spec."""

import numpy as np
import pytest
import torch
from torch import nn

from amrobust import rules
from amrobust.train.convex_rules import make_rule
from amrobust.train.network import at_output, make_optimizer
from amrobust.train.prepare import make_spec

CASES = {
    "aggmo": ({"a": 0.2, "terms": 3, "lr": 0.05}, lambda: rules.aggmo((0.0, 0.8, 0.96))),
    "qhm": ({"momentum": 0.9, "nu": 0.5, "lr": 0.05}, lambda: rules.qhm(0.9, 0.5)),
    "hybrid": ({"nesterov": 0.2, "amortized": 0.6, "m": 3, "lr": 0.05}, lambda: rules.hybrid(0.2, 0.6, 3)),
    "am1": ({"momentum": 0.8, "m": 3, "lr": 0.05}, lambda: rules.am1(0.8, 3)),
    "msgd-tail": (
        {"momentum": 0.8, "m": 3, "lr": 0.05},
        lambda: rules.tail_average(rules.msgd(0.8), 3),
    ),
    "cm": ({"momentum": 0.8, "lr": 0.05}, lambda: rules.cm(0.8)),
}


@pytest.mark.parametrize("name", CASES)
def test_a_spec_on_a_network_is_its_rule(name):
    hyperparameters, rule = CASES[name]
    spec = make_spec("digits", name, {}, hyperparameters | {"weight_decay": 0.0})
    model = nn.Linear(3, 1, bias=False).double()
    optimizer = make_optimizer(spec, model, 0)
    rule = rule()
    state = rule.init(model.weight.detach().clone())
    for k in range(11):
        gradient = torch.sin(model.weight.detach() + k)
        model.weight.grad = gradient
        optimizer.step()
        state = rule.step(state, gradient, 0.05)
        for output, point in rule.outputs(state).items():
            with at_output(optimizer, output):
                torch.testing.assert_close(model.weight.detach(), point)


@pytest.mark.parametrize("name", CASES)
def test_a_spec_on_a_convex_problem_is_its_rule(name):
    hyperparameters, expected = CASES[name]
    rule = make_rule(make_spec("logistic", name, {}, hyperparameters), [0, 1])
    states = [of.init(np.arange(6.0).reshape(2, 3)) for of in (rule, expected())]
    for k in range(11):
        states = [
            of.step(state, np.sin(state.x + k), 0.05)
            for of, state in zip((rule, expected()), states, strict=True)
        ]
    np.testing.assert_allclose(states[0].x, states[1].x, rtol=1e-12)
