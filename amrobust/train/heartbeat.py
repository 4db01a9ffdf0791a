"""How far a block of seeds is: told by the loops that train it, heard wherever the command runs.

Loops call :func:`epoch` and :func:`step` (or :func:`advanced`), which cost nothing where nobody listens and tell at most twice
a second otherwise. A message that is lost changes nothing but how soon the time left is known, and none can raise anything
into a training.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from amrobust.runs.manifest import Block

INTERVAL = 0.5
"""Seconds between two messages of one block."""

TRAINING = 0.6
"""Of an epoch's time what training is taken to need before the evaluation at its end; wrong by less than half an epoch."""

PREFIX = "progress-"
"""Of files through which workers on other machines are heard."""

SLOTS = 1024
"""Blocks that worker processes can be heard of at a time; of others nothing is heard."""

Tell = Callable[[Block, float, float], None]
"""Takes the seeds of a block, the share of its work that is done, and the seconds that all of it takes; 0 if not known."""


class Listener:
    """Hears blocks that are trained in this process. Another process that gets a copy has none: a copy is None."""

    def __init__(self, tell: Tell) -> None:
        self.tell = tell

    def __call__(self, seeds: Block, share: float, seconds: float) -> None:
        """Tell it; what goes wrong there is nothing to the training."""
        with suppress(Exception):
            self.tell(seeds, share, seconds)

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        return type(None), ()


class _Beats:
    """What one block has told so far.

    Its pace is that since the first step was done after its loop began, or went on from a checkpoint: libraries are imported in
    that step.
    """

    def __init__(self, seeds: Block, tell: Tell) -> None:
        self.seeds, self.tell = seeds, tell
        self.first: float | None = None
        self.begun: tuple[float, float] | None = None
        self.last = 0.0
        self.epoch, self.epochs = 0, 1

    def advanced(self, share: float) -> None:
        now = time.perf_counter()
        if self.first is None:
            self.first = share
        elif self.begun is None and share > self.first:
            self.begun = now, share
        if now - self.last < INTERVAL:
            return
        self.last = now
        done = 0.0 if self.begun is None else share - self.begun[1]
        self.tell(self.seeds, share, (now - self.begun[0]) / done if self.begun and done > 0 else 0.0)


_now: ContextVar[_Beats | None] = ContextVar("amrobust_heartbeat", default=None)


@contextmanager
def heard(seeds: Sequence[int], tell: Tell | None) -> Iterator[None]:
    """Within it the loops that train ``seeds`` as one block are heard by ``tell``."""
    token = _now.set(None if tell is None else _Beats(tuple(seeds), tell))
    try:
        yield
    finally:
        _now.reset(token)


def advanced(share: float) -> None:
    """So much of the block's work is done; to be called at its start, too."""
    if (beats := _now.get()) is not None:
        beats.advanced(share)


def epoch(number: int, epochs: int) -> None:
    """Epoch 0, 1, … of ``epochs`` begins."""
    if (beats := _now.get()) is not None:
        beats.epoch, beats.epochs = number, epochs
        beats.advanced(number / epochs)


def step(number: int, steps: int) -> None:
    """So many of the ``steps`` of the epoch that began last are done."""
    if (beats := _now.get()) is not None:
        beats.advanced((beats.epoch + TRAINING * number / steps) / beats.epochs)


class Board:
    """Memory in which worker processes leave how far their blocks are, and their parent reads it.

    It has no lock that a killed worker could keep, and nothing of it outlives the processes. Each block has a slot, with a
    ``ticket`` by which what a worker writes that nobody waits for any more is told from what its successor writes.
    """

    def __init__(self) -> None:
        import multiprocessing

        self.cells: Any = None
        self._free: list[int] = []
        with suppress(
            OSError
        ):  # Shared memory is a file of the system's, which may have no room: then nobody is heard.
            self.cells = multiprocessing.get_context("spawn").RawArray("d", 3 * SLOTS)
            self._free = list(range(SLOTS))
        self._tickets, self._lock = 0, threading.Lock()

    def take(self) -> Slot | None:
        """A slot for one block; None where all are taken."""
        with self._lock:
            self._tickets += 1
            return (self._free.pop(), self._tickets) if self._free else None

    def give_back(self, slot: Slot | None) -> None:
        """The block is done, or given up."""
        if slot is not None:
            with self._lock:
                self._free.append(slot[0])

    def read(self, slot: Slot | None) -> tuple[float, float] | None:
        """Share and seconds as they were told last; None before anything was."""
        if slot is None:
            return None
        ticket, share, seconds = self.cells[3 * slot[0] : 3 * slot[0] + 3]
        return (share, seconds) if ticket == slot[1] else None


Slot = tuple[int, int]
"""Place on the board, and ticket."""

_cells: Any = None
"""The board of the process that this one works for."""


def work_for(cells: Any) -> None:
    """In a worker: the memory of the parent's board."""
    global _cells
    _cells = cells


def writer(slot: Slot | None) -> Listener | None:
    """In a worker: what writes into ``slot``."""
    if slot is None or _cells is None:
        return None
    place, ticket = 3 * slot[0], slot[1]

    def tell(seeds: Block, share: float, seconds: float) -> None:
        _cells[place : place + 3] = (ticket, share, seconds)

    return Listener(tell)


def file_of(seeds: Sequence[int], directory: Path) -> Path:
    """Where a worker on another machine that shares ``directory`` leaves how far a block is."""
    return directory / f"{PREFIX}{seeds[0]}-{seeds[-1]}"


@contextmanager
def written(path: Path) -> Iterator[Listener]:
    """A listener that writes to ``path``, which is removed at the end."""

    def tell(seeds: Block, share: float, seconds: float) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{share} {seconds}\n")

    try:
        yield Listener(tell)
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def read_files(blocks: Iterable[Block], directory: Path | None, tell: Tell | None) -> None:
    """Tell who listens what was written of ``blocks`` in ``directory``; half a line is none."""
    if directory is None or tell is None:
        return
    for block in blocks:
        with suppress(OSError, ValueError):
            text = file_of(block, directory).read_text()
            if text.endswith("\n"):
                share, seconds = map(float, text.split())
                tell(block, share, seconds)
