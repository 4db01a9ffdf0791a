"""A column that grows block by block: of few different cells as codes, of many numbers as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amrobust.errors import UserError
from amrobust.ingest.columns import Coded, Column, Numbers
from amrobust.ingest.limits import MAX_TEXTS
from amrobust.ingest.table import Cell, is_empty, is_number
from amrobust.runs.files import escape

FEW = 2_000
"""A column of more different cells holds numbers as numbers, and forgets how they were written."""


class ColumnBuilder:
    """The column ``name`` of ``path``, of about ``expected`` rows; ``nothing`` is the cell where nothing was logged."""

    def __init__(self, path: Path, name: str, expected: int, nothing: Cell) -> None:
        self.path, self.name, self.nothing = path, name, nothing
        self.is_numbers = False
        self._places: dict[Cell, int] = {}
        self._others: dict[int, Cell] = {}
        self._codes = _Growing(np.int32, expected)
        self._values = _Growing(np.float64, expected)
        self._empty = _Growing(np.bool_, expected)
        self._next = FEW

    def add_codes(self, codes: NDArray[Any], cells: Sequence[Cell]) -> None:
        """For each row the place of its cell among ``cells``."""
        if self.is_numbers:
            self.add_cells([cells[code] for code in codes])
            return
        own = [
            self._places.setdefault(self.nothing if cell is None else cell, len(self._places))
            for cell in cells
        ]
        self._codes.add(np.array(own, np.int32)[codes])
        if len(self._places) > self._next:
            wrong = sum(not is_number(cell) and not is_empty(cell) for cell in self._places)
            if 2 * wrong <= len(self._places):
                self._become_numbers()
            else:
                self._refuse_many(wrong)
                self._next = 2 * len(self._places)

    def add_cells(self, cells: Sequence[Cell]) -> None:
        """Cells as they are."""
        if not self.is_numbers:
            places: dict[Cell, int] = {}
            codes = np.array([places.setdefault(cell, len(places)) for cell in cells], np.int32)
            self.add_codes(codes, list(places))
            return
        empty = np.array([is_empty(cell) for cell in cells], np.bool_)
        values = np.full(len(cells), np.nan)
        for row, cell in enumerate(cells):
            try:
                values[row] = float(cell)  # type: ignore[arg-type]
            except (TypeError, ValueError, OverflowError):
                if not empty[row]:
                    self._others[self._values.count + row] = cell
        self._refuse_many(len(self._others))
        self.add_numbers(values, empty)

    def add_numbers(self, values: NDArray[np.float64], empty: NDArray[np.bool_] | None) -> None:
        """Numbers, NaN where a cell is empty; then the column is one of numbers."""
        if not self.is_numbers:
            self._become_numbers()
        if empty is not None and empty.any():
            self._empty.fill(self._values.count)
            self._empty.add(empty)
        self._values.add(values)

    def column(self) -> Column:
        """All of it. Nothing can be added any more."""
        if not self.is_numbers:
            return Coded(self._codes.array(), list(self._places))
        if self._empty.count:
            self._empty.fill(self._values.count)
        empty = self._empty.array() if self._empty.count else None
        return Numbers(self._values.array(), empty, self._others, self.nothing)

    def _become_numbers(self) -> None:
        self.is_numbers = True
        if not self._codes.count:
            return
        column = Coded(self._codes.array(), list(self._places))
        self._others = {int(row): column[int(row)] for row in np.flatnonzero(column.wrong())}
        self.add_numbers(column.numbers(), ~column.filled())
        self._places, self._codes = {}, _Growing(np.int32, 0)

    def _refuse_many(self, texts: int) -> None:
        if texts > MAX_TEXTS:
            cells = (*self._others.values(), *self._places)
            some = next(cell for cell in cells if not is_empty(cell) and not is_number(cell))
            raise UserError(
                f"{escape(self.path)}: {escape(self.name)} has more than {MAX_TEXTS:,} different texts, such as "
                f"{escape(repr(some))}: no column of numbers, and no name of runs; leave that column out"
            )


class _Growing:
    """An array that is added to: memory beyond what is in it is asked for and not touched, so that it takes none."""

    def __init__(self, dtype: type[np.generic], expected: int) -> None:
        self.dtype, self.expected, self.count = dtype, expected, 0
        self._data: NDArray[Any] = np.empty(0, dtype)

    def add(self, values: NDArray[Any]) -> None:
        count = self.count + len(values)
        if count > len(self._data):
            data = np.empty(max(self.expected, count + count // 4), self.dtype)
            data[: self.count] = self._data[: self.count]
            self._data = data
        self._data[self.count : count] = values
        self.count = count

    def fill(self, count: int) -> None:
        """Zeros up to ``count``."""
        if count > self.count:
            self.add(np.zeros(count - self.count, self.dtype))

    def array(self) -> NDArray[Any]:
        """What was added; it can no more be written to."""
        found = self._data[: self.count]
        found.flags.writeable = False
        return found


def add_arrow(builder: ColumnBuilder, cells: Any) -> None:
    """An Arrow array of numbers, or of texts as codes; nulls are empty.

    Arrow's own way to NumPy imports pandas, which takes a second: here its memory is looked at.
    """
    import pyarrow

    if not pyarrow.types.is_dictionary(cells.type):
        empty = _nulls(cells)
        values = np.frombuffer(cells.buffers()[1], np.float64, len(cells), 8 * cells.offset)
        builder.add_numbers(values if empty is None else np.where(empty, np.nan, values), empty)
        return
    # pandas has the codes of few categories in eight bits.
    codes, texts = cells.indices.cast(pyarrow.int32()), cells.dictionary.to_pylist()
    empty = _nulls(codes)
    places = np.frombuffer(codes.buffers()[1], np.int32, len(codes), 4 * codes.offset)
    if empty is not None:
        places, texts = np.where(empty, len(texts), places), [*texts, None]
    builder.add_codes(places, texts)


def _nulls(cells: Any) -> NDArray[np.bool_] | None:
    if not cells.null_count:
        return None
    bits = np.unpackbits(np.frombuffer(cells.buffers()[0], np.uint8), bitorder="little")
    return np.equal(bits[cells.offset : cells.offset + len(cells)], 0)
