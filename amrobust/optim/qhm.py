"""Quasi-hyperbolic momentum as a torch optimizer."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.optim.optimizer import ParamsT

from amrobust.optim import forms
from amrobust.optim.base import Group, Members, RuleOptimizer, check_momentum, with_decoupled_decay


class QHM(RuleOptimizer):
    r"""Quasi-hyperbolic momentum: v ← βv + (1 − β)(g + λx), x ← x − α(νv + (1 − ν)(g + λx)) (:func:`amrobust.rules.qhm`).

    Ma and Yarats, "Quasi-hyperbolic momentum and Adam for deep learning" (ICLR 2019). The buffer is an average of gradients,
    so that the learning rate α is larger than other rules' η: M-SGD(η, β) is QHM with α = η/(1 − β), ν = β.

    Args:
        lr: learning rate α, a number or a tensor of one element.
        nu: ν in [0, 1], the weight of the buffer.

    The other arguments are those of :class:`amrobust.optim.RuleOptimizer`.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1.0,
        momentum: float = 0.999,
        nu: float = 0.7,
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
            {"lr": lr, "momentum": momentum, "nu": nu, "weight_decay": weight_decay},
            maximize=maximize,
            foreach=foreach,
            fused=fused,
            compile=compile,
            capturable=capturable,
            decoupled_weight_decay=decoupled_weight_decay,
            differentiable=differentiable,
        )

    def _check(self, settings: dict[str, Any]) -> None:
        check_momentum("momentum", settings["momentum"])
        if not 0 <= settings["nu"] <= 1:
            raise ValueError(f"Invalid nu: {settings['nu']} (must be in [0, 1])")

    def _buffers(self, group: Group) -> tuple[str, ...]:
        return ("average",)

    def _advance(self, group: Group, members: Members) -> None:
        scalars = (*self._rates(group), group["momentum"], group["nu"])
        update = with_decoupled_decay(qhm) if group["decoupled_weight_decay"] else qhm
        forms.run(group, update, None, members.lists(*self._buffers(group)), scalars)


def qhm(form: Any, phase: None, lists: forms.Lists, scalars: Any) -> None:
    """One step of QHM. The buffer is of gradients as they are: where one is maximized, the learning rate is negative."""
    xs, gs, averages = lists
    lr, decay, momentum, nu = scalars
    form.scale(averages, momentum)
    form.accumulate(averages, gs, xs, 1 - momentum, decay)
    form.descend(xs, gs, lr * (1 - nu), decay)
    form.add(xs, averages, -(lr * nu))
