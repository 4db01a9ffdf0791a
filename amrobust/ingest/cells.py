"""What the cells of a table's columns are: words that name runs, numbers, or numbers as no program writes them."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import replace

import numpy as np

from amrobust.errors import UserError
from amrobust.ingest.columns import Coded, column_of
from amrobust.ingest.fields import is_chosen
from amrobust.ingest.logged import METHOD_KEYS, WORKLOAD_KEYS, last_part
from amrobust.ingest.table import Table, is_empty, is_measured
from amrobust.runs.files import escape, quoted

_INDEX = re.compile(r"(Unnamed: \d+(\.\d+)?|__index_level_\d+__)?")
"""What pandas calls an index without a name: nothing in CSV, the second where it read that, the third in Parquet."""
_NUMERALS = (
    (re.compile(r"[-+]?\d+(?:[.,]\d*)?\s*%"), "percent signs", "without, and say --unit {}"),
    (
        re.compile(
            r"[-+]?(?:\d{1,3}(?:,\d{3})+(?:\.\d*)?|\d{1,3}(?:\.\d{3})+(?:,\d*|(?:\.\d{3})+)|"
            r"\d{1,3}(?:[ '’\u00a0\u202f]\d{3})+(?:[.,]\d*)?|\d+,\d+(?:e[-+]?\d+)?)",
            re.IGNORECASE,
        ),
        "decimal commas or thousands separators",
        "with a point at most",
    ),
)
"""How numbers are written that no program takes for some: 91%; 1,234.5, 1.234,5, 1 234 and 0,5."""
_THOUSANDS = re.compile(r"[-+]?(?:\d{1,3}|[1-9]\d{0,2}\.\d{3})")


def without_index(table: Table) -> Table:
    """``table`` less columns of row numbers that have no name. Raises UserError where there are words in one."""
    unnamed = [name for name in table.columns if _INDEX.fullmatch(name.strip())]
    for name in unnamed:
        if words := column_of(table.columns[name]).texts():
            raise UserError(
                f"{escape(table.path)}: the first column has no name, and words in it ({escape(str(words[0]))!r}): call it by "
                "what it names, such as method, and leave out rows that summarise others"
            )
    named = {name: cells for name, cells in table.columns.items() if name not in unnamed}
    return replace(table, columns=named) if unnamed else table


def refuse_names_that_differ_in_spaces(table: Table, naming: Container[str]) -> None:
    """Raise UserError where a method or workload is there with spaces around it and without: these would become one."""
    for name, cells in table.columns.items():
        if last_part(name) not in (*METHOD_KEYS, *WORKLOAD_KEYS) and name not in naming:
            continue
        as_written: dict[str, str] = {}
        for cell in column_of(cells).distinct()[1]:
            if is_empty(cell):
                continue
            if isinstance(cell, str) and as_written.setdefault(cell.strip(), cell) != cell:
                raise UserError(
                    f"{escape(table.path)}: {escape(name)} has {escape(repr(as_written[cell.strip()]))} and "
                    f"{escape(repr(cell))}, which differ in spaces alone: write them alike where they are one, else give "
                    "them different names"
                )


def is_of_words(table: Table, name: str) -> bool:
    """Whether a column names runs, such as a tag that tells two grids apart: it has words.

    Raises UserError where nearly all of its cells are numbers: a mistyped one would make a run of its own; where a column that
    measures has any other cell; and where its numbers may be written with separators.
    """
    column = column_of(table.columns[name])
    wrong = column.wrong()
    words = int(wrong.sum())
    if not words:
        if not is_chosen(name):
            refuse_thousands(table, name)
        return False
    filled, texts = int(column.filled().sum()), column.texts()
    several = max(3, filled / 2)
    measured = is_measured(name) or (not is_chosen(name) and len(texts) > several)
    fewest = words < filled * (1 if measured else 0.5)
    if measured or fewest:
        refuse_numerals(table, name, name)
    if fewest:
        first = int(wrong.argmax())
        raise UserError(
            f"{table.where(first)}: {escape(name)} {escape(repr(column[first]))} is not a number, as "
            f"{filled - words} of the column's {filled} cells are: correct it, or leave it empty where nothing was measured"
            + (
                ", or write nan where it diverged"
                if measured
                else "; if the column names runs, name it in --method-from"
            )
        )
    return True


def refuse_numerals(table: Table, name: str, metric: str) -> None:
    """Raise UserError where a cell is a number as no program writes it, with the unit of ``metric`` that a sign says."""
    column = column_of(table.columns[name])
    for pattern, what, hint in _NUMERALS:
        written = {cell for cell in column.texts() if pattern.fullmatch(str(cell).strip())}
        if written:
            row = next(int(row) for row in np.flatnonzero(column.wrong()) if column[int(row)] in written)
            raise UserError(
                f"{table.where(row)}: the numbers of {escape(name)} have {what} ({escape(str(column[row]))}): write them "
                + hint.format(quoted(f"{metric}=%"))
            )


def refuse_thousands(table: Table, name: str) -> None:
    """Raise UserError where points may separate thousands: all numbers have three digits behind one, or are below 1000.

    ``1.050`` beside ``876`` is more, not less. A column that is held as numbers has forgotten how they were written.
    """
    column = column_of(table.columns[name])
    if not isinstance(column, Coded) or not all(
        is_empty(cell) or (isinstance(cell, str) and _THOUSANDS.fullmatch(cell.strip()))
        for cell in column.cells
    ):
        return
    pointed = np.array(["." in str(cell) for cell in column.cells], np.bool_).take(column.codes)
    if 2 < pointed.sum() < column.filled().sum():
        first = str(column[int(pointed.argmax())]).strip()
        raise UserError(
            f"{escape(table.path)}: the numbers of {escape(name)} have no point, or three digits behind it ({first}): are "
            "these thousands? Write them without separators, or, where they are not, all with their decimals"
        )
