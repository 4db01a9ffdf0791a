"""What to run, on which random streams, and where. Importing it imports no torch: training does."""

from amrobust.experiments.executors import train_seeds
from amrobust.experiments.facts import RunFacts
from amrobust.experiments.outcome import SeedOutcome
from amrobust.experiments.place import Place
from amrobust.experiments.prepare import describe, make_spec
from amrobust.experiments.spec import ExecutorName, Spec
from amrobust.experiments.training import units

__all__ = [
    "ExecutorName",
    "Place",
    "RunFacts",
    "SeedOutcome",
    "Spec",
    "describe",
    "make_spec",
    "train_seeds",
    "units",
]
