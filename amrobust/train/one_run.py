"""One run: which of its seeds are lacking, how they are trained, and that each block is recorded when it is whole."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from amrobust.errors import RunError, UserError
from amrobust.runs.axis import MAX_EPOCHS
from amrobust.runs.lock import locked
from amrobust.runs.manifest import Layout, Manifest, RunMetadata, Source, identity
from amrobust.runs.seeds import MAX_SEED
from amrobust.runs.spec import Spec
from amrobust.runs.store import Run, broken_line, read_run
from amrobust.runs.tuning import Tuning
from amrobust.runs.validators import CorruptRun
from amrobust.runs.values import MAX_VALUES
from amrobust.runs.versions import Asked, Versions
from amrobust.train import prepare
from amrobust.train.execution import CHECKPOINTS, Execution, Interrupted, check_same
from amrobust.train.executors import Executor, train_seeds
from amrobust.train.heartbeat import Listener
from amrobust.train.layout import plan_layout
from amrobust.train.reporter import RunEvents
from amrobust.train.unit import Place, SeedOutcome

ONE_AT_A_TIME = threading.Lock()
"""Of several runs one builds models to look at: torch counts operations and memory process-wide."""


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
            _carry_out(execution, wanted, _Training(train, here, executor, batching))
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
        check_same(run.manifest, asked.manifest)
    except CorruptRun:
        return None
    if asked.manifest.tuning not in (None, run.manifest.tuning):
        return None
    return run if set(wanted) <= set(run.manifest.complete) else None


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


def _carry_out(execution: Execution, wanted: Sequence[int], training: _Training) -> None:
    """Plan ``wanted``, train what is missing, commit as blocks become whole."""
    missing = execution.lacking(wanted)
    if not missing:
        return
    outcomes, layout = training.begin(execution.manifest, missing)
    execution.begin(wanted, missing, layout, training.executor)
    waiting = _Waiting([seed for seed in block if seed in execution.left] for block in layout.blocks)
    try:
        with closing(outcomes):  # type: ignore[type-var]
            for outcome in outcomes:
                execution.take(waiting.add(outcome))
        execution.take(waiting.partial(), last=True)
    except BaseException as problem:
        execution.give_up()
        if isinstance(problem, KeyboardInterrupt):
            raise execution.interrupted() from None
        raise
    execution.end()


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
