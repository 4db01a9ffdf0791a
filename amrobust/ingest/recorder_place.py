"""Where the recorder writes: the run directory of one method and workload, and the lock of one seed in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from amrobust.errors import RunError, UserError
from amrobust.ingest.landing import (
    OUTPUT,
    check_fit,
    foreign_facts,
    measurement_of,
    on_one_axis,
    origins,
    seeds_of,
    spec_of,
)
from amrobust.ingest.recorder_journal import Rows
from amrobust.runs.axis import Axis, epochs
from amrobust.runs.correct_file import by_seed
from amrobust.runs.correctness import SeedCorrectness, moved
from amrobust.runs.curves import SeedCurves
from amrobust.runs.files import escape
from amrobust.runs.find import MANIFEST
from amrobust.runs.journals import lock_of
from amrobust.runs.lock import file_lock, locked, why_not
from amrobust.runs.manifest import Manifest, RunMetadata, SeedRecord, Source, identity
from amrobust.runs.method import from_name
from amrobust.runs.metric import Direction, Metric
from amrobust.runs.provenance import now, session
from amrobust.runs.spec import Value
from amrobust.runs.store import Run, broken_line, commit, directory_name, read_run
from amrobust.runs.validators import CorruptRun
from amrobust.runs.values import ABSENT, absent, not_finite

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

    def acquire(self, seed: int, *, again: bool = False) -> None:
        """Hold the seed's own lock until :meth:`release`.

        Raises UserError where another process has it, or the seed is complete and is not meant to be trained ``again``.
        """
        import filelock

        lock = file_lock(lock_of(self.path, seed))
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0.2)  # 'amrobust status' has it for a moment, to see whether it is held
        except filelock.Timeout:
            raise UserError(
                f"another process is recording seed {seed} of {escape(self.method)} in {escape(self.path)}"
            ) from None
        except (OSError, NotImplementedError) as error:
            raise RunError(
                f"cannot write to {escape(self.path)} ({why_not(error)}): choose another directory"
            ) from None
        self._lock = lock
        run = self.read()
        if run is not None and any(made.source not in (None, SOURCE) for made in run.manifest.provenance):
            self.release()
            raise UserError(
                f"{escape(self.path)} has imported seeds of {escape(self.method)} ({escape(origins(run.manifest))}): two "
                "groups of one name are never merged; record into another directory, or give this method another name"
            )
        if run is not None and seed in run.manifest.complete and not again:
            self.release()
            raise UserError(
                f"seed {seed} of {escape(self.method)} is already recorded in {escape(self.path)}: amrobust.recorded() has "
                "those that are; record(..., resume=True) goes on where it ended"
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

    def misfits(self, label: str) -> list[str]:
        """What is declared of one that is logged along ``label`` other than of the complete seeds, a line each.

        Raises RunError where the run is broken.
        """
        run = self.read()
        if run is None or not run.manifest.complete:
            return []
        there = run.manifest.facts
        lines = []
        if not there.coordinates.counts_like(Axis.called(label, ())):
            lines.append(f"counts {label}, and its other seeds count {there.coordinates.label}")
        for metric in there.metrics:
            mine = self.metric(metric.name)
            if (mine.better, mine.unit) != (metric.better, metric.unit):
                lines.append(
                    f"has {metric.name}{mine.known_words}, and its other seeds have it{metric.known_words}"
                )
        return lines

    @contextmanager
    def _opened(self) -> Iterator[tuple[Run | None, Write]]:
        with locked(self.path, lambda: None):

            def write(
                manifest: Manifest, curves: Mapping[int, SeedCurves], correct: Mapping[int, SeedCorrectness]
            ) -> None:
                commit(self.path, manifest, curves, correct)

            yield self.read(), write

    def mark(
        self, seed: int, record: SeedRecord, names: Iterable[str] = (), axis: Axis | None = None
    ) -> None:
        """Give ``seed`` a state other than complete.

        Where no run is there yet, one is made of the metrics ``names`` along ``axis``; without an axis nothing is marked.
        """
        with self._opened() as (run, write):
            found = run is not None
            if run is None and axis is not None:
                facts = self._facts([self.metric(name) for name in dict.fromkeys(names)], axis, (OUTPUT,))
                run = Run(self.path, Manifest(self.identity, self.spec, facts, {}))
            if run is None or seed in run.manifest.complete:
                return
            manifest = self._with_plan(run.manifest, seed)
            if manifest.seeds.get(seed) == record and found:
                return
            seeds = {**manifest.seeds, seed: record}
            write(replace(manifest, seeds=seeds), seeds_of(run), by_seed(run.correct()))

    def rows(self, seed: int) -> Rows:
        """What is recorded of ``seed``, by place; nothing where it is not complete."""
        run = self.read()
        found: Rows = {}
        if run is None or seed not in run.manifest.complete:
            return found
        places = np.array(run.manifest.facts.coordinates.values)
        for output, metrics in seeds_of(run).get(seed, {}).items():
            for name, values in metrics.items():
                measured = ~absent(values)
                for at, value in zip(places[measured], values[measured], strict=True):
                    found.setdefault(float(at), {})[output, name] = float(value)
        return dict(sorted(found.items()))

    def seconds(self, seed: int) -> float:
        """How long ``seed`` was trained so far, as far as that is recorded."""
        run = self.read()
        return (
            run.manifest.seeds[seed].wall_seconds if run is not None and seed in run.manifest.seeds else 0.0
        )

    def complete(
        self,
        seed: int,
        curves: SeedCurves,
        axis: Axis,
        *,
        diverged: bool,
        seconds: float,
        before: float,
        correct: SeedCorrectness | None = None,
    ) -> None:
        """Commit the ``curves`` of ``seed``, measured along ``axis``; it was trained for ``seconds``, and for those ``before``.
        ``correct`` says which test examples it got right, along that axis.

        A seed that is complete already is replaced: it was trained further. Where a seed has no value of a metric, an output
        or a place of its own and another has, it is ABSENT, whichever came first.

        Raises UserError where what is there is along other coordinates, or a metric is known otherwise.
        """
        names = list(next(iter(curves.values())))
        with self._opened() as (found, write):
            further = found is not None and seed in found.manifest.complete
            there = found.manifest.facts if found is not None and found.manifest.complete else None
            outputs = tuple(sorted({*curves, *(there.outputs if there is not None else ())}))
            known = {metric.name: metric for metric in (there.metrics if there is not None else ())}
            every = list(dict.fromkeys([*known, *names]))
            metrics = [self.metric(name) if name in names else known[name] for name in every]
            run = found or Run(self.path, Manifest(self.identity, self.spec, self._facts(metrics, axis), {}))
            examples = by_seed(run.correct()), run.manifest.facts.coordinates, axis
            run, others, new, axis = on_one_axis(run, {seed: dict(curves)}, axis)
            facts = self._facts(metrics, axis, outputs)
            recorded = [known.get(metric.name, metric) for metric in metrics]
            check_fit(
                replace(run, manifest=replace(run.manifest, facts=replace(run.manifest.facts, metrics=tuple(recorded)))),
                facts,
            )  # fmt: skip
            diverged = diverged or any(
                not_finite(curve[None]).any()
                for output, metrics in curves.items()
                if measurement_of(output)[1] is None  # another measurement says nothing of the training
                for curve in metrics.values()
            )
            done = SeedRecord("complete", diverged, round(before + seconds, 6))
            manifest = self._with_plan(run.manifest, seed)
            made = replace(
                session(facts, "recorder", None),
                seeds=int(not further),
                wall_seconds=round(seconds, 6),
                source=SOURCE,
            )
            manifest = replace(
                manifest,
                facts=facts,
                seeds={**manifest.seeds, seed: done},
                provenance=_with_session(manifest, made),
            )
            write(
                manifest,
                {
                    which: _filled(of_seed, outputs, every, len(axis.values))
                    for which, of_seed in (others | new).items()
                },
                _along(axis, *examples, {} if correct is None else {seed: correct}),
            )

    def _facts(
        self, metrics: Sequence[Metric], axis: Axis, outputs: Sequence[str] = (OUTPUT,)
    ) -> RunMetadata:
        return foreign_facts(self.method, self.workload, metrics, axis, outputs)

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


def _filled(curves: SeedCurves, outputs: Sequence[str], names: Sequence[str], length: int) -> SeedCurves:
    """``curves`` of every output and metric: ABSENT where the seed has none."""
    nothing = np.full(length, ABSENT)
    return {output: {name: curves.get(output, {}).get(name, nothing) for name in names} for output in outputs}


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
            return (
                *manifest.provenance[:-1],
                replace(last, seeds=last.seeds + made.seeds, wall_seconds=total),
            )
    return (*manifest.provenance, made)
