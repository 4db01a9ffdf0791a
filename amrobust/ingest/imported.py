"""One method as it leaves the importers: what becomes an arm or a run directory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from amrobust.runs.arms import Curves, first_measured
from amrobust.runs.axis import Axis
from amrobust.runs.method import Method
from amrobust.runs.metric import Metric


@dataclass(frozen=True)
class ImportedMethod:
    """One method on one workload, its seeds aligned: what becomes an arm or a run directory."""

    method: str
    workload: str
    identity: Method
    seeds: tuple[int, ...]
    curves: Mapping[str, Curves]
    """For each metric (seeds, steps), NaN or infinite where a seed diverged; the primary metric first."""
    metrics: tuple[Metric, ...]
    axis: Axis
    """Where the columns were measured."""
    files: tuple[Path, ...]
    numbered: bool = False
    """Whether seeds are the numbers of rows, for want of others."""

    @property
    def steps(self) -> tuple[float, ...]:
        """The coordinates of the columns."""
        return self.axis.values

    @property
    def diverged(self) -> tuple[int, ...]:
        """Seeds with a value that is not finite, from where all of them were measured on."""
        finite = np.all(
            [np.isfinite(c[:, first_measured(c) - 1 :]).all(axis=1) for c in self.curves.values()], axis=0
        )
        return tuple(seed for seed, whole in zip(self.seeds, finite, strict=True) if not whole)
