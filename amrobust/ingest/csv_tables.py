"""CSV, TSV and semicolon-separated tables: a file, or a folder of them."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from amrobust.errors import UserError
from amrobust.ingest.cells import without_index
from amrobust.ingest.columns import Coded, Column, Numbers
from amrobust.ingest.limits import MAX_CELLS, beginning, files_under, relative, text_of
from amrobust.ingest.logged import STEP_KEYS, LoggedRun, Wanted
from amrobust.ingest.parameters import Configurations
from amrobust.ingest.table import Table, is_empty, is_number
from amrobust.ingest.tables import runs_of, with_fields
from amrobust.runs.files import escape, is_plain_file

TITLE = "tables in CSV or TSV, long, tidy or wide"
SUFFIXES = (".csv", ".tsv")
PROGRESS = "progress.txt"
"""The table of Spinning Up and its like, between tabs."""
_GUARD = re.compile(r"^'(?=\s*[=+\-@＝＋－＠])")
"""The apostrophe that goes before what a spreadsheet would run as a formula: it is no part of the text."""
LARGE = 8_000_000
"""Bytes beyond which a table is read block by block."""
WIDE = 2_000
"""Columns of which a block would have too few rows for its trouble."""
HEADER = 1_000_000
"""Bytes that the names of its columns may have."""
_EXCEL = re.compile(r"sep=([,;\t])\s*", re.IGNORECASE)
"""What a spreadsheet writes before a header, to say what separates the cells."""
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+(e[-+]?\d+)?", re.ASCII | re.IGNORECASE)


def recognises(path: Path) -> bool:
    """A .csv or .tsv file, a progress.txt or a .log with a table, or a folder with one."""
    if path.is_dir():
        return any(map(_is_table, files_under(path)))
    return is_plain_file(path) and _is_table(path)


def _is_table(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES or path.name == PROGRESS or _is_table_of_keras(path)


def _is_table_of_keras(path: Path) -> bool:
    """Whether a .log begins with names of columns, of which one counts steps, and a row of numbers: Keras's CSVLogger writes
    ``training.log``."""
    if path.suffix.lower() != ".log":
        return False
    lines = beginning(path, HEADER).decode("utf-8-sig", "replace").splitlines()[:2]
    for delimiter in (",", ";", "\t") if lines else ():
        header, *rows = ([cell.strip(' "') for cell in line.split(delimiter)] for line in lines)
        if (
            len(header) > 1
            and {name.lower() for name in header} & {*STEP_KEYS}
            and not any(map(is_number, header))
        ):
            return all(len(row) == len(header) and all(map(_is_logged, row)) for row in rows)
    return False


def _is_logged(cell: str) -> bool:
    return is_number(cell) or is_empty(cell)


def read(path: Path, wanted: Wanted) -> Iterator[LoggedRun]:
    """Every table's runs, each with the configuration that lies beside it."""
    files = [f for f in files_under(path) if _is_table(f)] if path.is_dir() else [path]
    if not files:
        raise UserError(f"{escape(path)} has no CSV file")
    configurations = Configurations(path)
    for file in files:
        label = relative(file, path) if path.is_dir() else file.name
        beside = configurations.of(file) if path.is_dir() else ({}, ())
        yield from with_fields(runs_of(read_table(file, label), wanted), *beside)


def read_table(path: Path, label: str) -> Table:
    """The table in ``path``. Raises UserError, with the line where there is one, on what is no table."""
    if is_plain_file(path) and path.stat().st_size > LARGE:
        header, end, rest = beginning(path, HEADER).partition(b"\n")
        one_line = end and header.count(b'"') % 2 == 0 and b"\r" not in header.removesuffix(b"\r")
        plain = b"\0" not in header and not header.removeprefix(codecs.BOM_UTF8).lower().startswith(b"sep=")
        if one_line and plain and max(map(header.count, (b",", b"\t", b";"))) < WIDE:
            return _large(path, label, header, rest.partition(b"\n")[0])
    return parse_table(text_of(path), path, label)


def _large(path: Path, label: str, header: bytes, row: bytes) -> Table:
    """A table that is read block by block, behind a header of one line; ``row`` is the next."""
    from amrobust.ingest.csv_blocks import Rows

    try:
        text = header.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{escape(path)} is not UTF-8 text ({error.reason} at byte {error.start}): save it as UTF-8"
        ) from None
    delimiter = _delimiter(path, text, row.decode("utf-8", "replace"))
    try:
        names = [
            name.strip() for name in next(csv.reader([text.removesuffix("\r")], delimiter=delimiter), [])
        ]
    except csv.Error as error:
        raise UserError(f"cannot read {escape(path)} as CSV, line 1: {error}") from None
    _check_header(path, names)
    columns, lines = Rows(path, names, delimiter).read(len(header) + 1, 2)
    return _table(path, label, names, columns, lines, delimiter)


def _delimiter(path: Path, header: str, row: str) -> str:
    """Comma, tab or semicolon, whichever the header has most of. Raises UserError where ``row`` tells that it is another."""
    if not any(sign in header for sign in ",\t;"):
        other = next((sign for sign in "|: " if 0 < header.count(sign) == row.count(sign)), None)
        if other is not None:
            raise UserError(
                f"{escape(path)} has one column, {escape(header.strip())!r}: its cells seem to be separated by {other!r}; "
                "separate them by commas, tabs or semicolons"
            )
    return max(",\t;", key=header.count)


