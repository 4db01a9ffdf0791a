"""The list operations that updates are written in, in each of the forms that torch has for them.

An update is a function ``update(form, phase, lists, scalars)``: ``lists`` are the parameters, their gradients and buffers of
the same order, ``scalars`` the learning rate, the weight decay and what else the rule needs, and ``phase`` is hashable and
says which branch of the rule is meant. It is written once and run as a loop, by torch's kernels over lists, by its fused SGD
kernel, or compiled.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from amrobust.optim.compiled import run_compiled

Lists = Sequence[list[Tensor]]
Update = Callable[..., None]


def _last_level_cache() -> int:
    """Bytes of the CPU's third-level cache; 0 where the system does not tell."""
    try:
        size = Path("/sys/devices/system/cpu/cpu0/cache/index3/size").read_text().strip()
        return int(size.removesuffix("K")) * 1024
    except (OSError, ValueError):
        return 0


CACHE_BYTES = _last_level_cache()
"""Lists that fit into the last-level cache together are gone through whole: blocks of them take a tenth longer."""

BLOCK_BYTES = 12 * 2**20
"""Bytes of all lists together that an update otherwise goes through at once on a CPU, so that its operations after the first
find them in the cache. Between 6 and 24 MiB the time of a step changes by less than a tenth."""


class Loop:
    """Tensor after tensor: the form for tensor subclasses, such as the shards of ``fully_shard``."""

    @staticmethod
    def copy(ys: list[Tensor], xs: list[Tensor]) -> None:
        """y ← x."""
        for y, x in zip(ys, xs, strict=True):
            y.copy_(x)

    @staticmethod
    def scale(ys: list[Tensor], factor: float) -> None:
        """y ← factor·y."""
        for y in ys:
            y.mul_(factor)

    @staticmethod
    def add(ys: list[Tensor], xs: list[Tensor], factor: float = 1.0) -> None:
        """y ← y + factor·x."""
        for y, x in zip(ys, xs, strict=True):
            y.add_(x, alpha=factor)

    @classmethod
    def accumulate(
        cls, ys: list[Tensor], gs: list[Tensor], xs: list[Tensor], factor: float, decay: float
    ) -> None:
        """y ← y + factor·(g + decay·x), without a temporary."""
        if decay:
            cls.add(ys, xs, factor * decay)
        cls.add(ys, gs, factor)

    @classmethod
    def descend(cls, xs: list[Tensor], gs: list[Tensor], lr: float, decay: float) -> None:
        """x ← x − lr·(g + decay·x)."""
        cls.accumulate(xs, gs, xs, -lr, decay)

    @classmethod
    def descend_and_sum(
        cls, totals: list[Tensor], xs: list[Tensor], gs: list[Tensor], lr: float, decay: float
    ) -> None:
        """x ← x − lr·(g + decay·x), then total ← total + x."""
        cls.descend(xs, gs, lr, decay)
        cls.add(totals, xs)

    @classmethod
    def pull(cls, xs: list[Tensor], towards: list[Tensor], from_: list[Tensor], weight: float) -> None:
        """x ← x + weight·(towards − from), which may spoil ``from_``."""
        cls.add(from_, towards, -1.0)
        cls.add(xs, from_, -weight)


class Foreach(Loop):
    """torch's kernels over lists of tensors."""

    @staticmethod
    def copy(ys: list[Tensor], xs: list[Tensor]) -> None:
        """y ← x."""
        torch._foreach_copy_(ys, xs)

    @staticmethod
    def scale(ys: list[Tensor], factor: float) -> None:
        """y ← factor·y."""
        torch._foreach_mul_(ys, factor)

    @staticmethod
    def add(ys: list[Tensor], xs: list[Tensor], factor: float = 1.0) -> None:
        """y ← y + factor·x."""
        torch._foreach_add_(ys, xs, alpha=factor)


class Fused(Foreach):
    """torch's fused SGD kernel where one pass of it is the operation, its kernels over lists elsewhere."""

    @classmethod
    def descend(cls, xs: list[Tensor], gs: list[Tensor], lr: float, decay: float) -> None:
        """x ← x − lr·(g + decay·x)."""
        _fused_sgd(xs, gs, [], lr, decay, momentum=0.0, dampening=0.0)

    @classmethod
    def descend_and_sum(
        cls, totals: list[Tensor], xs: list[Tensor], gs: list[Tensor], lr: float, decay: float
    ) -> None:
        """x ← x − lr·(g + decay·x), then total ← total + x: without decay one pass, with x as the total's momentum."""
        if decay:  # the momentum 1 − lr·decay would round a small decay away in float32
            super().descend_and_sum(totals, xs, gs, lr, decay)
        else:
            # buffer x ← 1·x + (1 − (1 + lr))·g = x − lr·g; parameter total ← total − (−1)·x
            _fused_sgd(totals, gs, xs, -1.0, 0.0, momentum=1.0, dampening=1.0 + lr)

    @classmethod
    def pull(cls, xs: list[Tensor], towards: list[Tensor], from_: list[Tensor], weight: float) -> None:
        """x ← x + weight·(towards − from): ``from_`` is the momentum buffer, which becomes from − towards."""
        # buffer from ← 1·from + (1 − 2)·towards; parameter x ← x − weight·(from − towards)
        _fused_sgd(xs, towards, from_, weight, 0.0, momentum=1.0, dampening=2.0)


