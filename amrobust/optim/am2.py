"""AM2-SGD as a torch optimizer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from amrobust.optim import forms
from amrobust.optim.amortized import AmortizedOptimizer
from amrobust.optim.base import Group, Members, check_momentum
from amrobust.rules.amortized import IndexStream


class AM2SGD(AmortizedOptimizer):
    r"""AM2-SGD: amortized momentum from a table of ``m`` past points (Algorithm 4; :func:`amrobust.rules.am2`).

    With j the current index and j′ the next, sampled uniformly: old ← φ_j; φ_j ← x − η(g + λx); x ← φ_j + β(φ_{j′} − old). The
    parameters are x (option I, which the paper advises against); the mean of the table (option II) is in them inside
    ``with opt.output_point():``.

    Per parameter the state holds the m rows of the table and one spare row; rows change places by pointer. The indices
    are a function of (seed, step), both in the state dict, so that training resumes exactly. Every process of a distributed
    training must sample the same rows: give them one ``seed``.

    Args:
        m: number of rows of the table; it may be changed later only together with a :meth:`restart`.
        seed: seed of the index stream; None draws one from torch's global generator.
        indices: the indices themselves instead, one more than there will be steps.

        capturable: not available, because the rows are chosen in Python; True raises ValueError.

    The other arguments are those of :class:`amrobust.optim.RuleOptimizer`.
    """

    # a parameter that missed a gradient still waits to write the row that it sampled last
    _watched = "index"

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor,
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
        capturable: bool = False,
        decoupled_weight_decay: bool = False,
        differentiable: bool = False,
    ) -> None:
        if seed is None:
            if indices is None and _world_size() > 1:
                raise ValueError(
                    "give AM2SGD a seed, the same in every process: all must sample the same rows"
                )
            seed = int(torch.randint(2**63 - 1, ()))
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "m": m,
                "weight_decay": weight_decay,
                "seed": int(seed),
                "indices": None if indices is None else [int(index) for index in indices],
                "steps": 0,
            },
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
        if settings["capturable"]:
            raise ValueError(
                "AM2SGD has no capturable=True: its rows are chosen in Python; AM1SGD can be captured"
            )
        indices = settings["indices"]
        if indices is not None and not all(0 <= index < settings["m"] for index in indices):
            raise ValueError(f"Invalid indices: the table has rows 0 to {settings['m'] - 1}")

    def _points(self, group: Group) -> tuple[str, ...]:
        return (*(_row(index) for index in range(group["m"])), "spare")

    def _place(self, p: Tensor, group: Group) -> dict[str, Any]:
        return {"index": 0}

    def _begin(self, p: Tensor, state: dict[str, Any], group: Group) -> None:
        for index in range(group["m"]):
            state[_row(index)].copy_(p)
        state["index"] = self._index(group, group["steps"])

    def _index(self, group: Group, k: int) -> int:
        """The table index of iteration ``k`` of ``group``."""
        if group["indices"] is not None:
            if k >= len(group["indices"]):
                raise RuntimeError(f"AM2SGD was given {len(group['indices'])} indices and needs one more")
            return int(group["indices"][k])
        streams: dict[tuple[int, int], IndexStream] = self.__dict__.setdefault("_streams", {})
        key = group["seed"], group["m"]
        if key not in streams:
            streams[key] = IndexStream(*key)
        return int(streams[key](k))

    def _step_group(self, group: Group, together: Collection[Members]) -> None:
        following = self._index(group, group["steps"] + 1)
        group["steps"] += 1
        for members in together:
            self._advance(group, members)
            for state in members.states:
                state["index"] = following

    def _advance(self, group: Group, members: Members) -> None:
        # group["steps"] is already the number of the next step
        here, following = _row(members.place), _row(self._index(group, group["steps"]))
        same = here == following
        scalars = (*self._rates(group), group["momentum"])
        lists = members.lists(here, "spare", *(() if same else (following,)))
        in_place, without_spares = self._framed(group, am2_in_place, members, lists[:3] + lists[4:])
        if not forms.run_as_compiled(group, in_place, same, without_spares, scalars):
            update, lists = self._framed(group, am2, members, lists)
            forms.run_eagerly(group, update, same, lists, scalars)
            for state in members.states:
                state[here], state["spare"] = state["spare"], state[here]

    def _output_points(self, group: Group, params: list[Tensor]) -> list[Tensor]:
        points = [self._mean(self.state[p], group["m"]) for p in params]
        return self._less_decayed(group, params, points)

    def _mean(self, state: dict[str, Any], m: int) -> Tensor:
        first: Tensor = state[_row(0)]
        half = first.dtype in (torch.float16, torch.bfloat16)
        total = first.to(torch.float32) if half else first.clone()
        for index in range(1, m):
            total.add_(state[_row(index)])
        return total.div_(m).to(first.dtype)


def _row(index: int) -> str:
    return f"row_{index}"


def _world_size() -> int:
    distributed = torch.distributed
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def am2(form: Any, same: bool, lists: forms.Lists, scalars: Any) -> None:
    """One step of AM2-SGD, which writes the spare row; the caller exchanges it with the row that it stands for."""
    xs, gs, rows, spares, *nexts = lists
    form.descend(xs, gs, *scalars[:2])
    form.copy(spares, xs)
    form.pull(xs, spares if same else nexts[0], rows, scalars[2])


def am2_in_place(form: Any, same: bool, lists: forms.Lists, scalars: Any) -> None:
    """The same without the spare row: compiled, nothing is written before all is read."""
    lr, decay, momentum = scalars
    for x, g, row, *following in zip(*lists, strict=True):
        point = x - lr * (g + decay * x)
        x.copy_(point + momentum * ((point if same else following[0]) - row))
        row.copy_(point)
