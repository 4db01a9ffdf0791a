"""AM1-SGD as a torch optimizer."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from amrobust.optim.base import OutputPointOptimizer


class AM1SGD(OutputPointOptimizer):
    r"""AM1-SGD: Nesterov's momentum amortized over ``m`` steps (Algorithm 5; :func:`amrobust.rules.am1`).

    Each step x ← x − η(g + λx); every m-th step x ← x + β(x̄ − x̃), x̃ ← x̄, with x̄ the mean of the last m iterates before
    the momentum is added. The parameters are x (option I); x̃ (option II) is in them inside ``with opt.output_point():``.

    Per parameter the state holds the running sum of the cycle and m·x̃, exchanged at its end, so nothing is zeroed or copied:
    two buffers. A parameter's first step starts its x̃ from where the parameter is then.

    Args:
        params: parameters or parameter groups; ``lr``, ``momentum``, ``m`` and ``weight_decay`` may differ between groups.
            ``m`` must not be changed once a group has been stepped.
        lr: learning rate η.
        momentum: β in [0, 1).
        m: amortization length; m = 1 is Nesterov's momentum.
        weight_decay: coupled L2 coefficient λ.
        maximize: step along +g.
        foreach: use torch's kernels over lists of tensors; None: where they apply.
        fused, compile: not available; anything but the default raises ValueError.

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
        lr: float,
        momentum: float = 0.9,
        m: int = 5,
        weight_decay: float = 0,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        fused: bool | None = None,
        compile: bool = False,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "m": m, "weight_decay": weight_decay}
        super().__init__(params, defaults, maximize=maximize, foreach=foreach, fused=fused, compile=compile)

    def _update(
        self, group: dict[str, Any], params: list[Tensor], gradients: list[Tensor], foreach: bool
    ) -> None:
        m, lr, beta = group["m"], float(group["lr"]), group["momentum"]
        # Parameters that missed a gradient are at another place of their cycle.
        at: dict[int, list[int]] = defaultdict(list)
        states = []
        for index, p in enumerate(params):
            state = self.state[p]
            if not state:
                state["position"] = 0
                state["total"] = torch.empty_like(p, memory_format=torch.preserve_format)
                state["output_times_m"] = p.detach() * m
            states.append(state)
            at[state["position"]].append(index)
        for position, members in at.items():
            xs = [params[index] for index in members]
            totals = [states[index]["total"] for index in members]
            outputs = [states[index]["output_times_m"] for index in members]
            step = _step_foreach if foreach else _step_loop
            step(xs, [gradients[index] for index in members], totals, outputs, position, m, lr, beta)
            last = position + 1 == m
            for index in members:
                state = states[index]
                state["position"] = 0 if last else position + 1
                if last:
                    state["total"], state["output_times_m"] = state["output_times_m"], state["total"]

    def _output_points(self, group: dict[str, Any], params: list[Tensor]) -> list[Tensor]:
        return [self.state[p]["output_times_m"] / group["m"] for p in params]


def _step_foreach(
    xs: list[Tensor],
    gradients: list[Tensor],
    totals: list[Tensor],
    outputs: list[Tensor],
    position: int,
    m: int,
    lr: float,
    beta: float,
) -> None:
    torch._foreach_add_(xs, gradients, alpha=-lr)
    if position == 0:
        torch._foreach_copy_(totals, xs)
    else:
        torch._foreach_add_(totals, xs)
    if position + 1 == m:
        torch._foreach_add_(xs, totals, alpha=beta / m)
        torch._foreach_add_(xs, outputs, alpha=-beta / m)


def _step_loop(
    xs: list[Tensor],
    gradients: list[Tensor],
    totals: list[Tensor],
    outputs: list[Tensor],
    position: int,
    m: int,
    lr: float,
    beta: float,
) -> None:
    for x, g, total, output in zip(xs, gradients, totals, outputs, strict=True):
        x.add_(g, alpha=-lr)
        if position == 0:
            total.copy_(x)
        else:
            total.add_(x)
        if position + 1 == m:
            x.add_(total, alpha=beta / m).add_(output, alpha=-beta / m)
