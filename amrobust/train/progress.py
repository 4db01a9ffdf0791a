"""How far runs are, while they are trained by whatever process: what is finished, under way, failed and missing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from amrobust.runs.curves import mean_and_std
from amrobust.runs.lock import LOCK, file_lock
from amrobust.runs.spec import Spec
from amrobust.runs.store import Run, each_run
from amrobust.runs.values import held
from amrobust.train import heartbeat
from amrobust.train.execution import CHECKPOINTS
from amrobust.train.finished import PREFIX
from amrobust.train.prepare import method_names

SLURM = "slurm"
_OF_A_BLOCK = re.compile(rf"(?:{heartbeat.PREFIX}|{PREFIX})(\d+)-(\d+)(?:\.pt)?")
"""What a job's files are called whose block has begun, or is finished."""


@dataclass(frozen=True)
class RunProgress:
    """How far one run is; counts are of the seeds asked for."""

    optimizer: str
    methods: tuple[str, ...]
    """The names of its outputs."""
    workload: str
    path: Path | None
    """None of a run that has not begun."""
    wanted: int
    complete: int
    running: int
    """Handed to workers by a process that holds the run now."""
    pending: int
    """Handed to SLURM, and no job has begun with them."""
    failed: int
    missing: int
    """Neither complete, running, pending nor failed: not begun, or interrupted."""
    finals: tuple[tuple[str, float, float | None], ...]
    """Method, mean and STD of the primary metric's final values over the complete seeds, of those that did not diverge."""
    metric: str
    unit: str

    @property
    def state(self) -> str:
        """ "finished", "under way", "pending", "failed" where nothing is left but failures, or "to do"."""
        if self.complete == self.wanted:
            return "finished"
        if self.running:
            return "under way"
        if self.pending:
            return "pending"
        return "failed" if self.complete + self.failed == self.wanted else "to do"


def progress_of(specs: Iterable[Spec], seeds: int, directory: Path) -> tuple[list[RunProgress], list[str]]:
    """How far the first ``seeds`` seeds of every spec are in ``directory``, and a line for each broken run.

    Runs are found by their specs, in the order asked for.
    """
    problems: list[str] = []
    runs = {run.spec.key: run for run in (each_run([directory], problems) if _has_runs(directory) else ())}
    found = []
    for spec in specs:
        run = runs.get(spec.key)
        if run is None:
            names = tuple(method_names(spec).values())
            row = RunProgress(
                spec.optimizer, names, spec.workload, None, seeds, 0, 0, 0, 0, seeds, (), "", ""
            )
        else:
            row = _progress(run, range(seeds))
        found.append(row)
    return found, problems


def progress_in(paths: Sequence[Path]) -> tuple[list[RunProgress], list[str]]:
    """How far every run under ``paths`` is with the seeds of its plan. Raises UserError where there is none."""
    problems: list[str] = []
    return [_progress(run, sorted(run.manifest.seeds)) for run in each_run(paths, problems)], problems


def _has_runs(directory: Path) -> bool:
    return any(directory.glob("*/manifest.json"))


def _progress(run: Run, seeds: Iterable[int]) -> RunProgress:
    manifest, wanted = run.manifest, set(seeds)
    facts = manifest.facts
    metric, unit = (facts.metrics[0].name, facts.metrics[0].unit) if facts.metrics else ("", "")
    records = {seed: record for seed, record in manifest.seeds.items() if seed in wanted}
    counts = {
        state: sum(record.state == state for record in records.values()) for state in ("complete", "failed")
    }
    handed = [seed for seed, record in records.items() if record.state == "running"]
    handed = handed if handed and _held(run.path) else []
    pending = _pending(run, handed)
    running = len(handed) - pending
    kept = [row for row, seed in enumerate(manifest.complete) if seed in wanted]
    finals = []
    for output, curves in run.curves().items():
        values = held(curves[metric][kept])[:, -1] if kept else np.empty(0)
        values = values[np.isfinite(values)]
        if len(values):
            mean, std = mean_and_std(values)
            assert mean is not None
            finals.append((facts.called(output), mean, std))
    missing = len(wanted) - counts["complete"] - len(handed) - counts["failed"]
    return RunProgress(
        manifest.spec.optimizer, tuple(facts.methods[output] for output in facts.usual_outputs), facts.workload_label, run.path,
        len(wanted), counts["complete"], running, pending, counts["failed"], missing, tuple(finals), metric, unit,
    )  # fmt: skip


def _pending(run: Run, running: Iterable[int]) -> int:
    """How many of the seeds that were handed to SLURM no job has begun with, as the jobs' files in the run's directory say."""
    made = run.manifest.provenance[-1]
    if made.executor != SLURM or made.company:  # a co-batch's jobs are files of its first run alone
        return 0
    begun = [
        range(int(found[1]), int(found[2]) + 1)
        for path in (run.path / CHECKPOINTS).glob("*")
        if (found := _OF_A_BLOCK.fullmatch(path.name))
    ]
    return sum(not any(seed in block for block in begun) for seed in running)


def _held(path: Path) -> bool:
    """Whether a process holds the run's lock now; where that cannot be found out, no."""
    import filelock

    if not (path / LOCK).is_file():
        return False
    try:
        with file_lock(path / LOCK).acquire(timeout=0):
            return False
    except filelock.Timeout:
        return True
    except (OSError, NotImplementedError):
        return False
