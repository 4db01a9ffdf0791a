"""Training from Python: what ``amrobust run`` does, its runs in memory."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import Literal

from amrobust.api.methods import Methods, Named, Values, grids, listed, named
from amrobust.api.notebook import look_again, prepared
from amrobust.api.runs import Runs, load
from amrobust.api.tuning import Tuned
from amrobust.errors import RunError, UserError
from amrobust.runs.documents import Tables, combinations
from amrobust.runs.spec import Value, plain
from amrobust.train.engine import failures, train_runs
from amrobust.train.requests import MAX_SEEDS, MAX_X0S, Request, Training, from_tuning, specs_of
from amrobust.train.unit import Place

OVER_A_TUNING = ("epochs", "data")
"""Parameters of the workload that may be others than those that were tuned with."""


def run(
    methods: Methods | Tuned,
    *,
    workload: Named | None = None,
    params: Mapping[str, Values] | None = None,
    seeds: int = 20,
    root_seed: int | None = None,
    x0: int | None = None,
    x0s: int = 1,
    paired: bool = False,
    vary: Literal["x0", "order", "augmentation", "dropout", "noise", "rule", "rounding"] | None = None,
    runs_dir: str | PathLike[str] = "runs",
    executor: str = "processes",
    jobs: int | None = None,
    batching: Literal["auto", "none", "stack"] = "auto",
    backend: str = "numpy",
    device: str = "cpu",
    accept_new_code: bool = False,
) -> Runs:
    """Train methods on a workload over many seeds, from one shared starting point, as ``amrobust run`` does, and load the runs.

    ``methods`` are optimizers with the values of their hyperparameters, one or a list of each, or what :func:`tune` found.
    An optimizer and the ``workload`` [default: digits] go by name, by path, or as the class itself: one that a notebook defines
    in a cell is trained in the notebook's own process. ``params`` are the workload's, such as epochs; every combination of all
    lists is a run. Of what was tuned, params may change epochs and data alone. ``root_seed`` and ``x0`` are 0, or as in the
    tuning, unless given. A notebook shows how far it is.

    The runs lie in ``runs_dir``: the same call resumes them or trains nothing, more ``seeds`` train those that are missing, and
    what is returned has all the seeds that are there. After an edit of your code they are new runs; with
    ``accept_new_code`` the old ones go on, which reports say. Worker processes import the calling script again: call this below
    ``if __name__ == "__main__":``, or with ``executor="local"``. Raises UserError where an argument cannot be meant, RunError
    where a seed failed: the others are kept.

    >>> import tempfile
    >>> runs = run(
    ...     {"sgd": {}, "msgd": {"lr": [0.05, 0.1]}}, workload="logistic", params={"iterations": 40}, seeds=4,
    ...     runs_dir=tempfile.mkdtemp(), executor="local",
    ... )
    >>> runs.methods
    ('sgd', 'msgd[lr=0.05]', 'msgd')
    """
    seeds, x0s, x0 = map(plain, (seeds, x0s, x0))
    for name, count, most in (("seeds", seeds, MAX_SEEDS), ("x0s", x0s, MAX_X0S)):
        if not isinstance(count, int) or not 1 <= count <= most:
            raise UserError(f"{name} is at least 1 and at most {most:,}, not {count!r}")
    look_again()
    workload = None if workload is None else named(workload)
    given = listed(workload or "the workload", params or {})
    if isinstance(methods, Tuned):
        request = from_tuning(
            methods.data, seeds, params=_over(methods, workload, given), root_seed=root_seed, x0=x0, x0s=x0s, paired=paired,
            vary=vary,
        )  # fmt: skip
    else:
        tables = Tables("the arguments")
        trainings = [
            Training(name, chosen)
            for name, values in grids(methods, "run({'msgd': {}, 'am1': {'m': 5}})")
            for chosen in combinations(tables, values)
        ]
        first = x0 or 0
        specs = specs_of(
            workload or "digits", combinations(tables, given), trainings, root_seed=root_seed or 0,
            x0s=range(first, first + x0s), paired=paired, vary=vary,
        )  # fmt: skip
        request = Request(specs, seeds)
    trainer, reporter = prepared(request.specs, executor, jobs)
    rows = train_runs(
        request.specs, range(request.seeds), Path(fspath(runs_dir)), trainer, batching=batching, reporter=reporter,
        place=Place(backend, device), tunings=request.tunings, accept_new_code=accept_new_code,
    )  # fmt: skip
    if problem := failures(rows):
        raise RunError(problem)
    return load(*(row.path for row in rows if row.path is not None))


def _over(tuned: Tuned, workload: str | None, given: Mapping[str, tuple[Value, ...]]) -> dict[str, Value]:
    """The parameters that stand over those of a tuning. Raises UserError on those that would be of another study."""
    if workload not in (None, tuned.data.workload):
        raise UserError(f"the methods were tuned on {tuned.data.workload}, not on {workload}")
    for name, values in given.items():
        if name not in OVER_A_TUNING or len(values) > 1:
            raise UserError(
                f"{name} = {values[0] if len(values) == 1 else list(values)!r}: of what was tuned, params has one value of "
                f"{' or '.join(OVER_A_TUNING)}; all else is as it was tuned"
            )
    return {name: values[0] for name, values in given.items()}
