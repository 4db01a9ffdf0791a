"""One method as it leaves the importers: what becomes an arm or a run directory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from amrobust.runs.axis import Axis
from amrobust.runs.method import Method
from amrobust.runs.metric import Metric
from amrobust.runs.values import Curves, ended_early, not_finite


@dataclass(frozen=True)
class ImportedMethod:
    """One method on one workload, its seeds along one axis: what becomes an arm or a run directory."""

    method: str
    workload: str
    identity: Method
    seeds: tuple[int, ...]
    curves: Mapping[str, Curves]
    """For each metric (seeds, steps), NaN or infinite where a seed diverged, ABSENT where it was not measured; the primary
    metric first."""
    metrics: tuple[Metric, ...]
    axis: Axis
    """Where the columns were measured."""
    files: tuple[Path, ...]
    numbered: bool = False
    """Whether seeds are the numbers of rows, for want of others."""
    folds: str | None = None
    """The field of which the seeds are the folds of a cross-validation, where they are."""

    @property
    def steps(self) -> tuple[float, ...]:
        """The coordinates of the columns."""
        return self.axis.values

    @property
    def diverged(self) -> tuple[int, ...]:
        """Seeds with a value that was measured and is not finite."""
        lost = {row for curves in self.curves.values() for row in not_finite(curves).nonzero()[0].tolist()}
        return tuple(seed for row, seed in enumerate(self.seeds) if row in lost)

    @property
    def ended_early(self) -> tuple[int, ...]:
        """Seeds that did not diverge, and of the primary metric have no value where another seed still has one."""
        early = ended_early(self.curves[self.metrics[0].name], np.array(self.axis.values))
        return tuple(
            seed
            for seed, is_early in zip(self.seeds, early, strict=True)
            if is_early and seed not in self.diverged
        )
