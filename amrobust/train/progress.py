"""How far runs are, while they are trained by whatever process: what is finished, under way, failed and missing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from amrobust.runs.curves import LARGEST, mean_and_std
from amrobust.runs.journals import journal_of, under_way
from amrobust.runs.lock import LOCK, is_held
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
    """Known to be trained now: of a SLURM job that has begun, or of a loop that records them."""
    handed_out: int
    """Handed to workers by a process that holds the run now: which of them are trained and which wait is not known."""
    pending: int
    """Handed to SLURM, and no job has begun with them."""
    failed: int
    stopped: int
    """Recorded by a process that ended before the training did, which left a journal."""
    missing: int
    """None of these: not begun, or interrupted."""
    finals: tuple[tuple[str, float | None, float | None], ...]
    """Method, mean and STD of the primary metric's final values over the complete seeds, of those that did not diverge."""
    diverged: int
    """Of the complete ones."""
    metric: str
    unit: str

    @property
    def state(self) -> str:
        """ "finished", "under way", "pending", "stopped" or "failed" where nothing is left but these, or "to do"."""
        if self.complete == self.wanted:
            return "finished"
        if self.running or self.handed_out:
            return "under way"
        if self.pending:
            return "pending"
        if self.missing:
            return "to do"
        return "stopped" if self.stopped else "failed"


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
                spec.optimizer, names, spec.workload, None, seeds, 0, 0, 0, 0, 0, 0, seeds, (), 0, "", ""
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
    made = manifest.provenance[-1] if manifest.provenance else None
    begun = [seed for seed, record in records.items() if record.state == "running"]
    handed = begun if begun and made is not None and made.source is None and is_held(run.path / LOCK) else []
    recorded = {seed for seed in begun if under_way(run.path, seed)}
    stopped = sum(
        record.state in ("running", "planned") and journal_of(run.path, seed).exists()
        for seed, record in records.items()
        if seed not in recorded
    )
    # A co-batch's jobs are files of its first run alone.
    by_jobs = made is not None and made.executor == SLURM and not made.company
    pending = _pending(run, handed) if by_jobs else 0
    running = len(recorded) + (len(handed) - pending if by_jobs else 0)
    handed_out = 0 if by_jobs else len(handed)
    kept = [row for row, seed in enumerate(manifest.complete) if seed in wanted]
    diverged = np.array([manifest.seeds[manifest.complete[row]].diverged for row in kept], bool)
    curves = run.curves()
    for output in facts.usual_outputs if kept else ():
        diverged |= (np.abs(curves[output][metric][kept]) > LARGEST).any(axis=1)
    finals: list[tuple[str, float | None, float | None]] = []
    for output, metrics in curves.items() if kept else ():
        values = held(metrics[metric][kept])[:, -1][~diverged]
        values = values[np.isfinite(values)]
        finals.append((facts.called(output), *(mean_and_std(values) if len(values) else (None, None))))
    missing = len(wanted) - counts["complete"] - running - handed_out - pending - counts["failed"] - stopped
    return RunProgress(
        manifest.spec.optimizer, tuple(facts.methods[output] for output in facts.usual_outputs), facts.workload_label, run.path,
        len(wanted), counts["complete"], running, handed_out, pending, counts["failed"], stopped, missing, tuple(finals),
        int(diverged.sum()), metric, unit,
    )  # fmt: skip


def _pending(run: Run, handed: Iterable[int]) -> int:
    """How many of the seeds that were handed to SLURM no job has begun with, as the jobs' files in the run's directory say."""
    begun = [
        range(int(found[1]), int(found[2]) + 1)
        for path in (run.path / CHECKPOINTS).glob("*")
        if (found := _OF_A_BLOCK.fullmatch(path.name))
    ]
    return sum(not any(seed in block for block in begun) for seed in handed)
