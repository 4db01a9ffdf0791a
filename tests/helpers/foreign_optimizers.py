"""Optimizers as people write them, to be named by path."""

import math

import torch

from amrobust.optim import CombinedOptimizer


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


class Bounded(torch.optim.SGD):
    """With an argument that is infinite where it is not given, and one that is a function."""

    def __init__(self, params, lr=0.1, limit=math.inf, decay=lambda step: 1.0):
        super().__init__(params, lr)
        self.param_groups[0]["limit"] = limit


class Averaged(torch.optim.Optimizer):
    """SGD that is evaluated at the mean of its iterates, which eval() puts in the parameters."""

    def __init__(self, params, lr=0.1):
        super().__init__(params, {"lr": lr, "steps": 0})
        self.training = None

    @torch.no_grad()
    def step(self, closure=None):
        if not self.training:
            raise RuntimeError("call train() first")
        for group in self.param_groups:
            group["steps"] += 1
            for p in group["params"]:
                p.sub_(p.grad, alpha=group["lr"])
                mean = self.state[p].setdefault("mean", torch.zeros_like(p))
                mean.lerp_(p, 1 / group["steps"])

    @torch.no_grad()
    def _swap(self, into_training):
        if self.training is not None and self.training is not into_training:
            for group in self.param_groups:
                for p in group["params"]:
                    if "mean" in self.state[p]:
                        p.add_(self.state[p]["mean"])
                        self.state[p]["mean"].neg_().add_(p)
                        p.sub_(self.state[p]["mean"])
        self.training = into_training

    def train(self):
        self._swap(True)

    def eval(self):
        self._swap(False)


class TwoPasses(torch.optim.Optimizer):
    """Sharpness-aware minimisation on SGD: its gradient is taken at an ascent step of length rho."""

    def __init__(self, params, lr=0.1, rho=0.05):
        super().__init__(params, {"lr": lr, "rho": rho})

    @torch.no_grad()
    def step(self, closure=None):
        if closure is None:
            raise RuntimeError("two passes need a closure")
        params = [p for group in self.param_groups for p in group["params"]]
        norm = torch.cat([p.grad.flatten() for p in params]).norm() + 1e-12
        ascents = [self.param_groups[0]["rho"] / norm * p.grad for p in params]
        for p, ascent in zip(params, ascents, strict=True):
            p.add_(ascent)
        with torch.enable_grad():
            closure()
        for p, ascent in zip(params, ascents, strict=True):
            p.sub_(ascent).sub_(p.grad, alpha=self.param_groups[0]["lr"])


class LastLayerApart(CombinedOptimizer):
    """SGD, and Adam for the last layer."""

    takes_names = True

    def __init__(self, named_params, lr=0.1, lr_last=0.01):
        named_params = list(named_params)
        last = named_params[-1][0].rpartition(".")[0]
        super().__init__(
            named_params,
            lambda name, p: int(name.startswith(last)),
            [lambda ps: torch.optim.SGD(ps, lr), lambda ps: torch.optim.Adam(ps, lr_last)],
        )


class Thirds(torch.optim.SGD):
    """SGD with a third of the rate that it is given, as GrokFast normalises its own."""

    def __init__(self, params, lr=0.1):
        super().__init__(params, lr / 3)
