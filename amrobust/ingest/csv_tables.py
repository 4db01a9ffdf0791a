"""CSV, TSV and semicolon-separated tables: a file, or a folder of them."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from amrobust.errors import UserError
from amrobust.ingest.limits import MAX_CELLS, files_under, relative, text_of
from amrobust.ingest.logged import LoggedRun, Wanted
from amrobust.ingest.parameters import configuration_beside
from amrobust.ingest.table import Table, without_index
from amrobust.ingest.tables import runs_of, with_fields
from amrobust.runs.files import is_plain_file, shown

TITLE = "tables in CSV or TSV, long, tidy or wide"
SUFFIXES = (".csv", ".tsv")
PROGRESS = "progress.txt"
"""The table of Spinning Up and its like, between tabs."""
_EXCEL = re.compile(r"sep=([,;\t])\s*", re.IGNORECASE)
"""What a spreadsheet writes before a header, to say what separates the cells."""
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+(e[-+]?\d+)?", re.ASCII | re.IGNORECASE)


def recognises(path: Path) -> bool:
    """A .csv or .tsv file or a progress.txt, or a folder with one."""
    if path.is_dir():
        return any(map(_is_table, files_under(path)))
    return is_plain_file(path) and _is_table(path)


def _is_table(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES or path.name == PROGRESS


def read(path: Path, wanted: Wanted) -> Iterator[LoggedRun]:
    """Every table's runs, each with the configuration that lies beside it."""
    files = [f for f in files_under(path) if _is_table(f)] if path.is_dir() else [path]
    if not files:
        raise UserError(f"{shown(path)} has no CSV file")
    for file in files:
        label = relative(file, path) if path.is_dir() else file.name
        beside = configuration_beside(file) if path.is_dir() else ({}, ())
        yield from with_fields(runs_of(read_table(file, label), wanted), *beside)


def read_table(path: Path, label: str) -> Table:
    """The table in ``path``. Raises UserError, with the line where there is one, on what is no table."""
    return parse_table(text_of(path), path, label)


def parse_table(content: str, path: Path, label: str) -> Table:
    """The table in ``content``: comma, tab or semicolon between cells, whichever the header has most of.

    Rows of empty cells, which spreadsheets leave at the end, count for nothing, as does the line ``sep=;`` at their beginning.
    """
    lines_of = io.StringIO(content, newline="")
    header = lines_of.readline()
    if said := _EXCEL.fullmatch(header):
        header = lines_of.readline()
    if "\0" in header:
        raise UserError(f"{shown(path)} has zero bytes, as text in UTF-16 does: save it as UTF-8")
    _refuse_other_delimiters(path, header, lines_of.readline())
    delimiter = said[1] if said else max(",\t;", key=header.count)
    lines_of.seek(0)
    rows = csv.reader(lines_of, delimiter=delimiter)
    if said:
        next(rows)
    try:
        header_row = next(rows, [])
        names = [name.strip() for name in header_row]
        _check_header(path, names)
        columns: list[list[str]] = [[] for _ in names]
        lines: list[int] = []
        for row in rows:
            if not any(map(str.strip, row)):
                continue
            if row == header_row:
                raise UserError(
                    f"{shown(path)}, line {rows.line_num} is the header again: two tables in one file, which may be two runs; "
                    "give each its file, or take the line out where they are one"
                )
            if len(row) != len(names):
                raise UserError(
                    f"{shown(path)}, line {rows.line_num}: the number of cells is not that of the header"
                )
            for column, cell in zip(columns, row, strict=True):
                column.append(cell)
            lines.append(rows.line_num)
            if len(lines) * len(names) > MAX_CELLS:
                raise UserError(f"{shown(path)} has more than {MAX_CELLS:,} cells")
    except csv.Error as error:
        raise UserError(f"cannot read {shown(path)} as CSV, line {rows.line_num}: {error}") from None
    if delimiter != ",":
        _refuse_decimal_commas(path, names, columns)
    return without_index(Table(path, label, dict(zip(names, columns, strict=True)), lines))


def _refuse_other_delimiters(path: Path, header: str, row: str) -> None:
    if not any(sign in header for sign in ",\t;"):
        other = next((sign for sign in "|: " if 0 < header.count(sign) == row.count(sign)), None)
        if other is not None:
            raise UserError(
                f"{shown(path)} has one column, {shown(header.strip())!r}: its cells seem to be separated by {other!r}; "
                "separate them by commas, tabs or semicolons"
            )


def _refuse_decimal_commas(path: Path, names: list[str], columns: list[list[str]]) -> None:
    """A column of numbers such as 90,4 would be taken for words, which name runs."""
    for name, column in zip(names, columns, strict=True):
        filled = [cell.strip() for cell in column if cell.strip()]
        if filled and all(_DECIMAL_COMMA.fullmatch(cell) for cell in filled):
            raise UserError(
                f"{shown(path)}: the numbers of {shown(name)} have decimal commas ({filled[0]}): write them with points"
            )


def _check_header(path: Path, names: list[str]) -> None:
    if not names:
        raise UserError(f"{shown(path)} is empty")
    counts = Counter(names)
    doubles = [name for place, name in enumerate(names) if counts[name] > 1 or (not name and place)]
    if doubles:
        raise UserError(f"{shown(path)}: column {shown(doubles[0])!r} is there twice, or has no name")
    if not any(name.strip() for name in names) or all(_looks_like_data(name) for name in names):
        raise UserError(f"{shown(path)} has no header: its first line has the names of the columns")


def _looks_like_data(name: str) -> bool:
    return "." in name and name.replace(".", "", 1).replace("-", "", 1).isdecimal()
