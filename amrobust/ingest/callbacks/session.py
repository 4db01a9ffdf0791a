"""A seed that a framework's hooks record: opened, logged to and closed in calls of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amrobust.ingest.recorder import Recording, record


class HookRecorder:
    """:func:`amrobust.record` for those who cannot use a ``with`` block: hooks that a training loop calls.

    ``options`` are those of :func:`amrobust.record`. A training that ends in no call of :meth:`close` is not done.
    """

    def __init__(self, directory: Any, options: Mapping[str, Any]) -> None:
        self.directory, self.options = directory, dict(options)
        self.recording: Recording | None = None
        self._logged: set[tuple[float, str]] = set()

    def open(self, **defaults: Any) -> None:
        """Begin to record; ``defaults`` are options that were not given."""
        self.recording = record(self.directory, **{**defaults, **self.options}).__enter__()
        self.recording.asks = False  # No hook ends a training over a name.
        self._logged = set()

    def log(self, at: float, values: Mapping[str, Any]) -> None:
        """Record metrics at the framework's own count of epochs or steps; measured there again, the first time counts."""
        if self.recording is not None:
            self.recording.log(
                at, **{name: v for name, v in values.items() if (at, name) not in self._logged}
            )
            self._logged |= {(at, name) for name in values}

    def close(self, error: BaseException | None = None) -> None:
        """End: as done, or as failed with ``error``."""
        recording, self.recording = self.recording, None
        if recording is not None:
            recording.__exit__(type(error) if error is not None else None, error, None)