def parse_table(content: str, path: Path, label: str) -> Table:
    """The table in ``content``.

    Rows of empty cells, which spreadsheets leave at the end, count for nothing, as does the line ``sep=;`` at their beginning.
    """
    lines_of = io.StringIO(content, newline="")
    header = lines_of.readline()
    if said := _EXCEL.fullmatch(header):
        header = lines_of.readline()
    if "\0" in header:
        raise UserError(f"{escape(path)} has zero bytes, as text in UTF-16 does: save it as UTF-8")
    delimiter = said[1] if said else _delimiter(path, header, lines_of.readline())
    lines_of.seek(0)
    rows = csv.reader(lines_of, delimiter=delimiter)
    if said:
        next(rows)
    try:
        names = [name.strip() for name in next(rows, [])]
        _check_header(path, names)
        columns: list[list[str]] = [[] for _ in names]
        lines: list[int] = []
        for row in rows:
            if not any(map(str.strip, row)):
                continue
            if len(row) != len(names):
                raise UserError(
                    f"{escape(path)}, line {rows.line_num}: the number of cells is not that of the header"
                )
            for column, cell in zip(columns, row, strict=True):
                column.append(cell)
            lines.append(rows.line_num)
            if len(lines) * len(names) > MAX_CELLS:
                raise UserError(f"{escape(path)} has more than {MAX_CELLS:,} cells")
    except csv.Error as error:
        raise UserError(f"cannot read {escape(path)} as CSV, line {rows.line_num}: {error}") from None
    return _table(path, label, names, [Coded.of(column) for column in columns], lines, delimiter)


def _table(
    path: Path,
    label: str,
    names: Sequence[str],
    columns: Sequence[Column],
    lines: Sequence[int],
    delimiter: str,
) -> Table:
    if delimiter != ",":
        _refuse_decimal_commas(path, names, columns)
    _refuse_header_again(path, names, columns, lines)
    read = {name: _unguarded(column) for name, column in zip(names, columns, strict=True)}
    return without_index(Table(path, label, read, lines))


def _refuse_header_again(
    path: Path, names: Sequence[str], columns: Sequence[Column], lines: Sequence[int]
) -> None:
    """Raise UserError on a row that has the names of the columns."""
    rows: NDArray[np.intp] | None = None
    for name, column in zip(names, columns, strict=True):
        if name and not is_number(name):
            own = _rows_of(column, name)
            rows = own if rows is None else np.intersect1d(rows, own, assume_unique=True)
            if not len(rows):
                return
    for row in rows if rows is not None else ():
        if all(str(column[int(row)]).strip() == name for name, column in zip(names, columns, strict=True)):
            raise UserError(
                f"{escape(path)}, line {lines[int(row)]} is the header again: two tables in one file, which may be two runs; "
                "give each its file, or take the line out where they are one"
            )


def _rows_of(column: Column, name: str) -> NDArray[np.intp]:
    """The rows whose cell is the text ``name``."""
    if isinstance(column, Numbers):
        return np.array([row for row, cell in column.others.items() if str(cell).strip() == name], np.intp)
    codes, cells = column.distinct()
    places = [place for place, cell in enumerate(cells) if str(cell).strip() == name]
    return np.flatnonzero(np.isin(codes, places)) if places else np.empty(0, np.intp)


def _unguarded(column: Column) -> Column:
    """The column without the apostrophes that export writes before formulas."""
    if not isinstance(column, Coded) or not any(_GUARD.match(str(cell)) for cell in column.cells):
        return column
    cells = [_GUARD.sub("", cell) if isinstance(cell, str) else cell for cell in column.cells]
    return Coded.of([cells[code] for code in column.codes])


def _refuse_decimal_commas(path: Path, names: Sequence[str], columns: Sequence[Column]) -> None:
    """A column of numbers such as 90,4 would be taken for words, which name runs."""
    for name, column in zip(names, columns, strict=True):
        cells = column.cells if isinstance(column, Coded) else ()
        filled = [cell.strip() for cell in map(str, cells) if cell.strip()]
        if filled and all(_DECIMAL_COMMA.fullmatch(cell) for cell in filled):
            raise UserError(
                f"{escape(path)}: the numbers of {escape(name)} have decimal commas ({filled[0]}): write them with points"
            )


def _check_header(path: Path, names: list[str]) -> None:
    if not names:
        raise UserError(f"{escape(path)} is empty")
    counts = Counter(names)
    doubles = [name for place, name in enumerate(names) if counts[name] > 1 or (not name and place)]
    if doubles:
        raise UserError(
            f"{escape(path)}: column {escape(doubles[0])!r} is there twice, or has no name: where two rows are the header, as "
            "pandas writes columns of several levels, make one of them (adam_acc, sgd_acc)"
        )
    if not any(name.strip() for name in names) or all(_looks_like_data(name) for name in names):
        raise UserError(f"{escape(path)} has no header: its first line has the names of the columns")


def _looks_like_data(name: str) -> bool:
    return "." in name and name.replace(".", "", 1).replace("-", "", 1).isdecimal()
