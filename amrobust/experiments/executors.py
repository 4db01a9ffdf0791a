"""Where seeds train: in worker processes of one thread each, or one block after the other in this process."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from typing import get_args

from amrobust.errors import UserError
from amrobust.experiments.layout import Block, Layout, plan_layout
from amrobust.experiments.outcome import SeedOutcome
from amrobust.experiments.place import HERE, Place
from amrobust.experiments.spec import ExecutorName, Spec
from amrobust.experiments.training import halves, one_thread, train_unit

BROKEN_POOLS = 3
"""How many times a fresh pool takes over the missing blocks after a worker died."""


def train_seeds(
    spec: Spec,
    seeds: Sequence[int],
    *,
    executor: ExecutorName = "processes",
    jobs: int | None = None,
    place: Place = HERE,
    layout: Layout | None = None,
) -> Iterator[SeedOutcome]:
    """Train ``seeds`` of ``spec`` and yield each outcome as it is finished.

    ``executor`` is "processes" (``jobs`` workers, by default one a usable core) or "local". Both give the same numbers in the
    same ``layout``, by default the one that :func:`plan_layout` makes for them; of its blocks those that hold a seed asked for
    are trained, whole. ``place`` says on what, and where long trainings keep their state.
    Closing the iterator stops the workers at once. Raises UserError on another executor or fewer than one job.
    """
    workers = workers_of(executor, jobs)
    if layout is None:
        layout = plan_layout(spec, seeds, workers=workers)
    wanted = set(seeds)
    work = [block for block in layout.blocks if wanted.intersection(block)]
    if executor == "local":
        return _only(_in_this_process(spec, work, place), wanted)
    return _only(_in_processes(spec, work, workers, place), wanted)


def workers_of(executor: str, jobs: int | None) -> int:
    """How many processes train. Raises UserError on another executor than those there are or fewer than one job."""
    if executor not in get_args(ExecutorName):
        raise UserError(
            f"no executor is called {executor!r}: choose one of {', '.join(get_args(ExecutorName))}"
        )
    if jobs is not None and jobs < 1:
        raise UserError(f"jobs = {jobs} is not at least 1")
    return 1 if executor == "local" else jobs or usable_cores()


def _only(outcomes: Iterator[SeedOutcome], wanted: set[int]) -> Iterator[SeedOutcome]:
    """The outcomes of ``wanted`` seeds; a block that is trained again may hold others."""
    with closing(outcomes):  # type: ignore[type-var]
        yield from (outcome for outcome in outcomes if outcome.seed in wanted)


def usable_cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _in_this_process(spec: Spec, work: list[Block], place: Place) -> Iterator[SeedOutcome]:
    for block in work:
        with one_thread():
            outcomes = train_unit(spec, block, place)
        yield from outcomes


def _in_processes(spec: Spec, work: list[Block], jobs: int, place: Place) -> Iterator[SeedOutcome]:
    missing = list(work)
    for attempt in range(BROKEN_POOLS + 1):
        pool = _pool(min(jobs, len(missing)))
        try:
            futures: dict[Future[list[SeedOutcome]], Block] = {
                pool.submit(train_unit, spec, block, place): block for block in missing
            }
            for future in as_completed(futures):
                outcomes = future.result()
                missing.remove(futures[future])
                yield from outcomes
            pool.shutdown()
            return
        except BrokenProcessPool:
            # Once may be anything; twice, and it may be the memory that a block takes.
            if attempt == 1:
                missing = [half for block in missing for half in halves(block)]
            elif attempt > 1:
                missing = [(seed,) for block in missing for seed in block]
        finally:
            _stop(pool)
    reason = "the worker process died each time it was tried (out of memory, or killed)"
    yield from (SeedOutcome(seed, error=reason) for block in missing for seed in block)


def _pool(workers: int) -> ProcessPoolExecutor:
    import multiprocessing

    return ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("spawn"), initializer=_start_worker
    )


def _start_worker() -> None:
    """Keep Ctrl-C for the parent, which stops its workers itself, end with the parent, and stay on one thread for good."""
    import threading

    import threadpoolctl
    import torch

    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    threadpoolctl.threadpool_limits(1)


def _end_with_parent() -> None:
    """End this worker when its parent is gone: after a kill -9 nobody else would."""
    from multiprocessing import connection, parent_process

    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _stop(pool: ProcessPoolExecutor) -> None:
    """Drop what is queued and end the workers without waiting for their current unit."""
    workers = list((pool._processes or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for worker in workers:
        worker.terminate()
