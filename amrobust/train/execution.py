"""What an execution makes of a run under its lock: outcomes of seeds are recorded and committed as they come."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from amrobust.errors import RunError
from amrobust.runs.axis import MAX_EPOCHS, epochs
from amrobust.runs.code import code_digest
from amrobust.runs.correct_file import by_seed
from amrobust.runs.correctness import SeedCorrectness
from amrobust.runs.curves import SeedCurves, along, metric_names
from amrobust.runs.files import escape
from amrobust.runs.find import is_run
from amrobust.runs.lock import Held
from amrobust.runs.manifest import Block, Layout, Manifest, SeedRecord, Source, identity
from amrobust.runs.provenance import now, session, versions_apart
from amrobust.runs.spec import STATISTICS_EVERY
from amrobust.runs.store import Run, commit, read_run
from amrobust.runs.tuning import require_disjoint
from amrobust.runs.validators import CorruptRun, UnreadableRun
from amrobust.runs.values import MAX_VALUES, not_finite
from amrobust.runs.versions import Asked
from amrobust.train import measurements
from amrobust.train.executors import Executor
from amrobust.train.finished import clear
from amrobust.train.reporter import RunEvents
from amrobust.train.unit import Measured, SeedOutcome

CHECKPOINTS = "checkpoints"
"""Directory in a run's for the state of trainings under way."""

COMMIT_INTERVAL = 1.0
"""Seconds between commits of quick seeds: so much work is lost at most when the process is killed."""

WORTH = 100
"""How many times as long as a commit takes the seeds have to have taken that it is made for before that time."""


class Interrupted(RunError):
    """The user stopped an execution; what had finished is kept. Exit status 130."""

    exit_status = 130


def check_same(recorded: Manifest, asked: Manifest) -> None:
    """Raise CorruptRun unless seeds of ``asked`` may be added to what is recorded."""
    if recorded.identity != asked.identity:
        raise CorruptRun("it holds another run than its name says")
    # Which metrics a script has, and where it measures them, its seeds say.
    for name in ("usual_outputs", "metrics", "epochs") if asked.facts.metrics else ("usual_outputs",):
        if getattr(recorded.facts, name) != getattr(asked.facts, name):
            raise UnreadableRun(
                f"this version of amrobust, or of your code, would record other {name.removeprefix('usual_')} than it has",
                "choose another --runs-dir",
            )


