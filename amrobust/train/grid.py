"""Many runs at once: their units of work go to one executor, and each run is committed as an execution of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

from amrobust.errors import RunError
from amrobust.runs.curves import mean_and_std
from amrobust.runs.manifest import RunMetadata
from amrobust.runs.spec import Spec, content_digest
from amrobust.runs.store import Run, read_run
from amrobust.runs.tuning import Tuning
from amrobust.runs.validators import CorruptRun
from amrobust.runs.versions import Versions
from amrobust.train.code import code_of
from amrobust.train.execution import Interrupted, Train, checked, execute, manifest_of
from amrobust.train.executors import Executor
from amrobust.train.outcome import SeedOutcome
from amrobust.train.place import Place
from amrobust.train.reporter import Silent
from amrobust.train.together import Together, plan_together, train_together

SPARE = 2
"""Runs under way beyond what the workers can train at a time: they read, plan and commit while the workers train."""

MOST_UNDER_WAY = 400
"""Runs at a time, however many workers there are: each keeps two files open, and a process may usually have 1,024."""


@dataclass(frozen=True)
class Final:
    """The final values of one output of a run."""

    output: str
    method: str
    mean: float | None
    """None where a seed diverged, or it is not finite."""
    std: float | None
    """None also with fewer than two seeds."""


@dataclass(frozen=True)
class GridRow:
    """What came of one run of a grid."""

    spec: Spec
    path: Path | None
    """None where it could not even be begun."""
    workload: str
    metric: str
    unit: str
    finals: tuple[Final, ...]
    """None of a run with an error."""
    complete: int
    """Of the seeds that were asked for."""
    trained: int
    diverged: int
    data_note: str | None = None
    error: str | None = None


class GridReporter(Protocol):
    """Told about a grid's progress, from one thread at a time. ``run`` is the name of a run's directory."""

    def planned(self, runs: int, seeds: int, where: str) -> None:
        """``runs`` different runs of ``seeds`` seeds each are asked for; they are trained at ``where``."""

    def waiting(self, path: Path) -> None:
        """Another process holds the run."""

    def started(self, run: str, wanted: int, kept: int) -> None:
        """A run begins; ``kept`` of its ``wanted`` seeds are complete already."""

    def note(self, run: str, text: str) -> None:
        """Something that the user should know about how the run's seeds are trained."""

    def seed_done(self, run: str, outcome: SeedOutcome) -> None:
        """A seed has finished, diverged or failed."""

    def run_done(self, row: GridRow) -> None:
        """A run has all that could be had."""


class SilentGrid:
    """A grid reporter that says nothing."""

    def planned(self, runs: int, seeds: int, where: str) -> None:
        """Say nothing."""

    def waiting(self, path: Path) -> None:
        """Say nothing."""

    def started(self, run: str, wanted: int, kept: int) -> None:
        """Say nothing."""

    def note(self, run: str, text: str) -> None:
        """Say nothing."""

    def seed_done(self, run: str, outcome: SeedOutcome) -> None:
        """Say nothing."""

    def run_done(self, row: GridRow) -> None:
        """Say nothing."""


def execute_grid(
    specs: Iterable[Spec],
    seeds: Sequence[int],
    directory: Path,
    executor: Executor,
    *,
    batching: str = "auto",
    reporter: GridReporter | None = None,
    place: Place | None = None,
    train: Train | None = None,
    describe: Callable[[Spec], RunMetadata] | None = None,
    tunings: Mapping[str, Tuning] | None = None,
    accept_new_code: bool = False,
    declared: str = "",
) -> list[GridRow]:
    """Train those of ``seeds`` that the runs of ``specs`` in ``directory`` lack, and say what came of each, in their order.

    Equal specs are one run. As many runs are under way as keep the ``executor`` busy, each as by :func:`execute`, and no
    curves of any other are in memory. A run that fails is a row with its ``error``; the others go on. The executor is stopped
    at the end. ``tunings`` has, by a spec's method key, how it was tuned; ``accept_new_code`` and
    ``declared`` as of :func:`execute`.

    Raises UserError on a bad spec, bad seeds, data that cannot be read, and where it is not known which version of the user's
    code goes on, and Interrupted on Ctrl-C: what had finished is kept then.
    """
    different = list({content_digest(spec.to_dict()): spec for spec in specs}.values())
    one, versions = _OneAtATime(reporter or SilentGrid()), Versions(directory)

    def alone(spec: Spec, progress: _RunProgress) -> GridRow:
        try:
            run = execute(
                spec, seeds, directory, executor=executor, batching=batching, reporter=progress, place=place, train=train,
                describe=describe, tuning=(tunings or {}).get(spec.method_key), accept_new_code=accept_new_code,
                versions=versions, declared=declared,
            )  # fmt: skip
            return _row(spec, seeds, run, progress.trained)
        except Interrupted:
            raise
        except RunError as problem:
            return _row(spec, seeds, progress.read(directory), progress.trained, str(problem))

    def carry_out(job: _Job) -> list[GridRow]:
        progress = {number: _RunProgress(one) for number in job.numbers}
        dealt_with = (
            {}
            if job.together is None
            else train_together(job.together, seeds, executor, place, progress, declared)
        )
        rows = []
        for number in job.numbers:
            spec, told = different[number], progress[number]
            if number in dealt_with:
                problem = dealt_with[number]
                error = None if problem is None else str(problem)
                rows.append(_row(spec, seeds, told.read(directory), told.trained, error))
            else:
                rows.append(alone(spec, told))
            one.tell("run_done", rows[-1])
        return rows

    try:
        if describe is None:
            # Before anything is trained, by the first run of each workload and optimizer; each run looks for itself.
            first = {(spec.workload, spec.optimizer): spec for spec in reversed(different)}
            for spec in reversed(first.values()):
                if code_of(spec).files != {}:
                    versions.asked(manifest_of(spec, checked(seeds), place or Place()), accept_new_code)
        one.tell("planned", len(different), len(seeds), executor.where)
        together = (
            plan_together(
                different, seeds, versions, executor, batching, place, tunings or {}, accept_new_code
            )
            if train is None and describe is None
            else []
        )
        return _carry_out_all(carry_out, _jobs(len(different), together), len(different), executor)
    finally:
        executor.stop()


