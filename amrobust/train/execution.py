"""One run under its lock: what it still lacks is trained, and committed as seeds finish."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from amrobust.errors import RunError, UserError
from amrobust.runs.axis import MAX_EPOCHS, epochs
from amrobust.runs.code import code_digest
from amrobust.runs.correct_file import by_seed
from amrobust.runs.correctness import SeedCorrectness
from amrobust.runs.curves import SeedCurves, along, metric_names
from amrobust.runs.files import escape
from amrobust.runs.find import is_run
from amrobust.runs.lock import Held, locked
from amrobust.runs.manifest import Block, Layout, Manifest, RunMetadata, SeedRecord, Source, identity
from amrobust.runs.provenance import now, session, versions_apart
from amrobust.runs.seeds import MAX_SEED
from amrobust.runs.spec import STATISTICS_EVERY, Spec
from amrobust.runs.store import Run, broken_line, commit, read_run
from amrobust.runs.tuning import Tuning, require_disjoint
from amrobust.runs.validators import CorruptRun, UnreadableRun
from amrobust.runs.values import MAX_VALUES, not_finite
from amrobust.runs.versions import Asked, Versions
from amrobust.train import measurements, prepare
from amrobust.train.executors import Executor, train_seeds
from amrobust.train.finished import clear
from amrobust.train.heartbeat import Listener
from amrobust.train.layout import plan_layout
from amrobust.train.reporter import RunEvents
from amrobust.train.unit import Measured, Place, SeedOutcome

ONE_AT_A_TIME = threading.Lock()
"""Of several executions one builds models to look at: torch counts operations and memory process-wide."""

CHECKPOINTS = "checkpoints"
"""Directory in a run's for the state of trainings under way."""

COMMIT_INTERVAL = 1.0
"""Seconds between commits of quick seeds: so much work is lost at most when the process is killed."""

WORTH = 100
"""How many times as long as a commit takes the seeds have to have taken that it is made for before that time."""


class Interrupted(RunError):
    """The user stopped an execution; what had finished is kept. Exit status 130."""

    exit_status = 130


class Train(Protocol):
    """Trains seeds of a spec and yields each outcome as it finishes."""

    def __call__(
        self, spec: Spec, seeds: Sequence[int], *, executor: str, jobs: int | None
    ) -> Iterator[SeedOutcome]:
        """See :func:`amrobust.train.executors.train_seeds`."""


def train_run(
    spec: Spec,
    wanted: Sequence[int],
    directory: Path,
    executor: Executor,
    versions: Versions,
    reporter: RunEvents,
    *,
    batching: str,
    place: Place,
    train: Train | None,
    describe: Callable[[Spec], RunMetadata] | None,
    tuning: Tuning | None,
    accept_new_code: bool,
    declared: str,
    source: Callable[[Spec, Sequence[int]], Source] | None = None,
    wait: bool = True,
) -> Run:
    """Train those of the ``wanted`` seeds that the run of ``spec`` in ``directory`` lacks, and return the run.

    Arguments are as of :func:`amrobust.train.engine.train_runs`; ``versions`` are those of ``directory``. Raises UserError on a
    seed that the method was tuned on, and where it is unknown which version of the code goes on, Interrupted on Ctrl-C (what is
    finished is kept), Busy where another process has the run and nobody is to ``wait``, RunError where seeds failed, the disk
    cannot be written to, or what is there is broken.
    """
    path = directory
    try:
        asked = versions.asked(manifest_of(spec, wanted, place, tuning, describe), accept_new_code)
        path = asked.path
        run = _finished(asked, wanted)
        if run is not None:
            reporter.started(path.name, len(wanted), len(wanted))
            return run
        with locked(path, (lambda: reporter.waiting(path)) if wait else None) as held:
            execution = Execution(held, asked, reporter, declared, source and source(spec, wanted))
            heard = Listener(execution.heard)
            here = replace(place, checkpoints=path / CHECKPOINTS, code=execution.code, heard=heard)
            execution.run(wanted, _Training(train, here, executor, batching))
            return execution.committed
    except KeyboardInterrupt:
        raise Interrupted("interrupted: nothing was changed; the same command starts again") from None
    except CorruptRun as problem:
        raise RunError(broken_line(path, problem)) from None


def checked(seeds: Iterable[int]) -> list[int]:
    """``seeds`` in ascending order. Raises UserError where there are none, or one is out of bounds."""
    wanted = sorted(set(seeds))
    if not wanted:
        raise UserError("no seeds were asked for: give at least one")
    if wanted[0] < 0 or wanted[-1] >= MAX_SEED:
        raise UserError(f"seeds are numbers from 0 to {MAX_SEED - 1:,}")
    return wanted


