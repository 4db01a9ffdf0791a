"""What to run, on which random streams, and where.

The functions import what they need when they are called, so that reading recorded runs never imports torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from amrobust.experiments.facts import RunFacts
from amrobust.experiments.outcome import SeedOutcome
from amrobust.experiments.spec import ExecutorName, Spec

__all__ = ["ExecutorName", "RunFacts", "SeedOutcome", "Spec", "describe", "make_spec", "train_seeds"]


def make_spec(
    workload: str,
    optimizer: str,
    workload_params: Mapping[str, Any] | None = None,
    hyperparameters: Mapping[str, Any] | None = None,
    *,
    root_seed: int = 0,
    x0_index: int = 0,
    paired: bool = False,
) -> Spec:
    """See :func:`amrobust.experiments.prepare.make_spec`."""
    from amrobust.experiments import prepare

    return prepare.make_spec(
        workload,
        optimizer,
        workload_params,
        hyperparameters,
        root_seed=root_seed,
        x0_index=x0_index,
        paired=paired,
    )


def describe(spec: Spec) -> RunFacts:
    """See :func:`amrobust.experiments.prepare.describe`."""
    from amrobust.experiments import prepare

    return prepare.describe(spec)


def train_seeds(
    spec: Spec, seeds: Sequence[int], *, executor: ExecutorName = "processes", jobs: int | None = None
) -> Iterator[SeedOutcome]:
    """See :func:`amrobust.experiments.executors.train_seeds`."""
    from amrobust.experiments import executors

    return executors.train_seeds(spec, seeds, executor=executor, jobs=jobs)
