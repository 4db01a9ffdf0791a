"""Runs of several methods that are trained as one stack: planned before anything is distributed, committed each as its own.

Whose seeds shared a stack is recorded with each of its runs, because the last bits of a seed's curves depend on its company.
The same command resumes in the same company, to the bits of an uninterrupted run: a run of it that was complete is trained
along then, and the result is dropped. A command that does not ask for the whole company trains what is missing without it, in
a layout of its own; the results differ by rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from amrobust.errors import RunError
from amrobust.runs.lock import locked
from amrobust.runs.manifest import Block, Layout, Manifest
from amrobust.runs.spec import Spec
from amrobust.runs.store import manifest_in
from amrobust.runs.tuning import Tuning
from amrobust.runs.validators import CorruptRun
from amrobust.runs.versions import Asked, Versions
from amrobust.train.code import digest_of
from amrobust.train.execution import CHECKPOINTS, Execution
from amrobust.train.executors import Executor
from amrobust.train.heartbeat import Listener
from amrobust.train.layout import alike, plan_groups
from amrobust.train.measurements import as_recorded
from amrobust.train.one_run import checked, manifest_of
from amrobust.train.reporter import RunEvents
from amrobust.train.unit import CoBatch, Place, SeedOutcome, Work


@dataclass(frozen=True)
class CoBatchedRuns:
    """Runs that are to be trained as one stack."""

    runs: Mapping[int, Asked]
    """What is asked for of each, by its number among the specs asked for, in the order of their identities."""
    company: Mapping[str, tuple[int, ...]] | None
    """Whose seeds the stack has, by the identities of runs, as it was recorded; None where it is theirs, planned anew."""
    specs: Mapping[str, Spec]
    """Of all in the company."""


def plan_cobatches(
    specs: Sequence[Spec],
    seeds: Sequence[int],
    versions: Versions,
    executor: Executor,
    batching: str,
    place: Place | None,
    tunings: Mapping[str, Tuning],
    accept_new_code: bool = False,
) -> list[CoBatchedRuns]:
    """Which of the runs of ``specs`` in a directory are trained together: as it was recorded, the others as it pays.

    A run that exists and was not begun in company is in none. Raises UserError as :func:`amrobust.train.engine.train_runs`.
    """
    wanted = checked(seeds)
    planned = plan_groups(specs, len(wanted), batching=batching, workers=executor.count)
    resumable = range(len(specs)) if batching != "none" and len(specs) > 1 else ()
    candidates = {number for number in resumable if alike(specs[number]) is not None}
    asked = {
        number: versions.asked(
            manifest_of(specs[number], wanted, place or Place(), tunings.get(specs[number].method_key)),
            accept_new_code,
        )
        for number in sorted(candidates.union(*planned))
    }
    identities = {number: run.manifest.identity for number, run in asked.items()}
    by_identity = {identity: number for number, identity in reversed(identities.items())}
    found = {number: _recorded(run) for number, run in asked.items()}
    taken: set[int] = set()
    together = []

    def take(members: Sequence[int], company: Mapping[str, tuple[int, ...]] | None) -> None:
        # Of two specs that are one run, as where only the place of the data differs, the second waits for the first.
        free = [n for n in members if n not in taken and by_identity[identities[n]] == n]
        taken.update(free)
        ordered = sorted(free, key=lambda number: identities[number])
        in_it = company or {identities[number]: () for number in ordered}
        if free:
            numbers = {identity: by_identity[identity] for identity in in_it}
            of_all = {
                identity: specs[n] if (begun := found[n]) is None else as_recorded(asked[n].manifest, begun)
                for identity, n in numbers.items()
            }
            together.append(CoBatchedRuns({number: asked[number] for number in ordered}, company, of_all))

    for manifest in found.values():
        company = {} if manifest is None else manifest.company
        if company and company.keys() <= by_identity.keys():
            members = [by_identity[identity] for identity in company]
            take([n for n in members if _goes_on(found[n], company, identities[n], wanted)], company)
    for group in planned:
        take([number for number in group if found[number] is None], None)
    return together


def train_cobatch(
    job: CoBatchedRuns,
    seeds: Sequence[int],
    executor: Executor,
    place: Place | None,
    reporters: Mapping[int, RunEvents],
    declared: str = "",
    *,
    wait: bool = True,
) -> dict[int, RunError | None]:
    """Train the runs of ``job`` as one stack; returns those that it dealt with, by their numbers, and what failed of each.

    The others are not what they were when the job was planned, or cannot be written to: they are left as they are. The locks
    of all runs are held, and taken in the order of their identities, so that several processes cannot wait for each other;
    without ``wait`` those that another process holds are left to it.
    Raises UserError and Interrupted as :func:`amrobust.train.engine.train_runs`.
    """
    wanted = checked(seeds)
    with ExitStack() as locks:
        open_runs: dict[int, Execution] = {}
        for number, asked in job.runs.items():
            reporter = reporters[number]
            with suppress(CorruptRun, RunError):
                held = locks.enter_context(
                    locked(asked.path, _waiter(reporter, asked.path) if wait else None)
                )
                execution = Execution(held, asked, reporter, declared)
                recorded = execution.manifest if execution.manifest.provenance else None
                if _goes_on(recorded, job.company, asked.manifest.identity, wanted):
                    open_runs[number] = execution
        company = job.company or {
            execution.manifest.identity: tuple(wanted) for execution in open_runs.values()
        }
        return _Stack(job, company, open_runs).train(wanted, executor, place or Place()) if open_runs else {}


class _Stack:
    """One stack under the locks of its runs."""

    def __init__(
        self, job: CoBatchedRuns, company: Mapping[str, tuple[int, ...]], runs: dict[int, Execution]
    ) -> None:
        self.company, self.runs = company, runs
        entries = [(identity, seed) for identity in sorted(company) for seed in company[identity]]
        # A run that turns out to be by itself is trained as a block of its own, and may go on so.
        alone = len(company) == 1
        self.work: Work = (
            job.specs[entries[0][0]]
            if alone
            else CoBatch(tuple((job.specs[identity], seed) for identity, seed in entries))
        )
        self.entries = {seed if alone else place: (run, seed) for place, (run, seed) in enumerate(entries)}

    def train(self, wanted: Sequence[int], executor: Executor, place: Place) -> dict[int, RunError | None]:
        """Begin every run, train the stack, end every run."""
        done: dict[int, RunError | None] = {}
        begun: dict[int, Execution] = {}
        try:
            for number, execution in self.runs.items():
                missing = execution.lacking(wanted)
                own = self.company[execution.manifest.identity]
                with suppress(RunError):  # Whoever tries the run alone is told.
                    execution.begin(
                        wanted, missing, Layout("stack", (own,)), executor,
                        self.company if len(self.company) > 1 else None,
                    )  # fmt: skip
                    begun[number] = execution
            if begun:
                first = next(iter(begun.values()))
                here = replace(
                    place, checkpoints=first.path / CHECKPOINTS, code=digest_of(self.work), heard=Listener(self._heard)
                )  # fmt: skip
                outcomes = self._outcomes(executor, here)
                # The first one last: what a worker kept of the finished stack lies with it, until every other run has its own.
                for number, execution in reversed(begun.items()):
                    done[number] = _end(execution, outcomes[execution.manifest.identity])
        except BaseException as problem:
            for number, execution in begun.items():
                if number not in done:
                    with suppress(RunError):
                        execution.give_up()
            if isinstance(problem, KeyboardInterrupt) and begun:
                raise next(iter(begun.values())).interrupted() from None
            raise
        return done

    def _heard(self, block: Block, share: float, seconds: float) -> None:
        """How far the stack is."""
        numbers = {execution.manifest.identity: number for number, execution in self.runs.items()}
        entries = [self.entries[place] for place in block]
        pairs = [
            (number, seed)
            for run, seed in entries
            if (number := numbers.get(run)) is not None and seed in self.runs[number].left
        ]
        if pairs:
            self.runs[pairs[0][0]].reporter.advanced(pairs, share, seconds)

    def _outcomes(self, executor: Executor, place: Place) -> dict[str, dict[int, SeedOutcome]]:
        """What came of each run's seeds."""
        outcomes: dict[str, dict[int, SeedOutcome]] = {identity: {} for identity in self.company}
        arriving: Any = executor.train(self.work, [tuple(self.entries)], place)
        with closing(arriving):
            for outcome in arriving:
                identity, seed = self.entries[outcome.seed]
                outcomes[identity].setdefault(seed, replace(outcome, seed=seed))
        return outcomes


def _end(execution: Execution, outcomes: Mapping[int, SeedOutcome]) -> RunError | None:
    """Record what was missing; what failed, or that nothing can be written."""
    try:
        execution.take([outcomes[seed] for seed in sorted(execution.left & outcomes.keys())], last=True)
        execution.end()
    except RunError as problem:
        return problem
    return None


def _goes_on(
    recorded: Manifest | None,
    company: Mapping[str, tuple[int, ...]] | None,
    identity: str,
    wanted: Sequence[int],
) -> bool:
    """Whether a run can be trained in ``company``: it has not begun, or was begun in this one, which has all that it lacks."""
    if recorded is None:
        return company is None or set(wanted) <= set(company[identity])
    missing = set(wanted) - set(recorded.complete)
    return bool(missing) and recorded.company == company and missing <= set(recorded.company[identity])


def _recorded(asked: Asked) -> Manifest | None:
    try:
        return manifest_in(asked.path)
    except CorruptRun:
        return (
            asked.manifest
        )  # Something is there that is not as it should be: whoever works on it alone says so.


def _waiter(reporter: RunEvents, path: Path) -> Callable[[], None]:
    return lambda: reporter.waiting(path)
