"""The hybrid of Nesterov's and amortized momentum as a torch optimizer."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from amrobust.optim import forms
from amrobust.optim.amortized import AmortizedOptimizer
from amrobust.optim.base import Group, Members, check_momentum


class HybridSGD(AmortizedOptimizer):
    r"""Nesterov's momentum in every step and amortized momentum in every m-th (Appendix B.3; :func:`amrobust.rules.hybrid`).

    Each step y⁺ ← x − η(g + λx), x ← y⁺ + γ(y⁺ − y); every m-th step x̃⁺ ← the mean of the last m points y,
    x ← x + τ(x̃⁺ − x̃). The parameters are x (option I); x̃ (option II) is in them inside ``with opt.output_point():``.

    Per parameter the state holds x − y, the sum of the cycle's points y, and m·x̃.

    Args:
        nesterov: γ (1 − τ1 − τ2 in the paper); 0 gives AM1-SGD.
        amortized: τ (τ2 in the paper); 0 gives the iterates of Nesterov's original form. Both are at least 0, their sum is
            below 1.

    The other arguments are those of :class:`amrobust.optim.RuleOptimizer`.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor,
        nesterov: float = 0.45,
        amortized: float = 0.45,
        m: int = 5,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        fused: bool | None = None,
        compile: bool = False,
        capturable: bool = False,
        decoupled_weight_decay: bool = False,
        differentiable: bool = False,
    ) -> None:
        super().__init__(
            params,
            {"lr": lr, "nesterov": nesterov, "amortized": amortized, "m": m, "weight_decay": weight_decay},
            maximize=maximize,
            foreach=foreach,
            fused=fused,
            compile=compile,
            capturable=capturable,
            decoupled_weight_decay=decoupled_weight_decay,
            differentiable=differentiable,
        )

    def _check(self, settings: dict[str, Any]) -> None:
        super()._check(settings)
        check_momentum("nesterov momentum", settings["nesterov"])
        check_momentum("amortized momentum", settings["amortized"])
        check_momentum("sum of both momenta", settings["nesterov"] + settings["amortized"])

    def _points(self, group: Group) -> tuple[str, ...]:
        return "total", "output_times_m", "ahead"

    def _begin(self, p: Tensor, state: dict[str, Any], group: Group) -> None:
        state["output_times_m"].copy_(p).mul_(group["m"])
        state["step"] *= 0

    def _advance(self, group: Group, members: Members) -> None:
        m, states = group["m"], members.states
        lists = members.lists(*self._points(group))
        # the buffers hold sums, m times the points: τ/m of their difference is τ(x̃⁺ − x̃)
        scalars = (*self._rates(group), group["nesterov"], group["amortized"] / m)
        if group["capturable"]:
            lists.append([state["step"] for state in states])
            update, lists = self._framed(group, hybrid_without_branches, members, lists)
            forms.run(group, update, m, lists, scalars)
            return
        last = members.place + 1 == m
        update, lists = self._framed(group, hybrid, members, lists)
        forms.run(group, update, Phase(members.place == 0, last), lists, scalars)
        for state in states:
            state["step"] = 0 if last else members.place + 1
            if last:
                state["total"], state["output_times_m"] = state["output_times_m"], state["total"]

    def _output_points(self, group: Group, params: list[Tensor]) -> list[Tensor]:
        points = [self.state[p]["output_times_m"] / group["m"] for p in params]
        return self._less_decayed(group, params, points)


class Phase(NamedTuple):
    """Whether a step is the first or the last of a cycle."""

    first: bool
    last: bool


def hybrid(form: Any, phase: Phase, lists: forms.Lists, scalars: Any) -> None:
    """One step of the hybrid; the caller exchanges total and output after the last of a cycle."""
    xs, gs, totals, outputs, ahead = lists
    lr, decay, nesterov, weight = scalars
    # x − y: with y⁺ = x − ηG, γ(y⁺ − y) = γ(x − y) − γηG
    form.scale(ahead, nesterov)
    form.accumulate(ahead, gs, xs, -(lr * nesterov), decay)
    form.descend(xs, gs, lr, decay)
    (form.copy if phase.first else form.add)(totals, xs)
    form.add(xs, ahead)
    if phase.last:
        # outputs may be spoilt: it is the next cycle's sum, which its first step overwrites
        form.add(outputs, totals, -1.0)
        form.add(xs, outputs, -weight)
        form.add(ahead, outputs, -weight)


def hybrid_without_branches(form: Any, m: int, lists: forms.Lists, scalars: Any) -> None:
    """The same with the place in the cycle in 0-d tensors, so that every step is the same work."""
    *most, steps = lists
    lr, decay, nesterov, weight = scalars
    for x, g, total, output, ahead, step in zip(*most, steps, strict=True):
        last = step == m - 1
        moved = lr * (g + decay * x)
        y = x - moved
        total.copy_(torch.where(step == 0, y, total + y))
        jump = torch.where(last, weight * (total - output), 0.0)
        ahead.copy_(nesterov * (ahead - moved) + jump)
        x.copy_(y + ahead)
        output.copy_(torch.where(last, total, output))
        step.copy_(torch.where(last, 0.0, step + 1))
