"""Runs recorded from loops that are not amrobust's: one seed at a time, from any number of processes."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from amrobust.errors import RunError, UserError
from amrobust.ingest.landing import OUTPUT
from amrobust.ingest.recorder_place import Place
from amrobust.runs.axis import EPOCH, MAX_EPOCHS, Axis, number
from amrobust.runs.correctness import SeedCorrectness, agrees
from amrobust.runs.documents import mapping_given, several_given
from amrobust.runs.files import escape
from amrobust.runs.manifest import SeedRecord
from amrobust.runs.metric import INDEX_COLUMNS, direction, refuse_unnamed
from amrobust.runs.seeds import MAX_SEED, as_given, seed_of
from amrobust.runs.spec import MAX_TEXT, Value, can_be_recorded, plain
from amrobust.runs.values import ABSENT, unmeasured_before_the_first


class Recording:
    """One seed while it is trained: made by :func:`record`."""

    def __init__(
        self, place: Place, seed: int, epochs: int | None, metrics: Sequence[str], axis: str
    ) -> None:
        self.seed = seed
        self._place, self._epochs, self._wanted, self._label = place, epochs, tuple(metrics), axis
        self._rows: dict[float, dict[str, float]] = {}
        self._correct: dict[float, tuple[str, NDArray[np.bool_]]] = {}
        self._diverged = False
        self._begun = time.perf_counter()
        self.asks = True
        """Whether a metric of unknown direction is refused; else it is recorded as such, and asked about when compared."""
        self._open = True

    def log(self, epoch: float, /, *, correct: ArrayLike | None = None, **values: float) -> None:
        """Record the metrics of one epoch, or step, number of tokens, second, ...; several calls for one add up.

        These are recorded as they are: any increasing numbers, the same for all seeds, of which one may end before another; a
        metric may be logged at some of them alone. A number that is not finite is divergence, but for NaN before a metric's
        first value: there it was not measured yet. Values may be anything but text that ``float()`` takes, such as a tensor of
        one number; true and false are 1 and 0.

        ``correct`` (examples,), of true and false, says which test examples were right, the same examples in the same order
        each time. Its mean is the accuracy that is logged with it, as a share or in percent: of that metric the spread on the
        distribution of test examples can be told then.

        Raises UserError on an epoch that is out of order, or a metric that is not a number, or does not say by its name which
        way is better where :func:`record` was not told either.
        """
        if not self._open:
            raise UserError("this seed is no longer recorded: log inside the with block")
        kept = {
            _metric_name(name): _number(name, value)
            for name, value in values.items()
            if name in (self._wanted or values)
        }
        epoch = _coordinate(self._label, epoch)
        right = None if correct is None else _right(correct, kept)
        if not kept:
            return
        if self.asks and (unknown := [name for name in kept if self._place.metric(name).better is None]):
            raise UserError(
                f"whether {unknown[0]} is better high or low cannot be told from its name: say record(..., "
                f"better={{{unknown[0]!r}: 'lower'}}) or 'higher', or leave it out with metrics=(...)"
            )
        last = next(reversed(self._rows), None)
        if last is not None and epoch < last:
            raise UserError(
                f"{self._label} {number(epoch)} comes after {self._label} {number(last)}: log them in their order"
            )
        most = self._epochs or MAX_EPOCHS
        if last is not None and epoch > last and len(self._rows) >= most:
            raise UserError(f"more than {most:,} {Axis.called(self._label, ()).plural} cannot be recorded")
        row = self._rows.setdefault(epoch, {})
        doubles = sorted(set(kept) & set(row))
        if doubles:
            raise UserError(f"{doubles[0]} is logged twice at {self._label} {number(epoch)}")
        row.update(kept)
        if right is not None:
            known = next(iter(self._correct.values()), right)
            if (known[0], len(known[1])) != (right[0], len(right[1])):
                raise UserError(
                    f"correct is of {len(right[1]):,} examples and {right[0]} here, and was of {len(known[1]):,} and "
                    f"{known[0]}: give it of one test set and one metric"
                )
            self._correct[epoch] = right

    def diverged(self) -> None:
        """Say that training stopped for good; a seed whose block just ends early is one that ended early."""
        self._diverged = True

    def _curves(self) -> tuple[dict[str, np.ndarray[Any, np.dtype[np.float64]]], Axis]:
        """What was logged as curves, and where. Raises RunError where it is not what a run needs."""
        if not self._rows:
            raise RunError(f"seed {self.seed} logged nothing: call run.log(epoch, metric=value) in the loop")
        logged = dict.fromkeys(name for row in self._rows.values() for name in row)
        names = self._wanted or tuple(logged)
        if absent := [name for name in names if name not in logged]:
            raise RunError(f"seed {self.seed} never logged {absent[0]}, which metrics=(...) names")
        curves = {
            name: unmeasured_before_the_first([[row.get(name, ABSENT) for row in self._rows.values()]])[0]
            for name in names
        }
        return curves, Axis.called(self._label, self._rows)

    def _examples(self, axis: Axis) -> SeedCorrectness | None:
        """Which test examples were right, along ``axis``; None where that was not logged."""
        if not self._correct:
            return None
        metric, first = next(iter(self._correct.values()))
        found = SeedCorrectness.blank(metric, len(first), (OUTPUT,), len(axis.values))
        for epoch, (_, right) in self._correct.items():
            found.enter(OUTPUT, axis.values.index(epoch), right)
        return found

    def _start(self) -> None:
        self._place.mark(self.seed, SeedRecord("running"))

    def _finish(self) -> None:
        self._open = False
        try:
            curves, axis = self._curves()
            seconds = time.perf_counter() - self._begun
            self._place.complete(self.seed, curves, self._diverged, seconds, axis, self._examples(axis))
        except Exception as problem:  # whatever it is, a training's numbers are kept
            kept = self._place.rescue(self.seed, self._label, self._rows)
            self._place.mark(self.seed, SeedRecord("failed", error=str(problem)[:2000]))
            known = isinstance(problem, (RunError, UserError))
            raise RunError(f"{problem}; what was logged is in {kept}") from (None if known else problem)

    def _fail(self, error: BaseException) -> None:
        self._open = False
        text = f"{type(error).__name__}: {error}"
        state = "planned" if isinstance(error, KeyboardInterrupt) else "failed"
        self._place.mark(
            self.seed,
            SeedRecord(state, error=None if state == "planned" else escape(text)[:2000]),  # type: ignore[arg-type]
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
    seed: int | str,
    workload: str,
    hyperparameters: Mapping[str, Value] | None = None,
    epochs: int | None = None,
    seeds: int | None = None,
    metrics: Sequence[str] = (),
    better: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    paired: bool = False,
    axis: str = EPOCH,
) -> Recording:
    """Record one seed of ``method`` on ``workload`` from a loop of one's own, below ``directory``.

    Use as a context: what is logged becomes one seed of a run when the block ends; a seed whose block ends in an exception, or
    whose process is killed, is not done. Several processes may record seeds of one run at once. ``better`` says of a metric
    that it is better "higher" or "lower"; it has to where its name does not say so (docs/formats.md has the words that do).
    ``metrics`` names those to keep. ``axis`` is what the first argument of ``run.log`` counts: "step", "tokens", "time (s)",
    ...; ``epochs`` is how many of them a seed may have. ``seeds`` is how many the study was planned with: seeds beyond it draw
    the warning that they were added. ``paired``: equal seeds of different methods share their random streams. A seed is any
    whole number, or a text; seeds and hyperparameters may be scalars of NumPy or torch: what is recorded are Python's own.

    Raises UserError on a value that cannot be recorded, and where the seed is recorded already, or another process is recording
    it; at the end RunError where what was logged does not fit the run's other seeds (it is kept beside the run as a CSV file).

    >>> import tempfile
    >>> with record(tempfile.mkdtemp(), method="adam", seed=0, workload="mine") as run:
    ...     for epoch in range(1, 4):
    ...         run.log(epoch, test_accuracy=90 + epoch)
    """
    place = _place(directory, method, workload, hyperparameters, paired)
    ways = mapping_given("better", better, "{'my_metric': 'lower'}")
    place.better = {name: direction(f"better of {name}", plain(way)) for name, way in ways.items()}
    place.units = {
        name: _text(f"the unit of {name}", unit, least=0)
        for name, unit in mapping_given("units", units, "{'acc': '%'}").items()
    }
    place.planned = None if seeds is None else _whole("seeds", seeds, 1, MAX_SEED)
    length = None if epochs is None else _whole("epochs", epochs, 1, MAX_EPOCHS)
    which = seed_of(seed)
    label = _name("axis", axis)
    if isinstance(metrics, str):
        raise UserError(f"metrics are names, such as ({metrics!r},), not {metrics!r}")
    wanted = [_metric_name(name) for name in several_given("metrics", metrics, "('acc', 'loss')")]
    if wanted:
        refuse_unnamed("better", place.better, wanted)
        refuse_unnamed("units", place.units, wanted)
    place.acquire(which)
    return Recording(place, which, length, wanted, label)


def recorded(
    directory: str | PathLike[str],
    *,
    method: str,
    workload: str,
    hyperparameters: Mapping[str, Value] | None = None,
    paired: bool = False,
) -> tuple[int | str, ...]:
    """The seeds of this run that are complete, ascending, as they were given: those that a loop may pass over.

    >>> recorded("nowhere", method="adam", workload="mine")
    ()
    """
    run = _place(directory, method, workload, hyperparameters, paired).read()
    return tuple(map(as_given, run.manifest.complete)) if run is not None else ()


def _place(
    directory: str | PathLike[str],
    method: str,
    workload: str,
    hyperparameters: Mapping[str, Value] | None,
    paired: bool,
) -> Place:
    """The place of a run, once all that names it is what a manifest can hold. Raises UserError."""
    values = {}
    for key, value in mapping_given("hyperparameters", hyperparameters, "{'lr': 0.1}").items():
        values[_text("a hyperparameter's name", key)] = stored = plain(value)
        if not can_be_recorded(stored):
            raise UserError(
                f"the hyperparameter {key!r} is a number, a text, true, false or None, not {value!r:.100}"
            )
    shared = _one_of("paired", paired, (True, False))
    try:
        # A directory given now is the same one when the block ends, wherever the process has gone meanwhile.
        where = Path(directory).absolute()
    except TypeError:
        raise UserError(f"the directory is a path, not {directory!r:.100}") from None
    return Place(where, _name("method", method), _name("workload", workload), values, shared)


def _text(what: str, value: Any, least: int = 1) -> str:
    text = plain(value)
    if not isinstance(text, str) or not least <= len(text) <= MAX_TEXT:
        raise UserError(f"{what} is a text, not {value!r:.100}")
    return text


def _name(what: str, value: Any) -> str:
    name = plain(value)
    if not isinstance(name, str) or not name.strip() or len(name) > MAX_TEXT:
        raise UserError(f"the {what} is a name, not {value!r:.100}")
    return name


def _whole(what: str, value: Any, least: int, most: int) -> int:
    number = plain(value)
    if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= most:
        raise UserError(f"{what} is a whole number from {least} to {most:,}, not {value!r:.100}")
    return number


def _coordinate(label: str, value: Any) -> float:
    found = plain(value)
    if isinstance(found, bool) or not isinstance(found, (int, float)) or not abs(found) <= sys.float_info.max:
        raise UserError(f"{label} is a number, not {value!r:.100}")
    return float(found)


def _one_of(what: str, value: Any, choices: tuple[Any, ...]) -> Any:
    found = plain(value)
    # 1 is True for Python, and another run for a manifest.
    if not any(type(found) is type(choice) and found == choice for choice in choices):
        raise UserError(f"{what} is {' or '.join(map(repr, choices))}, not {value!r:.100}")
    return found


def _metric_name(name: Any) -> str:
    if name in INDEX_COLUMNS:
        raise UserError(f"a metric cannot be called {name!r}")
    return _text("the name of a metric", name)


def _right(correct: ArrayLike, values: Mapping[str, float]) -> tuple[str, NDArray[np.bool_]]:
    """``correct`` with the one of ``values`` that is its mean. Raises UserError where it is no such array, or none is."""
    given = np.asarray(getattr(correct, "cpu", lambda: correct)())
    if given.ndim != 1 or not given.size or not np.isin(given, (0, 1)).all():
        raise UserError("correct is one true or false for each test example: an array of one dimension")
    share = float(given.mean())
    names = [
        name
        for name, value in values.items()
        for top in (1, 100)
        if agrees(np.array(value), np.array(top * share))
    ]
    if not names:
        raise UserError(
            f"correct is right on {share:.4%} of {len(given):,} examples, and no metric that is logged with it says so: log "
            "the accuracy beside it, as a share or in percent"
        )
    return names[0], given.astype(bool)


def _number(name: str, value: Any) -> float:
    # item() and not float(): of a tensor that still has its graph, and an array of one element, that warns
    item = getattr(value, "item", None)
    try:
        number = item() if callable(item) else value
        if isinstance(number, (str, bytes)):
            raise TypeError
        return float(number)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        raise UserError(f"{name} = {value!r:.100} is not a number") from None
