"""M-SGD under a tail average as a torch optimizer: averaging without amortized momentum."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from amrobust.optim import forms
from amrobust.optim.amortized import AmortizedOptimizer
from amrobust.optim.base import OPTIONS, Group, Members, check_momentum


class MSGDTail(AmortizedOptimizer):
    r"""M-SGD whose output is the mean of its last ``m`` iterates (:func:`amrobust.rules.tail_average` of ``msgd``).

    Each step is ``torch.optim.SGD(nesterov=True)``'s: v ← βv + g + λx, x ← x − η(g + λx + βv). The parameters are x; the mean
    of the iterates after each of the last ``m`` steps (of all, while they are fewer) is in them inside
    ``with opt.output_point():``. It is the control for AM1-SGD, whose output averages as many iterates but whose momentum is
    another.

    Per parameter the state holds v and the last ``m`` iterates, so that the mean is exact.

    Args:
        m: iterates in the average; it may be changed later only together with a :meth:`restart`.

    The other arguments are those of :class:`amrobust.optim.RuleOptimizer`; weight decay is coupled.
    """

    _watched = "step"

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
    ) -> None:
        super().__init__(
            params,
            {"lr": lr, "momentum": momentum, "m": m, "weight_decay": weight_decay},
            differentiable=False,
            **(OPTIONS | {"maximize": maximize, "foreach": foreach}),
        )

    def _check(self, settings: dict[str, Any]) -> None:
        super()._check(settings)
        check_momentum("momentum", settings["momentum"])

    def _points(self, group: Group) -> tuple[str, ...]:
        return "velocity", *(_latest(place) for place in range(group["m"]))

    def _begin(self, p: Tensor, state: dict[str, Any], group: Group) -> None:
        state["step"] = 0

    def _advance(self, group: Group, members: Members) -> None:
        lists = members.lists("velocity", _latest(members.place % group["m"]))
        forms.run_eagerly(group, msgd_tail, None, lists, (*self._rates(group), group["momentum"]))
        for state in members.states:
            state["step"] = members.place + 1

    def _output_points(self, group: Group, params: list[Tensor]) -> list[Tensor]:
        points = []
        for p in params:
            state = self.state[p]
            held = [state[_latest(place)] for place in range(min(state["step"], group["m"]))]
            points.append(torch.stack(held).mean(dim=0) if held else p.detach().clone())
        return points


def _latest(place: int) -> str:
    """The state entry that holds the iterate after every step whose number is ``place`` modulo m."""
    return f"latest_{place}"


def msgd_tail(form: Any, phase: None, lists: forms.Lists, scalars: Any) -> None:
    """One step of M-SGD, whose iterate is kept. The velocity is of gradients as they are: a maximum has a negative rate."""
    xs, gs, velocities, kept = lists
    lr, decay, momentum = scalars
    form.scale(velocities, momentum)
    form.accumulate(velocities, gs, xs, 1.0, decay)
    form.descend(xs, gs, lr, decay)
    # η(g + λx) is taken: what the look-ahead adds to it is β of the new velocity
    form.add(xs, velocities, -(lr * momentum))
    form.copy(kept, xs)
