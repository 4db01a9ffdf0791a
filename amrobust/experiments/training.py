"""One unit of work: a block of seeds of one spec, trained by whatever suits the workload."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from amrobust import workloads
from amrobust.experiments.outcome import SeedOutcome
from amrobust.experiments.place import HERE, Place
from amrobust.experiments.spec import Spec, content_digest

CONVEX_BLOCK = 64


def units(spec: Spec, seeds: Sequence[int]) -> list[tuple[int, ...]]:
    """Split ``seeds`` into blocks: single seeds for networks, up to 64 rows for convex problems."""
    size = CONVEX_BLOCK if workloads.get(spec.workload).kind == "convex" else 1
    return [tuple(seeds[start : start + size]) for start in range(0, len(seeds), size)]


def train_unit(spec: Spec, seeds: tuple[int, ...], place: Place = HERE) -> list[SeedOutcome]:
    """Train one block at ``place``; an exception becomes the ``error`` of its seeds, so that other blocks go on."""
    try:
        if workloads.get(spec.workload).kind == "convex":
            from amrobust.experiments.convex import train_block

            return train_block(spec, seeds, place.backend, place.device)
        return [_train_seed(spec, seed, place.checkpoints) for seed in seeds]
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        reason = f"{type(error).__name__}: {error} ({where.name}, line {where.lineno})"
        return [SeedOutcome(seed, error=reason) for seed in seeds]


def _train_seed(spec: Spec, seed: int, checkpoints: Path | None) -> SeedOutcome:
    kind = workloads.get(spec.workload).kind
    if kind == "network":
        from amrobust.experiments.network import train_seed

        return train_seed(spec, seed)
    from amrobust.experiments.checkpoint import Checkpoint

    key = content_digest({"spec": spec.identity(), "seed": seed})
    checkpoint = None if checkpoints is None else Checkpoint(checkpoints / f"seed-{seed}.pt", key)
    if kind == "image":
        from amrobust.experiments.images import train_image_seed

        return train_image_seed(spec, seed, checkpoint=checkpoint)
    from amrobust.experiments.language import train_language_seed

    return train_language_seed(spec, seed, checkpoint=checkpoint)


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
