"""One block of seeds of one spec, trained by whatever suits the workload and the block."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from amrobust import workloads
from amrobust.experiments.outcome import SeedOutcome
from amrobust.experiments.spec import Spec


def train_unit(spec: Spec, seeds: Sequence[int]) -> list[SeedOutcome]:
    """Train ``seeds`` together; where that raises an exception, each half on its own, down to the seed that it comes from.

    That seed's outcome carries the exception as its ``error``, and the others are unharmed. A block of one seed is trained by
    the reference.
    """
    try:
        return _train(spec, seeds)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        reason = f"{type(error).__name__}: {error} ({where.name}, line {where.lineno})"
    # Out of the handler, so that what the failed attempt held in memory is free again.
    if len(seeds) == 1:
        return [SeedOutcome(seeds[0], error=reason)]
    return [outcome for half in halves(seeds) for outcome in train_unit(spec, half)]


def halves(seeds: Sequence[int]) -> list[tuple[int, ...]]:
    """``seeds`` in two halves; one half where there is only one seed."""
    middle = (len(seeds) + 1) // 2
    return [tuple(half) for half in (seeds[:middle], seeds[middle:]) if half]


def _train(spec: Spec, seeds: Sequence[int]) -> list[SeedOutcome]:
    if workloads.get(spec.workload).kind == "convex":
        from amrobust.experiments import convex

        return convex.train_block(spec, seeds)
    if len(seeds) == 1:
        from amrobust.experiments import network

        return [network.train_seed(spec, seeds[0])]
    from amrobust.experiments.stacking import trainer

    return trainer.train_stack([(spec, seed) for seed in seeds])


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
