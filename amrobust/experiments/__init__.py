"""What to run, on which random streams, and where. Importing it imports no torch: training does."""

from amrobust.experiments.cluster import Cluster
from amrobust.experiments.executors import Executor, make_executor, train_seeds
from amrobust.experiments.facts import RunFacts
from amrobust.experiments.layout import Batching, Layout, alike, plan_companies, plan_layout
from amrobust.experiments.outcome import SeedOutcome
from amrobust.experiments.place import Place
from amrobust.experiments.prepare import describe, make_spec
from amrobust.experiments.spec import Spec

__all__ = [
    "Batching",
    "Cluster",
    "Executor",
    "Layout",
    "Place",
    "RunFacts",
    "SeedOutcome",
    "Spec",
    "alike",
    "describe",
    "make_executor",
    "make_spec",
    "plan_companies",
    "plan_layout",
    "train_seeds",
]
