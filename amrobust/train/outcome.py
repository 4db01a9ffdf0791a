"""What training one seed gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float64]


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
    error: str | None = None
    stack: int = 1
    """How many seeds were trained together with it, itself included."""
