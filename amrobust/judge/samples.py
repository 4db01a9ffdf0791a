"""From two arms to the two samples that a test sees: which epochs, which seeds, paired or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from amrobust.judge import run_warnings, tuning
from amrobust.runs.arms import Arm
from amrobust.runs.metric import Metric
from amrobust.stats import final_values
from amrobust.stats.results import ResultWarning
from amrobust.stats.samples import final_epochs

Curves = NDArray[np.float64]


class Refused(Exception):
    """A claim that is not assessable: the reason in words, and the seeds per method that would allow it, if any."""

    def __init__(self, reason: str, seeds_needed: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.seeds_needed = seeds_needed


@dataclass(frozen=True)
class Sample:
    """One arm's judged curves (seeds, epochs), after the first epochs and, on request, diverged seeds are left out."""

    arm: Arm
    seeds: tuple[int, ...]
    curves: Curves
    diverged: int
    complete_cases: bool
    x0s: tuple[str, ...] = ()
    """The x0 of every row, where there are several."""
    finals: Curves | None = None
    """Final values of all seeds, NaN and infinity where one diverged."""
    looks: tuple[int, ...] = ()
    first_epoch: int = 1
    """The epoch that the first column of ``curves`` is of."""

    @classmethod
    def of(
        cls,
        arm: Arm,
        metric: str,
        first_epoch: int,
        complete_cases: bool,
        *,
        final: str = "last",
        looks: tuple[int, ...] = (),
    ) -> Sample:
        """Take ``metric`` of ``arm`` from ``first_epoch`` on; a seed with a non-finite value counts as diverged."""
        curves = arm.curves[metric][:, first_epoch - 1 :]
        broken = ~np.isfinite(curves).all(axis=1) | np.isin(arm.seeds, arm.diverged)
        keep = ~broken if complete_cases else np.ones(len(broken), bool)
        seeds = tuple(seed for seed, kept in zip(arm.seeds, keep, strict=True) if kept)
        x0s = tuple(x0 for x0, kept in zip(arm.x0s, keep, strict=True) if kept) if arm.x0s else ()
        finals = np.where(broken, np.nan, final_values(curves, final))
        return cls(
            arm, seeds, curves[keep], int(broken.sum()), complete_cases, x0s, finals, looks, first_epoch
        )

    @property
    def judged(self) -> str:
        """The coordinates of the columns in words: ``epochs 1 to 30``."""
        return self.arm.axis.phase(self.first_epoch, self.first_epoch + self.curves.shape[1] - 1)

    def require_finite(self) -> None:
        """Raise Refused where diverged seeds are among the curves: no spread and no mean over complete cases unasked."""
        if self.diverged and not self.complete_cases:
            n = len(self.seeds)
            raise Refused(
                f"{self.diverged} of {n} seeds of {self.arm.title} diverged, and numbers over the complete cases alone would "
                "flatter it (--complete-cases judges them and says so)"
            )

    def correct(self, metric: Metric, final: str, seeds: Sequence[int] | None = None) -> Curves | None:
        """(seeds, examples): in what share of the epochs of its final value each of its seeds was right on each test example.

        None where that is not recorded of ``metric``, there and of all of these seeds.
        """
        recorded = self.arm.correct
        if recorded is None or recorded.metric != metric.name:
            return None
        last = self.first_epoch - 1 + self.curves.shape[1]
        coordinates = self.arm.axis.values[max(last - final_epochs(final), 0) : last]
        return recorded.shares(self.seeds if seeds is None else seeds, coordinates)

    @property
    def warnings(self) -> tuple[ResultWarning, ...]:
        """What the reader should know about this arm alone."""
        found = [
            run_warnings.few_seeds(self.arm.title, len(self.seeds)),
            run_warnings.seeds_added(self.arm, self.looks),
            run_warnings.slow_averaging(self.arm),
            run_warnings.code_changed(self.arm),
            run_warnings.packages_changed(self.arm),
        ]
        found += tuning.of_method(self.arm)
        if self.diverged and self.complete_cases:
            found.append(
                run_warnings.complete_cases_only(
                    self.arm.title, self.diverged, self.diverged + len(self.seeds)
                )
            )
        return tuple(warning for warning in found if warning is not None)


def in_common(ours: Sequence[int], theirs: Sequence[int]) -> list[int]:
    """The seeds that both have, in the order of the first."""
    found = set(theirs)
    return [seed for seed in ours if seed in found]


@dataclass(frozen=True)
class Pair:
    """A method's and its baseline's curves, matched by seed where the arms are paired."""

    method: Sample
    baseline: Sample
    a: Curves
    b: Curves
    paired: bool
    warnings: tuple[ResultWarning, ...]
    x0s: tuple[tuple[str, ...], tuple[str, ...]] | None = None
    """The x0 of every row of ``a`` and of ``b``, where there are several: then x0s are the unit, not seeds."""

    @classmethod
    def of(cls, method: Sample, baseline: Sample) -> Pair:
        """Match the two samples.

        Two outputs of one training, and runs on the same random streams, are paired: only seeds that
        both have are used.
        """
        left, right = method.arm, baseline.arm
        paired = (left.training is not None and left.training == right.training) or (
            left.pairing is not None and left.pairing == right.pairing
        )
        x0s = (method.x0s, baseline.x0s) if method.x0s and baseline.x0s else None
        if not paired:
            return cls(method, baseline, method.curves, baseline.curves, False, (), x0s)
        common = in_common(method.seeds, baseline.seeds)
        rows = [method.seeds.index(seed) for seed in common]
        others = [baseline.seeds.index(seed) for seed in common]
        a, b = method.curves[rows], baseline.curves[others]
        if x0s is not None:
            x0s = tuple(x0s[0][row] for row in rows), tuple(x0s[1][row] for row in others)
        lost = len(common) < max(len(method.seeds), len(baseline.seeds))
        notes = (run_warnings.unpaired_seeds(left, right, len(common)),) if lost else ()
        return cls(method, baseline, a, b, True, notes, x0s)

    @property
    def finals(self) -> tuple[Curves, Curves]:
        """Final values of all seeds, also of diverged ones; of paired arms those of the seeds that both have, in one order."""
        ours, theirs = self.method.finals, self.baseline.finals
        assert ours is not None
        assert theirs is not None
        if not self.paired:
            return ours, theirs
        of_ours, of_theirs = self.method.arm.seeds, self.baseline.arm.seeds
        common = in_common(of_ours, of_theirs)
        return ours[list(map(of_ours.index, common))], theirs[list(map(of_theirs.index, common))]
