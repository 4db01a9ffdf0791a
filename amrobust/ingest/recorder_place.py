"""Where the recorder writes: the run directory of one method and workload, and the lock of one seed in it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from csv import writer as csv_writer
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from amrobust.errors import RunError, UserError
from amrobust.ingest.landing import OUTPUT, check_fit, foreign_facts, on_one_axis, origins, seeds_of, spec_of
from amrobust.runs.axis import Axis, epochs, number
from amrobust.runs.correct_file import by_seed
from amrobust.runs.correctness import SeedCorrectness, moved
from amrobust.runs.curves import SeedCurves
from amrobust.runs.files import escape, reason, write_atomically
from amrobust.runs.find import MANIFEST
from amrobust.runs.lock import locked
from amrobust.runs.manifest import Manifest, RunMetadata, SeedRecord, Source, identity
from amrobust.runs.method import from_name
from amrobust.runs.metric import Direction, Metric
from amrobust.runs.provenance import now, session
from amrobust.runs.spec import Value
from amrobust.runs.store import Run, broken_line, commit, directory_name, read_run
from amrobust.runs.validators import CorruptRun
from amrobust.runs.values import not_finite

SOURCE = Source("recorder", "", "", 0, None)

Write = Callable[[Manifest, Mapping[int, SeedCurves], Mapping[int, SeedCorrectness]], None]


class Place:
    """The run directory of one method and workload, and the lock of one seed in it."""

    def __init__(
        self,
        directory: Path,
        method: str,
        workload: str,
        hyperparameters: dict[str, Value],
        paired: bool,
    ) -> None:
        self.method, self.workload = method, workload
        self.better: dict[str, Direction] = {}
        self.units: dict[str, str] = {}
        self.planned: int | None = None
        self.spec = spec_of(from_name(method), workload, hyperparameters, paired=paired)
        facts = foreign_facts(method, workload, (), epochs(1))
        self.identity = identity(self.spec, facts)
        self.path = directory / directory_name(Manifest(self.identity, self.spec, facts, {}))
        self._lock: Any = None

    def acquire(self, seed: int) -> None:
        """Hold the seed's own lock until :meth:`release`. Raises UserError where it is done, or another process has it."""
        import filelock

        lock = filelock.FileLock(self.path / f".seed-{seed:d}.lock", timeout=0)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except filelock.Timeout:
            raise UserError(
                f"another process is recording seed {seed} of {escape(self.method)} in {escape(self.path)}"
            ) from None
        except (OSError, NotImplementedError) as error:
            what = reason(error) if isinstance(error, OSError) else "its file system has no locks"
            raise RunError(
                f"cannot write to {escape(self.path)} ({what}): choose another directory"
            ) from None
        self._lock = lock
        run = self.read()
        if run is not None and any(made.source not in (None, SOURCE) for made in run.manifest.provenance):
            self.release()
            raise UserError(
                f"{escape(self.path)} has imported seeds of {escape(self.method)} ({escape(origins(run.manifest))}): two "
                "groups of one name are never merged; record into another directory, or give this method another name"
            )
        if run is not None and seed in run.manifest.complete:
            self.release()
            raise UserError(
                f"seed {seed} of {escape(self.method)} is already recorded in {escape(self.path)}: amrobust.recorded() has "
                "those that are"
            )

    def release(self) -> None:
        """Let the seed go; its lock file goes too."""
        if self._lock is not None:
            with suppress(OSError):
                Path(self._lock.lock_file).unlink(missing_ok=True)
            self._lock.release()
            self._lock = None

    def read(self) -> Run | None:
        """The run as it is now; None where there is none yet. Raises RunError where it is broken."""
        if not (self.path / MANIFEST).exists():
            return None
        try:
            return read_run(self.path)
        except CorruptRun as problem:
            raise RunError(broken_line(self.path, problem)) from None

    @contextmanager
    def _opened(self) -> Iterator[tuple[Run | None, Write]]:
        with locked(self.path, lambda: None):

            def write(
                manifest: Manifest, curves: Mapping[int, SeedCurves], correct: Mapping[int, SeedCorrectness]
            ) -> None:
                commit(self.path, manifest, curves, correct)

            yield self.read(), write

    def mark(self, seed: int, record: SeedRecord) -> None:
        """Give ``seed`` a state other than complete, in the run that is there; where none is yet, there is nothing to mark."""
        with self._opened() as (run, write):
            if run is None or seed in run.manifest.complete:
                return
            manifest = self._with_plan(run.manifest, seed)
            seeds = {**manifest.seeds, seed: record}
            write(replace(manifest, seeds=seeds), seeds_of(run), by_seed(run.correct()))

    def complete(
        self,
        seed: int,
        curves: Mapping[str, np.ndarray[Any, np.dtype[np.float64]]],
        diverged: bool,
        seconds: float,
        axis: Axis,
        correct: SeedCorrectness | None = None,
    ) -> None:
        """Commit the curves of ``seed``, measured along ``axis``. Raises UserError where they do not fit the run.

        ``correct`` says which test examples it got right, along that axis.

        Where a seed has no value of its own and another has, it is ABSENT, whichever came first.
        """
        metrics = [self.metric(name) for name in curves]
        with self._opened() as (found, write):
            run = found or Run(self.path, Manifest(self.identity, self.spec, self._facts(metrics, axis), {}))
            examples = by_seed(run.correct()), run.manifest.facts.coordinates, axis
            run, others, new, axis = on_one_axis(run, {seed: {OUTPUT: dict(curves)}}, axis)
            facts = self._facts(metrics, axis)
            check_fit(run, facts)
            diverged = diverged or any(not_finite(curve[None]).any() for curve in curves.values())
            done = SeedRecord("complete", diverged, round(seconds, 6))
            manifest = self._with_plan(run.manifest, seed)
            made = replace(
                session(facts, "recorder", None), seeds=1, wall_seconds=round(seconds, 6), source=SOURCE
            )
            manifest = replace(
                manifest,
                facts=facts,
                seeds={**manifest.seeds, seed: done},
                provenance=_with_session(manifest, made),
            )
            write(manifest, others | new, _along(axis, *examples, {} if correct is None else {seed: correct}))

    def _facts(self, metrics: Sequence[Metric], axis: Axis) -> RunMetadata:
        return foreign_facts(self.method, self.workload, metrics, axis)

    def _with_plan(self, manifest: Manifest, seed: int) -> Manifest:
        """``manifest`` with ``seed`` in its plan: the plan that was named, else one that every seed belongs to."""
        if seed in manifest.seeds:
            return manifest
        if self.planned is not None:
            return manifest.planned(sorted({*range(self.planned), seed}), now())
        planned = manifest.planned([seed], now())
        return replace(planned, plans=(*planned.plans[:-1], replace(planned.plans[-1], extends=False)))

    def metric(self, name: str) -> Metric:
        """What is known of a metric: what was declared, else what its name says."""
        return Metric.known(name, self.better.get(name), self.units.get(name))

    def rescue(self, seed: int, label: str, rows: Mapping[float, Mapping[str, float]]) -> Path:
        """What was logged, as a CSV file that ``amrobust import`` reads, where it cannot join the run."""
        text = io.StringIO()
        sink = csv_writer(text, lineterminator="\n")
        names = list(dict.fromkeys(name for row in rows.values() for name in row))
        sink.writerow(["method", "seed", label, *names])
        for epoch, row in rows.items():
            sink.writerow(
                [
                    self.method,
                    seed,
                    number(epoch),
                    *(repr(row[name]) if name in row else "" for name in names),
                ]
            )
        path = self.path / f"seed-{seed:d}.csv"
        try:
            write_atomically(path, text.getvalue().encode())
        except OSError as error:
            raise RunError(f"cannot write to {escape(self.path)} ({reason(error)})") from None
        return path


def _along(
    axis: Axis,
    recorded: Mapping[int, SeedCorrectness],
    there: Axis,
    own: Axis,
    added: Mapping[int, SeedCorrectness],
) -> dict[int, SeedCorrectness]:
    """What is ``recorded`` on the axis ``there`` and ``added`` on its ``own``, both on ``axis``, which has all of theirs."""
    places = {value: place for place, value in enumerate(axis.values)}
    return {
        seed: moved(found, np.array([places[value] for value in values]), len(axis.values))
        for of, values in ((recorded, there.values), (added, own.values))
        for seed, found in of.items()
    }


def _with_session(manifest: Manifest, made: Any) -> tuple[Any, ...]:
    """The provenance with one seed more: seeds that were recorded alike share an entry."""
    if manifest.provenance:
        last = manifest.provenance[-1]
        alike = replace(last, when=made.when, seeds=made.seeds, wall_seconds=made.wall_seconds)
        if alike == made:
            total = round(last.wall_seconds + made.wall_seconds, 6)
            return (*manifest.provenance[:-1], replace(last, seeds=last.seeds + 1, wall_seconds=total))
    return (*manifest.provenance, made)
