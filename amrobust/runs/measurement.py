"""Measurements: the same weights measured in another way than the usual one, as outputs of the same training.

A training gives method × output × measurement. The usual measurement has no name. A network with batch norm is usually measured
with its running statistics, and ``recomputed`` is the other measurement; averages of the weights (``ema``) or an optimizer's
own evaluation mode are others, by the names that whoever records them gives.
"""

from __future__ import annotations

from dataclasses import dataclass

from amrobust.runs.spec import ON_TEST, ON_VALIDATION

RECOMPUTED = "recomputed"
"""With batch-norm statistics of a fixed set of training batches, at the weights as they are."""

MEASURED = "measured"
"""The parameter of a workload's label that says the measurement where it is not the usual one."""


@dataclass(frozen=True)
class Output:
    """One of the outputs that a training gives, measured in one way."""

    name: str
    """I, the iterate, or II, the output point."""
    measurement: str | None = None
    """None for the usual one."""
    every: int = 1
    """It is measured at every so many epochs, and at the last one."""

    @property
    def key(self) -> str:
        """What a record calls it: the rows of its curves file, and the keys of what is known of each output."""
        return self.name if self.measurement is None else f"{self.name}@{self.measurement}"

    def due(self, epoch: int, epochs: int) -> bool:
        """Whether it is measured at the end of epoch 0, 1, … of so many."""
        return (epoch + 1) % self.every == 0 or epoch + 1 == epochs

    def measures(self, metric: str) -> bool:
        """Whether ``metric`` is measured of it: all are in the usual way, in another those on a test or validation set."""
        return self.measurement is None or metric.startswith((ON_TEST, ON_VALIDATION))