def manifest_of(
    spec: Spec,
    wanted: Sequence[int],
    place: Place,
    tuning: Tuning | None = None,
    describe: Callable[[Spec], RunMetadata] | None = None,
) -> Manifest:
    """The manifest of the run of ``spec`` before it begins. Raises UserError on more ``wanted`` seeds than can be recorded."""
    with ONE_AT_A_TIME:
        facts = describe(spec) if describe is not None else prepare.describe(spec, place)
    if (
        facts.epochs > MAX_EPOCHS
        or len(wanted) * facts.epochs * len(facts.outputs) * len(facts.metrics) > MAX_VALUES
    ):
        raise UserError(f"{len(wanted)} seeds of {facts.epochs} epochs are too many to record: ask for fewer")
    return Manifest(identity(spec, facts), spec, facts, {}, tuning=tuning)


def _finished(asked: Asked, wanted: Sequence[int]) -> Run | None:
    """The run where it has every wanted seed. What is wrong with it is left to whoever has the lock."""
    try:
        run = read_run(asked.path)
        _check_same(run.manifest, asked.manifest)
    except CorruptRun:
        return None
    if asked.manifest.tuning not in (None, run.manifest.tuning):
        return None
    return run if set(wanted) <= set(run.manifest.complete) else None


def _check_same(recorded: Manifest, asked: Manifest) -> None:
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


@dataclass(frozen=True)
class _Training:
    """How the missing seeds are to be trained."""

    train: Train | None
    place: Place
    executor: Executor
    batching: str

    def begin(self, manifest: Manifest, missing: Sequence[int]) -> tuple[Iterator[SeedOutcome], Layout]:
        """The outcomes to come, and the layout they are trained in: what is recorded of it goes on as it was."""
        spec, executor = manifest.spec, self.executor
        if self.train is not None:
            alone = Layout("none", tuple((seed,) for seed in missing))
            return self.train(spec, missing, executor=executor.name, jobs=executor.jobs), alone
        with ONE_AT_A_TIME:
            layout = plan_layout(
                spec, missing, batching=self.batching, workers=executor.count, recorded=manifest.layout
            )
        return train_seeds(spec, missing, executor=executor, place=self.place, layout=layout), layout


class _Waiting:
    """Outcomes held back until their block is whole.

    Seeds that were trained together differ in their last bits from seeds trained in other company. A run that is killed and
    resumed trains whole blocks again, and so gives what an uninterrupted one gives, bit for bit.
    """

    def __init__(self, blocks: Iterable[Sequence[int]]) -> None:
        self.block = {seed: tuple(block) for block in blocks for seed in block}
        self.arrived: dict[tuple[int, ...], dict[int, SeedOutcome]] = {b: {} for b in self.block.values()}

    def add(self, outcome: SeedOutcome) -> Iterable[SeedOutcome]:
        """What ``outcome`` makes whole; nothing where more of its block is to come, or it was there before."""
        block = self.block.get(outcome.seed, ())
        if block not in self.arrived:
            return ()
        self.arrived[block].setdefault(outcome.seed, outcome)
        return self.arrived.pop(block).values() if len(self.arrived[block]) == len(block) else ()

    def partial(self) -> list[SeedOutcome]:
        """What has arrived of the blocks that are not whole."""
        return [outcome for arrived in self.arrived.values() for outcome in arrived.values()]


class Execution:
    """One execution under the run's lock: the state in memory is always one that may be committed.

    :meth:`run` does all of it; :mod:`amrobust.train.cobatch` calls its parts for several runs in step.
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
        _check_same(recorded, self.manifest)
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

    def run(self, wanted: Sequence[int], training: _Training) -> None:
        """Plan ``wanted``, train what is missing, commit as blocks become whole."""
        missing = self.lacking(wanted)
        if not missing:
            return
        outcomes, layout = training.begin(self.manifest, missing)
        self.begin(wanted, missing, layout, training.executor)
        waiting = _Waiting([seed for seed in block if seed in self.left] for block in layout.blocks)
        try:
            with closing(outcomes):  # type: ignore[type-var]
                for outcome in outcomes:
                    self.take(waiting.add(outcome))
            self.take(waiting.partial(), last=True)
        except BaseException as problem:
            self.give_up()
            if isinstance(problem, KeyboardInterrupt):
                raise self.interrupted() from None
            raise
        self.end()

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
