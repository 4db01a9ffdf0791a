"""benchopt's results in Parquet: a row a solver, data set, repetition and point; its metadata are JSON and nothing else."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from amrobust.errors import UserError
from amrobust.ingest.limits import beginning, files_under, relative
from amrobust.ingest.logged import LoggedRun, SeriesBuilder, Wanted
from amrobust.ingest.parquet_tables import SUFFIX, open_parquet, read_table
from amrobust.ingest.table import Table, text
from amrobust.runs.files import escape, is_plain_file

TITLE = "benchopt's results in Parquet"
METADATA = b"_meta_json"
DATA_COLUMNS = ("dataset_name", "data_name")
REQUIRED = ("objective_name", "solver_name", "idx_rep", "stop_val")


def recognises(path: Path) -> bool:
    """A Parquet file with benchopt's columns, or a folder with one."""
    if path.is_dir():
        return any(_has_columns(file) for file in files_under(path) if file.suffix == SUFFIX)
    return _has_columns(path)


def _has_columns(path: Path) -> bool:
    if not is_plain_file(path) or beginning(path, 4) != b"PAR1":
        return False
    try:
        return set(REQUIRED) <= set(open_parquet(path).schema_arrow.names)
    except UserError:
        return False


def read(path: Path, wanted: Wanted) -> Iterator[LoggedRun]:
    """A run for each solver, data set, objective and repetition; ``objective_*`` are the metrics, ``stop_val`` the steps.

    Where stop_val falls, as tolerances do, the points are counted instead.
    """
    files = [f for f in files_under(path) if _has_columns(f)] if path.is_dir() else [path]
    if not files:
        raise UserError(f"{escape(path)} has no results of benchopt")
    for file in files:
        label = relative(file, path) if path.is_dir() else file.name
        table = read_table(file, label)
        missing = [name for name in REQUIRED if name not in table.columns]
        if missing:
            raise UserError(f"{escape(file)} is no result of benchopt: it has no column {missing[0]!r}")
        yield from _runs(table, _metadata(file), wanted)


def _metadata(path: Path) -> dict[str, str]:
    """The metadata that are plain text, of those that benchopt writes as JSON."""
    found = (open_parquet(path).schema_arrow.metadata or {}).get(METADATA, b"{}")
    try:
        content = json.loads(found)
    except (ValueError, RecursionError):
        return {}
    return (
        {f"meta.{k}": v for k, v in content.items() if isinstance(v, str)}
        if isinstance(content, dict)
        else {}
    )


def _runs(table: Table, metadata: dict[str, str], wanted: Wanted) -> Iterator[LoggedRun]:
    data = next((name for name in DATA_COLUMNS if name in table.columns), None)
    keys = [name for name in (data, "objective_name", "solver_name", "idx_rep") if name is not None]
    naming = [*keys, *(name for name in table.columns if name.startswith("p_") or name in wanted.naming)]
    metrics = [name for name in table.columns if name.startswith("objective_") and name != "objective_name"]
    metrics += [name for name in ("stop_val", "time") if name in table.columns]
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    columns = [[text(cell) for cell in table.columns[name]] for name in keys]
    for row, key in enumerate(zip(*columns, strict=True)):
        groups[key].append(row)
    for key, rows in groups.items():
        built = SeriesBuilder()
        for name in metrics:
            for place, row in enumerate(rows):
                if isinstance(table.columns[name][row], (int, float)):
                    built.add(name, place, table.number(name, row))
        series = built.series()
        counted = "stop_val" in series and bool((np.diff(series["stop_val"][1]) >= 0).all())
        fields = {name: text(table.columns[name][rows[0]]) for name in naming} | metadata
        solver, repetition = fields["solver_name"], fields["idx_rep"]
        workload = fields["objective_name"] + (f" on {fields[data]}" if data else "")
        yield LoggedRun(
            f"{table.label}: {', '.join(key)}",
            {**fields, "method": solver, "seed": repetition, "workload": workload},
            series,
            (table.path,),
            steps_in="stop_val" if counted else None,
            better={"objective_value": "lower"},  # benchopt's solvers minimise it, whatever the objective is
        )
