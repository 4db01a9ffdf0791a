"""The rows of a table as runs: which are one run's, and the numbers in their cells as series."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from amrobust.errors import UserError
from amrobust.ingest.columns import Rows, column_of
from amrobust.ingest.limits import MAX_RUNS
from amrobust.ingest.logged import LoggedRun, Numbers, Series
from amrobust.ingest.table import Table, text
from amrobust.runs.files import escape


def grouped(table: Table, naming: Sequence[str]) -> dict[tuple[str, ...], Rows]:
    """The rows of each run, in their order; the runs in the order in which they begin. Raises UserError on too many."""
    columns = {name: column_of(table.columns[name]) for name in naming}
    # Where a run may begin: only there is it looked at which one it is.
    changes = np.zeros(len(table.lines) - 1, np.bool_)
    for column in columns.values():
        own, _ = column.distinct()
        changes |= own[1:] != own[:-1]
    starts = np.concatenate([[0], np.flatnonzero(changes) + 1])
    codes = np.zeros(len(starts), np.int64)
    kinds = 1
    for column in columns.values():
        own, cells = column.distinct()
        texts: dict[str, int] = {}
        of_cell = np.array([texts.setdefault(text(cell), len(texts)) for cell in cells], np.int64)
        kinds *= len(texts)
        if kinds > 2**62:
            codes = np.unique(codes, return_inverse=True)[1]
            kinds = (int(codes.max()) + 1) * len(texts)
        codes = codes * len(texts) + of_cell[own[starts]]
    _, firsts, group = np.unique(codes, return_index=True, return_inverse=True)
    if len(firsts) > MAX_RUNS:
        most = max(naming, key=lambda name: len(columns[name].distinct()[1]))
        raise UserError(
            f"{escape(table.path)}: {', '.join(map(escape, naming))} tell {len(firsts):,} runs apart, more than the "
            f"{MAX_RUNS:,} that are read: leave out {escape(most)}, if it is another in every row"
        )
    rows: list[Rows]
    if len(firsts) == len(starts):
        ends = np.append(starts[1:], len(table.lines))
        rows = [slice(int(start), int(end)) for start, end in zip(starts[firsts], ends[firsts], strict=True)]
    else:
        # Sorting small numbers takes time in proportion to how many there are.
        small = np.int16 if len(firsts) < 2**15 else np.int64
        of_row = np.repeat(group.astype(small), np.diff(starts, append=len(table.lines)))
        order = np.argsort(of_row, kind="stable")
        rows = list(np.split(order, np.cumsum(np.bincount(of_row, minlength=len(firsts)))[:-1]))
    return {
        tuple(text(column[int(starts[firsts[place]])]) for column in columns.values()): rows[place]
        for place in np.argsort(firsts)
    }


def row_of(rows: Rows, place: int = 0) -> int:
    """The number in its table of one of ``rows``."""
    return rows.start + place if isinstance(rows, slice) else int(rows[place])


def count_of(rows: Rows) -> int:
    """How many they are."""
    return rows.stop - rows.start if isinstance(rows, slice) else len(rows)


def logged_run(
    table: Table, naming: Sequence[str], key: Sequence[str], row: int, series: dict[str, Series]
) -> LoggedRun:
    """The run that begins at ``row``, named by its cells in the columns ``naming``, which are ``key``, and by its table."""
    fields = {"name": Path(table.label).stem} | dict(zip(naming, key, strict=True))
    return LoggedRun(table.label, fields, series, (table.path,), line=table.lines[row])


def values_of(table: Table, name: str, rows: Rows, steps: Numbers) -> Series:
    """The cells of ``rows`` that are not empty, at their ``steps``. Raises UserError on one that is no number."""
    column = column_of(table.columns[name])
    wrong = column.wrong(rows)
    if wrong.any():
        table.number(name, row_of(rows, int(wrong.argmax())))
    filled, values = column.filled(rows), column.numbers(rows)
    return (steps, values) if filled.all() else (steps[filled], values[filled])


def values_at(table: Table, name: str, step: str) -> Series:
    """The cells of a column that are not empty, at the steps of another. Raises UserError on one that is no number."""
    return values_of(table, name, slice(0, len(table.lines)), steps_of(table, step))


def steps_of(table: Table, step: str) -> Numbers:
    """The column of steps. Raises UserError where one is empty, or no number."""
    at = column_of(table.columns[step])
    none = at.wrong() | ~at.filled()
    if none.any():
        table.number(step, int(none.argmax()), "step")
    return at.numbers()


def some(columns: Sequence[str]) -> str:
    """The first few names, for a message."""
    return ", ".join(map(escape, columns[:4])) + (", ..." if len(columns) > 4 else "")
