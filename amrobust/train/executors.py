"""Where units of work train: in worker processes of one thread each, one after the other in this process, or on a cluster.

An executor may be shared by many runs, each asking from a thread of its own: their units go to the same workers.
"""

from __future__ import annotations

import multiprocessing
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import replace
from typing import Protocol

from amrobust import plugins
from amrobust.errors import UserError
from amrobust.runs.manifest import Block, Layout
from amrobust.runs.spec import Spec
from amrobust.train import heartbeat
from amrobust.train.cluster import Cluster
from amrobust.train.heartbeat import Board, Slot
from amrobust.train.layout import plan_layout
from amrobust.train.pools import is_starting, start_pool, stop_pool, usable_cores
from amrobust.train.training import halves, one_thread, train_unit
from amrobust.train.unit import HERE, Place, SeedOutcome, Work

IN_COMPANY = 2
"""How many times a block is tried beside others; when a worker died each time, it gets processes of its own."""

ALONE = 2
"""How many times a single seed is tried in a process of its own."""

LOOK_SECONDS = 0.5
"""How often is looked how far blocks are, and for work that was cancelled before it began."""

DIED = "the worker process died each time it was tried (out of memory, killed, or ended by what it imports)"


GROUP = "amrobust.executors"
"""The entry point group under which packages announce executors."""

MEMBERS = ("name", "jobs", "count", "where", "train", "stop")


class Executor(Protocol):
    """Trains blocks of seeds. ``train`` may be called from several threads at once."""

    name: str
    """As in provenance."""
    jobs: int | None
    """The number of workers that was asked for."""
    count: int
    """How many blocks it trains at a time."""
    where: str
    """Where the work runs, for people."""

    def train(self, spec: Work, blocks: Sequence[Block], place: Place) -> Iterator[SeedOutcome]:
        """Train ``blocks`` of seeds of ``spec``, which may be a company; yields as blocks are finished.

        KeyboardInterrupt once it was stopped. Closing the iterator drops what has not begun.
        """

    def stop(self) -> None:
        """End all workers, dropping what they do; whatever waits in ``train`` is told."""


def make_executor(name: str, jobs: int | None = None, cluster: Cluster | None = None) -> Executor:
    """The executor called ``name``: "processes" (``jobs`` workers, default one a usable core), "local", "ray", "slurm" or
    another package's.

    ``cluster`` is for "ray" and "slurm". A package announces a function of ``jobs`` that makes one under the entry point group
    ``amrobust.executors``. Raises UserError on another name, what cannot be imported or is no executor, fewer than one job,
    or what an executor has no use for.
    """
    if jobs is not None and jobs < 1:
        raise UserError(f"jobs = {jobs} is not at least 1")
    if name == "local" and jobs is not None and jobs > 1:
        raise UserError(
            f"jobs = {jobs}: the local executor trains in this process; leave jobs out, or take the executor processes"
        )
    cluster = cluster or Cluster()
    beside = {"ray": ("--slurm",), "slurm": ("--address",)}.get(name, cluster.asked_for)
    if refused := [option for option in cluster.asked_for if option in beside]:
        raise UserError(
            f"{', '.join(refused)}: the {name} executor has no use for it; --address is for --executor ray, --slurm for "
            "--executor slurm, and --gpus-per-task and --max-retries for both"
        )
    if name == "slurm":
        from amrobust.train.slurm_executor import SlurmExecutor

        return SlurmExecutor(jobs, cluster)
    if name == "ray":
        from amrobust.train.ray_executor import RayExecutor

        return RayExecutor(jobs, cluster)
    if name in OWN:
        return OWN[name](jobs)
    announced = plugins.announced(GROUP)
    if name not in announced:
        raise plugins.unknown("executor", name, (*OWN, "ray", "slurm", *announced))
    made: Executor = plugins.load(announced[name])(jobs)
    if lacking := [member for member in MEMBERS if not hasattr(made, member)]:
        raise UserError(f"{name} is not an executor: it has no {', '.join(lacking)}")
    return made


