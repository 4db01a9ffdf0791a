"""MLflow's stores, by reading alone: the SQLite database (mlflow.db), its default, and the deprecated folder of files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from amrobust.ingest.limits import beginning
from amrobust.ingest.logged import LoggedRun, Wanted
from amrobust.ingest.mlflow_database import read_database
from amrobust.ingest.mlflow_files import META, is_store, read_store

TITLE = "MLflow's SQLite database or file store"
DATABASE = "mlflow.db"
_SQLITE = b"SQLite format 3\0"


def recognises(path: Path) -> bool:
    """An SQLite database, a folder with mlflow.db, a file store, or one experiment of it."""
    if path.is_dir():
        return is_store(path) or beginning(path / DATABASE, 16) == _SQLITE or is_store(path / "mlruns")
    return beginning(path, 16) == _SQLITE


def read(path: Path, wanted: Wanted) -> Iterator[LoggedRun]:
    """Every run that is not deleted."""
    if not path.is_dir():
        yield from read_database(path)
    elif beginning(path / DATABASE, 16) == _SQLITE and not (path / META).exists() and not is_store(path):
        yield from read_database(path / DATABASE)
    else:
        yield from read_store(path if is_store(path) or not is_store(path / "mlruns") else path / "mlruns")
