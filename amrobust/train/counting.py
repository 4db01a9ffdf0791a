"""How far a batch of runs is, in counts and words: what every display of progress has in common."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from amrobust.train.reporter import RunResult
    from amrobust.train.unit import SeedOutcome


def duration(seconds: float) -> str:
    """``50 s``, ``12 min``, ``3.5 h`` or ``4.0 days``."""
    for size, unit, most in ((1, "s", 100), (60, "min", 100), (3600, "h", 48)):
        if seconds < most * size:
            return f"{seconds / size:.1f} {unit}" if unit == "h" else f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86400:.1f} days"


class Counting:
    """A reporter that counts, and says what went wrong; a display shows the counts."""

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
        """As :class:`amrobust.train.reporter.Reporter`."""
        self.runs, self.seeds, self.where = runs, runs * seeds, where

    def waiting(self, path: Path) -> None:
        """As :class:`amrobust.train.reporter.Reporter`."""
        self.say(f"{path.name}: another process is working on this run; waiting for it")

    def started(self, run: str, wanted: int, kept: int) -> None:
        """As :class:`amrobust.train.reporter.Reporter`."""
        self.run = run
        self.kept += kept
        self.show()

    def note(self, run: str, text: str) -> None:
        """As :class:`amrobust.train.reporter.Reporter`."""
        self.say(f"{run}: {text}")

    def advanced(self, trained: float, remaining: float | None) -> None:
        """As :class:`amrobust.train.reporter.Reporter`."""
        self.trained, self.seconds = trained, remaining
        self.show()

    def seed_done(self, run: str, outcome: SeedOutcome) -> None:
        """As :class:`amrobust.train.reporter.Reporter`."""
        self.tried += 1
        self.failed += outcome.error is not None
        if outcome.error is not None:
            from amrobust.runs.files import escape

            self.say(f"{run}: seed {outcome.seed} failed: {escape(outcome.error)}")
        elif outcome.diverged:
            self.say(f"{run}: seed {outcome.seed} diverged")
        self.show()

    def run_done(self, result: RunResult) -> None:
        """As :class:`amrobust.train.reporter.Reporter`."""
        self.runs_done += 1
        self.show(always=self.runs_done == self.runs)
