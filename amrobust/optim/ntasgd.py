"""SGD that begins to average when the validation loss stops improving, as a torch optimizer."""

from __future__ import annotations

import math
from typing import Any

from torch import Tensor
from torch.optim.optimizer import ParamsT

from amrobust.optim import forms
from amrobust.optim.amortized import AmortizedOptimizer
from amrobust.optim.base import OPTIONS, Group, Members


class NTASGD(AmortizedOptimizer):
    r"""SGD+ASGD, the baseline of the paper's Table 3 (:func:`amrobust.rules.ntasgd`).

    Each step x ← x − η(g + λx). ``observe(loss)`` after each evaluation is the trigger: averaging begins with the next step
    once more than ``nonmono`` losses came before and this one is above the best of them, the last ``nonmono`` left out. The
    parameters are x (option I); the mean of the iterates since the trigger, and x before it, is in them inside
    ``with opt.output_point():``.

    Merity, Keskar and Socher, "Regularizing and Optimizing LSTM Language Models" (ICLR 2018), Algorithm 1.

    Args:
        nonmono: how many evaluations without progress start the average.

    The other arguments are those of :class:`amrobust.optim.RuleOptimizer`, but that ``nonmono`` is the same in every group;
    weight decay is coupled.
    """

    _watched = "count"

    def __init__(
        self,
        params: ParamsT,
        lr: float,
        nonmono: int = 5,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
    ) -> None:
        if not isinstance(nonmono, int) or nonmono < 1:
            raise ValueError(f"Invalid nonmono: {nonmono} (must be an integer of at least 1)")
        super().__init__(
            params,
            {
                "lr": lr, "m": 1, "weight_decay": weight_decay,
                "nonmono": nonmono, "losses": [], "averaging": False,
            },
            differentiable=False,
            **(OPTIONS | {"maximize": maximize, "foreach": foreach}),
        )  # fmt: skip

    def observe(self, loss: float) -> None:
        """Take note of an evaluation's loss; a NaN never triggers."""
        for group in self.param_groups:
            earlier = group["losses"][: -group["nonmono"]]
            best = min((one for one in earlier if not math.isnan(one)), default=math.nan)
            group["averaging"] = group["averaging"] or loss > best
            group["losses"] = [*group["losses"], float(loss)]

    def _points(self, group: Group) -> tuple[str, ...]:
        return ("average",)

    def _place(self, p: Tensor, group: Group) -> dict[str, Any]:
        return {"count": 0}

    def _begin(self, p: Tensor, state: dict[str, Any], group: Group) -> None:
        state["count"] = 0

    def _advance(self, group: Group, members: Members) -> None:
        count = members.place + 1 if group["averaging"] else 0
        forms.run_eagerly(group, ntasgd, count, members.lists("average"), self._rates(group))
        for state in members.states:
            state["count"] = count

    def _output_points(self, group: Group, params: list[Tensor]) -> list[Tensor]:
        return [(self.state[p]["average"] if self.state[p]["count"] else p.detach()).clone() for p in params]


def ntasgd(form: Any, count: int, lists: forms.Lists, scalars: Any) -> None:
    """One step of SGD, whose iterate is the ``count``-th that the average takes in; 0 where there is no average yet."""
    xs, gs, averages = lists
    form.descend(xs, gs, *scalars)
    if count == 1:
        form.copy(averages, xs)
    elif count:  # the mean of n iterates: 1 − 1/n of the mean of the first n − 1, and 1/n of the last
        form.scale(averages, 1 - 1 / count)
        form.add(averages, xs, 1 / count)
