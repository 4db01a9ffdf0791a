"""A seed that a framework's hooks record: opened, logged to and closed in calls of their own, none of which raises."""

from __future__ import annotations

import atexit
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from amrobust.errors import RunError, UserError
from amrobust.ingest.recorder import prepared
from amrobust.ingest.recorder_journal import Rows
from amrobust.ingest.recorder_values import metrics_of, output_of
from amrobust.ingest.recording import Recording, Warned, told

if TYPE_CHECKING:
    from amrobust.ingest.callbacks.weights import Measure

_under_way: dict[tuple[Any, int], HookRecorder] = {}
"""The recordings of this process that no hook has closed yet, by run directory and seed."""


class HookRecorder:
    """:func:`amrobust.record` for those who cannot use a ``with`` block: hooks that a training loop calls.

    ``options`` are those of :func:`amrobust.record`; what is wrong with them raises UserError here, before anything trains.
    Afterwards nothing raises: what is wrong is said once. A training whose last hook is never called was stopped: this is
    known when another training of its seed begins, or the process ends. ``hint`` says what to do where nothing was logged.
    """

    def __init__(self, directory: Any, options: Mapping[str, Any], hint: str = "") -> None:
        self.directory, self.options, self._hint = directory, dict(options), hint
        self.recording: Recording | None = None
        self._last: Rows = {}
        self.warned = Warned()
        prepared(directory, **{"seed": 0, **self.options})

    def open(self, earlier: Rows | None = None, **defaults: Any) -> None:
        """Begin to record; ``defaults`` are options that were not given.

        ``earlier`` are the rows of the part of this training that came before, where it was resumed from a checkpoint. What
        begins anew although its seed is complete is another attempt.
        """
        with self.quietly():
            made = prepared(self.directory, **{**defaults, **self.options})
            for one in (self, _under_way.get(made.key)):
                if one is not None:
                    one.close(RunError("another training began before it was over"))
            made.start(again=True, earlier=earlier)
            self.recording, made.warned, made.hint = made, self.warned, self._hint or made.hint
            _under_way[made.key] = self

    def stored(self, **defaults: Any) -> Rows:
        """What is there of the seed, complete or stopped, before it is opened. Raises UserError or RunError."""
        return prepared(self.directory, **{**defaults, **self.options}).there()

    def flat(self, values: Mapping[str, Any]) -> dict[str, float]:
        """Values as the metrics that would be recorded of them; what is none is left out."""
        found: dict[str, float] = {}
        for name, value in values.items():
            with suppress(UserError):
                found |= dict(metrics_of(name, value))
        return found

    def measure(self, at: float, output: str, measures: Mapping[str | None, Measure], model: Any) -> None:
        """Record what each of ``measures`` gives of a model; where one raises, this is said, and it gives nothing."""
        for name, measure in measures.items():
            try:
                found = measure(model)
                if not isinstance(found, Mapping):
                    raise UserError(
                        f"it gives numbers by name, such as {{'acc': 0.5}}, not {type(found).__name__}"
                    )
            except Exception as problem:  # it is the user's, and the training goes on
                what = "measure=" if name is None else f"measurements={{{name!r}: ...}}"
                self.warned(
                    f"recording with amrobust what {what} gives: {told(problem)}",
                    ("measure", name, type(problem)),
                )
            else:
                self.log(at, {output: found}, name)

    def log(
        self, at: float, outputs: Mapping[str, Mapping[str, Any]], measurement: str | None = None
    ) -> None:
        """Record metrics of each output at the framework's own count; measured there again, the first time counts."""
        recording = self.recording
        if recording is not None:
            with self.quietly():
                known = recording.rows.get(float(at), {})
                fresh = {
                    output: {
                        name: value
                        for name, value in values.items()
                        if (output_of(output, measurement), name) not in known
                    }
                    for output, values in outputs.items()
                }
                recording.log_outputs(at, fresh, measurement=measurement)

    @property
    def rows(self) -> Rows:
        """What was recorded so far, or by the last training where it is over."""
        return self._last if self.recording is None else self.recording.rows

    def close(self, error: BaseException | None = None) -> None:
        """End: as done, or as stopped with ``error``."""
        recording, self.recording = self.recording, None
        if recording is not None:
            _under_way.pop(recording.key, None)
            self._last = recording.rows
            with self.quietly():
                recording.__exit__(type(error) if error is not None else None, error, None)

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """Within this context nothing raises: what is wrong is said once."""
        try:
            yield
        except Exception as problem:  # whatever it is, the training goes on
            self.warned(f"recording with amrobust: {told(problem)}", type(problem))


@atexit.register
def _stop_what_is_under_way() -> None:
    """A process that ends in an exception calls no hook of some frameworks."""
    last = getattr(sys, "last_value", None)
    for hooks in list(_under_way.values()):
        with suppress(Exception):
            hooks.close(last or RunError("the process ended before the training did"))
