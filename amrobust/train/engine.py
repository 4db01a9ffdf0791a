"""The engine of training: a batch of runs, one of them or many, whose units of work go to one executor.

Each run is committed by itself. What a run has, loses or fails at is nothing to the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from amrobust.errors import RunError
from amrobust.runs.curves import mean_and_std
from amrobust.runs.lock import Busy
from amrobust.runs.manifest import RunMetadata, Source
from amrobust.runs.spec import Spec, canonical_json
from amrobust.runs.store import Run, manifest_in, read_run
from amrobust.runs.tuning import Tuning
from amrobust.runs.validators import CorruptRun
from amrobust.runs.values import held
from amrobust.runs.versions import Versions
from amrobust.train.cobatch import CoBatchedRuns, plan_cobatches, train_cobatch
from amrobust.train.code import code_of
from amrobust.train.execution import Interrupted
from amrobust.train.executors import Executor, make_executor
from amrobust.train.one_run import Train, checked, manifest_of, train_run
from amrobust.train.remaining import Remaining, Work
from amrobust.train.reporter import Events, Final, Reporter, RunEvents, RunResult, Silent
from amrobust.train.termination import termination_as_interrupt
from amrobust.train.unit import Place

SPARE = 2
"""Runs under way beyond what the workers can train at a time: they read, plan and commit while the workers train."""

MOST_UNDER_WAY = 400
"""Runs at a time, however many workers there are: each keeps two files open, and a process may usually have 1,024."""


MOST_LOOKED_AT = 500
"""Runs in a directory beyond which nobody looks before the start which seeds are there."""


def train_runs(
    specs: Iterable[Spec],
    seeds: Sequence[int],
    directory: Path,
    executor: Executor,
    *,
    batching: str = "auto",
    reporter: Reporter | None = None,
    place: Place | None = None,
    train: Train | None = None,
    describe: Callable[[Spec], RunMetadata] | None = None,
    tunings: Mapping[str, Tuning] | None = None,
    accept_new_code: bool = False,
    declared: str = "",
    source: Callable[[Spec, Sequence[int]], Source] | None = None,
    wait: bool = True,
) -> list[RunResult]:
    """Train those of ``seeds`` that the runs of ``specs`` in ``directory`` lack, and say what came of each, in their order.

    Equal specs are one run. As many runs are under way as keep the ``executor`` busy, and no curves of any other are in memory.
    Complete seeds are kept, failed and interrupted ones are tried again. Where nothing is missing a run is only read, and may
    lie where nothing can be written. Where another process holds it, this one waits and then trains only what is missing, at
    ``place``, in the layout that :func:`amrobust.train.layout.plan_layout` makes of ``batching``. A run that fails is a result
    with its ``error``; the others go on. The executor is stopped at the end. ``train`` and ``describe`` default to those of
    ``amrobust.train``; a ``train`` that is given has no layout. ``tunings`` has, by a spec's method key, how it was tuned: that
    is recorded with the run, also with one that has all its seeds; without it what was recorded stays. After an edit of the
    user's code they are other runs, or with ``accept_new_code`` those of the version before, as
    :meth:`amrobust.runs.versions.Versions.asked` says. With each seed the digest of the declaration is recorded that it is
    trained under, ``declared``; "" for none. ``source`` says of a spec and its seeds what is recorded as their source, where
    their training is not amrobust's own. Without ``wait`` a run that another process holds is left to it: a result that is
    ``busy``.

    Raises UserError on a bad spec, bad seeds, one that a method was tuned on, data that cannot be read, and where it is unknown
    which version of the user's code goes on, and Interrupted on Ctrl-C, SIGTERM and SIGHUP: what had finished is kept then.
    """
    different = {spec.key: spec for spec in specs}
    try:
        batch = _Batch(
            list(different.values()), checked(seeds), directory, executor, batching, place or Place(), train, describe,
            tunings or {}, accept_new_code, declared, source, wait,
        )  # fmt: skip
        with termination_as_interrupt():
            return batch.run(reporter, different)
    finally:
        executor.stop()


def execute(
    spec: Spec,
    seeds: Iterable[int],
    directory: Path,
    *,
    executor: str | Executor = "processes",
    jobs: int | None = None,
    tuning: Tuning | None = None,
    **options: Any,
) -> Run:
    """Train one run, as :func:`train_runs` does, and return it. Raises RunError where a seed failed, or the run cannot be made.

    An ``executor`` that is given by its name is made with ``jobs``.
    """
    workers = make_executor(executor, jobs) if isinstance(executor, str) else executor
    tunings = {} if tuning is None else {spec.method_key: tuning}
    (result,) = train_runs([spec], list(seeds), directory, workers, tunings=tunings, **options)
    if result.error is not None:
        raise RunError(result.error)
    assert result.path is not None
    return read_run(result.path)


@dataclass(frozen=True)
class _Batch:
    """What is asked for, as of :func:`train_runs`; ``specs`` are different."""

    specs: Sequence[Spec]
    seeds: Sequence[int]
    directory: Path
    executor: Executor
    batching: str
    place: Place
    train: Train | None
    describe: Callable[[Spec], RunMetadata] | None
    tunings: Mapping[str, Tuning]
    accept_new_code: bool
    declared: str
    source: Callable[[Spec, Sequence[int]], Source] | None
    wait: bool

    def run(self, reporter: Reporter | None, digests: Iterable[str]) -> list[RunResult]:
        """Train all of it; ``digests`` are those of the specs."""
        versions = Versions(self.directory)
        if self.describe is None:
            # Before anything is trained, by the first run of each workload and optimizer; each run looks for itself.
            first = {(spec.workload, spec.optimizer): spec for spec in reversed(self.specs)}
            for spec in reversed(first.values()):
                if code_of(spec).files != {}:
                    versions.asked(manifest_of(spec, self.seeds, self.place), self.accept_new_code)
        kept = {} if reporter is None else _kept(self.directory, self.seeds)
        works = [
            _work(spec, len(self.seeds) - kept.get(digest, 0))
            for spec, digest in zip(self.specs, digests, strict=True)
        ]
        events = Events(reporter or Silent(), Remaining(works, self.executor.count))
        events.planned(len(self.specs), len(self.seeds), self.executor.where)
        together = (
            plan_cobatches(
                self.specs, self.seeds, versions, self.executor, self.batching, self.place, self.tunings,
                self.accept_new_code,
            )
            if self.train is None and self.describe is None
            else []
        )  # fmt: skip

        def carry_out(job: _Job) -> list[RunResult]:
            told = {number: RunEvents(events, number) for number in job.numbers}
            dealt_with = (
                {}
                if job.together is None
                else train_cobatch(
                    job.together, self.seeds, self.executor, self.place, told, self.declared, wait=self.wait
                )
            )
            results = []
            for number, progress in told.items():
                if number in dealt_with:
                    problem = dealt_with[number]
                    error = None if problem is None else str(problem)
                    results.append(
                        self._result(number, progress.read(self.directory), progress.trained, error)
                    )
                else:
                    results.append(self._alone(number, versions, progress))
                events.ended(number, results[-1])
            return results

        return _carry_out_all(carry_out, _jobs(len(self.specs), together), len(self.specs), self.executor)

    def _alone(self, number: int, versions: Versions, progress: RunEvents) -> RunResult:
        """One run by itself."""
        spec = self.specs[number]
        try:
            run = train_run(
                spec, self.seeds, self.directory, self.executor, versions, progress, batching=self.batching, place=self.place,
                train=self.train, describe=self.describe, tuning=self.tunings.get(spec.method_key),
                accept_new_code=self.accept_new_code, declared=self.declared,
                source=self.source, wait=self.wait,
            )  # fmt: skip
            return self._result(number, run, progress.trained)
        except Interrupted:
            raise
        except Busy:
            return replace(self._result(number, None, 0), busy=True)
        except RunError as problem:
            return self._result(number, progress.read(self.directory), progress.trained, str(problem))

    def _result(self, number: int, run: Run | None, trained: int, error: str | None = None) -> RunResult:
        spec, wanted = self.specs[number], set(self.seeds)
        if run is None:
            return RunResult(spec, None, spec.workload, "", "", (), 0, trained, 0, error=error)
        manifest, facts = run.manifest, run.manifest.facts
        metric, unit = (facts.metrics[0].name, facts.metrics[0].unit) if facts.metrics else ("", "")
        kept = [row for row, seed in enumerate(manifest.complete) if seed in wanted]
        curves = {} if error is not None else run.curves()
        finals = tuple(
            Final(output, facts.called(output), *mean_and_std(held(metrics[metric][kept])[:, -1]))
            for output, metrics in curves.items()
            if metrics
        )
        diverged = sum(manifest.seeds[manifest.complete[row]].diverged for row in kept)
        return RunResult(
            spec, run.path, facts.workload_label, metric, unit, finals, len(kept), trained, diverged, facts.data_note, error
        )  # fmt: skip


def _kept(directory: Path, seeds: Sequence[int]) -> dict[str, int]:
    """How many of ``seeds`` the runs in ``directory`` have, by the digests of their specs; nothing where they are many.

    It is for the time left alone: what is there may be another by the time that a run begins.
    """
    paths = list(islice(directory.glob("*/manifest.json"), MOST_LOOKED_AT + 1))
    found: dict[str, int] = {}
    for path in paths if len(paths) <= MOST_LOOKED_AT else ():
        with suppress(CorruptRun):
            if (manifest := manifest_in(path.parent)) is not None:
                digest = manifest.spec.key
                found[digest] = max(found.get(digest, 0), len({*seeds}.intersection(manifest.complete)))
    return found


def _work(spec: Spec, pairs: int) -> Work:
    """What the run of ``spec`` amounts to: costs are known by method and workload, by optimizer and workload, by workload."""
    params = dict(spec.workload_params)
    lengths = [params.pop(name, None) for name in ("epochs", "iterations")]
    length = next((float(found) for found in lengths if isinstance(found, int | float)), 1.0)
    workload = hash((spec.workload, canonical_json(params)))
    optimizer = hash((workload, spec.optimizer))
    method = hash((optimizer, canonical_json(dict(spec.hyperparameters))))
    return Work((method, optimizer, workload), length, pairs)


def failures(rows: Iterable[RunResult]) -> str | None:
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
    together: CoBatchedRuns | None = None


def _jobs(runs: int, together: Sequence[CoBatchedRuns]) -> list[_Job]:
    """The jobs of so many ``runs``, in the order of their first ones."""
    first = {min(job.runs): _Job(tuple(sorted(job.runs)), job) for job in together}
    inside = {number for job in together for number in job.runs}
    return [first.get(n) or _Job((n,)) for n in range(runs) if n in first or n not in inside]


def _carry_out_all(
    carry_out: Callable[[_Job], list[RunResult]], jobs: Sequence[_Job], runs: int, executor: Executor
) -> list[RunResult]:
    rows: dict[int, RunResult] = {}
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
    carry_out: Callable[[_Job], list[RunResult]],
    jobs: Sequence[_Job],
    runs: int,
    executor: Executor,
    at_a_time: int,
    rows: dict[int, RunResult],
) -> None:
    """Fill ``rows``; what ends one thread with an exception, or this one, ends all.

    Jobs are handed to the threads a few at a time: a future for each of a hundred thousand would be most of the memory.
    """
    threads = ThreadPoolExecutor(at_a_time, "run")
    waiting = iter(jobs)
    under_way: dict[Future[list[RunResult]], _Job] = {}
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
