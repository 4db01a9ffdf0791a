"""Optimizers as people write them, to be named by path."""

import torch


class Signs(torch.optim.Optimizer):
    def __init__(self, params, lr=0.001, bound=1.0, *, nesterov=False, foreach=None):
        super().__init__(params, {"lr": lr, "bound": bound})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for param in group["params"]:
                param.sub_(param.grad.sign().clamp(-group["bound"], group["bound"]), alpha=group["lr"])


class Needy(Signs):
    def __init__(self, params, horizon, lr=0.001):
        super().__init__(params, lr)


class NoRate(Signs):
    def __init__(self, params, rate=0.001):
        super().__init__(params, rate)


not_a_class = Signs.step
