"""Which seeds of a run train together, and which runs of a grid."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeVar, get_args

from amrobust import workloads
from amrobust.errors import UserError
from amrobust.runs.manifest import Batching, Block, Layout
from amrobust.runs.spec import Spec, canonical_json

T = TypeVar("T")


CONVEX_BLOCK = 64


def plan_layout(
    spec: Spec,
    seeds: Sequence[int],
    *,
    batching: str = "auto",
    workers: int = 1,
    recorded: Layout | None = None,
) -> Layout:
    """The layout in which ``seeds`` of ``spec`` are to be trained by ``workers`` processes.

    ``batching`` is "none", "stack" or "auto", the faster of the two for the workload's model. A run that exists goes on as it
    was made, unless the other is asked for: what is left of a ``recorded`` block is trained as that block, and other seeds by
    the same method.
    Models and optimizers that cannot be stacked are trained one seed at a time, and the layout's note says so.
    Raises UserError on another ``batching``.
    """
    _require(batching)
    kept: list[Block] = []
    left = set(seeds)
    chosen: str | None = batching
    if chosen == "none" and (recorded is None or not recorded.blocks):
        return Layout("none", tuple(in_blocks(seeds, 1)))
    kind = workloads.get(spec.workload).kind
    if recorded is not None and batching in ("auto", recorded.batching):
        chosen = recorded.batching or ("stack" if kind == "convex" else "none")
        for block in recorded.blocks:
            if left.intersection(block):
                kept.append(block)
                left.difference_update(block)
    rest = [seed for seed in seeds if seed in left]
    if chosen == "none" or not rest:
        return Layout("stack" if chosen == "stack" else "none", (*kept, *in_blocks(rest, 1)))
    if kind == "convex":
        return Layout("stack", (*kept, *in_blocks(rest, CONVEX_BLOCK)))
    if alike(spec) is None:
        why = f"seeds are trained one by one: there is no stacked training of {spec.workload}"
        return Layout("none", (*kept, *in_blocks(rest, 1)), why if chosen == "stack" else None)
    from amrobust.train.stacking.cost import stack_size

    size, note = stack_size(spec, workers, forced=chosen == "stack")
    blocks = evenly(rest, workers, size)
    return Layout("stack" if size > 1 else "none", (*kept, *blocks), note)


def plan_groups(
    specs: Sequence[Spec], seeds: int, *, batching: str = "auto", workers: int = 1
) -> list[tuple[int, ...]]:
    """Groups of ``specs`` by their places, each to train so many ``seeds`` of every spec as one stack.

    Specs can be of one group that are :func:`alike` and whose optimizers can be stacked. They are where two or more fit into a
    stack with all of their seeds, and there are enough of them to keep their share of the ``workers`` busy; groups are as equal
    and as few as do that. Specs that are better trained by themselves are in none. Nothing that is recorded has a part in it:
    the same command plans the same groups. Raises UserError on another ``batching``.
    """
    _require(batching)
    together: dict[str, list[int]] = {}
    for place, spec in enumerate(specs if batching != "none" and len(specs) > 1 else ()):
        if (key := alike(spec)) is not None:
            together.setdefault(key, []).append(place)
    groups: list[tuple[int, ...]] = []
    for candidates in together.values():
        from amrobust.train.stacking.cost import stack_size

        forced = batching == "stack"
        fits = {place: stack_size(specs[place], workers, forced=forced)[0] // seeds for place in candidates}
        members = [place for place in candidates if fits[place] > 1]
        share = -(-workers * len(candidates) // len(specs))
        if len(members) >= max(2, share):
            groups += evenly(members, share, min(fits[place] for place in members))
    return groups


def alike(spec: Spec) -> str | None:
    """A text that specs have in common whose seeds could be one stack; None where those of ``spec`` cannot be in any."""
    workload = workloads.get(spec.workload)
    if workload.kind not in ("network", "image") or not hasattr(workload, "split"):
        return None
    return canonical_json([spec.workload, dict(spec.workload_params)])


def _require(batching: str) -> None:
    if batching not in get_args(Batching):
        raise UserError(f"no batching is called {batching!r}: choose one of {', '.join(get_args(Batching))}")


def in_blocks(seeds: Sequence[int], size: int) -> list[Block]:
    """``seeds`` in blocks of ``size``, the last one smaller."""
    return [tuple(seeds[start : start + size]) for start in range(0, len(seeds), size)]


def evenly(items: Sequence[T], workers: int, most: int) -> list[tuple[T, ...]]:
    """``items`` in blocks of at most ``most``, as equal and as few as keep ``workers`` busy to the end."""
    rounds = -(-len(items) // (workers * most))
    count = min(len(items), workers * rounds)
    bounds = [len(items) * k // count for k in range(count + 1)]
    return [tuple(items[a:b]) for a, b in pairwise(bounds)]
