"""Parquet tables in the forms that CSV tables have: a file, or a folder of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from amrobust.errors import UserError
from amrobust.ingest.column_builder import ColumnBuilder, add_arrow
from amrobust.ingest.limits import MAX_LOG, MAX_TABLE_CELLS, beginning, check_size, files_under, relative
from amrobust.ingest.logged import LoggedRun, Wanted
from amrobust.ingest.table import Table
from amrobust.ingest.tables import runs_of
from amrobust.runs.files import escape, is_plain_file

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
        raise UserError(f"{escape(path)} has no Parquet file")
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
        raise UserError(f"{escape(path)} has no columns of numbers or text")
    count = int(file.metadata.num_rows)
    builders = {name: ColumnBuilder(path, name, count, None) for name in names}
    try:
        for part in file.iter_batches(columns=names, use_threads=False):
            part.validate(full=True)
            for name, builder in builders.items():
                _add(builder, part[name])
    except (pyarrow.ArrowException, OSError, MemoryError, OverflowError, ValueError, RuntimeError) as error:
        raise UserError(f"cannot read {escape(path)} as Parquet ({escape(error).split('. ')[0]})") from None
    found = {name: builder.column() for name, builder in builders.items()}
    return Table(path, label, found, range(1, len(found[names[0]]) + 1))


def _add(builder: ColumnBuilder, cells: Any) -> None:
    """Add a part of a column; a text that is there in many rows stays one object, as large as it is in the file.

    Raises UserError on a text that is too long to name anything.
    """
    import pyarrow.compute
    import pyarrow.types as types

    if builder.is_numbers and not types.is_dictionary(cells.type) and not _is_text(cells.type):
        add_arrow(builder, cells.cast("float64", safe=False))
        return
    coded = cells if types.is_dictionary(cells.type) else cells.dictionary_encode()
    if _is_text(coded.dictionary.type):
        longest = pyarrow.compute.max(pyarrow.compute.binary_length(coded.dictionary)).as_py() or 0
        if longest > MAX_CELL:
            raise UserError(
                f"{escape(builder.path)}: column {escape(builder.name)!r} has a text of {longest:,} bytes, more than the "
                f"{MAX_CELL:,} that are read"
            )
    add_arrow(builder, coded)


def _is_text(kind: Any) -> bool:
    import pyarrow.types as types

    return bool(types.is_string(kind) or types.is_large_string(kind))


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
        raise UserError(f"cannot read {escape(path)} as Parquet ({escape(error).split('. ')[0]})") from None
    if file.metadata.num_rows * file.metadata.num_columns > MAX_TABLE_CELLS:
        raise UserError(f"{escape(path)} announces more than {MAX_TABLE_CELLS:,} cells")
    if sum(group.total_byte_size for group in groups) > MAX_LOG:
        raise UserError(f"{escape(path)} announces more than {MAX_LOG:,} bytes")
    return file


def _is_plain(file: Any, name: str) -> bool:
    import pyarrow.types as types

    if name not in file.schema_arrow.names:
        return False
    kind = file.schema_arrow.field(name).type
    if types.is_dictionary(kind):
        kind = kind.value_type
    tests = (types.is_integer, types.is_floating, types.is_boolean, types.is_string, types.is_large_string)
    return any(test(kind) for test in tests)
