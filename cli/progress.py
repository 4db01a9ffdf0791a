"""Progress of training, of one run or many: a bar on a terminal, a line every few seconds in a log; always on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from amrobust.cli import messages
from amrobust.train.counting import Counting

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from amrobust.train.reporter import Reporter

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


class _Lines(Counting):
    """A line every now and then, for a log."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = time.monotonic()
        self.last = self.begun - LINE_INTERVAL

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
        elif always or ((self.tried or self.trained or self.runs > 1) and now - self.last >= interval):
            self.last = now
            click.echo(f"{self.title}; {self.counts}{self.remaining}", err=True)


class _Bar(Counting):
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
