"""SGD that begins to average when the validation loss stops improving, as a torch optimizer."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from amrobust.optim.base import OutputPointOptimizer


class NTASGD(OutputPointOptimizer):
    r"""SGD+ASGD, the baseline of the paper's Table 3 (:func:`amrobust.rules.ntasgd`).

    Each step x ← x − η(g + λx). ``observe(loss)`` after each evaluation is the trigger: averaging begins with the next step
    once more than ``nonmono`` losses came before and this one is above the best of them, the last ``nonmono`` left out. The
    parameters are x (option I); the mean of the iterates since the trigger, and x before it, is in them inside
    ``with opt.output_point():``.

    Merity, Keskar and Socher, "Regularizing and Optimizing LSTM Language Models" (ICLR 2018), Algorithm 1.

    Args:
        params: parameters or parameter groups; ``lr`` and ``weight_decay`` may differ between groups.
        lr: learning rate η.
        nonmono: how many evaluations without progress start the average.
        weight_decay: coupled L2 coefficient λ.
        maximize: step along +g.
        foreach: use torch's kernels over lists of tensors; None: where they apply.
    """

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
        defaults = {
            "lr": lr, "momentum": 0.0, "m": 1, "weight_decay": weight_decay,
            "nonmono": nonmono, "losses": [], "averaging": False,
        }  # fmt: skip
        super().__init__(params, defaults, maximize=maximize, foreach=foreach, fused=None, compile=False)

    def observe(self, loss: float) -> None:
        """Take note of an evaluation's loss; a NaN never triggers."""
        for group in self.param_groups:
            earlier = group["losses"][: -group["nonmono"]]
            best = min((one for one in earlier if not math.isnan(one)), default=math.nan)
            group["averaging"] = group["averaging"] or loss > best
            group["losses"] = [*group["losses"], float(loss)]

    def _update(
        self, group: dict[str, Any], params: list[Tensor], gradients: list[Tensor], foreach: bool
    ) -> None:
        lr = float(group["lr"])
        if foreach:
            torch._foreach_add_(params, gradients, alpha=-lr)
        else:
            for p, g in zip(params, gradients, strict=True):
                p.add_(g, alpha=-lr)
        for p in params:
            state = self.state[p]
            if not state:
                state["count"] = 0
            if group["averaging"]:
                if state["count"] == 0:
                    state["average"] = p.detach().clone(memory_format=torch.preserve_format)
                else:
                    state["average"].lerp_(p.detach(), 1 / (state["count"] + 1))
                state["count"] += 1

    def _output_points(self, group: dict[str, Any], params: list[Tensor]) -> list[Tensor]:
        return [
            self.state[p]["average"].clone() if self.state[p]["count"] else p.detach().clone() for p in params
        ]
