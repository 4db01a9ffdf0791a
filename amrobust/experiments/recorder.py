"""The curves of one seed while it trains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from amrobust.experiments.outcome import SeedOutcome

METRICS = ("test_accuracy", "test_loss", "train_loss", "train_batch_loss")


class CurveRecorder:
    """Takes a seed's measurements epoch by epoch; from the first that is not finite on, everything it holds is NaN."""

    def __init__(self, outputs: Sequence[str], epochs: int) -> None:
        self.curves = {output: {name: np.full(epochs, np.nan) for name in METRICS} for output in outputs}
        self.diverged = False

    def record(
        self, epoch: int, output: str, accuracy: float, test_loss: float, train_loss: float, batch_loss: float
    ) -> None:
        """Enter the measurements of ``output`` at the end of ``epoch``."""
        self.diverged = self.diverged or not bool(np.isfinite([batch_loss, test_loss, train_loss]).all())
        if not self.diverged:
            values = (accuracy, test_loss, train_loss, batch_loss)
            for name, value in zip(METRICS, values, strict=True):
                self.curves[output][name][epoch] = value

    def outcome(self, seed: int, wall_seconds: float, stack: int = 1) -> SeedOutcome:
        """What training ``seed`` gave, in a stack of ``stack`` seeds."""
        return SeedOutcome(seed, self.curves, self.diverged, wall_seconds, stack=stack)