def failures(rows: Iterable[GridRow]) -> str | None:
    """One line on what failed of a grid; None where nothing did."""
    failed = [row for row in rows if row.error is not None]
    if not failed:
        return None
    names = ", ".join(row.path.name if row.path is not None else row.spec.optimizer for row in failed[:5])
    more = ", ..." if len(failed) > 5 else ""
    return (
        f"{len(failed)} runs are not complete ({names}{more}), the first for this reason: {failed[0].error}"
        if len(failed) > 1
        else f"{names}: {failed[0].error}"
    )


@dataclass(frozen=True)
class _Job:
    """Runs that one thread carries out, by their numbers: one of them, or those that are trained together."""

    numbers: tuple[int, ...]
    together: Together | None = None


def _jobs(runs: int, together: Sequence[Together]) -> list[_Job]:
    """The jobs of so many ``runs``, in the order of their first ones."""
    first = {min(job.runs): _Job(tuple(sorted(job.runs)), job) for job in together}
    inside = {number for job in together for number in job.runs}
    return [first.get(n) or _Job((n,)) for n in range(runs) if n in first or n not in inside]


def _carry_out_all(
    carry_out: Callable[[_Job], list[GridRow]], jobs: Sequence[_Job], runs: int, executor: Executor
) -> list[GridRow]:
    rows: dict[int, GridRow] = {}
    most = MOST_UNDER_WAY // max((len(job.numbers) for job in jobs), default=1)
    at_a_time = 1 if executor.count == 1 else min(len(jobs), executor.count + SPARE, most)
    try:
        if at_a_time <= 1:
            for job in jobs:
                rows.update(zip(job.numbers, carry_out(job), strict=True))
        else:
            _in_threads(carry_out, jobs, runs, executor, at_a_time, rows)
    except (KeyboardInterrupt, Interrupted):
        if runs == 1:
            raise
        raise Interrupted(
            f"interrupted: {len(rows)} of {runs} runs are done, and finished seeds of the others are kept; the same "
            "command resumes"
        ) from None
    return [rows[number] for number in range(runs)]


def _in_threads(
    carry_out: Callable[[_Job], list[GridRow]],
    jobs: Sequence[_Job],
    runs: int,
    executor: Executor,
    at_a_time: int,
    rows: dict[int, GridRow],
) -> None:
    """Fill ``rows``; what ends one thread with an exception, or this one, ends all.

    Jobs are handed to the threads a few at a time: a future for each of a hundred thousand would be most of the memory.
    """
    threads = ThreadPoolExecutor(at_a_time, "run")
    waiting = iter(jobs)
    under_way: dict[Future[list[GridRow]], _Job] = {}
    try:
        while len(rows) < runs:
            for job in islice(waiting, 2 * at_a_time - len(under_way)):
                under_way[threads.submit(carry_out, job)] = job
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                rows.update(zip(under_way.pop(future).numbers, future.result(), strict=True))
    finally:
        # After the last one there is nothing to stop; after an exception the workers end, and the runs commit what they have.
        if len(rows) < runs:
            executor.stop()
        threads.shutdown(cancel_futures=True)


def _row(
    spec: Spec, seeds: Sequence[int], run: Run | None, trained: int, error: str | None = None
) -> GridRow:
    if run is None:
        return GridRow(spec, None, spec.workload, "", "", (), 0, trained, 0, error=error)
    manifest, wanted = run.manifest, set(seeds)
    facts = manifest.facts
    metric, unit = facts.metrics[0].name, facts.metrics[0].unit
    kept = [row for row, seed in enumerate(manifest.complete) if seed in wanted]
    curves = {} if error is not None else run.curves()
    finals = tuple(
        Final(output, facts.methods[output], *mean_and_std(metrics[metric][kept, -1]))
        for output, metrics in curves.items()
    )
    diverged = sum(manifest.seeds[manifest.complete[row]].diverged for row in kept)
    return GridRow(
        spec, run.path, facts.workload_label, metric, unit, finals, len(kept), trained, diverged, facts.data_note, error
    )  # fmt: skip


class _OneAtATime:
    """Tells a grid reporter what several threads have to say, one after the other."""

    def __init__(self, reporter: GridReporter) -> None:
        self._reporter, self._lock = reporter, threading.Lock()

    def tell(self, what: str, *about: object) -> None:
        """Call the reporter's method ``what``."""
        with self._lock:
            getattr(self._reporter, what)(*about)


class _RunProgress(Silent):
    """What one execution of the grid tells, with its name to it."""

    def __init__(self, grid: _OneAtATime) -> None:
        self.grid, self.run, self.trained = grid, "", 0

    def waiting(self, path: Path) -> None:
        self.grid.tell("waiting", path)

    def started(self, run: str, wanted: int, kept: int) -> None:
        self.run = run
        self.grid.tell("started", run, wanted, kept)

    def note(self, text: str) -> None:
        self.grid.tell("note", self.run, text)

    def seed_done(self, outcome: SeedOutcome) -> None:
        self.trained += outcome.error is None
        self.grid.tell("seed_done", self.run, outcome)

    def read(self, directory: Path) -> Run | None:
        """The run as it was left; None where nothing can be read of it."""
        try:
            return read_run(directory / self.run) if self.run else None
        except CorruptRun:
            return None
