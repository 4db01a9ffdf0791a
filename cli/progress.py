"""Progress of training: a bar with the time left on a terminal, plain lines in a log; always on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from amrobust.cli import messages

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from amrobust.train.outcome import SeedOutcome
    from amrobust.train.reporter import Reporter


@contextmanager
def progress_reporter(*, quiet: bool = False) -> Iterator[Reporter]:
    """A reporter for :func:`amrobust.train.execution.execute`, suited to where stderr goes."""
    if quiet or messages.is_quiet():
        from amrobust.train.reporter import Silent

        yield Silent()
    elif sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("seeds,"),
            TimeElapsedColumn(),
            TextColumn("gone,"),
            TimeRemainingColumn(),
            TextColumn("left"),
        )
        with Progress(*columns, console=Console(stderr=True)) as progress:
            yield _Bar(progress)
    else:
        yield _Lines()


LONG = 50_000_000
"""Bytes of a table that takes longer to read than one waits without a word."""


@contextmanager
def reading_bar() -> Iterator[None]:
    """A bar on a terminal for each large table that is read within."""
    if messages.is_quiet() or not sys.stderr.isatty():
        yield
        return
    from amrobust.ingest.csv_blocks import watch

    shown_now: list[Progress] = []

    def told(path: Path, done: int, size: int) -> None:
        if size < LONG:
            return
        if not shown_now:
            from rich.console import Console
            from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

            from amrobust.runs.files import shown

            columns = (
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                DownloadColumn(),
                TimeRemainingColumn(),
                TextColumn("left"),
            )
            shown_now.append(Progress(*columns, console=Console(stderr=True), transient=True))
            shown_now[0].start()
            shown_now[0].add_task(f"reading {shown(path.name)}", total=size)
        shown_now[0].update(shown_now[0].task_ids[0], completed=done)
        if done == size:
            shown_now.pop().stop()

    before = watch.set(told)
    try:
        yield
    finally:
        watch.reset(before)
        for bar in shown_now:
            bar.stop()


def problem_of(outcome: SeedOutcome) -> str | None:
    """What went wrong with a seed, in a line."""
    if outcome.error is not None:
        from amrobust.runs.files import shown

        return f"seed {outcome.seed} failed: {shown(outcome.error)}"
    return f"seed {outcome.seed} diverged" if outcome.diverged else None


class _Lines:
    """One line a seed, for a log."""

    def __init__(self) -> None:
        self.run, self.wanted, self.done = "", 0, 0

    def waiting(self, path: Path) -> None:
        click.echo(f"{path.name}: another process is working on this run; waiting for it", err=True)

    def started(self, run: str, wanted: int, kept: int) -> None:
        self.run, self.wanted, self.done = run, wanted, kept
        left = f"{wanted - kept} to train" if kept < wanted else "nothing left to train"
        click.echo(f"{run}: {kept} of {wanted} seeds are there, {left}", err=True)

    def note(self, text: str) -> None:
        click.echo(f"{self.run}: {text}", err=True)

    def seed_done(self, outcome: SeedOutcome) -> None:
        self.done += outcome.error is None
        note = problem_of(outcome)
        click.echo(
            f"{self.run}: {self.done}/{self.wanted} seeds, the last in {outcome.wall_seconds:.1f} s"
            + (f" ({note})" if note else ""),
            err=True,
        )

    def finished(self, trained: int, seconds: float) -> None:
        if trained:
            click.echo(f"{self.run}: trained {trained} seeds in {seconds:.1f} s", err=True)


class _Bar:
    """A bar a run."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.task: TaskID | None = None

    def waiting(self, path: Path) -> None:
        self.progress.console.print(
            f"{path.name}: another process is working on this run; waiting for it", markup=False
        )

    def started(self, run: str, wanted: int, kept: int) -> None:
        self.task = self.progress.add_task(run, total=wanted, completed=kept)

    def note(self, text: str) -> None:
        self.progress.console.print(text, markup=False)

    def seed_done(self, outcome: SeedOutcome) -> None:
        assert self.task is not None
        self.progress.advance(self.task)
        if note := problem_of(outcome):
            self.progress.console.print(note, markup=False)

    def finished(self, trained: int, seconds: float) -> None:
        """The full bar says it."""
