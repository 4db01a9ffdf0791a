"""What the recorder leaves beside a run while a seed is trained: its lock, and its journal until it is part of the run."""

from __future__ import annotations

import re
from pathlib import Path

from amrobust.runs.lock import is_held

_RUN_DIRECTORY = re.compile(r".-[0-9a-f]{12}$")
_JOURNAL = re.compile(r"seed-\d+(?:\.attempt-\d+)?\.jsonl")


def journal_of(folder: Path, seed: int) -> Path:
    """Where the journal of a seed is while it is trained, and after it was stopped."""
    return folder / f"seed-{seed:d}.jsonl"


def lock_of(folder: Path, seed: int) -> Path:
    """The file whose lock is held while a seed is recorded."""
    return folder / f".seed-{seed:d}.lock"


def under_way(folder: Path, seed: int) -> bool:
    """Whether a process records the seed now."""
    return is_held(lock_of(folder, seed))


def is_journal(file: Path) -> bool:
    """Whether a file is named as a journal in a directory that is named as a run's; elsewhere such files are others' logs."""
    return bool(_JOURNAL.fullmatch(file.name) and _RUN_DIRECTORY.search(file.parent.name))


def journals_in(folder: Path) -> list[str]:
    """The names of the journals in ``folder``."""
    return sorted(file.name for file in folder.glob("seed-*.jsonl") if is_journal(file))
