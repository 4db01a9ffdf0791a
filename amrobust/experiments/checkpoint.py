"""The state of a training on disk, so that an interrupted one goes on where it was; reading it executes nothing."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from amrobust.errors import RunError


@dataclass(frozen=True)
class Checkpoint:
    """One training's file, written every ``every`` epochs.

    ``key`` stands for all that the training depends on: a file with another key is as none.
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
        temporary = self.path.with_name(f".tmp-{self.path.name}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as file:
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
            content = torch.load(self.path, map_location="cpu", weights_only=True)
        except Exception:  # torch raises many kinds on damaged files; a training then starts again
            return None
        if not isinstance(content, dict) or content.get("key") != self.key:
            return None
        state = content.get("state")
        return state if isinstance(state, dict) else None

    def remove(self) -> None:
        """Delete the file: the training is complete."""
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
