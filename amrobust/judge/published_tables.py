"""A published table as rows to be judged: out of TOML, CSV, Markdown or LaTeX; a number that cannot be one is refused."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from math import isfinite
from pathlib import Path
from typing import Any

from amrobust.errors import UserError
from amrobust.judge import metrics
from amrobust.judge.published_columns import tables_of_grid
from amrobust.judge.published_print import PRINTED, grids_of
from amrobust.judge.usage import meant
from amrobust.runs.axis import FINAL, Axis, epochs
from amrobust.runs.documents import read_toml
from amrobust.runs.metric import Metric, MetricChoice
from amrobust.stats.limits import is_count
from amrobust.stats.sequential import MOST_SEEDS

ROW_KEYS = (
    "method", "option", "m", "n", "final_mean", "final_std", "avg_std", "dataset", "workload", "model", "note", "where",
)  # fmt: skip
TABLE_KEYS = (
    "metric", "better", "unit", "seeds", "epochs", "rows", "dataset", "workload", "model", "learning_rate", "momentum", "note",
)  # fmt: skip
TOO_LARGE = 1e100
"""No printed number is that large: what had it diverged. It is the limit of a margin, whose square can still be computed."""
APART = ("dataset", "workload", "model")
"""Rows that differ in one of these are not compared."""
PERCENTS = ("percent", "%", "pct", "percentage")
SHARES = ("share", "fraction")


@dataclass(frozen=True)
class Row:
    """One method of a published table; None where a number is not printed."""

    method: str
    n: int
    mean: float | None
    std: float | None
    avg_std: float | None


@dataclass(frozen=True)
class Table:
    """Rows that may be compared: one table, or one model of it."""

    name: str
    metric: Metric
    epochs: int
    half_unit: float
    """Half a unit of the last digit printed for the final STD."""
    avg_half_unit: float
    """The same for Avg. STD."""
    rows: tuple[Row, ...]

    @property
    def axis(self) -> Axis:
        """The epochs; final values alone where it names none."""
        if self.epochs == 1 and all(row.avg_std is None for row in self.rows):
            return Axis.called(FINAL, [1])
        return epochs(self.epochs)


def load_tables(
    path: Path | None, only: str | None = None, metric: str | None = None, seeds: int | None = None
) -> list[Table]:
    """The tables of a file, by default the paper's own; ``only`` chooses one by its name.

    ``metric``, as ``NAME:lower``, says which way the tables' metric of that name is better, where the name does not; ``seeds``
    is the number of seeds where a table does not say it.

    In TOML a table is ``[name]`` with ``metric``, ``seeds`` and ``[[name.rows]]`` of ``method`` and, where printed,
    ``final_mean``, ``final_std``, ``avg_std``, ``n``, ``option``, ``m``, ``dataset`` and ``model`` (rows of different ones are
    not compared). Tables without rows are left out. CSV, Markdown and LaTeX are as :mod:`amrobust.judge.published_columns`
    has them. Raises UserError on anything else.
    """
    if path is not None and path.suffix.lower() in PRINTED:
        grids = grids_of(path)
        # Of one table in the file, what is chosen may be one of its data sets.
        wanted = {only: grids[only]} if only in grids and len(grids) > 1 else grids
        data = {
            name: table
            for grid in wanted.values()
            for name, table in tables_of_grid(grid, metric, seeds).items()
        }
        only = None if wanted is not grids else only
    elif path is not None:
        data = read_toml(path, "table")
    else:
        own = files("amrobust.reference_runs").joinpath("published/tables.toml")
        data = tomllib.loads(own.read_text(encoding="utf-8"))
    if only is not None:
        if only not in data:
            raise UserError(f"no table is called {only!r}: {meant(only, data)}")
        data = {only: data[only]}
    try:
        tables = [table for name, content in data.items() for table in _tables(name, content, path, seeds)]
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise UserError(
            f"{path}: a table lacks or garbles a field ({type(error).__name__}: {error})"
        ) from None
    if not tables:
        raise UserError(f"{only or path}: there are no rows to judge")
    if metric is not None:
        choice = MetricChoice.parse(metric)
        # Each table keeps a unit of its own.
        tables = [
            replace(table, metric=metrics.declared([table.metric], choice)[choice.name])
            if table.metric.name == choice.name or all(other.metric.name != choice.name for other in tables)
            else table
            for table in tables
        ]
    return tables


def _tables(name: str, content: Mapping[str, Any], path: Path | None, seeds: int | None) -> list[Table]:
    by_model: dict[str, list[Row]] = defaultdict(list)
    _refuse_unknown(f"{path}, [{name}]", content, TABLE_KEYS)
    if seeds is not None and "seeds" in content:
        raise UserError(f"{path}, [{name}] has seeds = {content['seeds']}: leave --seeds out")
    for number, row in enumerate(content.get("rows", []), 1):
        where = f"{path or 'the paper'}, {row.get('where', f'row {number} of {name}')}"
        if misplaced := [key for key in ("metric", "unit", "seeds") if key in row]:
            raise UserError(
                f"{where}: {misplaced[0]!r} is said of a whole table, [{name}], and not of a row: make a table of these rows"
                + ("; the seeds of a row are its n" if misplaced[0] == "seeds" else "")
            )
        _refuse_unknown(where, row, ROW_KEYS)
        words = [str(row["method"]), *([str(row["option"])] if "option" in row else [])]
        method = " ".join(words) + (f" (m={row['m']})" if "m" in row else "")
        mean, std, avg_std = (_number(row.get(key)) for key in ("final_mean", "final_std", "avg_std"))
        n = row.get("n", content.get("seeds", seeds))
        if n is None:
            raise UserError(
                f"{where}: over how many seeds {method!r} is a mean is not said: give the table 'seeds', the row 'n', or "
                "--seeds N"
            )
        found = Row(method, n, mean, std, avg_std)
        _check(found, where)
        others = by_model[", ".join(str(row[key]) for key in APART if key in row)]
        if any(other.method == method for other in others):
            raise UserError(
                f"{where}: {method!r} has a row already: remove one, or give each a name of its own, or an "
                "'option' that tells them apart"
            )
        others.append(found)
    every = [row for rows in by_model.values() for row in rows]
    return [
        Table(
            name=f"{name}, {model}" if model else name,
            metric=Metric.known(
                str(content.get("metric", "value")), content.get("better"), unit=_unit(content.get("unit"))
            ),
            epochs=int(content.get("epochs", 1)),
            half_unit=_half_unit(row.std for row in every),
            avg_half_unit=_half_unit(row.avg_std for row in every),
            rows=tuple(rows),
        )
        for model, rows in by_model.items()
    ]


def _refuse_unknown(where: str, said: Mapping[str, Any], known: Sequence[str]) -> None:
    """Raise UserError on a key that nothing reads, with the one that was meant."""
    for key in said:
        if key not in known:
            raise UserError(
                f"{where}: {key!r} is not known here: {meant(key, [k for k in known if k != 'where'])}"
            )


def _half_unit(printed: Iterable[float | None]) -> float:
    """Half a unit of the last digit of numbers as they are printed: the last zeros of a number alone are not known."""
    digits = [len(repr(each).partition(".")[2].rstrip("0")) for each in printed if each is not None]
    return 0.5 * 10.0 ** -max(digits, default=0)


def _unit(said: Any) -> str | None:
    """A unit as metrics have it; None where none is said."""
    text = "" if said is None else str(said).strip()
    return "%" if text.lower() in PERCENTS else "share" if text.lower() in SHARES else text or None


def _check(row: Row, where: str) -> None:
    """Raise UserError where a printed number cannot be one."""
    for column, value in (("mean", row.mean), ("std", row.std), ("avg_std", row.avg_std)):
        if value is None:
            continue
        said = f"{where}: the {column} of {row.method!r} is {value:g}"
        if not isfinite(value):
            raise UserError(f"{said}, which is no finite number: leave it empty where it is not printed")
        if abs(value) >= TOO_LARGE:
            raise UserError(f"{said}, and no number of {TOO_LARGE:g} or beyond is judged: correct it")
        if column != "mean" and value < 0:
            raise UserError(f"{said}, and a standard deviation is never negative: correct it")
    # One seed has a value, and no spread.
    least = 1 if row.std is None else 2
    if not is_count(row.n, least, MOST_SEEDS):
        raise UserError(
            f"{where}: the n of {row.method!r} is {row.n!r:.40}, and a number of seeds is a whole number from {least} to "
            f"{MOST_SEEDS:,}; correct it"
            + (", or leave the std of a single seed empty" if row.n == 1 else "")
        )


def _number(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{value!r:.40} is not a number")
    return float(value)
