"""Readers of other tools' logs as functions of bytes, and valid inputs for them."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Callable
from functools import cache
from pathlib import Path

import foreign


def imported(path: Path) -> object:
    """Read by what it looks like, and everything that comparing would be given."""
    from amrobust.ingest.read import arms_of, read_path

    gathered, _ = read_path(path)
    return arms_of(gathered, path)


def read_as(form: str) -> Callable[[Path], object]:
    """Read as this format, whatever it looks like."""

    def read(path: Path) -> object:
        from amrobust.ingest.read import arms_of, read_path

        gathered, _ = read_path(path, form)
        return arms_of(gathered, path)

    return read


def read_text(path: Path) -> object:
    """Read as lines of text."""
    from amrobust.ingest.mappings import Mappings
    from amrobust.ingest.read import arms_of, read_path

    gathered, _ = read_path(path, mappings=Mappings(pattern=r"step (?P<step>\S+) val (?P<val_loss>\S+)"))
    return arms_of(gathered, path)


def one_array() -> bytes:
    import numpy as np

    sink = io.BytesIO()
    np.save(sink, np.arange(5.0))
    return sink.getvalue()


def one_file(make: Callable[[Path], Path], pattern: str) -> Callable[[Path], list[bytes]]:
    """The first files that match ``pattern`` below what ``make`` makes."""

    def samples(scratch: Path) -> list[bytes]:
        made = make(scratch / "made")
        found = [made] if made.is_file() else sorted(made.rglob(pattern))[:3]
        assert found
        return [path.read_bytes() for path in found]

    return samples


def parquet_sample(scratch: Path) -> list[bytes]:
    import pyarrow.parquet
    from pyarrow import csv

    scratch.mkdir(exist_ok=True)
    sink = io.BytesIO()
    pyarrow.parquet.write_table(csv.read_csv(foreign.tidy_csv(scratch / "results.csv")), sink)
    return [sink.getvalue()]


def inside(make: Callable[[Path], Path], pattern: str, form: str) -> Callable[[bytes, Path], object]:
    """The bytes in place of the first file that matches ``pattern`` in a sound store of a format."""

    @cache
    def store(scratch: Path) -> tuple[Path, Path]:
        root = make(scratch / f"{form}-{pattern}".replace("/", "-").replace("*", ""))
        return root, sorted(root.rglob(pattern))[0]

    def read(data: bytes, scratch: Path) -> object:
        root, path = store(scratch)
        path.write_bytes(data)
        return read_as(form)(root)

    return read


def in_folder(make: Callable[[Path], Path]) -> Callable[[Path], Path]:
    def made(root: Path) -> Path:
        root.mkdir(parents=True, exist_ok=True)
        return make(root)

    return made


def database(data: bytes, scratch: Path) -> object:
    path = scratch / "mlflow.db"
    path.write_bytes(data)
    try:
        return read_as("mlflow")(path)
    except sqlite3.Error as error:  # pragma: no cover
        raise AssertionError(f"sqlite's own error came through: {error}") from error
