"""Runs in memory: loaded from run directories, logs and tables, chosen among, and as DataFrames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from amrobust.errors import UserError
from amrobust.runs.arms import Arm, first_measured, refuse_doubles
from amrobust.runs.curves import mean_and_std
from amrobust.runs.method import from_name
from amrobust.runs.metric import Metric, direction

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Runs:
    """Methods with their curves, and a line for everything that was set aside while they were loaded.

    ``a + b`` has the runs of both. Raises UserError where two groups of runs on one workload have one name: :meth:`rename` one.

    >>> runs = Runs.from_arrays({"sgd": [[90, 91], [89, 92]], "adam": [[88, 93], [90, 93]]}, metric="accuracy")
    >>> runs.methods
    ('sgd', 'adam')
    >>> runs.to_frame().head(2)
      workload method  seed  epoch    metric  value
    0   arrays    sgd     0      1  accuracy   90.0
    1   arrays    sgd     0      2  accuracy   91.0
    """

    arms: tuple[Arm, ...]
    problems: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        refuse_doubles(self.arms)

    def __len__(self) -> int:
        return len(self.arms)

    def __iter__(self) -> Iterator[Arm]:
        return iter(self.arms)

    def __add__(self, other: Runs) -> Runs:
        return Runs(self.arms + other.arms, tuple(dict.fromkeys(self.problems + other.problems)))

    @property
    def methods(self) -> tuple[str, ...]:
        """The names of the methods, each once, in order."""
        return tuple(dict.fromkeys(arm.method for arm in self.arms))

    @property
    def workloads(self) -> tuple[str, ...]:
        """The names of the workloads, each once, in order."""
        return tuple(dict.fromkeys(arm.workload for arm in self.arms))

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of the metrics that any method has, each once, in order."""
        return tuple(dict.fromkeys(name for arm in self.arms for name in arm.metrics))

    def select(
        self, methods: str | Iterable[str] | None = None, workloads: str | Iterable[str] | None = None
    ) -> Runs:
        """The runs of some methods (by name, or by their optimizer's) on some workloads. Raises UserError where there is "
        "none."""
        wanted, places = _names(methods), _names(workloads)
        found = tuple(
            arm
            for arm in self.arms
            if (wanted is None or arm.method in wanted or arm.optimizer in wanted)
            and (places is None or arm.workload in places)
        )
        if not found:
            raise UserError(
                f"no such runs: there are {', '.join(self.methods)} on {', '.join(self.workloads)}"
            )
        return Runs(found, self.problems)

    def rename(self, names: Mapping[str, str]) -> Runs:
        """The same runs, methods called as ``names`` says; raises UserError on a name that no method has.

        >>> Runs.from_arrays({"adam": [90.0, 91.0]}).rename({"adam": "adam, lr 0.01"}).methods
        ('adam, lr 0.01',)
        """
        if unknown := [name for name in names if name not in self.methods]:
            raise UserError(f"no method is called {unknown[0]!r}: choose one of {', '.join(self.methods)}")
        arms = tuple(replace(arm, method=names.get(arm.method, arm.method)) for arm in self.arms)
        return Runs(arms, self.problems)

    def table(self) -> pd.DataFrame:
        """A row a method and workload: seeds, diverged seeds, epochs, and mean and STD of each metric's last value.

        Spreads of methods with diverged seeds are NaN: ``compare`` says how to judge them.
        """
        import pandas as pd

        rows = []
        for arm in self.arms:
            row: dict[str, Any] = {
                "workload": arm.workload, "method": arm.method, "seeds": len(arm.seeds),
                "diverged": len(arm.diverged), "epochs": arm.epochs,
            }  # fmt: skip
            for name, curves in arm.curves.items():
                found = mean_and_std(curves[:, -1])
                row[f"{name}_mean"], row[f"{name}_std"] = (np.nan if x is None else x for x in found)
            rows.append(row)
        return pd.DataFrame(rows)

    def to_frame(self, metric: str | None = None) -> pd.DataFrame:
        """All curves in long form: workload, method, seed, epoch, metric, value; ``metric`` alone where one is given.

        The column ``epoch`` is called as what was counted: step, tokens, ...; where methods differ in that, it is ``step``, and
        a column ``axis`` has the name.

        Raises UserError on a metric that no run has.
        """
        import pandas as pd

        parts = []
        labels = {arm.axis.label for arm in self.arms}
        for arm in self.arms:
            steps = np.array(arm.axis.values)
            steps = steps.astype(int) if all(map(float.is_integer, arm.axis.values)) else steps
            for name, curves in arm.curves.items():
                if metric is not None and name != metric:
                    continue
                seeds = len(curves)
                parts.append(
                    pd.DataFrame(
                        {
                            "workload": arm.workload,
                            "method": arm.method,
                            "seed": np.repeat(np.array(arm.seeds), len(steps)),
                            **({"axis": arm.axis.label} if len(labels) > 1 else {}),
                            arm.axis.label if len(labels) == 1 else "step": np.tile(steps, seeds),
                            "metric": name,
                            "value": curves.ravel(),
                        }
                    )
                )
        if not parts:
            raise UserError(f"no run has the metric {metric!r}: choose one of {', '.join(self.metrics)}")
        return pd.concat(parts, ignore_index=True)

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, *, workload: str = "frame", **mappings: Any) -> Runs:
        """Runs from a DataFrame in any of the forms that tables may have (long, tidy, a column a seed or a step).

        ``mappings`` are those of ``amrobust import``: method_from, seed_from, step_from, metrics, higher, lower, units. Raises
        UserError where it has no such form.
        """
        from amrobust.ingest.assemble import gather
        from amrobust.ingest.naming import Mappings
        from amrobust.ingest.policies import Policies
        from amrobust.ingest.read import arms_of
        from amrobust.ingest.table import Table
        from amrobust.ingest.tables import runs_of

        named = frame if all(name is None for name in frame.index.names) else frame.reset_index()
        if not named.columns.is_unique:
            double = named.columns[named.columns.duplicated()][0]
            raise UserError(f"two columns are called {double!r}: give each its own name")
        columns = {str(name): [_plain(cell) for cell in named[name].tolist()] for name in named.columns}
        path = Path(workload)
        chosen = Mappings(**mappings)
        table = Table(path, workload, columns, range(1, len(named) + 1))
        gathered = gather(list(runs_of(table, chosen.wanted)), chosen, Policies(), workload)
        return cls(tuple(arms_of(gathered, path)), gathered.left_out)

    @classmethod
    def from_arrays(
        cls,
        arrays: Mapping[str, ArrayLike],
        *,
        metric: str = "value",
        unit: str | None = None,
        better: str | None = None,
        workload: str = "arrays",
        paired: bool = False,
    ) -> Runs:
        """Runs from an array (seeds, epochs), or (seeds,) of final values, for each method.

        ``better`` is "higher" or "lower" [default: known by the metric's name, else asked for when it is judged]; NaN marks a
        diverged seed, before its first value what was not measured yet; ``paired``: row i of every method has the same random
        streams. Raises UserError on other shapes.
        """
        arms = []
        known = Metric.known(
            metric, None if better is None else direction(f"better of {metric}", better), unit
        )
        for method, given in arrays.items():
            if not isinstance(method, str) or not method.strip():
                raise UserError(f"a method is called by a name, not {method!r}")
            curves = np.array(given, np.float64)
            curves = curves[:, None] if curves.ndim == 1 else curves
            if curves.ndim != 2 or 0 in curves.shape:
                raise UserError(
                    f"{method}: an array is (seeds, epochs) or (seeds,), not of shape {np.shape(given)}"
                )
            lost = np.flatnonzero(~np.isfinite(curves[:, first_measured(curves) - 1 :]).all(axis=1))
            arms.append(
                Arm(
                    method=method,
                    optimizer=from_name(method).optimizer,
                    workload=workload,
                    seeds=tuple(range(len(curves))),
                    curves={metric: curves},
                    metrics={metric: known},
                    pairing="rows" if paired else None,
                    diverged=tuple(int(row) for row in lost),
                )
            )
        return cls(tuple(arms))


