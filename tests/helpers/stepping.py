"""Optimizers next to the rules that they follow, and odd parameters with given gradients to step them on."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from amrobust import rules
from amrobust.optim import AM1SGD, AM2SGD, NTASGD, QHM, AggMo, HybridSGD, MSGDTail

SHAPES = [(), (1,), (3,), (2, 3), (4, 1, 3), (0,), (2, 3, 1, 2)]
INDICES = [int(index) for index in np.random.default_rng(5).integers(4, size=200)]


@dataclass(frozen=True)
class Kind:
    """How to make one optimizer and its rule, with the same hyperparameters."""

    optimizer: type
    rule: object
    hyperparameters: dict
    rule_only: dict
    optimizer_only: dict

    def make(self, params, lr=0.1, **options):
        return self.optimizer(params, lr, **(self.hyperparameters | self.optimizer_only | options))

    def make_rule(self, **options):
        return self.rule(**(self.hyperparameters | self.rule_only | options))


def kind(optimizer, rule, rule_only=None, optimizer_only=None, **hyperparameters):
    return Kind(optimizer, rule, hyperparameters, rule_only or {}, optimizer_only or {})


KINDS = {
    "am1": kind(AM1SGD, rules.am1, m=4),
    "am1-odd": kind(AM1SGD, rules.am1, m=5, momentum=0.8),
    "am1-single": kind(AM1SGD, rules.am1, m=1),
    "am2": kind(AM2SGD, rules.am2, {"indices": INDICES}, {"indices": INDICES}, m=4),
    "aggmo": kind(AggMo, rules.aggmo, betas=(0.0, 0.9, 0.0, 0.99)),
    "qhm": kind(QHM, rules.qhm, momentum=0.9, nu=0.6),
    "hybrid": kind(HybridSGD, rules.hybrid, m=3, nesterov=0.3, amortized=0.5),
}
AMORTIZED = [name for name in KINDS if name.startswith(("am", "hybrid"))]
EVERY = [AM1SGD, AM2SGD, AggMo, HybridSGD, MSGDTail, NTASGD, QHM]
"""Every optimizer class, for what holds with its own defaults."""
MAIN = ["am1", "am2", "aggmo", "qhm", "hybrid"]


def parameters(dtype=torch.float64, shapes=SHAPES):
    generator = torch.Generator().manual_seed(1)
    return [nn.Parameter(torch.randn(shape, generator=generator, dtype=dtype)) for shape in shapes]


def gradients(k, dtype=torch.float64, shapes=SHAPES):
    generator = torch.Generator().manual_seed(1000 + k)
    return [torch.randn(shape, generator=generator, dtype=dtype) for shape in shapes]


def give(params, grads):
    for p, g in zip(params, grads, strict=True):
        p.grad = g.clone()


def steps(optimizer, params, ks):
    """One step with the gradients of each k, which follow the dtypes and shapes of the parameters."""
    for k in ks:
        for p in params:
            (p.grad,) = gradients(k, p.dtype, [tuple(p.shape)])
        optimizer.step()


def output_of(optimizer, params):
    if not hasattr(optimizer, "output_point"):
        return [p.detach().clone() for p in params]
    with optimizer.output_point():
        return [p.detach().clone() for p in params]


def assert_same(ones, others):
    assert len(ones) == len(others) > 0
    assert all(torch.equal(one, other) for one, other in zip(ones, others, strict=True))


def assert_close(ones, others, tolerance=1e-11):
    for one, other in zip(ones, others, strict=True):
        torch.testing.assert_close(one.detach(), other.detach(), rtol=tolerance, atol=tolerance)


def follow(name, *, dtype=torch.float64, tolerance=1e-11, maximize=False, weight_decay=0.01, **options):
    """50 steps of optimizer and rule, with drops of the learning rate and restarts, compared at each."""
    params = parameters(dtype)
    kind = KINDS[name]
    optimizer = kind.make(params, weight_decay=weight_decay, maximize=maximize, **options)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [13, 21, 34], gamma=0.3)
    rule = kind.make_rule(weight_decay=weight_decay)
    states = [rule.init(p.detach().clone()) for p in params]
    sign = -1 if maximize else 1
    for k in range(50):
        lr = optimizer.param_groups[0]["lr"]
        if k in (17, 30):
            at = "iterate" if k == 17 else "output"
            optimizer.restart(at)
            states = [rule.restart(state, at) for state in states]
            assert_close(params, [state.x for state in states], tolerance)
        give(params, gradients(k, dtype))
        optimizer.step()
        schedule.step()
        states = [rule.step(s, sign * g, lr) for s, g in zip(states, gradients(k, dtype), strict=True)]
        outputs = [rule.outputs(state) for state in states]
        assert_close(params, [output["I"] for output in outputs], tolerance)
        expected = [output.get("II", output["I"]) for output in outputs]
        assert_close(output_of(optimizer, params), expected, tolerance)
        for p, g in zip(params, gradients(k, dtype), strict=True):
            assert torch.equal(p.grad, g), "a gradient was written to"
