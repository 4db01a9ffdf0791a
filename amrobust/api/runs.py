"""Runs in memory: loaded from run directories, logs and tables, chosen among, and as DataFrames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
from numpy.typing import ArrayLike

from amrobust.api.reading import Reading, ReadingFiles, settled
from amrobust.errors import UserError
from amrobust.report.html import with_table
from amrobust.report.text import escape
from amrobust.runs.arms import READ, Arm, refuse_doubles, what_was_read
from amrobust.runs.curves import mean_and_std
from amrobust.runs.documents import texts_given
from amrobust.runs.method import from_name
from amrobust.runs.metric import Metric, MetricChoice, direction, refuse_unnamed
from amrobust.runs.seeds import NUMBERED, as_given
from amrobust.runs.units import with_unit
from amrobust.runs.values import Curves, absent, held, not_finite

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class Runs:
    """Methods with their curves, and a line for everything that was set aside while they were loaded; shown, as their table.

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

    def __repr__(self) -> str:
        return "\n".join([self._heading, self.table().to_string(index=False), *map(escape, self.problems)])

    def _repr_html_(self) -> str:
        return with_table(self._heading, self.table(), self.problems)

    @property
    def _heading(self) -> str:
        methods, workloads = len(self.methods), self.workloads
        count = f"{methods} method{'s' * (methods != 1)}"
        return escape(f"{count} on {', '.join(workloads[:3])}{', ...' * (len(workloads) > 3)}")

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

    @property
    def read(self) -> tuple[str, ...]:
        """What was read as method, seed, step and metric, a line for each log, table or mapping; none of recorded runs."""
        return tuple(what_was_read(self.arms))

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
        """A row per method and workload: seeds, diverged seeds, epochs, and mean and STD of each metric's last value.

        Spreads of methods with diverged seeds are NaN: ``compare`` says how to compare them.
        """
        import pandas as pd

        rows = []
        for arm in self.arms:
            row: dict[str, Any] = {
                "workload": arm.workload, "method": arm.method, "seeds": len(arm.seeds),
                "diverged": len(arm.diverged), "epochs": arm.epochs,
            }  # fmt: skip
            for name, curves in arm.curves.items():
                found = mean_and_std(held(curves)[:, -1])
                row[f"{name}_mean"], row[f"{name}_std"] = (np.nan if x is None else x for x in found)
            rows.append(row)
        return pd.DataFrame(rows)

    def to_frame(self, metric: str | None = None) -> pd.DataFrame:
        """All curves in long form: workload, method, seed, epoch, metric, value; ``metric`` alone where one is given.

        A row for every value that was measured; NaN is a value that was not finite.

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
                            "seed": [seed for seed in map(as_given, arm.seeds) for _ in steps],
                            **({"axis": arm.axis.label} if len(labels) > 1 else {}),
                            arm.axis.label if len(labels) == 1 else "step": np.tile(steps, seeds),
                            "metric": name,
                            "value": curves.ravel(),
                        }
                    )[~absent(curves).ravel()]
                )
        if not parts:
            raise UserError(f"no run has the metric {metric!r}: choose one of {', '.join(self.metrics)}")
        return pd.concat(parts, ignore_index=True)

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        *,
        workload: str = "frame",
        metric: str | None = None,
        units: Mapping[str, str] | None = None,
        **reading: Unpack[Reading],
    ) -> Runs:
        """Runs from a frame of pandas, polars, pyarrow or another library that narwhals knows, in any form of a table.

        These are long, tidy, a column per seed or step, and final values without a step; a named index of pandas is
        columns. A missing value was not measured. ``metric`` is "NAME", "NAME:lower" or "NEW=OLD" [default: all]; ``units``
        declares units, such as ``{"acc": "%"}``; ``reading`` says what names a method, a seed and a step
        (:class:`Reading`), as for files. ``workload`` is the name where no column has it. Raises UserError, as of a file,
        where a role cannot be told, and on what is no frame.

        >>> import pandas as pd
        >>> frame = pd.DataFrame({"opt": ["sgd", "sgd", "adam", "adam"], "seed": [0, 1, 0, 1], "acc": [0.91, 0.92, 0.93, 0.91]})
        >>> Runs.from_frame(frame).read
        ('method = opt · seed = seed · step = none, final values · acc (higher is better, by its name; share)',)
        """
        return cls._of_frame(frame, workload, (metric,) if metric else (), units, reading)

    @classmethod
    def _of_frame(
        cls,
        frame: Any,
        workload: str,
        metrics: tuple[str, ...],
        units: Mapping[str, str] | None,
        reading: Mapping[str, Any],
    ) -> Runs:
        from amrobust.ingest.assemble import gather
        from amrobust.ingest.frames import table_of
        from amrobust.ingest.read import arms_of, say_notes
        from amrobust.ingest.tables import runs_of

        mappings, policies = settled(reading)
        mappings = replace(mappings, metrics=metrics, units=_units(units))
        table = table_of(frame, workload)
        gathered = gather(list(runs_of(table, mappings.wanted)), mappings, policies, workload)
        say_notes(gathered, table.path, "frame")
        return cls(tuple(arms_of(gathered, table.path)), gathered.left_out)

    @classmethod
    def from_arrays(
        cls,
        arrays: Mapping[str, ArrayLike | Mapping[Any, ArrayLike]],
        *,
        metric: str = "value",
        unit: str | None = None,
        better: str | None = None,
        workload: str = "arrays",
        paired: bool = False,
    ) -> Runs:
        """Runs from an array (seeds, epochs), or (seeds,) of final values, for each method.

        In the place of an array may stand a mapping from seeds to final values or to curves of one length, or a Series of
        pandas with the seeds as its index; rows of arrays are numbered as seeds from 0. ``metric`` is a name, with ":higher"
        or ":lower" behind it or not, and ``better`` says the same [default: known by the metric's name, else asked for when
        it is judged]; NaN marks a diverged seed, and before its first value what was not measured yet, as None, the mask of a
        masked array and what a Series lacks do everywhere; ``paired``: equal seeds of all methods have the same random
        streams. Raises UserError on other shapes, on what is no number, and on keys that may be something else than seeds.

        >>> Runs.from_arrays({"sgd": {3: 0.91, 7: 0.92}, "adam": {3: 0.93, 7: 0.94}}, metric="acc").arms[0].seeds
        (3, 7)
        """
        from amrobust.ingest.arrays import seeds_and_curves

        if not isinstance(arrays, Mapping) or not arrays:
            raise UserError(
                "arrays are a mapping from methods to arrays, such as {'sgd': [0.91, 0.92], 'adam': [0.93, 0.92]}, "
                f"not {arrays!r:.100}"
            )
        choice = MetricChoice.parse(metric)
        if choice.logged != choice.name:
            raise UserError(
                f"arrays have no names that metric={metric!r} could replace: give the new one alone"
            )
        way = direction(f"better of {choice.name}", better) if better is not None else choice.better
        known = Metric.known(choice.name, way, unit)
        found: dict[str, tuple[tuple[int, ...] | None, Curves]] = {}
        for method, given in arrays.items():
            if not isinstance(method, str) or not method.strip():
                raise UserError(f"a method is called by a name, not {method!r}")
            found[method] = seeds_and_curves(method, given)
        said = with_unit(known, [curves for _, curves in found.values()]).introduced
        most = max(curves.shape[1] for _, curves in found.values())
        numbered = all(seeds is None for seeds, _ in found.values())
        read = f"method = key · seed = {'row, numbered from 0' if numbered else 'key within'} · step = " + (
            f"column 1…{most} · {said}" if most > 1 else f"none, final values · {said}"
        )
        return cls(
            tuple(
                Arm(
                    method=method,
                    optimizer=from_name(method).optimizer,
                    workload=workload,
                    seeds=seeds,
                    curves={choice.name: curves},
                    metrics={choice.name: known},
                    pairing="rows" if paired else None,
                    diverged=tuple(
                        seed for seed, lost in zip(seeds, not_finite(curves), strict=True) if lost
                    ),
                    facts={READ: read} | ({NUMBERED: "in the order of their rows"} if named is None else {}),
                )
                for method, (named, curves) in found.items()
                for seeds in [tuple(range(len(curves))) if named is None else named]
            )
        )


def load(
    *paths: str | PathLike[str],
    metric: str | None = None,
    units: Mapping[str, str] | None = None,
    **reading: Unpack[ReadingFiles],
) -> Runs:
    """Everything that can be compared under ``paths``: run directories, and the logs and tables that ``amrobust import`` reads.

    With ``metric``, that one's curves only. ``units`` declares units of metrics, such as ``{"acc": "%"}``; ``reading`` are the
    options that say what names a method, a seed and a step, and what is done where something does not fit: method_from,
    seed_from, workload_from, step_from, nuisances, duplicates, missing_seeds, mixed_units, unfinished, first_step, seeds_first;
    ``pattern`` reads lines of text. Raises UserError where a path holds nothing that can be read.
    Broken runs are set aside: ``problems`` names them.

    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "results.csv"
    >>> _ = path.write_text("method,seed,step,value\\nsgd,0,1,90\\nsgd,1,1,91\\n")
    >>> load(path).methods
    ('sgd',)
    """
    return _load(paths or ("runs",), metric, units, reading)


def _load(
    paths: Sequence[str | PathLike[str]],
    metric: str | None,
    units: Mapping[str, str] | None,
    reading: Mapping[str, Any],
    also: Sequence[str] = (),
) -> Runs:
    from amrobust.ingest.load import load_arms

    places = [Path(fspath(path)) for path in paths]
    arms, problems = load_arms(places, metric, _units(units), *settled(reading, ReadingFiles), also=also)
    return Runs(tuple(arms), tuple(problems))


def runs_of(
    given: Any,
    metric: str | None,
    units: Mapping[str, str] | None,
    reading: Mapping[str, Any],
    also: Sequence[str] = (),
) -> Runs:
    """What ``compare`` was given, as runs: Runs, a path, a mapping of arrays, or else a frame; ``also`` are metrics beside one.

    Raises UserError where an option would say how something is read that is read already, or needs no reading.
    """
    units = _units(units)
    if isinstance(given, (str, PathLike)):
        return _load([given], metric, units, reading, also)
    if not isinstance(given, (Runs, Mapping)):
        return Runs._of_frame(given, "frame", (metric, *also) if metric else (), units, reading)
    said = [*reading, *(["units"] if units and isinstance(given, Runs) else [])]
    if said:
        what = (
            "Runs are read already" if isinstance(given, Runs) else "in a mapping every role is said already"
        )
        raise UserError(f"{said[0]} says how a table or a log is read, and {what}: leave it out")
    if isinstance(given, Runs):
        return given
    if metric is None:
        return Runs.from_arrays(given)
    name = MetricChoice.parse(metric).name
    refuse_unnamed("units", units, [name])
    return Runs.from_arrays(given, metric=metric, unit=units.get(name))


def _units(given: Mapping[str, str] | None) -> dict[str, str]:
    return texts_given("units", given, "{'acc': '%'}")


def _names(given: str | Iterable[str] | None) -> set[str] | None:
    return None if given is None else {given} if isinstance(given, str) else set(given)