def _fused_sgd(
    xs: list[Tensor],
    gs: list[Tensor],
    buffers: list[Tensor],
    lr: float,
    decay: float,
    *,
    momentum: float,
    dampening: float,
) -> None:
    # `maximize` is never used: CPU and CUDA disagree on whether it reverses the weight decay too
    torch._fused_sgd_(
        xs,
        gs,
        buffers,
        weight_decay=decay,
        momentum=momentum,
        lr=lr,
        dampening=dampening,
        nesterov=False,
        maximize=False,
        is_first_step=False,
    )


class Scalars(Loop):
    """Scalars are 0-d tensors here, which may change without recompiling, or inside a captured graph."""

    @staticmethod
    def add(ys: list[Tensor], xs: list[Tensor], factor: Tensor | float = 1.0) -> None:
        """y ← y + factor·x."""
        for y, x in zip(ys, xs, strict=True):
            y.add_(factor * x)

    @classmethod
    def accumulate(
        cls,
        ys: list[Tensor],
        gs: list[Tensor],
        xs: list[Tensor],
        factor: Tensor | float,
        decay: Tensor | float,
    ) -> None:
        """y ← y + factor·(g + decay·x)."""
        for y, g, x in zip(ys, gs, xs, strict=True):
            y.add_(factor * (g + decay * x))

    @classmethod
    def pull(
        cls, xs: list[Tensor], towards: list[Tensor], from_: list[Tensor], weight: Tensor | float
    ) -> None:
        """x ← x + weight·(towards − from)."""
        for x, t, f in zip(xs, towards, from_, strict=True):
            x.add_(weight * (t - f))


def is_plain(x: Tensor) -> bool:
    """Whether ``x`` is no tensor subclass other than a parameter: torch's list kernels take plain tensors only."""
    return type(x) in (Tensor, torch.nn.Parameter)


def run(
    group: dict[str, Any], update: Update, phase: Hashable, lists: Lists, scalars: Sequence[float | Tensor]
) -> None:
    """Run ``update`` in the form that ``group`` asks for, or the next best where that cannot be."""
    if run_as_compiled(group, update, phase, lists, scalars):
        return
    if group["capturable"]:
        update(Scalars, phase, lists, as_tensors(scalars))
        return
    run_eagerly(group, update, phase, lists, scalars)


def run_as_compiled(
    group: dict[str, Any], update: Update, phase: Hashable, lists: Lists, scalars: Sequence[float | Tensor]
) -> bool:
    """Run ``update`` compiled if ``group`` asks for it and it can be; False, with nothing done, otherwise."""
    if not group["compile"] or not is_plain(lists[0][0]):
        return False
    return run_compiled(update, Scalars, phase, lists, as_tensors(scalars))


def run_eagerly(
    group: dict[str, Any], update: Update, phase: Hashable, lists: Lists, scalars: Sequence[float | Tensor]
) -> None:
    """Run ``update`` as a loop, over lists or by fused kernels; a learning rate on another device is waited for."""
    values = [float(scalar) for scalar in scalars]
    plain = is_plain(lists[0][0])
    foreach = plain if group["foreach"] is None else group["foreach"]
    if group["fused"] and plain and _fused_kernels_take(lists):
        form: type[Loop] = Fused
    else:
        form = Foreach if foreach or (group["fused"] and plain) else Loop
    for block in blocks(lists) if plain and form is not Loop else (lists,):
        update(form, phase, block, values)


def as_tensors(scalars: Sequence[float | Tensor]) -> list[Tensor]:
    """0-d float64 tensors, on the device where the scalars are."""
    return [torch.as_tensor(scalar, dtype=torch.float64).reshape(()) for scalar in scalars]


def _fused_kernels_take(lists: Lists) -> bool:
    """Whether the fused SGD kernel is right on these tensors.

    On CPU it leaves half-precision parameters as they are and walks through memory without looking at strides.
    """
    x = lists[0][0]
    if x.device.type == "cpu":
        if x.dtype not in (torch.float32, torch.float64):
            return False
    elif x.device.type != "cuda" or not x.is_floating_point():
        return False
    return all(t.dtype == x.dtype for ts in lists for t in ts) and all(
        _same_layout(together) for together in zip(*lists, strict=True)
    )


def _same_layout(tensors: Sequence[Tensor]) -> bool:
    """Whether equal offsets into the memory of dense ``tensors`` are equal elements."""
    if tensors[0].is_contiguous():
        return all(t.is_contiguous() for t in tensors)
    dense = tensors[0].is_contiguous(memory_format=torch.channels_last)
    return dense and all(t.stride() == tensors[0].stride() for t in tensors)


def blocks(lists: Lists) -> Iterator[Lists]:
    """The same tensors, on a CPU in lists and flat parts small enough to stay in its cache."""
    first = lists[0][0]
    row_bytes = len(lists) * first.element_size()
    whole_bytes = row_bytes * sum(x.numel() for x in lists[0])
    if first.device.type != "cpu" or whole_bytes <= max(CACHE_BYTES, BLOCK_BYTES):
        yield lists
        return
    size = max(1, BLOCK_BYTES // row_bytes)
    block: Lists = [[] for _ in lists]
    filled = 0
    for together in zip(*lists, strict=True):
        count = together[0].numel()
        if count > size and all(t.is_contiguous() for t in together):
            for parts in zip(*(t.detach().view(-1).split(size) for t in together), strict=True):
                yield [[part] for part in parts]
            continue
        if filled and filled + count > size:
            yield block
            block, filled = [[] for _ in lists], 0
        for members, t in zip(block, together, strict=True):
            members.append(t)
        filled += count
    if filled or block[0]:
        yield block
