"""Progress of training, of one run or many: a bar on a terminal, a line every few seconds in a log; always on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from amrobust.cli import messages

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from amrobust.train.reporter import Reporter, RunResult
    from amrobust.train.unit import SeedOutcome

LINE_INTERVAL = 2.0
"""Seconds between two lines of progress in a log, at first."""

LONGEST_INTERVAL = 30.0
"""Seconds between two lines of a training of hours."""


@contextmanager
def progress_reporter(*, quiet: bool = False) -> Iterator[Reporter]:
    """A reporter for :func:`amrobust.train.engine.train_runs`, suited to where stderr goes."""
    if quiet or messages.is_quiet():
        from amrobust.train.reporter import Silent

        yield Silent()
    elif sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=10),
            TextColumn("{task.fields[counts]},", markup=False),
            TimeElapsedColumn(),
            TextColumn("elapsed{task.fields[remaining]}", markup=False),
        )
        with Progress(*columns, console=Console(stderr=True)) as progress:
            yield _Bar(progress)
    else:
        yield _Lines()


def duration(seconds: float) -> str:
    """``50 s``, ``12 min``, ``3.5 h`` or ``4.0 days``."""
    for size, unit, most in ((1, "s", 100), (60, "min", 100), (3600, "h", 48)):
        if seconds < most * size:
            return f"{seconds / size:.1f} {unit}" if unit == "h" else f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86400:.1f} days"


class _Counting:
    """What both displays do: count, and say what went wrong."""

    def __init__(self) -> None:
        self.runs = self.runs_done = self.seeds = self.kept = self.tried = self.failed = 0
        self.trained, self.seconds = 0.0, None
        self.where = self.run = ""

    trained: float
    """Seeds, with the shares of those under way."""
    seconds: float | None
    """What the rest takes."""

    def say(self, text: str) -> None:
        """A line of its own."""
        raise NotImplementedError

    def show(self, *, always: bool = False) -> None:
        """The counts as they are."""
        raise NotImplementedError

    @property
    def title(self) -> str:
        """The run, or how many are done and where, and failures."""
        failed = f", {self.failed} seeds failed" if self.failed else ""
        if self.runs == 1:
            return f"{self.run}{failed}"
        return f"{self.runs_done}/{self.runs} runs on {self.where}{failed}"

    @property
    def counts(self) -> str:
        """Seeds that are dealt with, and where those under way make it more, the share of the work that is done."""
        done = self.kept + self.tried
        share = (self.kept + self.trained) / self.seeds
        return f"{done}/{self.seeds} seeds" + (f" ({share:.0%})" if share > done / self.seeds else "")

    @property
    def remaining(self) -> str:
        """What the rest takes, for people."""
        return "" if self.seconds is None else f", about {duration(self.seconds)} remaining"

    def planned(self, runs: int, seeds: int, where: str) -> None:
        self.runs, self.seeds, self.where = runs, runs * seeds, where

    def waiting(self, path: Path) -> None:
        self.say(f"{path.name}: another process is working on this run; waiting for it")

    def started(self, run: str, wanted: int, kept: int) -> None:
        self.run = run
        self.kept += kept
        self.show()

    def note(self, run: str, text: str) -> None:
        self.say(f"{run}: {text}")

    def advanced(self, trained: float, remaining: float | None) -> None:
        self.trained, self.seconds = trained, remaining
        self.show()

    def seed_done(self, run: str, outcome: SeedOutcome) -> None:
        self.tried += 1
        self.failed += outcome.error is not None
        if outcome.error is not None:
            from amrobust.runs.files import escape

            self.say(f"{run}: seed {outcome.seed} failed: {escape(outcome.error)}")
        elif outcome.diverged:
            self.say(f"{run}: seed {outcome.seed} diverged")
        self.show()

    def run_done(self, result: RunResult) -> None:
        self.runs_done += 1
        self.show(always=self.runs_done == self.runs)


class _Lines(_Counting):
    """A line every now and then, for a log."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = time.monotonic()
        self.escape = self.begun - LINE_INTERVAL

    def planned(self, runs: int, seeds: int, where: str) -> None:
        super().planned(runs, seeds, where)
        if runs > 1:
            self.say(f"{runs} runs of {seeds} seeds, on {where}")

    def started(self, run: str, wanted: int, kept: int) -> None:
        if self.runs == 1:
            what = f"{wanted - kept} to train on {self.where}" if kept < wanted else "nothing left to train"
            self.say(f"{run}: {kept} of {wanted} seeds are there, {what}")
        super().started(run, wanted, kept)

    def say(self, text: str) -> None:
        click.echo(text, err=True)

    def show(self, *, always: bool = False) -> None:
        now = time.monotonic()
        interval = min(LONGEST_INTERVAL, max(LINE_INTERVAL, (now - self.begun) / 60))
        if self.runs_done == self.runs:
            if self.tried or self.runs > 1:
                rest = "" if self.tried else ", nothing left to train"
                click.echo(f"{self.title}; {self.counts}{rest}", err=True)
        elif always or ((self.tried or self.trained or self.runs > 1) and now - self.escape >= interval):
            self.escape = now
            click.echo(f"{self.title}; {self.counts}{self.remaining}", err=True)


class _Bar(_Counting):
    """One bar for all."""

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self.progress = progress
        self.task: TaskID | None = None

    def planned(self, runs: int, seeds: int, where: str) -> None:
        super().planned(runs, seeds, where)
        self.task = self.progress.add_task(where, total=self.seeds, counts=self.counts, remaining="")

    def say(self, text: str) -> None:
        self.progress.console.print(text, markup=False, highlight=False)

    def show(self, *, always: bool = False) -> None:
        assert self.task is not None
        self.progress.update(
            self.task, description=self.title, completed=self.kept + max(self.tried, self.trained), counts=self.counts,
            remaining="" if self.runs_done == self.runs else self.remaining,
        )  # fmt: skip
