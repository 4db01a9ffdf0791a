"""What an execution tells about its progress."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from amrobust.train.outcome import SeedOutcome


class Reporter(Protocol):
    """Told about an execution's progress, in the order of the methods; ``waiting`` comes first, if at all."""

    def waiting(self, path: Path) -> None:
        """Another process holds the run; this one waits for it."""

    def started(self, run: str, wanted: int, kept: int) -> None:
        """``run`` (a directory name) was asked for ``wanted`` seeds, ``kept`` of which are complete already."""

    def note(self, text: str) -> None:
        """Something that the user should know about how the seeds are trained."""

    def seed_done(self, outcome: SeedOutcome) -> None:
        """A seed has finished, diverged or failed."""

    def finished(self, trained: int, seconds: float) -> None:
        """Nothing is left to do; ``trained`` seeds were completed now, in ``seconds``."""


class Silent:
    """A reporter that says nothing."""

    def waiting(self, path: Path) -> None:
        """Say nothing."""

    def started(self, run: str, wanted: int, kept: int) -> None:
        """Say nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""

    def seed_done(self, outcome: SeedOutcome) -> None:
        """Say nothing."""

    def finished(self, trained: int, seconds: float) -> None:
        """Say nothing."""
