"""Aggregated momentum as a torch optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch.optim.optimizer import ParamsT

from amrobust.optim import forms
from amrobust.optim.base import Group, Members, RuleOptimizer, check_momentum, with_decoupled_decay


class AggMo(RuleOptimizer):
    r"""Aggregated momentum: v_t ← β_t v_t − (g + λx), x ← x + (η/T) Σ_t v_t (:func:`amrobust.rules.aggmo`).

    Lucas, Sun, Zemel and Grosse, "Aggregated Momentum: Stability Through Passive Damping" (ICLR 2019). Per parameter the
    state holds one velocity in gradient units for each β_t above 0.

    Args:
        betas: the damping factors β_1 … β_T, each in [0, 1); :func:`amrobust.rules.aggmo_betas` gives the usual ones.

    The other arguments are those of :class:`amrobust.optim.RuleOptimizer`.

    A scheduler that cycles momentum (``OneCycleLR``) takes the first of ``betas`` for it: give it ``cycle_momentum=False``.
    """

    _fixed = "which betas are 0"

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor,
        betas: Sequence[float] = (0.0, 0.9),
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
            {"lr": lr, "betas": tuple(float(beta) for beta in betas), "weight_decay": weight_decay},
            maximize=maximize,
            foreach=foreach,
            fused=fused,
            compile=compile,
            capturable=capturable,
            decoupled_weight_decay=decoupled_weight_decay,
            differentiable=differentiable,
        )

    def _check(self, settings: dict[str, Any]) -> None:
        if not settings["betas"]:
            raise ValueError("Invalid betas: AggMo needs at least one damping factor")
        for beta in settings["betas"]:
            check_momentum("beta", beta)

    def _key(self, group: Group) -> int:
        # which velocities there are, as bits
        return 1 + sum(1 << t for t, beta in enumerate(group["betas"]) if beta)

    def _buffers(self, group: Group) -> tuple[str, ...]:
        return tuple(f"velocity_{t}" for t, beta in enumerate(group["betas"]) if beta)

    def _advance(self, group: Group, members: Members) -> None:
        betas = [beta for beta in group["betas"] if beta]
        undamped = len(group["betas"]) - len(betas)
        # The velocities gather −g for a minimum and g for a maximum, whose learning rate is negative: sign turns that back.
        sign = -1 if group["maximize"] else 1
        lists = members.lists(*self._buffers(group))
        scalars = (*self._rates(group), sign, 1 / len(group["betas"]), *betas)
        update = with_decoupled_decay(aggmo) if group["decoupled_weight_decay"] else aggmo
        forms.run(group, update, undamped, lists, scalars)


def aggmo(form: Any, undamped: int, lists: forms.Lists, scalars: Any) -> None:
    """One step of AggMo; the ``undamped`` terms, of β = 0, are −(g + λx) and have no velocity."""
    xs, gs, *velocities = lists
    lr, decay, sign, share, *betas = scalars
    for vs, beta in zip(velocities, betas, strict=True):
        form.scale(vs, beta)
        form.accumulate(vs, gs, xs, -sign, decay)
    if undamped:  # as many equal steps of η/T as there are zeros among the betas, in one
        form.descend(xs, gs, lr * share * undamped, decay)
    for vs in velocities:
        form.add(xs, vs, lr * sign * share)
