"""AM1-SGD as a torch optimizer."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from amrobust.optim import forms
from amrobust.optim.amortized import AmortizedOptimizer
from amrobust.optim.base import Group, Members, check_momentum


class AM1SGD(AmortizedOptimizer):
    r"""AM1-SGD: Nesterov's momentum amortized over ``m`` steps (Algorithm 5; :func:`amrobust.rules.am1`).

    Each step x ← x − η(g + λx); every m-th step x ← x + β(x̄ − x̃), x̃ ← x̄, with x̄ the mean of the last m iterates before
    the momentum is added. The parameters are x (option I); x̃ (option II) is in them inside ``with opt.output_point():``.

    Per parameter the state holds m·x̃ and the sum of the iterates of the cycle, which are exchanged at its end and touched
    every second step: after j steps the sum is that of the first 2⌊j/2⌋ iterates. A parameter's first step starts its x̃
    from where the parameter is then.

    Args:
        m: amortization length; m = 1 is Nesterov's momentum.

    The other arguments are those of :class:`amrobust.optim.RuleOptimizer`.

    Example:
        >>> import torch
        >>> model = torch.nn.Linear(2, 1)
        >>> opt = AM1SGD(model.parameters(), lr=0.1, m=5)
        >>> for _ in range(10):
        ...     opt.zero_grad()
        ...     model(torch.ones(4, 2)).square().mean().backward()
        ...     opt.step()
        >>> with opt.output_point():
        ...     prediction = model(torch.ones(1, 2))
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor,
        momentum: float = 0.9,
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
            {"lr": lr, "momentum": momentum, "m": m, "weight_decay": weight_decay},
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
        check_momentum("momentum", settings["momentum"])

    def _points(self, group: Group) -> tuple[str, ...]:
        return "total", "output_times_m"

    def _begin(self, p: Tensor, state: dict[str, Any], group: Group) -> None:
        state["output_times_m"].copy_(p).mul_(group["m"])
        state["step"] *= 0

    def _advance(self, group: Group, members: Members) -> None:
        m, states = group["m"], members.states
        # the buffers hold sums, m times the points: β/m of their difference is β(x̄ − x̃)
        scalars = (*self._rates(group), group["momentum"] / m)
        if group["capturable"]:
            lists = [*members.lists(*self._points(group)), [state["step"] for state in states]]
            update, lists = self._framed(group, am1_without_branches, members, lists)
            forms.run(group, update, m, lists, scalars)
            return
        phase = Phase.at(members.place, m)
        update, lists = self._framed(group, am1, members, members.lists(*phase.touched()))
        forms.run(group, update, phase, lists, scalars)
        for state in states:
            state["step"] = 0 if phase.last else members.place + 1
            if phase.last:
                state["total"], state["output_times_m"] = state["output_times_m"], state["total"]

    def _output_points(self, group: Group, params: list[Tensor]) -> list[Tensor]:
        points = [self.state[p]["output_times_m"] / group["m"] for p in params]
        return self._less_decayed(group, params, points)


class Phase(NamedTuple):
    """What one step does besides descending: the sum is touched in ``odd`` places and the last, overwritten at ``first``."""

    odd: bool
    first: bool
    last: bool
    single: bool

    @classmethod
    def at(cls, position: int, m: int) -> Phase:
        """The phase of the step at a position, 0 … m − 1, of the cycle."""
        return cls(position % 2 == 1, position == 1, position + 1 == m, m == 1)

    def touched(self) -> tuple[str, ...]:
        """The buffers that the step reads or writes."""
        if self.last:
            return "total", "output_times_m"
        return ("total",) if self.odd else ()


def am1(form: Any, phase: Phase, lists: forms.Lists, scalars: Any) -> None:
    """One step of AM1-SGD; the caller exchanges total and output after the last of a cycle."""
    xs, gs, *buffers = lists
    lr, decay, weight = scalars
    if phase.odd:
        (form.copy if phase.first else form.add)(buffers[0], xs)
    if phase.single:
        form.descend(xs, gs, lr, decay)
        form.copy(buffers[0], xs)
    elif phase.odd or phase.last:
        form.descend_and_sum(buffers[0], xs, gs, lr, decay)
    else:
        form.descend(xs, gs, lr, decay)
    if phase.last:
        totals, outputs = buffers
        form.pull(xs, totals, outputs, weight)


def am1_without_branches(form: Any, m: int, lists: forms.Lists, scalars: Any) -> None:
    """The same with the place in the cycle in 0-d tensors, so that every step is the same work."""
    xs, gs, totals, outputs, steps = lists
    weight = scalars[2]
    before = [torch.where(k == 1, x, total + x) for x, total, k in zip(xs, totals, steps, strict=True)]
    form.descend(xs, gs, *scalars[:2])
    for x, total, output, step, sum_before in zip(xs, totals, outputs, steps, before, strict=True):
        odd, last = step % 2 == 1, step == m - 1
        total.copy_(torch.where(odd, sum_before + x, total))
        whole = x.clone() if m == 1 else total if m % 2 == 0 else total + x
        x.add_(torch.where(last, weight * (whole - output), 0.0))
        output.copy_(torch.where(last, whole, output))
        step.copy_(torch.where(last, 0.0, step + 1))
