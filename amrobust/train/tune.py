"""Tuning: train the combinations of each method on tuning seeds, and choose the one that ends best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from amrobust.errors import RunError
from amrobust.runs.manifest import RunMetadata
from amrobust.runs.spec import VALIDATION, Spec
from amrobust.runs.store import read_run
from amrobust.runs.tuning import Trial, Tuning, best_trial
from amrobust.runs.tuning_record import TunedMethod, TuningFile
from amrobust.train.engine import failures, train_runs
from amrobust.train.executors import Executor
from amrobust.train.one_run import Train
from amrobust.train.reporter import Reporter, RunResult
from amrobust.train.search import Search
from amrobust.train.unit import Place

FOLDER = "tuning"
"""The directory in that of the runs where tuning trains: apart, so that no comparison takes these runs for compared ones."""


def tune(
    searches: Sequence[Search],
    seeds: Sequence[int],
    directory: Path,
    executor: Executor,
    *,
    batching: str = "auto",
    reporter: Reporter | None = None,
    place: Place | None = None,
    train: Train | None = None,
    describe: Callable[[Spec], RunMetadata] | None = None,
    accept_new_code: bool = False,
) -> TuningFile:
    """Train what is missing of ``searches`` (one or more, on one workload) and choose each method's combination.

    The best has the best mean over ``seeds`` of the workload's first metric at the end; one with a diverged seed is never
    chosen. The runs lie in ``tuning`` of ``directory``; :func:`amrobust.train.engine.train_runs` trains and resumes them.

    Raises RunError where a seed failed, because the combinations would not have been treated alike, and where all of a
    method's combinations diverged; otherwise as that function.
    """
    rows = train_runs(
        [spec for search in searches for spec in search.specs], seeds, directory / FOLDER, executor, batching=batching,
        reporter=reporter, place=place, train=train, describe=describe, accept_new_code=accept_new_code,
    )  # fmt: skip
    if problem := failures(rows):
        raise RunError(problem)
    by_spec = {row.spec.key: row for row in rows}
    first = searches[0].specs[0]
    return TuningFile(
        workload=first.workload,
        workload_params={name: value for name, value in first.workload_params.items() if name != VALIDATION},
        methods=tuple(
            _chosen(search, [by_spec[spec.key] for spec in search.specs], seeds) for search in searches
        ),
    )


def _chosen(search: Search, rows: Sequence[RunResult], seeds: Sequence[int]) -> TunedMethod:
    assert rows[0].path is not None
    facts = read_run(rows[0].path).manifest.facts
    metric = facts.metrics[0]
    trials = tuple(_trial(search, spec, row) for spec, row in zip(search.specs, rows, strict=True))
    chosen = best_trial(search.optimizer, trials, metric.way)
    first = search.specs[0]
    share = first.workload_params.get(VALIDATION)
    tuning = Tuning(
        searched=search.searched,
        trials=trials,
        chosen=chosen,
        seeds=tuple(seeds),
        epochs=facts.epochs,
        metric=metric.name,
        better=metric.way,
        unit=metric.unit,
        output=search.output,
        validation=None if share is None else float(share),
        root_seed=first.root_seed,
        x0_index=first.x0_index,
        paired=first.paired,
    )
    return TunedMethod(search.optimizer, search.specs[chosen].hyperparameters, tuning)


def _trial(search: Search, spec: Spec, row: RunResult) -> Trial:
    (final,) = (final for final in row.finals if final.output == search.output)
    whole = not row.diverged
    return Trial(
        values={name: spec.hyperparameters[name] for name in search.searched},
        mean=final.mean if whole else None,
        std=final.std if whole else None,
        diverged=row.diverged,
    )
