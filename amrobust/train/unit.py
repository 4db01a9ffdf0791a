"""A unit of training: seeds of one method, or of several as one stack; where they are trained; what comes of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amrobust.runs.axis import Axis
from amrobust.runs.correctness import SeedCorrectness
from amrobust.runs.metric import Metric
from amrobust.runs.spec import Spec, Value
from amrobust.train.heartbeat import Tell


@dataclass(frozen=True)
class CoBatch:
    """Seeds of several methods on one workload, as one piece of work.

    To an executor it is what a spec is, and the numbers of its "seeds" are places in ``entries``.
    """

    entries: tuple[tuple[Spec, int], ...]

    @property
    def workload(self) -> str:
        """That of every method."""
        return self.entries[0][0].workload

    @property
    def workload_params(self) -> dict[str, Value]:
        """Those of every method."""
        return dict(self.entries[0][0].workload_params)

    def identity(self) -> dict[str, Any]:
        """What the work depends on, as plain JSON data."""
        return {"company": [[spec.identity(), seed] for spec, seed in self.entries]}


Work = Spec | CoBatch
"""What an executor trains."""


def entries_of(work: Work, seeds: Sequence[int]) -> list[tuple[Spec, int]]:
    """The method and the seed that each of ``seeds`` stands for."""
    if isinstance(work, CoBatch):
        return [work.entries[place] for place in seeds]
    return [(work, seed) for seed in seeds]


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


Curve = NDArray[np.float64]


@dataclass(frozen=True)
class Measured:
    """What curves are of, where their training alone can say it, as that of somebody's own script."""

    metrics: tuple[Metric, ...]
    axis: Axis
    read: str = ""
    """What was read as what, in a line, where that has not been said yet."""


@dataclass(frozen=True)
class SeedOutcome:
    """The curves of one seed, or why there are none.

    ``curves[output][metric]`` has shape (epochs,), epochs 1 ... E. A diverged seed keeps its full-length curves with NaN
    (or inf) from the epoch where it diverged: divergence is data. ``error`` is set when the training itself broke (an
    exception, not a NaN); then ``curves`` is empty and the seed counts as failed, never as done.
    """

    seed: int
    curves: Mapping[str, Mapping[str, Curve]] = field(default_factory=dict)
    diverged: bool = False
    wall_seconds: float = 0.0
    """Its own time; in a stack its share of the stack's."""
    measuring_seconds: float = 0.0
    """Of these what other measurements than the usual one took."""
    error: str | None = None
    stack: int = 1
    """How many seeds were trained together with it, itself included."""
    measured: Measured | None = None
    """None where the run's metadata say what the curves are of."""
    correct: SeedCorrectness | None = None
    """Which test examples it got right; None where that was not noted."""
