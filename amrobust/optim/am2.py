"""AM2-SGD as a torch optimizer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from amrobust.optim.base import OutputPointOptimizer
from amrobust.rules.indices import IndexStream


class AM2SGD(OutputPointOptimizer):
    r"""AM2-SGD: amortized momentum from a table of ``m`` past points (Algorithm 4; :func:`amrobust.rules.am2`).

    With j the current index and j′ the next, sampled uniformly: old ← φ_j; φ_j ← x − η(g + λx); x ← φ_j + β(φ_{j′} − old). The
    parameters are x (option I, which the paper advises against); the mean of the table (option II) is in them inside
    ``with opt.output_point():``.

    Per parameter the state holds the m rows of the table and one spare row; rows change places by pointer. The indices
    are a function of (seed, step), both in the state dict, so that training resumes exactly.

    Args:
        params: parameters or parameter groups; ``lr``, ``momentum``, ``m`` and ``weight_decay`` may differ between groups.
            ``m`` must not be changed once a group has been stepped.
        lr: learning rate η.
        momentum: β in [0, 1).
        m: number of rows of the table.
        weight_decay: coupled L2 coefficient λ.
        seed: seed of the index stream; None draws one from torch's global generator.
        indices: the indices themselves instead, one more than there will be steps.
        maximize: step along +g.
        foreach: use torch's kernels over lists of tensors; None: where they apply.
        fused, compile: not available; anything but the default raises ValueError.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float,
        momentum: float = 0.9,
        m: int = 5,
        weight_decay: float = 0,
        *,
        seed: int | None = None,
        indices: Sequence[int] | None = None,
        maximize: bool = False,
        foreach: bool | None = None,
        fused: bool | None = None,
        compile: bool = False,
    ) -> None:
        if seed is None:
            seed = int(torch.randint(2**63 - 1, ()))
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "m": m,
            "weight_decay": weight_decay,
            "seed": int(seed),
            "indices": None if indices is None else [int(index) for index in indices],
            "steps": 0,
        }
        super().__init__(params, defaults, maximize=maximize, foreach=foreach, fused=fused, compile=compile)

    def _index(self, group: dict[str, Any], k: int) -> int:
        """The table index of iteration ``k`` of ``group``."""
        if group["indices"] is not None:
            given: int = group["indices"][k]
            return given
        streams: dict[tuple[int, int], IndexStream] = self.__dict__.setdefault("_streams", {})
        key = group["seed"], group["m"]
        if key not in streams:
            streams[key] = IndexStream(*key)
        return int(streams[key](k))

    def _update(
        self, group: dict[str, Any], params: list[Tensor], gradients: list[Tensor], foreach: bool
    ) -> None:
        m, lr, beta = group["m"], float(group["lr"]), group["momentum"]
        current, following = self._index(group, group["steps"]), self._index(group, group["steps"] + 1)
        group["steps"] += 1
        # A parameter that missed a gradient still waits to write the row that it sampled last.
        at: dict[int, list[int]] = defaultdict(list)
        states = []
        for index, p in enumerate(params):
            state = self.state[p]
            if not state:
                state["index"] = current
                state["table"] = [p.detach().clone(memory_format=torch.preserve_format) for _ in range(m)]
                state["spare"] = torch.empty_like(p, memory_format=torch.preserve_format)
            states.append(state)
            at[state["index"]].append(index)
        for row, members in at.items():
            xs = [params[index] for index in members]
            news = [states[index]["spare"] for index in members]
            olds = [states[index]["table"][row] for index in members]
            for index in members:
                state = states[index]
                state["table"][row], state["spare"] = state["spare"], state["table"][row]
                state["index"] = following
            nexts = [states[index]["table"][following] for index in members]
            step = _step_foreach if foreach else _step_loop
            step(xs, [gradients[index] for index in members], news, olds, nexts, lr, beta)

    def _output_points(self, group: dict[str, Any], params: list[Tensor]) -> list[Tensor]:
        return [torch.stack(self.state[p]["table"]).mean(0) for p in params]


def _step_foreach(
    xs: list[Tensor],
    gradients: list[Tensor],
    news: list[Tensor],
    olds: list[Tensor],
    nexts: list[Tensor],
    lr: float,
    beta: float,
) -> None:
    torch._foreach_add_(xs, gradients, alpha=-lr)
    torch._foreach_copy_(news, xs)
    torch._foreach_add_(xs, nexts, alpha=beta)
    torch._foreach_add_(xs, olds, alpha=-beta)


def _step_loop(
    xs: list[Tensor],
    gradients: list[Tensor],
    news: list[Tensor],
    olds: list[Tensor],
    nexts: list[Tensor],
    lr: float,
    beta: float,
) -> None:
    for x, g, new, old, following in zip(xs, gradients, news, olds, nexts, strict=True):
        x.add_(g, alpha=-lr)
        new.copy_(x)
        x.add_(following, alpha=beta).add_(old, alpha=-beta)