def load(
    *paths: str | PathLike[str],
    metric: str | None = None,
    units: Mapping[str, str] | None = None,
    **mappings: Any,
) -> Runs:
    """Everything that can be compared under ``paths``: run directories, and the logs and tables that ``amrobust import`` reads.

    With ``metric``, that one's curves only; a log whose metrics have different steps needs it. ``units`` declares units of
    metrics, such as ``{"acc": "%"}``; ``mappings`` are the options of ``amrobust import`` that say what names a method, a seed
    and a step: method_from, seed_from, workload_from, step_from, nuisances; ``pattern`` reads lines of text. Raises UserError
    where a path holds nothing that can be read. Broken runs are set aside: ``problems`` names them.

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "results.csv"
    >>> _ = path.write_text("method,seed,step,value\\nsgd,0,1,90\\nsgd,1,1,91\\n")
    >>> load(path).methods
    ('sgd',)
    """
    from amrobust.ingest.load import load_arms
    from amrobust.ingest.naming import Mappings

    places = [Path(fspath(path)) for path in paths or ("runs",)]
    arms, problems = load_arms(places, metric, units, Mappings(**mappings))
    return Runs(tuple(arms), tuple(problems))


def _names(given: str | Iterable[str] | None) -> set[str] | None:
    return None if given is None else {given} if isinstance(given, str) else set(given)


def _plain(cell: Any) -> Any:
    """A cell of a DataFrame as a table has it: numbers, text, or nothing."""
    if cell is None or isinstance(cell, (bool, int, float, str)):
        return None if isinstance(cell, float) and np.isnan(cell) else cell
    return str(cell)
