"""One seed while a loop that is not amrobust's trains it: what is logged is kept, and nothing is disturbed."""

from __future__ import annotations

import atexit
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from amrobust.errors import AmrobustError, RunError, UserError
from amrobust.ingest.landing import OUTPUT, measurement_of
from amrobust.ingest.recorder_journal import Journal, Row, Rows
from amrobust.ingest.recorder_place import Place
from amrobust.ingest.recorder_values import coordinate_of, metric_name, metrics_of, output_of, right_of
from amrobust.runs.axis import MAX_EPOCHS, Axis
from amrobust.runs.axis import number as number_text
from amrobust.runs.correctness import SeedCorrectness
from amrobust.runs.files import escape, reason
from amrobust.runs.manifest import SeedRecord
from amrobust.runs.seeds import as_given
from amrobust.runs.values import ABSENT, Curves, unmeasured_before_the_first

_log = logging.getLogger("amrobust")


class Warned:
    """Says each kind of trouble once, as a line in the log: what is said so ends no training."""

    def __init__(self) -> None:
        self._said: set[object] = set()

    def __call__(self, text: str, kind: object = None) -> None:
        """Say ``text``, unless something of its kind was said before."""
        if (kind or text) not in self._said:
            self._said.add(kind or text)
            _log.warning("%s", text)


def told(error: BaseException) -> str:
    """What went wrong, with its type where amrobust did not say it."""
    return str(error) if isinstance(error, AmrobustError) else f"{type(error).__name__}: {error}"


