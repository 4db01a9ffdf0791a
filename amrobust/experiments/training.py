"""One unit of work: a block of seeds of one spec, trained by whatever suits the workload."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from amrobust import workloads
from amrobust.experiments.outcome import SeedOutcome
from amrobust.experiments.spec import Spec

CONVEX_BLOCK = 64


def units(spec: Spec, seeds: Sequence[int]) -> list[tuple[int, ...]]:
    """Split ``seeds`` into blocks: single seeds for networks, up to 64 rows for convex problems."""
    size = CONVEX_BLOCK if workloads.get(spec.workload).kind == "convex" else 1
    return [tuple(seeds[start : start + size]) for start in range(0, len(seeds), size)]


def train_unit(
    spec: Spec, seeds: tuple[int, ...], backend: str = "numpy", device: str = "cpu"
) -> list[SeedOutcome]:
    """Train one block; an exception becomes the ``error`` of its seeds, so that other blocks go on.

    ``backend`` and ``device`` are where convex problems are computed.
    """
    try:
        if workloads.get(spec.workload).kind == "convex":
            from amrobust.experiments.convex import train_block

            return train_block(spec, seeds, backend, device)
        return [_seed_trainer(spec)(spec, seed) for seed in seeds]
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        reason = f"{type(error).__name__}: {error} ({where.name}, line {where.lineno})"
        return [SeedOutcome(seed, error=reason) for seed in seeds]


def _seed_trainer(spec: Spec) -> Callable[[Spec, int], SeedOutcome]:
    match workloads.get(spec.workload).kind:
        case "image":
            from amrobust.experiments.images import train_image_seed

            return train_image_seed
        case "language":
            from amrobust.experiments.language import train_language_seed

            return train_language_seed
        case _:
            from amrobust.experiments.network import train_seed

            return train_seed


@contextmanager
def one_thread() -> Iterator[None]:
    """Within this context torch and the linear algebra libraries use one thread, so that every worker computes alike."""
    import threadpoolctl
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpoolctl.threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(threads)
