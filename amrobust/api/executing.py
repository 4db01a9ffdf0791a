"""Running commands, or a function, over seeds and values: what ``amrobust exec`` does.

The only place that sees both who runs the tasks (``train``) and who reads what they leave (``ingest``).
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Literal

from amrobust.api.methods import Values, listed
from amrobust.api.runs import Runs, load
from amrobust.errors import RunError, UserError
from amrobust.ingest import registry
from amrobust.ingest.mappings import Mappings
from amrobust.ingest.policies import Duplicates, Policies
from amrobust.ingest.task import read_task
from amrobust.runs.metric import MetricChoice
from amrobust.runs.spec import plain
from amrobust.train.call import argument, check_arguments, place_of
from amrobust.train.command import PYTHON, SEED, Command
from amrobust.train.engine import failures, train_runs
from amrobust.train.reporter import Reporter, RunResult
from amrobust.train.requests import MAX_SEEDS
from amrobust.train.scripts import Scripts
from amrobust.train.unit import Curve, Measured


@dataclass(frozen=True)
class Reading:
    """How the curves of a task are read: from what it prints, or from the file or folder ``read`` that it writes."""

    read: str | None = None
    form: str | None = None
    """The importer's name; None: as the file looks."""
    pattern: str | None = None
    step_from: str | None = None
    duplicates: Duplicates = "refuse"
    first_step: float | None = None
    metrics: tuple[str, ...] = ()
    """Which metrics are put first, and which way they are better."""

    def __post_init__(self) -> None:
        """Raises UserError on what contradicts itself."""
        if self.form is not None:
            if self.read is None:
                raise UserError(f"--from {self.form} says how a file is read: name it with --read")
            registry.get(self.form)
        if any(choice.name != choice.logged for choice in self.choices):
            raise UserError(
                "--metric NEW=OLD: a task's metrics keep their names; give NAME, NAME:lower or NAME:higher"
            )
        _ = self.mappings.wanted

    @property
    def choices(self) -> tuple[MetricChoice, ...]:
        """What ``metrics`` say."""
        return tuple(map(MetricChoice.parse, self.metrics))

    @property
    def mappings(self) -> Mappings:
        """The same for importers."""
        return Mappings(step_from=self.step_from, pattern=self.pattern)

    @property
    def words(self) -> str:
        """The options that were given, but for --metric."""
        given = {
            "--read": self.read,
            "--from": self.form,
            "--pattern": self.pattern,
            "--step-from": self.step_from,
            "--duplicates": None if self.duplicates == "refuse" else self.duplicates,
            "--first-step": None if self.first_step is None else f"{self.first_step:.15g}",
        }
        return shlex.join(word for option, value in given.items() if value for word in (option, value))

    def __call__(self, path: Path) -> tuple[Mapping[str, Curve], Measured]:
        """The curves of the task that left ``path``. Raises UserError."""
        printed = self.read is None and self.pattern is None
        method, line = read_task(
            path,
            "metric-lines" if printed else self.form or "auto",
            self.mappings,
            Policies(self.duplicates, first_step=self.first_step),
            self.choices,
        )
        return {name: values[0] for name, values in method.curves.items()}, Measured(
            method.metrics, method.axis, line
        )


@dataclass(frozen=True)
class Tasks:
    """What is executed: a command over the values of its placeholders, and how it is carried out."""

    words: tuple[str, ...]
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    reading: Reading = field(default_factory=Reading)
    name: str | None = None
    workload: str | None = None
    paired: bool = False
    jobs: int | None = None
    gpus_per_task: float | None = None
    timeout: float | None = None
    script: str = ""
    """What the script is called; by default as its file."""

    def carry_out(
        self,
        seeds: int,
        directory: Path,
        *,
        reporter: Reporter | None = None,
        accept_new_code: bool = False,
        wait: bool = True,
    ) -> list[RunResult]:
        """Run what of it ``directory`` lacks, as :func:`amrobust.train.engine.train_runs` does; UserError as it says."""
        command = Command(
            self.words, self.values, self.reading.read, self.reading.words, self.name, self.workload, self.script, self.paired,
            self.reading.metrics,
        )  # fmt: skip
        scripts = Scripts(
            command, self.reading, jobs=self.jobs, gpus_per_task=self.gpus_per_task, timeout=self.timeout
        )
        return train_runs(
            [spec for spec, _ in scripts.tasks.values()], range(seeds), directory, scripts, batching="none",
            reporter=reporter, describe=scripts.describe, source=scripts.source, accept_new_code=accept_new_code, wait=wait,
        )  # fmt: skip