class Recording:
    """One seed while it is trained: made by :func:`record`.

    It observes and never disturbs: nothing that is logged, or cannot be kept, raises into the training. What is wrong is said
    once, as a warning of the logger "amrobust", and what can be kept is kept.
    """

    def __init__(
        self, place: Place, seed: int, epochs: int | None, metrics: Sequence[str], axis: str
    ) -> None:
        self.seed = seed
        self.warned = Warned()
        self.hint = "call run.log(epoch, metric=value) in the loop"
        """What to do where nothing was logged."""
        self._place, self._epochs, self._wanted, self._label = place, epochs, tuple(metrics), axis
        self._rows: Rows = {}
        self._earlier: Rows = {}
        self._correct: dict[tuple[float, str], tuple[str, NDArray[np.bool_]]] = {}
        self._exact = True
        self._new = 0
        self._journal = Journal(place.path, place.method, place.workload, seed, axis)
        self._diverged = False
        self._before = 0.0
        self._begun = time.perf_counter()
        self._open = True

    def log(
        self,
        *epoch: float | Mapping[str, Any],
        measurement: str | None = None,
        correct: ArrayLike | None = None,
        **values: Any,
    ) -> None:
        """Record the metrics of one epoch, or step, number of tokens, second, ...; several calls for one add up.

        ``run.log(1, acc=0.5)``; metrics may come in a mapping, ``run.log(1, {"acc": 0.5})``, and the epoch by the name of the
        axis, ``run.log(acc=0.5, epoch=1)``.

        These are recorded as they are: any numbers, in any order, of which one seed may have more than another; a
        metric may be logged at some of them alone, and where it is logged twice the first value counts. A number that is not
        finite is divergence, but for NaN before a metric's first value: there it was not measured yet. Values may be anything
        that ``float()`` takes but text, such as a tensor of one number; true and false are 1 and 0, None was not measured. Of
        lists, arrays and mappings each entry is a metric, ``f1.0``, ``f1.1`` or ``f1.cat``.

        ``measurement`` names another measurement of the same weights, such as "ema" or "recomputed" batch-norm statistics: its
        metrics have the names that they have in the usual one, which has no name and is logged too. It is tested by itself, and
        beside the usual one: outputs of one training, paired.

        ``correct`` (examples,), of true and false, says which test examples were right, the same examples in the same order
        each time. Its mean is the accuracy that is logged with it, as a share or in percent: of that metric the spread on the
        distribution of test examples can be told then.

        What cannot be recorded is left out with a warning.
        """
        with self._observing():
            at, found = self._given("log", epoch, values)
            of_output = output_of(OUTPUT, measurement)
            # What is wrong with the metrics says nothing against the examples, nor the other way about.
            with self._observing():
                self._log(at, {of_output: found})
            if correct is not None:
                self._note_correct(coordinate_of(self._label, at), of_output, correct)

    def log_outputs(
        self,
        *epoch: float | Mapping[str, Mapping[str, Any]],
        measurement: str | None = None,
        **outputs: Mapping[str, Any],
    ) -> None:
        """Record the metrics of several outputs of one training at one epoch: of the iterate, "I", and the output point, "II".

        They are methods of their own, compared as pairs; ``measurement`` is as of :meth:`log`.

        >>> import tempfile
        >>> with record(tempfile.mkdtemp(), method="am1", seed=0, workload="mine") as run:
        ...     run.log_outputs(1, {"I": {"test_loss": 0.5}, "II": {"test_loss": 0.4}})
        """
        with self._observing():
            at, found = self._given("log_outputs", epoch, outputs)
            self._log(at, {output_of(output, measurement): values for output, values in found.items()})

    def _given(self, call: str, given: Sequence[Any], named: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """The place along the training, and what was measured there. Raises UserError where it is not one place."""
        found: dict[str, Any] = {}
        for each in (*given, named):
            if isinstance(each, Mapping):
                found |= each
        places = [each for each in given if not isinstance(each, Mapping)]
        if not places:
            axis = Axis.called(self._label, ())
            names = [name for name in found if Axis.called(str(name), ()).counts_like(axis)]
            places = [found.pop(name) for name in names]
        if len(places) != 1:
            # Not their values: the same mistake in each epoch is said once.
            what = ", ".join([*(type(each).__name__ for each in given), *(f"{name}=..." for name in named)])
            raise UserError(
                f"run.{call} takes the {self._label} and then what was measured, by name: run.{call}({what:.100}) is left out"
            )
        return places[0], found

    @contextmanager
    def _observing(self) -> Iterator[None]:
        """Whatever is raised is said, and the training goes on."""
        try:
            yield
        except Exception as problem:
            self.warned(
                f"{self._where}: {told(problem)}", None if isinstance(problem, UserError) else type(problem)
            )

    def _log(self, epoch: float, outputs: Mapping[str, Mapping[str, Any]]) -> None:
        if not self._open:
            raise UserError("it is no longer recorded: log inside the with block")
        at = coordinate_of(self._label, epoch)
        found: Row = {}
        for output, values in outputs.items():
            if not isinstance(values, Mapping):
                raise UserError(
                    f"of an output the metrics are logged by name, {output}={{'acc': 0.5}}, not {type(values).__name__}"
                )
            for name, value in values.items():
                for metric, number in self._numbers(name, value):
                    found[output, metric] = number
        if not found:
            return
        if not self._new:
            self._take_up(at, [name for _, name in found])
        if at not in self._rows and len(self._rows) >= (most := self._epochs or MAX_EPOCHS):
            raise UserError(f"more than {most:,} {Axis.called(self._label, ()).plural} cannot be recorded")
        row = self._rows.setdefault(at, {})
        for (_, name), value in ((key, found[key]) for key in found.keys() & row.keys()):
            if value != row[_, name]:
                self.warned(
                    f"{self._where}: {name} is logged twice at {self._label} {number_text(at)}: the first value is kept",
                    ("twice", name),
                )
        fresh = {key: value for key, value in found.items() if key not in row}
        row.update(fresh)
        self._new += 1
        with self._never_lost():
            self._journal.add(at, fresh)

    def _note_correct(self, at: float, of_output: str, correct: ArrayLike) -> None:
        """Which examples were right, beside the accuracy of that row. Raises UserError where it does not fit."""
        row = {name: value for (output, name), value in self._rows.get(at, {}).items() if output == of_output}
        metric, right = right_of(correct, row)
        of, known = next(iter(self._correct.values()), (metric, right))
        if (of, len(known)) != (metric, len(right)):
            raise UserError(
                f"correct is of {len(right):,} examples and {metric} here, and was of {len(known):,} and {of}: give it of one "
                "test set and one metric"
            )
        self._correct[at, of_output] = metric, right

    def _examples(self, axis: Axis) -> SeedCorrectness | None:
        """Which test examples were right, along ``axis``; None where that was not logged."""
        if not self._correct:
            return None
        metric, first = next(iter(self._correct.values()))
        outputs = tuple(sorted({output for _, output in self._correct}))
        found = SeedCorrectness.blank(metric, len(first), outputs, len(axis.values))
        for (at, output), (_, right) in self._correct.items():
            found.enter(output, axis.values.index(at), right)
        return found

    def _numbers(self, name: Any, value: Any) -> Iterator[tuple[str, float]]:
        """The metrics that are wanted of one value; a line is said of what is none."""
        try:
            for metric, number in metrics_of(metric_name(name, self._journal.columns), value):
                if not self._wanted or metric in self._wanted or name in self._wanted:
                    yield metric, number
        except UserError as problem:
            if not self._wanted or name in self._wanted:
                self.warned(f"{self._where}: {problem}", ("no number", str(name)))

    def _take_up(self, at: float, names: Sequence[str]) -> None:
        """Before the first row, at ``at``, of the metrics ``names``: go on from the rows before it of the part of this training
        that came earlier."""
        self._rows = {
            place: row for place, row in self._earlier.items() if place < at or (self._exact and place == at)
        }
        with self._quietly():
            # Before the journal: one without a run would be a log of nobody knows what, once this process is killed.
            running = SeedRecord("running", wall_seconds=self._before)
            self._place.mark(self.seed, running, names, Axis.called(self._label, (at,)))
        with self._never_lost():
            if self._earlier:
                self._journal.take_up(self._rows)
            else:
                self._journal.begin()

    @contextmanager
    def _never_lost(self) -> Iterator[None]:
        """A journal that cannot be written is said once, and the rows stay in memory."""
        try:
            yield
        except OSError as error:
            self.warned(
                f"{self._where}: cannot write to {escape(self._place.path)} ({reason(error)})", "journal"
            )

    @property
    def _where(self) -> str:
        return f"recording seed {as_given(self.seed)} of {escape(self._place.method)}"

    @property
    def key(self) -> tuple[Path, int]:
        """The run's directory, and the seed."""
        return self._place.path, self.seed

    def there(self) -> Rows:
        """What is recorded of the seed already: complete, or of a training that was stopped."""
        return self._place.rows(self.seed) or self._journal.stopped()

    @property
    def rows(self) -> Rows:
        """What was logged so far, by place: for each output and metric its value."""
        return self._rows if self._new else self._earlier

    def diverged(self, *whether: Any, **_: Any) -> None:
        """Say that training stopped for good, or with False that it did not; a seed whose block just ends early ended early."""
        with self._observing():
            self._diverged = self._diverged or all(whether)

    def _curves(self) -> tuple[dict[str, dict[str, Curves]], Axis]:
        """What was logged as curves of each output, and where. Raises RunError where it is nothing."""
        rows = dict(sorted(self.rows.items()))
        if not rows:
            raise RunError(f"nothing was logged: {self.hint}")
        keys = dict.fromkeys(key for row in rows.values() for key in row)
        for name, measurement in map(measurement_of, dict.fromkeys(output for output, _ in keys)):
            if measurement is not None and not any(output == name for output, _ in keys):
                raise RunError(
                    f"it was logged as measurement={measurement!r} alone: log the usual measurement too, without a name"
                )
        names = list(dict.fromkeys(name for _, name in keys))
        for name in self._wanted:
            if not any(found == name or found.startswith(f"{name}.") for found in names):
                self.warned(f"{self._where}: it never logged {name}, which metrics=(...) names")
        curves = {
            output: {
                name: unmeasured_before_the_first(
                    [[row.get((output, name), ABSENT) for row in rows.values()]]
                )[0]
                for name in names
            }
            for output in sorted({output for output, _ in keys})
        }
        return curves, Axis.called(self._label, rows)

    def start(self, *, resume: bool = False, again: bool = False, earlier: Rows | None = None) -> None:
        """Hold the seed's lock and begin: with ``resume`` from what is there of the seed, else from the rows ``earlier``.

        The latter are of the very weights that are trained now, and kept up to the first row that comes, with it; of the former
        nobody knows which were still to come at the checkpoint, and what is logged again now counts. ``again``: the seed may be
        complete; what does not go on from it is another attempt. Raises UserError or RunError where it cannot begin.
        """
        self._place.acquire(self.seed, again=again or resume)
        try:
            self._earlier, self._exact = dict((self.there() if resume else earlier) or {}), not resume
            self._before = self._place.seconds(self.seed) if self._earlier else 0.0
            self._place.mark(self.seed, SeedRecord("running", wall_seconds=self._before))
            for misfit in self._place.misfits(self._label):
                self.warned(
                    f"{self._where}: it {escape(misfit)}: what is logged so will be no part of the run, but be kept beside it; "
                    "declare it as theirs, or name the method or workload apart"
                )
        except BaseException:
            self._place.release()
            raise

    def begin(self, *, resume: bool = False) -> None:
        """:meth:`start`, with or without a block to come: :meth:`finish` ends it, and where that is never called, another
        training of the seed or the end of the process stops it. Raises UserError or RunError where it cannot begin."""
        if self.key in _without_block:
            _without_block[self.key].forsaken("another training of it began")
        self.start(resume=resume)
        _without_block[self.key] = self

    def forsaken(self, when: str) -> None:
        """Stop what should have been finished before."""
        how = "record it with a block (with amrobust.record(...) as run:), or call run.finish()"
        self.warned(f"{self._where}: {when} before it was finished, and it is kept as stopped: {how}")
        self.stop(RunError(f"{when} before run.finish()"))

    def finish(self) -> None:
        """End: what was logged is a seed of the run. Nothing is done a second time."""
        self._end(self._commit)

    def _end(self, record: Callable[[], None]) -> None:
        """Close once, after what is to be recorded of the end."""
        if not self._open:
            return
        self._open = False
        _without_block.pop(self.key, None)
        try:
            with self._quietly():
                record()
        finally:
            self._journal.close()
            self._place.release()

    def _commit(self) -> None:
        seconds = time.perf_counter() - self._begun
        recorded = self._place.rows(self.seed)
        if recorded and self.rows and not self._goes_on_from(recorded):
            self.warned(
                f"{self._where}: it is recorded already, and this is another attempt at it, kept in "
                f"{escape(self._journal.set_aside())} and no part of the run: record it under another name to compare it"
            )
            return
        try:
            curves, axis = self._curves()
            self._place.complete(
                self.seed, curves, axis, diverged=self._diverged, seconds=seconds, before=self._before,
                correct=self._examples(axis),
            )  # fmt: skip
            self._journal.remove()
        except Exception as problem:
            kept = f"; what was logged is in {escape(self._journal.path)}" if self.rows else ""
            self.warned(f"{self._where}: {told(problem)}{kept}")
            self._place.mark(self.seed, SeedRecord("failed", error=escape(problem)[:2000]))

    def _goes_on_from(self, recorded: Rows) -> bool:
        """Whether this is what is ``recorded`` of the seed, trained further; what its checkpoint did not have yet is added."""
        last = max(self._earlier, default=None)
        missing: list[tuple[float, tuple[str, str], float]] = []
        for at, row in recorded.items():
            for key, value in row.items():
                mine = self.rows.get(at, {}).get(key)
                if last is None or (mine is None and at > last):
                    return False
                if mine is None:
                    missing.append((at, key, value))
                elif mine != value and not (mine != mine and value != value):
                    return False
        for at, key, value in missing:
            self.rows.setdefault(at, {})[key] = value
        return True

    def stop(self, error: BaseException) -> None:
        """End before the training did: what was logged stays beside the run, and the seed is not done. Nothing is done a second
        time."""
        self._end(lambda: self._mark_stopped(error))

    def _mark_stopped(self, error: BaseException) -> None:
        last = max(self.rows, default=None)
        at = "before anything was logged" if last is None else f"at {self._label} {number_text(last)}"
        interrupted = isinstance(error, KeyboardInterrupt)
        record = SeedRecord(
            "planned" if interrupted else "failed",
            wall_seconds=round(self._before + time.perf_counter() - self._begun, 6),
            error=None if interrupted else escape(f"stopped {at}: {told(error)}")[:2000],
        )
        if not self.rows:
            self._place.mark(self.seed, record)
            return
        curves, axis = self._curves()
        self._place.mark(self.seed, record, next(iter(curves.values())), axis)

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        try:
            yield
        except Exception as problem:  # whatever it is, the script goes on
            self.warned(f"{self._where}: {told(problem)}")

    def __enter__(self) -> Recording:
        _without_block.pop(self.key, None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.finish()
        else:
            self.stop(error)


_without_block: dict[tuple[Path, int], Recording] = {}
"""The recordings of this process that no block ends, by run directory and seed."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_without_block.clear)  # they are the parent's


@atexit.register
def _stop_what_was_not_finished() -> None:
    for recording in list(_without_block.values()):
        recording.forsaken("the process ended")
