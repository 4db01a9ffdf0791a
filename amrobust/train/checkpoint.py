"""The state of a training on disk, so that an interrupted one goes on where it was; reading it executes nothing."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from amrobust.errors import RunError
from amrobust.runs.correctness import SeedCorrectness

MAX_BYTES = 4_000_000_000
"""Of a checkpoint that is read: it is in memory as a whole."""


@dataclass(frozen=True)
class Checkpoint:
    """One training's file, written every ``every`` epochs.

    ``key`` stands for all that the training depends on: a file with another key is as none. The file begins with the SHA-256
    of what follows, which torch's own format would not miss a flipped bit by.
    """

    path: Path
    key: str
    every: int = 5

    def due(self, epochs_done: int) -> bool:
        """Whether the state after so many epochs is to be saved."""
        return epochs_done % self.every == 0

    def save(self, state: Mapping[str, Any]) -> None:
        """Replace the file. ``state`` holds tensors, numbers, texts, lists and dictionaries. Raises RunError on a full disk."""
        buffer = io.BytesIO()
        torch.save({"key": self.key, "state": dict(state)}, buffer)
        temporary = self._temporary
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self.path.parent.is_symlink():
                raise RunError(
                    f"{self.path.parent} is a link, and checkpoints are written to directories of their own only"
                )
            temporary.unlink(missing_ok=True)
            with temporary.open("xb") as file:
                file.write(hashlib.sha256(buffer.getbuffer()).hexdigest().encode() + b"\n")
                file.write(buffer.getbuffer())
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise RunError(f"cannot write the checkpoint {self.path}: {error.strerror or error}") from None

    def load(self) -> dict[str, Any] | None:
        """The saved state; None where there is no file, a damaged one, or one of another training."""
        try:
            content = torch.load(self._sound(), map_location="cpu", weights_only=True)
        except Exception:  # torch raises many kinds on damaged files; a training then starts again
            return None
        if not isinstance(content, dict) or content.get("key") != self.key:
            return None
        state = content.get("state")
        return state if isinstance(state, dict) else None

    def _sound(self) -> io.BytesIO:
        """What torch wrote, once it is known to be whole and to hold no more than its length says. Raises ValueError."""
        found = self.path.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_BYTES:
            raise ValueError("not a plain file of reasonable size")
        digest, _, content = self.path.read_bytes().partition(b"\n")
        if hashlib.sha256(content).hexdigest().encode() != digest:
            raise ValueError("its checksum does not match")
        data = io.BytesIO(content)
        with zipfile.ZipFile(data) as archive:
            entries = archive.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise ValueError("torch compresses nothing")
        if sum(entry.file_size for entry in entries) > len(content):
            raise ValueError("its entries overlap")
        data.seek(0)
        return data

    def remove(self) -> None:
        """Delete the file, and what a process that died while writing it left: nothing goes on from it."""
        for path in (self.path, self._temporary):
            with suppress(OSError):
                path.unlink(missing_ok=True)

    @property
    def _temporary(self) -> Path:
        return self.path.with_name(f".tmp-{self.path.name}")


def as_tensors(correct: SeedCorrectness) -> dict[str, dict[str, torch.Tensor]]:
    """Which test examples were right, as a checkpoint has it."""
    return {
        "bits": {output: torch.from_numpy(bits.copy()) for output, bits in correct.bits.items()},
        "known": {output: torch.from_numpy(known.copy()) for output, known in correct.known.items()},
    }


def from_tensors(state: Mapping[str, Any], correct: SeedCorrectness) -> None:
    """Enter in ``correct`` what :func:`as_tensors` gave. Raises KeyError or ValueError where it is of another training."""
    for own, kept in ((correct.bits, state["bits"]), (correct.known, state["known"])):
        for output, values in own.items():
            values[:] = kept[output].numpy()


def unusable(error: Exception) -> RunError:
    """What to raise where ``error`` came of taking up a checkpoint, which was removed then."""
    return RunError(
        f"its checkpoint could not be taken up and was removed ({type(error).__name__}): the next attempt starts anew"
    )
