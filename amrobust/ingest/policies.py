"""What to do where logs are not what a comparison needs: explicit choices, and the numbers they leave."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from amrobust.errors import UserError
from amrobust.ingest.logged import Series

Duplicates = Literal["refuse", "first", "last", "mean"]
MissingSeeds = Literal["refuse", "number", "skip"]
Units = Literal["refuse", "keep", "percent"]
Unfinished = Literal["skip", "keep"]


@dataclass(frozen=True)
class Policies:
    """The choices; each default refuses and says what there is to choose, or leaves out and says so."""

    duplicates: Duplicates = "refuse"
    """A step logged twice in one seed: keep the first, the last, or the mean of one run's own points."""
    missing_seeds: MissingSeeds = "refuse"
    """Runs without a seed: number them in the order of their start, or leave them out."""
    units: Units = "refuse"
    """Shares and percentages of one metric: keep them as they are, or bring all to percent."""
    unfinished: Unfinished = "skip"
    """Runs that their tool marks as failed or still running."""
    first_step: float | None = None
    """Steps before this one are left out: an evaluation of the starting point, a warm-up."""


@dataclass
class Notes:
    """What was decided, a sentence each, in order and once."""

    said: dict[str, None] = field(default_factory=dict)
    left_out: dict[str, None] = field(default_factory=dict)
    """Those of them that say what does not take part."""

    def add(self, text: str, *, left_out: bool = False) -> None:
        """Say ``text``, unless it has been said."""
        self.said.setdefault(text)
        if left_out:
            self.left_out.setdefault(text)


def ordered(series: Series, policy: Duplicates, where: str) -> tuple[Series, int]:
    """The series with its steps ascending and each there once, and how many points that took away.

    Raises UserError on a repeated step under "refuse".
    """
    steps, values = series
    if (np.diff(steps) > 0).all():
        return series, 0
    order = np.argsort(steps, kind="stable")
    steps, values = steps[order], values[order]
    repeated = np.flatnonzero(np.diff(steps) == 0)
    if not repeated.size:
        return (steps, values), 0
    if policy == "refuse":
        more = f", and {repeated.size - 1} more so" if repeated.size > 1 else ""
        raise UserError(
            f"{where}: step {steps[repeated[0]]:g} is there twice{more}: choose what counts with --duplicates first, last or "
            "mean, other steps with --step-from, or another metric with --metric; where these are different methods, name what "
            "tells them apart with --method-from"
        )
    starts = np.flatnonzero(np.concatenate([[True], np.diff(steps) != 0]))
    ends = np.append(starts[1:], len(steps))
    if policy == "mean":
        kept = np.add.reduceat(values, starts) / (ends - starts)
    else:
        kept = values[starts if policy == "first" else ends - 1]
    return (steps[starts], kept), int(repeated.size)
