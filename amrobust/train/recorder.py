"""The curves of one seed while it trains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from amrobust.train.outcome import SeedOutcome

METRICS = ("test_accuracy", "test_loss", "train_loss", "train_batch_loss")


class CurveRecorder:
    """Takes a seed's measurements epoch by epoch; from the first that is not finite on, everything it holds is NaN."""

    def __init__(self, outputs: Sequence[str], epochs: int) -> None:
        self.curves = {output: {name: np.full(epochs, np.nan) for name in METRICS} for output in outputs}
        self.diverged = False

    def record(
        self, epoch: int, measured: Mapping[str, tuple[float, float, float]], batch_loss: float
    ) -> None:
        """Enter (test accuracy, test loss, training loss) of every output at the end of ``epoch``."""
        values = [*measured.values()]
        self.diverged = self.diverged or not bool(np.isfinite(values).all() and np.isfinite(batch_loss))
        if self.diverged:
            return
        for output, of_output in measured.items():
            for name, value in zip(METRICS, (*of_output, batch_loss), strict=True):
                self.curves[output][name][epoch] = value

    def state(self) -> dict[str, Any]:
        """What has been entered, for a checkpoint."""
        curves = {
            output: {name: torch.from_numpy(values.copy()) for name, values in metrics.items()}
            for output, metrics in self.curves.items()
        }
        return {"curves": curves, "diverged": self.diverged}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what :meth:`state` gave. Raises KeyError or ValueError where it is of another training."""
        for output, metrics in self.curves.items():
            for name, values in metrics.items():
                values[:] = state["curves"][output][name].numpy()
        self.diverged = bool(state["diverged"])

    def outcome(self, seed: int, wall_seconds: float, stack: int = 1) -> SeedOutcome:
        """What training ``seed`` gave, in a stack of ``stack`` seeds."""
        return SeedOutcome(seed, self.curves, self.diverged, wall_seconds, stack=stack)