def train_seeds(
    spec: Spec,
    seeds: Sequence[int],
    *,
    executor: str | Executor = "processes",
    jobs: int | None = None,
    place: Place = HERE,
    layout: Layout | None = None,
) -> Iterator[SeedOutcome]:
    """Train ``seeds`` of ``spec`` and yield each outcome as it is finished.

    ``executor`` is one that others may share, or the name of one that :func:`make_executor` makes with ``jobs``. All give the
    same numbers in the same ``layout``, by default the one that :func:`plan_layout` makes for them; of its blocks those that
    hold a seed asked for are trained, whole. ``place`` says on what, and where long trainings keep their state.
    Closing the iterator drops what has not begun, and stops an executor of its own at once.
    """
    own = isinstance(executor, str)
    workers = make_executor(executor, jobs) if isinstance(executor, str) else executor
    if layout is None:
        layout = plan_layout(spec, seeds, workers=workers.count)
    wanted = set(seeds)
    work = [block for block in layout.blocks if wanted.intersection(block)]
    return _only(workers, workers.train(spec, work, place), wanted, own)


def _only(
    executor: Executor, outcomes: Iterator[SeedOutcome], wanted: set[int], own: bool
) -> Iterator[SeedOutcome]:
    """The outcomes of ``wanted`` seeds; a block that is trained again may hold others."""
    try:
        with closing(outcomes):  # type: ignore[type-var]
            yield from (outcome for outcome in outcomes if outcome.seed in wanted)
    finally:
        if own:
            executor.stop()


class LocalExecutor:
    """This process, one block after the other."""

    name = "local"
    count = 1
    where = "this process"

    def __init__(self, jobs: int | None = None) -> None:
        self.jobs = jobs

    def train(self, spec: Work, blocks: Sequence[Block], place: Place) -> Iterator[SeedOutcome]:
        """One block after the other."""
        for block in blocks:
            with one_thread():
                outcomes = train_unit(spec, block, place)
            yield from outcomes

    def stop(self) -> None:
        """Nothing runs elsewhere."""


