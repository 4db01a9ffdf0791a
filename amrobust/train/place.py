"""Where and how a run is computed: provenance, recorded and shown, never part of what the run is."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from amrobust.train.heartbeat import Tell


@dataclass(frozen=True)
class Place:
    """``backend`` computes convex problems (:mod:`amrobust.workloads.backends`), torch trains networks, both on ``device``.

    Long trainings keep their state in the directory ``checkpoints``, where one is given, and go on from what is there that the
    same code made. ``code`` is the digest of what others brought, which whoever trains has to find too. ``heard`` is told how
    far each block is.
    """

    backend: str = "numpy"
    device: str = "cpu"
    checkpoints: Path | None = None
    code: str | None = None
    heard: Tell | None = field(default=None, compare=False)


HERE = Place()
"""The CPU, convex problems by NumPy, no checkpoints."""
