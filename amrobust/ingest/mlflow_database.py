"""MLflow's SQLite database, opened for reading only."""

from __future__ import annotations

import math
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from amrobust.errors import UserError
from amrobust.ingest.limits import MAX_CELLS, MAX_LOG, check_size
from amrobust.ingest.logged import LoggedRun, SeriesBuilder
from amrobust.ingest.mlflow_files import state_of
from amrobust.runs.files import escape

MAX_CELL = 1_000_000
"""Bytes of one value."""


def read_database(path: Path) -> Iterator[LoggedRun]:
    """Every active run of every active experiment. Raises UserError on what is no such database."""
    check_size(path, MAX_LOG)
    try:
        with closing(_opened(path)) as database:
            _check_tables(path, database)
            yield from _runs(path, database)
    except (sqlite3.Error, UnicodeDecodeError, OverflowError) as error:
        raise UserError(f"cannot read {escape(path)} as an MLflow database ({escape(error)})") from None


def _opened(path: Path) -> sqlite3.Connection:
    """A connection that can write nothing and call nothing that a schema brings along."""
    database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_CELL)
    for pragma in ("query_only = ON", "trusted_schema = OFF", "cell_size_check = ON"):
        database.execute(f"PRAGMA {pragma}")
    return database


def _check_tables(path: Path, database: sqlite3.Connection) -> None:
    """A view in a table's place could compute without end, so that there must be none."""
    kinds = dict(database.execute("SELECT name, type FROM sqlite_master").fetchall())
    for name in ("experiments", "runs", "metrics", "params", "tags"):
        if kinds.get(name) != "table":
            raise UserError(f"{escape(path)} is no MLflow database: it has no table {name!r}")
    (count,) = database.execute("SELECT count(*) FROM metrics").fetchone()
    if count > MAX_CELLS:
        raise UserError(f"{escape(path)} has {count:,} points, more than the {MAX_CELLS:,} that are read")


def _runs(path: Path, database: sqlite3.Connection) -> Iterator[LoggedRun]:
    fields: dict[str, dict[str, str]] = defaultdict(dict)
    for table in ("tags", "params"):
        for run, key, value in database.execute(f"SELECT run_uuid, key, value FROM {table}"):
            if not str(key).startswith("mlflow."):
                fields[run][str(key)] = "" if value is None else str(value)
    # MLflow gives back what was logged ordered so.
    points = database.execute(
        "SELECT run_uuid, key, step, value, is_nan FROM metrics ORDER BY run_uuid, key, timestamp, step, value"
    )
    built: dict[str, SeriesBuilder] = defaultdict(SeriesBuilder)
    for run, key, step, value, is_nan in points:
        built[run].add(str(key), _number(path, step), math.nan if is_nan else _number(path, value))
    query = """
        SELECT r.run_uuid, r.name, r.status, r.start_time, e.name FROM runs r JOIN experiments e
        ON r.experiment_id = e.experiment_id
        WHERE coalesce(r.lifecycle_stage, 'active') = 'active' AND coalesce(e.lifecycle_stage, 'active') = 'active'
        ORDER BY r.start_time, r.run_uuid
    """
    for run, name, status, started, experiment in database.execute(query).fetchall():
        named = {"name": str(name)} if name else {}
        yield LoggedRun(
            path=f"{experiment}/{run}",
            fields={"experiment": str(experiment), **fields[run], **named},
            series=built[run].series(),
            files=(path,),
            state=state_of(status),
            started=float(started) if isinstance(started, (int, float)) else 0.0,
        )


def _number(path: Path, value: Any) -> float:
    """A metric's value: MLflow stores infinities as the largest numbers there are."""
    if not isinstance(value, (int, float)):
        raise UserError(f"{escape(path)}: {escape(repr(value)[:40])} is not a number, where a metric has one")
    return math.copysign(math.inf, value) if abs(value) >= 1.7976931348623157e308 else float(value)