class ProcessExecutor:
    """A pool of processes, made when it is first needed, and made again after a worker died.

    A worker that dies takes the pool with it, and with the pool the blocks of every run that were under way. They are tried
    once more in a fresh pool; those that are lost again train alone, and are halved until only a seed that kills its own
    worker is failed.
    """

    name = "processes"

    def __init__(self, jobs: int | None = None) -> None:
        """Raises UserError in a worker that is importing the calling script, which would wait for the one that waits for it,
        and in one of a ``multiprocessing.Pool``, which may start no processes.
        """
        if is_starting():
            raise UserError(
                "a worker process imports the calling script again and comes to the training itself: put what trains below "
                "if __name__ == '__main__':, or use the executor 'local'"
            )
        if multiprocessing.current_process().daemon:
            raise UserError(
                "a worker of a multiprocessing.Pool may start no processes: use the executor 'local' in it, or a "
                "concurrent.futures.ProcessPoolExecutor in its place"
            )
        self.jobs, self.count = jobs, jobs or usable_cores()
        self.where = f"{self.count} processes" if self.count > 1 else "1 process"
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._board = Board()
        self._lonely: set[ProcessPoolExecutor] = set()
        self._slots = threading.BoundedSemaphore(self.count)
        self._stopped = False

    def train(self, spec: Work, blocks: Sequence[Block], place: Place) -> Iterator[SeedOutcome]:
        """In the shared pool, no more at a time than keep it busy; what is lost with it again and again, alone."""
        waiting = deque((block, 0) for block in blocks)
        under_way: dict[Future[list[SeedOutcome]], tuple[Block, int, ProcessPoolExecutor, Slot | None]] = {}
        suspects = []
        try:
            while waiting or under_way:
                while waiting and len(under_way) <= self.count:
                    pool, slot = self._current(), self._board.take()
                    try:
                        future = pool.submit(_in_worker, spec, waiting[0][0], place, slot)
                    except RuntimeError:  # it is broken, or was stopped
                        self._board.give_back(slot)
                        self._forget(pool)
                        continue
                    under_way[future] = (*waiting.popleft(), pool, slot)
                for future in self._finished(
                    {each: (b, s) for each, (b, _, _, s) in under_way.items()}, place
                ):
                    block, lost, pool, slot = under_way.pop(future)
                    self._board.give_back(slot)
                    try:
                        outcomes = _result(future)
                    except BrokenProcessPool:
                        self._forget(pool)
                        if lost + 1 < IN_COMPANY:
                            waiting.append((block, lost + 1))
                        else:
                            suspects.append(block)
                    else:
                        yield from outcomes
            for block in suspects:
                yield from self._alone(spec, block, place)
        finally:
            for future, (*_, slot) in under_way.items():
                future.cancel()
                self._board.give_back(slot)

    def _finished(
        self, futures: Mapping[Future[list[SeedOutcome]], tuple[Block, Slot | None]], place: Place
    ) -> list[Future[list[SeedOutcome]]]:
        """Those that are done, once there are any: also those that a stopped pool cancelled, of which wait() is never told.

        Meanwhile who listens is told of the others.
        """
        while True:
            done = wait(futures, timeout=LOOK_SECONDS, return_when=FIRST_COMPLETED).done
            found = [future for future in futures if future in done or future.cancelled()]
            if place.heard is not None:
                for block, slot in (futures[future] for future in futures.keys() - found):
                    if (told := self._board.read(slot)) is not None:
                        place.heard(block, *told)
            if found:
                return found

    def stop(self) -> None:
        """Terminate every worker."""
        with self._lock:
            self._stopped = True
            pools = [*self._lonely, *([self._pool] if self._pool else [])]
            self._pool = None
        for pool in pools:
            stop_pool(pool)

    def _current(self) -> ProcessPoolExecutor:
        with self._lock:
            self._go_on()
            if self._pool is None:
                self._pool = start_pool(self.count, self._board)
            return self._pool

    def _forget(self, broken: ProcessPoolExecutor) -> None:
        """Let the next one who asks have a fresh pool, unless somebody else who lost ``broken`` has made one."""
        with self._lock:
            self._go_on()
            if self._pool is broken:
                self._pool = None
                stop_pool(broken)

    def _go_on(self) -> None:
        if self._stopped:
            raise KeyboardInterrupt

    def _alone(self, spec: Work, block: Block, place: Place) -> Iterator[SeedOutcome]:
        """The block in a process of its own, in halves where that dies too."""
        for _ in range(ALONE if len(block) == 1 else 1):
            with self._slots:
                with self._lock:
                    self._go_on()
                    pool, slot = start_pool(1, self._board), self._board.take()
                    self._lonely.add(pool)
                try:
                    future = pool.submit(_in_worker, spec, block, place, slot)
                    self._finished({future: (block, slot)}, place)
                    outcomes = _result(future)
                except BrokenProcessPool:
                    continue
                finally:
                    self._board.give_back(slot)
                    with self._lock:
                        self._lonely.discard(pool)
                    stop_pool(pool)
            yield from outcomes
            return
        with self._lock:
            self._go_on()
        if len(block) == 1:
            yield SeedOutcome(block[0], error=DIED)
            return
        for half in halves(spec, block, place):
            yield from self._alone(spec, half, place)


def _in_worker(spec: Work, block: Block, place: Place, slot: Slot | None) -> list[SeedOutcome]:
    """What a worker does: :func:`train_unit`, heard through ``slot`` of its parent's board."""
    return train_unit(spec, block, replace(place, heard=heartbeat.writer(slot)))


def _result(future: Future[list[SeedOutcome]]) -> list[SeedOutcome]:
    try:
        return future.result()
    except CancelledError:
        raise KeyboardInterrupt from None


OWN: dict[str, Callable[[int | None], Executor]] = {"processes": ProcessExecutor, "local": LocalExecutor}
"""The executors of one machine that come with amrobust, by name."""
