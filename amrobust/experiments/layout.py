"""Which seeds of a run train together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

from amrobust import workloads
from amrobust.errors import UserError
from amrobust.experiments.spec import Spec

Batching = Literal["auto", "none", "stack"]

Block = tuple[int, ...]

CONVEX_BLOCK = 64


@dataclass(frozen=True)
class Layout:
    """Blocks of seeds; each is trained as one computation, a block of one seed as the reference trains it.

    The layout of a run is provenance. Seeds draw the same random numbers in every layout; their results differ by rounding,
    which training amplifies.
    """

    batching: str | None
    """"none" or "stack"; None where a run was made before layouts were recorded."""
    blocks: tuple[Block, ...]
    note: str | None = None
    """Why seeds are not stacked although they were to be."""


def plan_layout(
    spec: Spec,
    seeds: Sequence[int],
    *,
    batching: str = "auto",
    workers: int = 1,
    recorded: Layout | None = None,
) -> Layout:
    """The layout in which ``seeds`` of ``spec`` are to be trained by ``workers`` processes.

    ``batching`` is "none", "stack" or "auto", the faster of the two for the workload's model. On a run that exists, "auto" goes
    on as the run was made: what is left of a ``recorded`` block is trained as that block, and other seeds by the same method.
    Models and optimizers that cannot be stacked are trained one seed at a time, and the layout's note says so.
    Raises UserError on another ``batching``.
    """
    if batching not in get_args(Batching):
        raise UserError(f"no batching is called {batching!r}: choose one of {', '.join(get_args(Batching))}")
    workload = workloads.get(spec.workload)
    kind = workload.kind
    kept: list[Block] = []
    left = set(seeds)
    chosen: str | None = batching
    if batching == "auto" and recorded is not None:
        chosen = recorded.batching or ("stack" if kind == "convex" else "none")
        for block in recorded.blocks:
            if left.intersection(block):
                kept.append(block)
                left.difference_update(block)
    rest = [seed for seed in seeds if seed in left]
    if chosen == "none" or not rest:
        return Layout(chosen, (*kept, *in_blocks(rest, 1)))
    if kind == "convex":
        return Layout("stack", (*kept, *in_blocks(rest, CONVEX_BLOCK)))
    if kind not in ("network", "image") or not hasattr(workload, "split"):
        why = f"seeds are trained one by one: there is no stacked training of {spec.workload}"
        return Layout("none", (*kept, *in_blocks(rest, 1)), why if chosen == "stack" else None)
    from amrobust.experiments.stacking.cost import stack_size

    size, note = stack_size(spec, workers, forced=chosen == "stack")
    blocks = evenly(rest, workers, size)
    return Layout("stack" if size > 1 else "none", (*kept, *blocks), note)


def in_blocks(seeds: Sequence[int], size: int) -> list[Block]:
    """``seeds`` in blocks of ``size``, the last one smaller."""
    return [tuple(seeds[start : start + size]) for start in range(0, len(seeds), size)]


def evenly(seeds: Sequence[int], workers: int, most: int) -> list[Block]:
    """``seeds`` in blocks of at most ``most``, as equal and as few as keep ``workers`` busy to the end."""
    rounds = -(-len(seeds) // (workers * most))
    count = min(len(seeds), workers * rounds)
    bounds = [len(seeds) * k // count for k in range(count + 1)]
    return [tuple(seeds[a:b]) for a, b in pairwise(bounds)]
