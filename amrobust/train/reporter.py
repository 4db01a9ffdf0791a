"""What the training of a batch of runs tells about its progress, what comes of each run, and to whom it is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from amrobust.runs.spec import Spec
from amrobust.runs.store import Run, read_run
from amrobust.runs.validators import CorruptRun
from amrobust.train.remaining import Remaining
from amrobust.train.unit import SeedOutcome

ADVANCED_SECONDS = 0.4
"""How often a reporter is told at most how far the batch is, but for the end."""

SHARE = 0.02
"""Of this process's time, what may be spent on reckoning how long the rest takes."""


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
class RunResult:
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
    busy: bool = False
    """Whether it was left to another process, which works on it."""


class Reporter(Protocol):
    """Told about a batch's progress, from one thread at a time. ``run`` is the name of a run's directory."""

    def planned(self, runs: int, seeds: int, where: str) -> None:
        """``runs`` different runs of ``seeds`` seeds each are asked for; they are trained at ``where``."""

    def waiting(self, path: Path) -> None:
        """Another process holds the run."""

    def started(self, run: str, wanted: int, kept: int) -> None:
        """A run begins; ``kept`` of its ``wanted`` seeds are complete already."""

    def note(self, run: str, text: str) -> None:
        """Something that the user should know about how the run's seeds are trained."""

    def advanced(self, trained: float, remaining: float | None) -> None:
        """So many seeds are trained now, with the shares of those under way; the rest takes about so many seconds, if known."""

    def seed_done(self, run: str, outcome: SeedOutcome) -> None:
        """A seed has finished, diverged or failed."""

    def run_done(self, result: RunResult) -> None:
        """A run has all that could be had."""


class Silent:
    """A reporter that says nothing."""

    def planned(self, runs: int, seeds: int, where: str) -> None:
        """Say nothing."""

    def waiting(self, path: Path) -> None:
        """Say nothing."""

    def started(self, run: str, wanted: int, kept: int) -> None:
        """Say nothing."""

    def note(self, run: str, text: str) -> None:
        """Say nothing."""

    def advanced(self, trained: float, remaining: float | None) -> None:
        """Say nothing."""

    def seed_done(self, run: str, outcome: SeedOutcome) -> None:
        """Say nothing."""

    def run_done(self, result: RunResult) -> None:
        """Say nothing."""


class Events:
    """What the threads of a batch have to tell, one after the other; reckons how long the rest takes."""

    def __init__(self, reporter: Reporter, remaining: Remaining) -> None:
        self.reporter, self.remaining = reporter, remaining
        self._lock, self._next, self._to_do = threading.Lock(), 0.0, len(remaining.works)

    def planned(self, runs: int, seeds: int, where: str) -> None:
        """The batch begins."""
        with self._lock:
            self.reporter.planned(runs, seeds, where)

    def ended(self, run: int, result: RunResult) -> None:
        """The run with this number has all that could be had."""
        with self._lock:
            self.remaining.ended(run)
            self._to_do -= 1
            self._advanced(always=self._to_do == 0)
            self.reporter.run_done(result)

    def _advanced(self, *, always: bool = False) -> None:
        began = time.monotonic()
        if always or began >= self._next:
            seconds = self.remaining.seconds()
            took = time.monotonic() - began
            self._next = began + max(ADVANCED_SECONDS, took / SHARE)
            self.reporter.advanced(self.remaining.trained, seconds)


class RunEvents:
    """What one run of a batch tells, with its name to it."""

    def __init__(self, batch: Events, number: int) -> None:
        self.batch, self.number = batch, number
        self.run, self.trained = "", 0

    def waiting(self, path: Path) -> None:
        """Another process holds the run."""
        with self.batch._lock:
            self.batch.reporter.waiting(path)

    def started(self, run: str, wanted: int, kept: int) -> None:
        """The run begins."""
        self.run = run
        with self.batch._lock:
            self.batch.remaining.started(self.number, wanted - kept)
            self.batch.reporter.started(run, wanted, kept)

    def note(self, text: str) -> None:
        """Something that the user should know about how its seeds are trained."""
        with self.batch._lock:
            self.batch.reporter.note(self.run, text)

    def read_as(self, line: str) -> None:
        """What was read as what, of the first seed that was read."""
        with self.batch._lock:
            self.batch.reporter.note("read", line)

    def advanced(self, pairs: Iterable[tuple[int, int]], share: float, seconds: float) -> None:
        """How far a block is, of this run or of several, as :meth:`amrobust.train.remaining.Remaining.advanced`."""
        with self.batch._lock:
            self.batch.remaining.advanced(pairs, share, seconds)
            self.batch._advanced()

    def seed_done(self, outcome: SeedOutcome) -> None:
        """A seed has finished, diverged or failed."""
        self.trained += outcome.error is None
        with self.batch._lock:
            seconds = 0.0 if outcome.error is not None else outcome.wall_seconds
            self.batch.remaining.done((self.number, outcome.seed), seconds, outcome.stack)
            self.batch._advanced()
            self.batch.reporter.seed_done(self.run, outcome)

    def read(self, directory: Path) -> Run | None:
        """The run as it was left; None where nothing can be read of it."""
        try:
            return read_run(directory / self.run) if self.run else None
        except CorruptRun:
            return None
