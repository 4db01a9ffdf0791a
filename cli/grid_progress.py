"""Progress of a grid: one display for all of its runs, with what is left, failures and where the work runs; on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from amrobust.cli import messages
from amrobust.cli.progress import problem_of

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from amrobust.train.grid import GridReporter, GridRow
    from amrobust.train.outcome import SeedOutcome

LINE_INTERVAL = 2.0
"""Seconds between two lines of progress in a log."""


@contextmanager
def grid_reporter(*, quiet: bool = False) -> Iterator[GridReporter]:
    """A reporter for :func:`amrobust.train.grid.execute_grid`, suited to where stderr goes."""
    if quiet or messages.is_quiet():
        from amrobust.train.grid import SilentGrid

        yield SilentGrid()
    elif sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("seeds,"),
            TimeElapsedColumn(),
            TextColumn("gone"),
            TextColumn("{task.fields[left]}", markup=False),
        )
        with Progress(*columns, console=Console(stderr=True)) as progress:
            yield _Bar(progress)
    else:
        yield _Lines()


class Tally:
    """Counts of a grid, and the time that is left at the pace so far.

    A run that has not begun is taken to need all of its seeds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.runs = self.runs_done = self.failed = self.seeds = self.kept = self.tried = 0
        self.where = ""
        self.begun = clock()

    def planned(self, runs: int, seeds: int, where: str) -> None:
        """The grid begins."""
        self.runs, self.seeds, self.where, self.begun = runs, runs * seeds, where, self.clock()

    @property
    def done(self) -> int:
        """Seeds that are dealt with."""
        return self.kept + self.tried

    @property
    def seconds_left(self) -> float | None:
        """None before the first seed."""
        if not self.tried:
            return None
        return (self.seeds - self.done) * (self.clock() - self.begun) / self.tried

    @property
    def left(self) -> str:
        """The time left, for people."""
        seconds = self.seconds_left
        return "" if seconds is None else f"about {duration(seconds)} left"

    @property
    def title(self) -> str:
        """Runs, failures and where the work runs."""
        failed = f", {self.failed} seeds failed" if self.failed else ""
        return f"{self.runs_done}/{self.runs} runs on {self.where}{failed}"


def duration(seconds: float) -> str:
    """``50 s``, ``12 min``, ``3.5 h`` or ``4.0 days``."""
    for size, unit, most in ((1, "s", 100), (60, "min", 100), (3600, "h", 48)):
        if seconds < most * size:
            return f"{seconds / size:.1f} {unit}" if unit == "h" else f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86400:.1f} days"


class _Counting:
    """What both displays do: count, and say what went wrong."""

    def __init__(self) -> None:
        self.tally = Tally()

    def say(self, text: str) -> None:
        """A line of its own."""
        raise NotImplementedError

    def show(self, *, always: bool = False) -> None:
        """The counts as they are."""
        raise NotImplementedError

    def planned(self, runs: int, seeds: int, where: str) -> None:
        self.tally.planned(runs, seeds, where)

    def waiting(self, path: Path) -> None:
        self.say(f"{path.name}: another process is working on this run; waiting for it")

    def started(self, run: str, wanted: int, kept: int) -> None:
        self.tally.kept += kept
        self.show()

    def note(self, run: str, text: str) -> None:
        self.say(f"{run}: {text}")

    def seed_done(self, run: str, outcome: SeedOutcome) -> None:
        self.tally.tried += 1
        self.tally.failed += outcome.error is not None
        if problem := problem_of(outcome):
            self.say(f"{run}: {problem}")
        self.show()

    def run_done(self, row: GridRow) -> None:
        self.tally.runs_done += 1
        self.show(always=self.tally.runs_done == self.tally.runs)


class _Lines(_Counting):
    """A line every now and then, for a log."""

    def __init__(self) -> None:
        super().__init__()
        self.shown = -LINE_INTERVAL

    def planned(self, runs: int, seeds: int, where: str) -> None:
        super().planned(runs, seeds, where)
        self.say(f"{runs} runs of {seeds} seeds, on {where}")

    def say(self, text: str) -> None:
        click.echo(text, err=True)

    def show(self, *, always: bool = False) -> None:
        now = time.monotonic()
        if not always and now - self.shown < LINE_INTERVAL:
            return
        self.shown = now
        tally = self.tally
        left = f", {tally.left}" if tally.left else ""
        if tally.runs_done == tally.runs:
            left = "" if tally.tried else ", nothing left to train"
        click.echo(f"{tally.title}; {tally.done}/{tally.seeds} seeds{left}", err=True)


class _Bar(_Counting):
    """One bar for all."""

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self.progress = progress
        self.task: TaskID | None = None

    def planned(self, runs: int, seeds: int, where: str) -> None:
        super().planned(runs, seeds, where)
        self.task = self.progress.add_task(self.tally.title, total=self.tally.seeds, left="")

    def say(self, text: str) -> None:
        self.progress.console.print(text, markup=False, highlight=False)

    def show(self, *, always: bool = False) -> None:
        assert self.task is not None
        self.progress.update(
            self.task, description=self.tally.title, completed=self.tally.done, left=self.tally.left
        )