def exec(
    command: Callable[..., Any] | Sequence[str] | str,
    *,
    seeds: int = 20,
    values: Mapping[str, Values] | None = None,
    metric: str | Sequence[str] = (),
    read: str | PathLike[str] | None = None,
    pattern: str | None = None,
    step_from: str | None = None,
    duplicates: Literal["refuse", "first", "last", "mean"] = "refuse",
    first_step: float | None = None,
    name: str | None = None,
    workload: str | None = None,
    paired: bool = False,
    runs_dir: str | PathLike[str] = "runs",
    jobs: int | None = None,
    gpus_per_task: float | None = None,
    timeout: float | None = None,
    accept_new_code: bool = False,
) -> Runs:
    """Run a function, or a command of any language, over seeds and values, as ``amrobust exec`` does, and load the runs.

    A function is called in a process of its own for every seed, ``function(seed=3, opt="adam")``: it returns its metrics, one
    number each, a sequence of one number an epoch, or a mapping from steps to numbers; or it prints them. A command is a text
    or its words, with ``{seed}`` and other placeholders, which ``values`` has the values of:

    >>> runs = exec(                                                                     # doctest: +SKIP
    ...     "python train.py --seed {seed} --optimizer {opt}", values={"opt": ["sgd", "adam"]}, seeds=10, jobs=4
    ... )

    Curves are read from lines ``METRIC name=value step=...`` that it prints, by ``pattern``, or from the file that it writes,
    ``read="out/{opt}-{seed}.csv"``. ``metric`` is "NAME" or "NAME:lower", or several, the first of which is compared. The same
    call again resumes, or runs nothing; more seeds run those that are missing. ``timeout`` is in seconds, for each task. Raises
    UserError where an argument cannot be meant, and where of the first task nothing can be read; RunError where a task failed:
    the others are kept, and what failed is tried again by the same call.
    """
    count = plain(seeds)
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= MAX_SEEDS:
        raise UserError(f"seeds is at least 1 and at most {MAX_SEEDS:,}, not {seeds!r}")
    given = listed("values", values or {})
    metrics = (metric,) if isinstance(metric, str) else tuple(metric)
    texts = {key: tuple(map(str, several)) for key, several in given.items()}
    if callable(command):
        file, called = place_of(command)
        check_arguments(command, given)
        for key, each in ((key, each) for key, several in given.items() for each in several):
            if argument(str(each)) != each or (isinstance(each, float) and each != each):
                raise UserError(
                    f"{key} = {each!r}: a function is given numbers, truths, None, and texts that are none of these"
                )
        words: tuple[str, ...] = (
            f"{{{PYTHON}}}", "-m", "amrobust.train.call", file, called, f"{{{SEED}}}", *(f"{key}={{{key}}}" for key in given),
        )  # fmt: skip
        workload, script = workload or Path(file).name, command.__name__
    else:
        script = ""
        words = tuple(shlex.split(command) if isinstance(command, str) else map(str, command))
    tasks = Tasks(
        words, texts,
        Reading(None if read is None else fspath(read), None, pattern, step_from, duplicates, first_step, metrics),
        name, workload, paired, jobs, gpus_per_task, timeout, script,
    )  # fmt: skip
    rows = tasks.carry_out(count, Path(fspath(runs_dir)), accept_new_code=accept_new_code)
    if problem := failures(rows):
        raise RunError(problem)
    return load(*(row.path for row in rows if row.path is not None))
