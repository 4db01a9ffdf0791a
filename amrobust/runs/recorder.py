"""Runs recorded from loops that are not amrobust's: one seed at a time, from any number of processes."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from csv import writer as csv_writer
from dataclasses import replace
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from amrobust.errors import RunError, UserError
from amrobust.experiments.spec import Value
from amrobust.runs.curves import SeedCurves
from amrobust.runs.directions import direction_of
from amrobust.runs.files import reason, shown, write_atomically
from amrobust.runs.find import MANIFEST
from amrobust.runs.landing import OUTPUT, check_fit, foreign_facts, seeds_of, spec_of
from amrobust.runs.lock import locked
from amrobust.runs.manifest import Manifest, SeedRecord, Source, identity
from amrobust.runs.provenance import now, session
from amrobust.runs.store import Run, broken_line, commit, directory_name, read_run
from amrobust.runs.validate import INDEX_COLUMNS, MAX_EPOCHS, MAX_SEED, MAX_TEXT, Broken

SOURCE = Source("recorder", "", "", 0, None)


class Recording:
    """One seed while it is trained: made by :func:`record`."""

    def __init__(self, place: _Place, seed: int, epochs: int | None, metrics: Sequence[str]) -> None:
        self.seed = seed
        self._place, self._epochs, self._wanted = place, epochs, tuple(metrics)
        self._rows: dict[float, dict[str, float]] = {}
        self._diverged = False
        self._begun = time.perf_counter()
        self._open = True

    def log(self, epoch: int, /, **values: float) -> None:
        """Record the metrics of one epoch; several calls for one epoch add up.

        Epochs are counted from 0 or 1, or in equal steps such as 100, 200, ...; every metric is there at every epoch. A number
        that is not finite is divergence. Values may be anything that ``float()`` takes, such as a tensor of one number.

        Raises UserError on an epoch that is out of order, or a metric that is missing from the epoch before or is not a number.
        """
        if not self._open:
            raise UserError("this seed is no longer recorded: log inside the with block")
        kept = {
            name: _number(name, value) for name, value in values.items() if name in (self._wanted or values)
        }
        if isinstance(epoch, bool) or not isinstance(epoch, (int, np.integer)) or epoch < 0:
            raise UserError(f"an epoch is a whole number from 0 on, not {epoch!r}")
        if not kept:
            return
        last = next(reversed(self._rows), None)
        if last is not None and epoch < last:
            raise UserError(f"epoch {epoch} comes after epoch {last:g}: log epochs in their order")
        if last is not None and epoch > last:
            self._check_row(last)
            if len(self._rows) >= MAX_EPOCHS:
                raise UserError(f"more than {MAX_EPOCHS:,} epochs cannot be recorded")
        row = self._rows.setdefault(int(epoch), {})
        doubles = sorted(set(kept) & set(row))
        if doubles:
            raise UserError(f"{doubles[0]} is logged twice at epoch {epoch}")
        row.update(kept)

    def diverged(self) -> None:
        """Say that training stopped for good: the epochs that are left are NaN.

        How many these are is known from other seeds of the run, or from ``epochs`` of :func:`record`.
        """
        self._diverged = True

    def _check_row(self, epoch: float) -> None:
        first = next(iter(self._rows.values()))
        missing = sorted(set(first) ^ set(self._rows[epoch]))
        if missing:
            raise UserError(
                f"{missing[0]} is logged at some epochs and not at epoch {epoch:g}: log every metric at every epoch, or name "
                "those to record with metrics=(...)"
            )

    def _curves(self, epochs: int | None) -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
        """What was logged as curves. Raises RunError where it is not what a run needs."""
        if not self._rows:
            raise RunError(f"seed {self.seed} logged nothing: call run.log(epoch, metric=value) in the loop")
        steps = list(self._rows)
        gaps = np.diff(steps)
        if len(steps) > 1 and (np.any(gaps != gaps[0]) or steps[0] not in (0, 1, gaps[0])):
            raise RunError(
                f"seed {self.seed} logged the epochs {steps[0]:g}, {steps[1]:g} ... {steps[-1]:g}: they are counted from 0 "
                "or 1 in equal "
                "steps; a loop that was resumed logs its earlier epochs again"
            )
        self._check_row(steps[-1])
        names = self._wanted or tuple(self._rows[steps[0]])
        absent = [name for name in names if name not in self._rows[steps[0]]]
        if absent:
            raise RunError(f"seed {self.seed} never logged {absent[0]}, which metrics=(...) names")
        curves = {name: np.array([row[name] for row in self._rows.values()]) for name in names}
        if not self._diverged:
            return curves
        if epochs is None:
            raise RunError(
                f"seed {self.seed} diverged after {len(steps)} epochs, and how many there were to be is not known: give "
                "record(epochs=...)"
            )
        return {
            name: np.concatenate([curve, np.full(max(0, epochs - len(curve)), np.nan)])
            for name, curve in curves.items()
        }

    def _start(self) -> None:
        self._place.mark(self.seed, SeedRecord("running"))

    def _finish(self) -> None:
        self._open = False
        try:
            curves = self._curves(self._epochs or self._place.epochs())
            self._place.complete(
                self.seed, curves, self._diverged, time.perf_counter() - self._begun, self._epochs
            )
        except (RunError, UserError) as problem:
            kept = self._place.rescue(self.seed, self._rows)
            self._place.mark(self.seed, SeedRecord("failed", error=str(problem)[:2000]))
            raise RunError(f"{problem}; what was logged is in {kept}") from None

    def _fail(self, error: BaseException) -> None:
        self._open = False
        text = f"{type(error).__name__}: {error}"
        state = "planned" if isinstance(error, KeyboardInterrupt) else "failed"
        self._place.mark(
            self.seed,
            SeedRecord(state, error=None if state == "planned" else shown(text)[:2000]),  # type: ignore[arg-type]
        )

    def __enter__(self) -> Recording:
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._finish()
            else:
                with suppress(RunError):
                    self._fail(error)
        finally:
            self._place.release()


def record(
    directory: str | PathLike[str],
    *,
    method: str,
    seed: int,
    workload: str,
    hyperparameters: Mapping[str, Value] | None = None,
    epochs: int | None = None,
    seeds: int | None = None,
    metrics: Sequence[str] = (),
    better: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    paired: bool = False,
) -> Recording:
    """Record one seed of ``method`` on ``workload`` from a loop of one's own, below ``directory``.

    Use as a context: what is logged becomes one seed of a run when the block ends; a seed whose block ends in an exception, or
    whose process is killed, is not done. Several processes may record seeds of one run at once. Metrics of losses, errors and
    the like are better low, all others high, unless ``better`` says "higher" or "lower"; ``metrics`` names those to keep.
    ``seeds`` is how many the study was planned with: seeds beyond it draw the caution that they were added. ``paired``: equal
    seeds of different methods share their random streams.

    Raises UserError where the seed is recorded already, or another process is recording it; at the end RunError where what was
    logged does not fit the run's other seeds (it is kept beside the run as a CSV file).

    >>> import tempfile
    >>> with record(tempfile.mkdtemp(), method="adam", seed=0, workload="mine") as run:
    ...     for epoch in range(1, 4):
    ...         run.log(epoch, test_accuracy=90 + epoch)
    """
    _check_names(method, workload, seed, epochs)
    _check_parameters(hyperparameters or {})
    # A directory given now is the same one when the block ends, wherever the process has gone meanwhile.
    place = _Place(Path(directory).absolute(), method, workload, dict(hyperparameters or {}), paired)
    place.better, place.units, place.planned = dict(better or {}), dict(units or {}), seeds
    place.acquire(seed)
    return Recording(place, seed, epochs, metrics)


def recorded(
    directory: str | PathLike[str],
    *,
    method: str,
    workload: str,
    hyperparameters: Mapping[str, Value] | None = None,
    paired: bool = False,
) -> tuple[int, ...]:
    """The seeds of this run that are complete, ascending: those that a loop may pass over.

    >>> recorded("nowhere", method="adam", workload="mine")
    ()
    """
    place = _Place(Path(directory).absolute(), method, workload, dict(hyperparameters or {}), paired)
    run = place.read()
    return run.manifest.complete if run is not None else ()


def _check_names(method: str, workload: str, seed: int, epochs: int | None) -> None:
    for what, name in (("method", method), ("workload", workload)):
        if not isinstance(name, str) or not name.strip() or len(name) > MAX_TEXT:
            raise UserError(f"the {what} is a name, not {name!r}")
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < MAX_SEED:
        raise UserError(f"a seed is a number from 0 to {MAX_SEED - 1:,}, not {seed!r}")
    if epochs is not None and not 1 <= epochs <= MAX_EPOCHS:
        raise UserError(f"epochs is a number from 1 to {MAX_EPOCHS:,}, not {epochs!r}")


def _check_parameters(hyperparameters: Mapping[str, Any]) -> None:
    for name, value in hyperparameters.items():
        fits = (
            value is None
            or isinstance(value, (bool, int, str))
            or (isinstance(value, float) and np.isfinite(value))
        )
        if not isinstance(name, str) or not fits:
            raise UserError(
                f"the hyperparameter {name!r} is a number, a text, true, false or None, not {value!r}"
            )


def _number(name: str, value: Any) -> float:
    if name in INDEX_COLUMNS:
        raise UserError(f"a metric cannot be called {name!r}")
    # A tensor that still has its graph converts with a warning.
    detach = getattr(value, "detach", None)
    try:
        return float(detach() if callable(detach) else value)
    except (TypeError, ValueError, RuntimeError):
        raise UserError(f"{name} = {value!r} is not a number") from None


class _Place:
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
        self.better: dict[str, str] = {}
        self.units: dict[str, str] = {}
        self.planned: int | None = None
        optimizer = method.partition("[")[0].partition("/")[0].strip() or method
        self.spec = spec_of(method, workload, optimizer, hyperparameters, paired=paired)
        self.identity = identity(self.spec, foreign_facts(method, workload, (), 1))
        self.path = directory / directory_name(self.spec, self.identity)
        self._lock: Any = None

    def acquire(self, seed: int) -> None:
        """Hold the seed's own lock until :meth:`release`. Raises UserError where it is done, or another process has it."""
        import filelock

        lock = filelock.FileLock(self.path / f".seed-{seed}.lock", timeout=0)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except filelock.Timeout:
            raise UserError(
                f"another process is recording seed {seed} of {shown(self.method)} in {shown(self.path)}"
            ) from None
        except (OSError, NotImplementedError) as error:
            what = reason(error) if isinstance(error, OSError) else "its file system has no locks"
            raise RunError(f"cannot write to {shown(self.path)} ({what}): choose another directory") from None
        self._lock = lock
        run = self.read()
        if run is not None and seed in run.manifest.complete:
            self.release()
            raise UserError(
                f"seed {seed} of {shown(self.method)} is already recorded in {shown(self.path)}: amrobust.recorded() has "
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
        except Broken as problem:
            raise RunError(broken_line(self.path, problem)) from None

    def epochs(self) -> int | None:
        """How many epochs the complete seeds have."""
        run = self.read()
        return run.manifest.facts.epochs if run is not None and run.manifest.complete else None

    @contextmanager
    def _opened(self) -> Iterator[tuple[Run | None, Callable[[Manifest, Mapping[int, SeedCurves]], None]]]:
        with locked(self.path, lambda: None):

            def write(manifest: Manifest, curves: Mapping[int, SeedCurves]) -> None:
                commit(self.path, manifest, curves)

            yield self.read(), write

    def mark(self, seed: int, record: SeedRecord) -> None:
        """Give ``seed`` a state other than complete, in the run that is there; where none is yet, there is nothing to mark."""
        with self._opened() as (run, write):
            if run is None or seed in run.manifest.complete:
                return
            manifest = self._with_plan(run.manifest, seed)
            write(replace(manifest, seeds={**manifest.seeds, seed: record}), seeds_of(run))

    def complete(
        self,
        seed: int,
        curves: Mapping[str, np.ndarray[Any, np.dtype[np.float64]]],
        diverged: bool,
        seconds: float,
        epochs: int | None,
    ) -> None:
        """Commit the curves of ``seed``. Raises UserError where they do not fit the run."""
        length = len(next(iter(curves.values())))
        if epochs is not None and length != epochs:
            raise UserError(
                f"seed {seed} logged {length} of {epochs} epochs (run.diverged() says that it stopped for good)"
            )
        facts = foreign_facts(self.method, self.workload, [self._metric(name) for name in curves], length)
        with self._opened() as (found, write):
            run = found or Run(self.path, Manifest(self.identity, self.spec, facts, {}))
            check_fit(run, facts)
            finite = all(np.isfinite(curve).all() for curve in curves.values())
            done = SeedRecord("complete", diverged or not finite, round(seconds, 6))
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
            write(manifest, seeds_of(run) | {seed: {OUTPUT: dict(curves)}})

    def _with_plan(self, manifest: Manifest, seed: int) -> Manifest:
        """``manifest`` with ``seed`` in its plan: the plan that was named, else one that every seed belongs to."""
        if seed in manifest.seeds:
            return manifest
        if self.planned is not None:
            return manifest.planned(sorted({*range(self.planned), seed}), now())
        planned = manifest.planned([seed], now())
        return replace(planned, plans=(*planned.plans[:-1], replace(planned.plans[-1], extends=False)))

    def _metric(self, name: str) -> tuple[str, str, str]:
        better = self.better.get(name, direction_of(name))
        if better not in ("higher", "lower"):
            raise UserError(f"{name} is better 'higher' or 'lower', not {better!r}")
        return name, better, self.units.get(name, "")

    def rescue(self, seed: int, rows: Mapping[float, Mapping[str, float]]) -> Path:
        """What was logged, as a CSV file that ``amrobust import`` reads, where it cannot join the run."""
        text = io.StringIO()
        sink = csv_writer(text, lineterminator="\n")
        names = list(dict.fromkeys(name for row in rows.values() for name in row))
        sink.writerow(["method", "seed", "epoch", *names])
        for epoch, row in rows.items():
            sink.writerow(
                [self.method, seed, int(epoch), *(repr(row[name]) if name in row else "" for name in names)]
            )
        path = self.path / f"seed-{seed}.csv"
        try:
            write_atomically(path, text.getvalue().encode())
        except OSError as error:
            raise RunError(f"cannot write to {shown(self.path)} ({reason(error)})") from None
        return path


def _with_session(manifest: Manifest, made: Any) -> tuple[Any, ...]:
    """The provenance with one seed more: seeds that were recorded alike share an entry."""
    if manifest.provenance:
        last = manifest.provenance[-1]
        alike = replace(last, when=made.when, seeds=made.seeds, wall_seconds=made.wall_seconds)
        if alike == made:
            total = round(last.wall_seconds + made.wall_seconds, 6)
            return (*manifest.provenance[:-1], replace(last, seeds=last.seeds + 1, wall_seconds=total))
    return (*manifest.provenance, made)
