"""Tuning as data: which hyperparameters of a method were searched, on what, and which of them were chosen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from amrobust.errors import RunError, UserError
from amrobust.runs.spec import ON_VALIDATION, Value

FIRST_SEED = 900_000
"""Tuning trains seeds from this one on, so that every random stream of a compared seed, from 0 on, is independent of them."""
MOST_SEEDS = 1_000

MOST_LISTED = 10
"""Up to this many values of a hyperparameter are shown."""
LEAST = {"m": 1}
"""Values below which a hyperparameter cannot be searched; 0 for every other one, none of which is negative."""


@dataclass(frozen=True)
class Trial:
    """One combination of the searched hyperparameters and what its seeds ended with."""

    values: Mapping[str, Value]
    mean: float | None
    """Mean over the tuning seeds of the metric at the end; None where a seed diverged."""
    std: float | None
    """None also with a single seed."""
    diverged: int = 0


@dataclass(frozen=True)
class Tuning:
    """How the hyperparameters of one method were chosen: the record of a search over a grid."""

    searched: Mapping[str, tuple[Value, ...]]
    """The values of every hyperparameter that was varied; every combination of them is a trial."""
    trials: tuple[Trial, ...]
    chosen: int
    """Place of the chosen one among the trials."""
    seeds: tuple[int, ...]
    epochs: int
    metric: str
    better: Literal["higher", "lower"]
    unit: str
    output: str
    """The method's output whose metric decided."""
    validation: float | None
    """The share of the training set that was held out; None where the workload has no such split."""
    root_seed: int = 0
    x0_index: int = 0
    paired: bool = False
    """Whether the combinations shared their random streams, seed by seed."""

    @property
    def trainings(self) -> int:
        """Trainings that the search took."""
        return len(self.trials) * len(self.seeds)

    @property
    def budget(self) -> int:
        """Epochs of training that the search took, all trainings together."""
        return self.trainings * self.epochs

    @property
    def best(self) -> Trial:
        """The chosen trial."""
        return self.trials[self.chosen]

    @property
    def at_edge(self) -> tuple[str, ...]:
        """The searched hyperparameters whose chosen value is the smallest or largest of the grid: a better one may lie outside.

        Not where nothing lies beyond: at 0, or at m = 1.
        """
        found = []
        for name, values in self.searched.items():
            numbers = [v for v in values if isinstance(v, (int, float)) and not isinstance(v, bool)]
            value = self.best.values[name]
            if value in numbers and len(set(numbers)) > 1:
                low = value == min(numbers) and value != LEAST.get(name, 0)
                if low or value == max(numbers):
                    found.append(name)
        return tuple(found)


def budget_words(tuning: Tuning) -> str:
    """What the search took: ``3 combinations × 3 seeds × 30 epochs``."""
    counts = ((len(tuning.trials), "combination"), (len(tuning.seeds), "seed"), (tuning.epochs, "epoch"))
    return " × ".join(f"{count} {noun}" if count == 1 else f"{count} {noun}s" for count, noun in counts)


def grid_words(tuning: Tuning) -> str:
    """What was searched: ``lr = 0.01, 0.03, 0.1; m = 3, 5``."""
    if not tuning.searched:
        return "nothing: one combination"
    return "; ".join(f"{name} = {_listed(values)}" for name, values in tuning.searched.items())


def _listed(values: Sequence[Value]) -> str:
    shown = [format_value(value) for value in values]
    if len(shown) > MOST_LISTED:
        shown = [*shown[:3], "...", f"{shown[-1]} ({len(shown)} values)"]
    return ", ".join(shown)


def choice_words(tuning: Tuning) -> str:
    """What was chosen: ``lr = 0.03, m = 5 (at the edge of the grid)``."""
    edge = tuning.at_edge
    return ", ".join(
        f"{name} = {format_value(value)}" + (" (at the edge of the grid)" if name in edge else "")
        for name, value in tuning.best.values.items()
    )


def metric_words(tuning: Tuning, *, several: bool) -> str:
    """What decided, and on which data: ``validation accuracy, 95.2 ± 0.4 %, on 10 % of the training set, held out``.

    With ``several`` outputs of the method, it says whose.
    """
    best, unit = tuning.best, f" {tuning.unit}" if tuning.unit else ""
    assert best.mean is not None
    spread = "" if best.std is None else f" ± {best.std:.2g}"
    if tuning.validation is not None:
        where = f"on {100 * tuning.validation:g} % of the training set, held out"
    elif tuning.metric.startswith(ON_VALIDATION):
        where = "on the workload's own validation set"
    else:
        where = "on the problem itself: nothing is held out"
    whose = f" of output {tuning.output}" if several else ""
    return f"{tuning.metric.replace('_', ' ')}{whose}, {best.mean:.4g}{spread}{unit}, {where}"


def choice_at_edge(tuning: Tuning) -> str:
    """The chosen values that lie at the edge of the grid: ``lr = 0.1 and m = 5``."""
    return " and ".join(f"{name} = {format_value(tuning.best.values[name])}" for name in tuning.at_edge)


def edge_words(tuning: Tuning) -> str:
    """What lies at the edge of the grid, and what to do: completes a sentence."""
    names = choice_at_edge(tuning)
    return f"the chosen {names} lies at the edge of the grid: a better value may lie outside; search further values there"


def format_value(value: Value) -> str:
    """A hyperparameter's value as it is shown: ``0.03``, ``5``, ``true``."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def tuning_seeds(count: int) -> tuple[int, ...]:
    """The first ``count`` tuning seeds. Raises UserError on a count out of range."""
    if not 1 <= count <= MOST_SEEDS:
        raise UserError(f"a tuning has 1 to {MOST_SEEDS:,} seeds a combination, not {count:,}")
    return tuple(range(FIRST_SEED, FIRST_SEED + count))


def best_trial(method: str, trials: Sequence[Trial], better: Literal["higher", "lower"]) -> int:
    """The place of the trial with the best mean, the first of equal ones. Raises RunError where all diverged."""
    sign = 1 if better == "higher" else -1
    means = [(sign * trial.mean, -place) for place, trial in enumerate(trials) if trial.mean is not None]
    if not means:
        raise RunError(
            f"{method}: a seed diverged in each of the {len(trials)} combinations, and none can be chosen: search smaller "
            "learning rates"
        )
    return -max(means)[1]


def require_disjoint(seeds: Iterable[int], tuning: Tuning | None) -> None:
    """Raise UserError where one of the ``seeds`` to be compared was tuned on."""
    both = sorted(set(seeds) & set(tuning.seeds)) if tuning is not None else []
    if both:
        raise UserError(
            f"seed {both[0]:,} is one of those that the method was tuned on, and cannot test it: ask for seeds below "
            f"{FIRST_SEED:,}"
        )