class Execution:
    """One execution under the run's lock: the state in memory is always one that may be committed.

    :mod:`amrobust.train.one_run` calls its parts for one run, :mod:`amrobust.train.cobatch` for several in step.
    """

    def __init__(
        self,
        held: Held,
        asked: Asked,
        reporter: RunEvents,
        declared: str = "",
        source: Source | None = None,
    ) -> None:
        self.held, self.path, self.reporter, self.declared = held, held.path, reporter, declared
        self.source = source
        self.manifest = asked.manifest
        self.facts = self.manifest.facts
        self.spec_asked = self.manifest.spec
        self.code = code_digest(self.facts.code)
        self.curves: dict[int, SeedCurves] = {}
        self.correct: dict[int, SeedCorrectness] = {}
        self.committed = Run(self.path, self.manifest)
        """What is on the disk, once anything is."""
        self.tuned_anew = False
        self.wanted: Sequence[int] = ()
        self.missing: Sequence[int] = ()
        self.left: set[int] = set()
        self.begun = self.last_commit = self.uncommitted = 0.0
        self.commits_took = 0.0, 0.0
        """The last two; the first that has curves imports what writes them."""
        if is_run(self.path):
            self._take_up(read_run(self.path))
        elif self.manifest.identity != identity(self.manifest.spec, self.facts):
            raise RunError(f"{escape(self.path)} was moved while the command began: give the command again")

    def _take_up(self, run: Run) -> None:
        recorded = run.manifest
        check_same(recorded, self.manifest)
        self.committed = run
        curves = run.curves()
        self.curves = {
            seed: {
                output: {name: values[row] for name, values in metrics.items()}
                for output, metrics in curves.items()
            }
            for row, seed in enumerate(recorded.complete)
        }
        self.correct = by_seed(run.correct())
        # The lock is ours, so whoever was running these seeds is gone.
        stale = {seed: SeedRecord("planned") for seed in recorded.in_state("running")}
        # Where the data lay may have changed since, with the machine or the directory: what was asked for says where they lie.
        asked = self.manifest
        tuning = asked.tuning or recorded.tuning
        self.tuned_anew = tuning != recorded.tuning
        spec = measurements.as_recorded(asked, recorded)
        self.facts = replace(
            asked.facts,
            **{
                name: getattr(recorded.facts, name)
                for name in ("outputs", "methods", "first_output_epoch", "measured")
            },
        )
        self.manifest = replace(recorded, spec=spec, seeds={**recorded.seeds, **stale}, tuning=tuning)

    def lacking(self, wanted: Sequence[int]) -> list[int]:
        """Those of ``wanted`` that are not complete; where there are none, the execution is at its end.

        Raises UserError where the method was tuned on one of them.
        """
        require_disjoint({*wanted, *self.manifest.seeds}, self.manifest.tuning)
        complete = set(self.manifest.complete)
        missing = [seed for seed in wanted if seed not in complete]
        self.reporter.started(self.path.name, len(wanted), len(wanted) - len(missing))
        if not missing and self.tuned_anew:
            self._write()
        return missing

    def begin(
        self,
        wanted: Sequence[int],
        missing: Sequence[int],
        layout: Layout,
        executor: Executor,
        company: Mapping[str, tuple[int, ...]] | None = None,
    ) -> None:
        """Commit that ``missing`` of the ``wanted`` seeds are being trained: how, where and beside which other runs."""
        if layout.note is not None:
            self.reporter.note(layout.note)
        if self.spec_asked != self.manifest.spec:
            self.reporter.note(
                f"its seeds are measured as those that it has were, with {STATISTICS_EVERY} = "
                f"{self.manifest.spec.workload_params.get(STATISTICS_EVERY, 1)}; choose another "
                "--runs-dir to measure all of them otherwise"
            )
        self.wanted, self.missing, self.left = wanted, missing, set(missing)
        self.begun = time.perf_counter()
        running = {seed: SeedRecord("running") for seed in missing}
        planned = self.manifest.planned(wanted, now())
        self.manifest = replace(
            planned,
            seeds={**planned.seeds, **running},
            provenance=(
                *planned.provenance,
                session(self.facts, executor.name, executor.jobs, layout, company, self.source),
            ),
        )
        self._commit()
        # What made the last seeds against what makes these: what lies further back reports say.
        made = [past for past in planned.provenance if past.seeds][-1:]
        if apart := versions_apart((*made, self.manifest.provenance[-1])):
            self.reporter.note(f"packages have other versions than when its seeds were made: {apart}")

    def heard(self, block: Block, share: float, seconds: float) -> None:
        """How far a block is."""
        pairs = [(self.reporter.number, seed) for seed in block if seed in self.left]
        if pairs:
            self.reporter.advanced(pairs, share, seconds)

    def take(self, outcomes: Iterable[SeedOutcome], *, last: bool = False) -> None:
        """Record ``outcomes`` and commit them, if the last commit is long ago; what none came of to the ``last``, as failed."""
        for outcome in outcomes:
            self.left.discard(outcome.seed)
            self._record(outcome)
        if last:
            self._set({seed: SeedRecord("failed", error="its training gave no result") for seed in self.left})
        elif outcomes:
            # What took long is committed at once: the next outcome may be hours away.
            self.uncommitted += sum(outcome.wall_seconds for outcome in outcomes)
            worth = self.uncommitted >= max(COMMIT_INTERVAL, WORTH * min(self.commits_took))
            if worth or time.monotonic() - self.last_commit >= COMMIT_INTERVAL:
                self._commit()

    def give_up(self) -> None:
        """Commit what there is; the rest is planned again."""
        self._set({seed: SeedRecord("planned") for seed in self.left})
        self._commit()

    def interrupted(self) -> Interrupted:
        """What to raise after Ctrl-C."""
        kept = len(set(self.wanted) & set(self.manifest.complete))
        return Interrupted(
            f"interrupted: {kept} of {len(self.wanted)} seeds are kept; the same command resumes"
        )

    def end(self) -> None:
        """Commit what there is. Raises RunError where seeds failed."""
        self._commit()
        clear(self.path / CHECKPOINTS)
        failed = [seed for seed in self.missing if self.manifest.seeds[seed].state == "failed"]
        if failed:
            first = self.manifest.seeds[failed[0]].error or ""
            names = ", ".join(map(str, failed[:10])) + (", ..." if len(failed) > 10 else "")
            raise RunError(
                f"{len(failed)} of {len(self.wanted)} seeds failed ({names}): {escape(first)}; the others are kept, and the "
                "same command tries the failed ones again"
            )

    def _record(self, outcome: SeedOutcome) -> None:
        if outcome.measured is not None and outcome.measured.read:
            self.reporter.read_as(outcome.measured.read)
        error = outcome.error
        if error is None and outcome.measured is not None:
            outcome, error = self._joined(outcome, outcome.measured)
        error = error or self._misfit(outcome)
        if error is not None:
            record = SeedRecord("failed", wall_seconds=outcome.wall_seconds, error=error[:2000])
        else:
            self.curves[outcome.seed] = outcome.curves
            if outcome.correct is not None:
                self.correct[outcome.seed] = outcome.correct
            usual = [outcome.curves[output] for output in self.facts.usual_outputs]
            diverged = outcome.diverged or any(
                not_finite(curve[None]).any() for metrics in usual for curve in metrics.values()
            )
            record = SeedRecord(
                "complete", diverged, outcome.wall_seconds, stack=outcome.stack,
                measuring_seconds=outcome.measuring_seconds, code=self.code, declared=self.declared,
            )  # fmt: skip
        self._set({outcome.seed: record})
        self.reporter.seed_done(outcome if error == outcome.error else replace(outcome, error=error))

    def _misfit(self, outcome: SeedOutcome) -> str | None:
        """Why the outcome's curves are not those that the facts announce, if they are not."""
        facts = self.manifest.facts
        for output in facts.outputs:
            for name in metric_names(facts):
                curve = outcome.curves.get(output, {}).get(name)
                if curve is None or np.shape(curve) != (facts.epochs,):
                    return (
                        f"its training gave no curve of {name} with {facts.epochs} epochs for output {output}"
                    )
        return None

    def _joined(self, outcome: SeedOutcome, measured: Measured) -> tuple[SeedOutcome, str | None]:
        """The outcome along the axis of the run, which grows by what the outcome has and the other seeds have not; and why it
        cannot be one of the run's seeds, if it cannot."""
        facts, axis = self.manifest.facts, measured.axis
        metrics = measured.metrics
        if self.curves:
            known = {metric.name: metric for metric in metrics}
            if known.keys() != set(metric_names(facts)):
                there, here = (", ".join(sorted(names)) for names in (metric_names(facts), known))
                return outcome, f"it measured {here}, and the other seeds {there}"
            both = facts.coordinates.joined(axis)
            if both is None:
                return outcome, (
                    f"its values are at {axis.words}, and those of the other seeds at {facts.coordinates.words}: a method's "
                    "seeds are measured at the same steps"
                )
            # What was declared since stands above what a name said.
            metrics = tuple(
                known[metric.name] if known[metric.name].better_by == "declared" else metric
                for metric in facts.metrics
            )
            axis = both
            if axis.values != facts.coordinates.values:
                self.curves = along(axis, self.curves, facts.coordinates)
        count = len(axis.values)
        if count > MAX_EPOCHS or (len(self.curves) + 1) * count * len(metrics) > MAX_VALUES:
            return outcome, f"{count} steps of {len(metrics)} metrics are too many to record"
        facts = replace(facts, metrics=metrics, epochs=count, axis=None if axis == epochs(count) else axis)
        self.manifest = replace(self.manifest, facts=facts)
        (curves,) = along(axis, {outcome.seed: outcome.curves}, measured.axis).values()
        return replace(outcome, curves=curves), None

    def _set(self, records: dict[int, SeedRecord]) -> None:
        self.manifest = replace(self.manifest, seeds={**self.manifest.seeds, **records})

    def _commit(self) -> None:
        began = time.monotonic()
        *earlier, current = self.manifest.provenance
        before = sum(past.seeds for past in earlier)
        current = replace(
            current,
            seeds=len(self.manifest.complete) - before,
            wall_seconds=round(time.perf_counter() - self.begun, 3),
        )
        self.manifest = replace(self.manifest, provenance=(*earlier, current))
        self._write()
        self.last_commit, self.uncommitted = time.monotonic(), 0.0
        self.commits_took = self.commits_took[1], self.last_commit - began

    def _write(self) -> None:
        self.held.check()
        self.committed = commit(self.path, self.manifest, self.curves, self.correct)
        self.manifest = self.committed.manifest
