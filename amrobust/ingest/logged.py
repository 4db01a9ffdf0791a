"""What every importer gives: runs as their tool logged them, before anything is decided about them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from amrobust.runs.files import escape
from amrobust.runs.metric import Direction, by_interest
from amrobust.runs.spec import Value
from amrobust.runs.summaries import METHOD_KEYS as METHOD_KEYS
from amrobust.runs.summaries import WORKLOAD_KEYS as WORKLOAD_KEYS

Numbers = NDArray[np.float64]
Series = tuple[Numbers, Numbers]
"""Steps and values, in the order of logging; steps may repeat."""

State = Literal["finished", "failed", "running"]

COLUMN = "column"
"""As a method's or a seed's source: every column of a table is a method's, or a seed's."""
SEED_KEYS = (
    "seed",
    "random_seed",
    "rng_seed",
    "random_state",
    "manual_seed",
    "seed_everything",
    "rep",
    "repeat",
    "trial",
)
STEP_KEYS = (
    "epoch", "step", "_step", "global_step", "trainer/global_step", "iteration", "iter", "steps", "tokens", "timesteps",
    "total_timesteps", "time/total_timesteps",
)  # fmt: skip
STEPS_ON_CLOCKS = (
    "training_iteration",
    "time (s)", "seconds", "time", "wall_time", "walltime", "elapsed", "elapsed_time", "relative_time", "_runtime", "minutes",
    "hours", "samples", "examples", "frames", "env_steps", "timesteps", "total_timesteps", "env_step", "timestep", "train_step",
    "trial_step", "update", "updates", "n_updates", "episode", "episodes", "round", "rounds", "comm_round", "generation",
)  # fmt: skip
"""What counts steps where nothing else does, and it grows from row to row."""
CLOCKS = (
    "_runtime", "_timestamp", "timestamp", "time", "wall_time", "walltime", "relative_time", "datetime", "date", "elapsed",
)  # fmt: skip


@dataclass(frozen=True)
class LoggedRun:
    """One training as a tool logged it: usually one seed of one method."""

    path: str
    """Where it lies below what was imported, with forward slashes; for messages and patterns."""
    fields: Mapping[str, str]
    """Everything that may name it: parameters, tags, configuration, columns; a run's own name is the field "name"."""
    series: Mapping[str, Series]
    files: tuple[Path, ...] = ()
    """What it was read from."""
    state: State = "finished"
    started: float = 0.0
    """When it started, on any clock: runs without a seed are numbered in this order."""
    steps_in: str | None = None
    """The series that holds the steps of the others where no other is asked for; None where they have their own."""
    own_steps: str | None = None
    """What the steps that the series have themselves are called, where they have a name."""
    better: Mapping[str, Direction] = field(default_factory=dict)
    """Which way series are better of which the format itself says it."""
    units: Mapping[str, str] = field(default_factory=dict)
    """The units of series of which the format itself says it."""
    hyperparameters: Mapping[str, Value] = field(default_factory=dict)
    """Those of the method that the format itself says, beside what the method's name tells."""
    notes: tuple[str, ...] = ()
    line: int | None = None
    """Of a table the line where it begins."""
    final: bool = False
    """Whether it is one final value per metric, without any step."""
    numbered: bool = False
    """Whether its seed is the number of its row, for want of another."""

    @property
    def where(self) -> str:
        """Its place, for a message."""
        return escape(self.path) + (f", line {self.line}" if self.line is not None else "")


def last_part(field: str) -> str:
    """``args/optimizer.lr`` as ``lr``: nested configurations are logged under the whole way."""
    return re.split(r"[/.:]", field.lower())[-1].strip()


_FAILED = "failed", "failure", "crashed", "killed", "error", "canceled", "cancelled", "preempted", "timeout"
_RUNNING = "running", "queued", "pending", "scheduled", "starting"
STATES: Mapping[str, State] = {**dict.fromkeys(_FAILED, "failed"), **dict.fromkeys(_RUNNING, "running")}
"""What tools call a run that did not finish, in a column or a field called state or status."""


def state_of(run: LoggedRun) -> State:
    """How ``run`` ended, by its format or else by what its table or configuration says of it."""
    said = (
        STATES.get(value.strip().lower())
        for name, value in run.fields.items()
        if last_part(name) in ("state", "status")
    )
    return run.state if run.state != "finished" else next(filter(None, said), "finished")


@dataclass(frozen=True)
class Wanted:
    """What a reader has to know of the user's choices before it reads."""

    naming: frozenset[str] = frozenset()
    """Columns that name runs, whatever is in them."""
    step: str | None = None
    seed: str | None = None
    """What the user says is the seed: a column, or another way to tell it; then no row is numbered."""
    seeds_first: bool | None = None
    """Whether arrays are (seeds, steps), or (steps, seeds); None: as their axes say."""
    seed_column: re.Pattern[str] | None = None
    """What is found in the names of columns that are seeds; its group is the seed."""
    metrics: frozenset[str] = frozenset()
    """Series that are asked for by name, as they are logged; none: what a format shows of itself."""
    nuisances: frozenset[str] = frozenset()
    """Fields that the user says to be none of a method."""
    method_said: bool = False
    """Whether the user says what the method is."""
    pattern: re.Pattern[str] | None = None
    """What is found in the lines of a text log, as named groups."""


class Importer(Protocol):
    """One format. A module with these names is one, and so is any object behind an ``amrobust.importers`` entry point."""

    @property
    def TITLE(self) -> str:
        """The format in a few words."""
        ...

    def recognises(self, path: Path) -> bool:
        """Whether ``path`` looks like this format, from names and first bytes alone; never raises."""
        ...

    def read(self, path: Path, wanted: Wanted) -> Iterator[LoggedRun]:
        """The runs under ``path``. Raises UserError, naming the file and the hint, on what it cannot read."""
        ...


@dataclass
class SeriesBuilder:
    """Series that grow point by point."""

    steps: dict[str, list[float]] = field(default_factory=dict)
    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, step: float, value: float) -> None:
        """One point of ``name``."""
        self.steps.setdefault(name, []).append(step)
        self.values.setdefault(name, []).append(value)

    def series(self) -> dict[str, Series]:
        """Everything so far, the most interesting first."""
        return {
            name: (np.array(self.steps[name], np.float64), np.array(self.values[name], np.float64))
            for name in by_interest(self.steps)
        }
