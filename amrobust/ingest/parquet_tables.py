"""Parquet tables in the forms that CSV tables have: a file, or a folder of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from amrobust.errors import UserError
from amrobust.ingest.limits import MAX_CELLS, MAX_LOG, beginning, check_size, files_under, relative
from amrobust.ingest.logged import LoggedRun, Wanted
from amrobust.ingest.table import Cell, Table
from amrobust.ingest.tables import runs_of
from amrobust.runs.files import is_plain_file, shown

TITLE = "tables in Parquet, long, tidy or wide"
SUFFIX = ".parquet"
MAX_CELL = 131_072
"""Bytes of one text, as Python's reader of CSV has it."""


def recognises(path: Path) -> bool:
    """A Parquet file, or a folder with one."""
    if path.is_dir():
        return any(file.suffix == SUFFIX for file in files_under(path))
    return is_plain_file(path) and beginning(path, 4) == b"PAR1"


def read(path: Path, wanted: Wanted) -> Iterator[LoggedRun]:
    """Every table's runs."""
    files = [f for f in files_under(path) if f.suffix == SUFFIX] if path.is_dir() else [path]
    if not files:
        raise UserError(f"{shown(path)} has no Parquet file")
    for file in files:
        label = relative(file, path) if path.is_dir() else file.name
        yield from runs_of(read_table(file, label), wanted)


def read_table(path: Path, label: str, columns: Sequence[str] | None = None) -> Table:
    """The table in ``path``; columns that are neither numbers nor text are left out. Nothing in it is executed.

    Raises UserError on what is no Parquet file, or announces more cells than are read.
    """
    import pyarrow

    file = open_parquet(path)
    names = [name for name in (columns or file.schema_arrow.names) if _is_plain(file, name)]
    if not names:
        raise UserError(f"{shown(path)} has no columns of numbers or text")
    try:
        table = file.read(columns=names, use_threads=False)
        table.validate(full=True)
        cells: dict[str, Sequence[Cell]] = {name: _cells(table[name], name, path) for name in names}
    except (pyarrow.ArrowException, OSError, MemoryError, OverflowError, ValueError, RuntimeError) as error:
        raise UserError(f"cannot read {shown(path)} as Parquet ({shown(error).split('. ')[0]})") from None
    return Table(path, label, cells, range(1, table.num_rows + 1))


def open_parquet(path: Path) -> Any:
    """The file with its schema read and its size checked. Raises UserError."""
    import pyarrow
    import pyarrow.parquet

    check_size(path, MAX_LOG)
    try:
        schema = pyarrow.parquet.read_schema(path)
        texts = [
            field.name
            for field in schema
            if pyarrow.types.is_string(field.type) or pyarrow.types.is_large_string(field.type)
        ]
        file = pyarrow.parquet.ParquetFile(path, pre_buffer=False, read_dictionary=texts)
        groups = [file.metadata.row_group(place) for place in range(file.metadata.num_row_groups)]
    except (pyarrow.ArrowException, OSError, MemoryError, OverflowError, ValueError, RuntimeError) as error:
        raise UserError(f"cannot read {shown(path)} as Parquet ({shown(error).split('. ')[0]})") from None
    if file.metadata.num_rows * file.metadata.num_columns > MAX_CELLS:
        raise UserError(f"{shown(path)} announces more than {MAX_CELLS:,} cells")
    if sum(group.total_byte_size for group in groups) > MAX_LOG:
        raise UserError(f"{shown(path)} announces more than {MAX_LOG:,} bytes")
    return file


def _cells(column: Any, name: str, path: Path) -> list[Cell]:
    """A column as cells; one text that is there in many rows is one object, as large as it is in the file.

    Raises UserError on a text that is too long to name anything.
    """
    import pyarrow.compute
    import pyarrow.types

    cells: list[Cell] = []
    for chunk in column.chunks:
        if not pyarrow.types.is_dictionary(chunk.type):
            cells += chunk.to_pylist()
            continue
        texts = chunk.dictionary
        if pyarrow.types.is_string(texts.type) or pyarrow.types.is_large_string(texts.type):
            longest = pyarrow.compute.max(pyarrow.compute.binary_length(texts)).as_py() or 0
            if longest > MAX_CELL:
                raise UserError(
                    f"{shown(path)}: column {shown(name)!r} has a text of {longest:,} bytes, more than the {MAX_CELL:,} "
                    "that are read"
                )
        found = texts.to_pylist()
        cells += [None if place is None else found[place] for place in chunk.indices.to_pylist()]
    return cells


def _is_plain(file: Any, name: str) -> bool:
    import pyarrow.types as types

    if name not in file.schema_arrow.names:
        return False
    kind = file.schema_arrow.field(name).type
    if types.is_dictionary(kind):
        kind = kind.value_type
    tests = (types.is_integer, types.is_floating, types.is_boolean, types.is_string, types.is_large_string)
    return any(test(kind) for test in tests)
