"""The cells of a table's column, held so that millions take no more room than numbers: what a table's forms are read from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from amrobust.ingest.table import Cell, is_empty, is_number

Rows = slice | NDArray[np.intp]
"""Some rows of a table, in their order: those that lie one behind the other as a slice, which copies nothing."""
EVERY = slice(None)


class Column(Sequence[Cell]):
    """A column, as one of two: codes of the cells that occur, or numbers with a few cells that are none."""

    def filled(self, rows: Rows = EVERY) -> NDArray[np.bool_]:
        """Where something was logged."""
        raise NotImplementedError

    def wrong(self, rows: Rows = EVERY) -> NDArray[np.bool_]:
        """Where something was logged that is no number."""
        raise NotImplementedError

    def numbers(self, rows: Rows = EVERY) -> NDArray[np.float64]:
        """The cells as numbers, NaN where there is none; may be a view, which is not written to."""
        raise NotImplementedError

    def distinct(self) -> tuple[NDArray[np.signedinteger[Any]], Sequence[Cell]]:
        """For each row the place of its cell among those that occur, and these, each once."""
        raise NotImplementedError

    def texts(self) -> Sequence[Cell]:
        """What was logged that is no number, each once."""
        raise NotImplementedError

    def is_constant(self, rows: Rows) -> bool:
        """Whether all of ``rows`` have the same cell."""
        raise NotImplementedError

    @overload
    def __getitem__(self, row: int) -> Cell: ...

    @overload
    def __getitem__(self, row: slice) -> Sequence[Cell]: ...

    def __getitem__(self, row: int | slice) -> Cell | Sequence[Cell]:
        if isinstance(row, slice):
            return [self._cell(place) for place in range(*row.indices(len(self)))]
        if not -len(self) <= row < len(self):
            raise IndexError(row)
        return self._cell(row)

    def _cell(self, row: int) -> Cell:
        raise NotImplementedError


class Coded(Column):
    """``cells`` that occur, each once, and for each row the place of its own among them."""

    def __init__(self, codes: NDArray[np.signedinteger[Any]], cells: Sequence[Cell]) -> None:
        self.codes, self.cells = codes, cells
        self._filled: NDArray[np.bool_] = np.array([not is_empty(cell) for cell in cells], np.bool_)
        numeric = [is_number(cell) for cell in cells]
        self._numbers: NDArray[np.float64] = np.array(
            [float(cell) if fits else np.nan for cell, fits in zip(cells, numeric, strict=True)],  # type: ignore[arg-type]
            np.float64,
        )
        self._wrong: NDArray[np.bool_] = self._filled & ~np.array(numeric, np.bool_)

    @classmethod
    def of(cls, cells: Sequence[Cell]) -> Coded:
        """Any cells, with True, 1 and 1.0 as three."""
        places: dict[tuple[type, Cell], int] = {}
        codes = [places.setdefault((cell.__class__, cell), len(places)) for cell in cells]
        return cls(np.array(codes, np.intp), [cell for _, cell in places])

    def __len__(self) -> int:
        return len(self.codes)

    def _cell(self, row: int) -> Cell:
        return self.cells[int(self.codes[row])]

    def filled(self, rows: Rows = EVERY) -> NDArray[np.bool_]:
        """Where something was logged."""
        return self._filled.take(self.codes[rows])

    def wrong(self, rows: Rows = EVERY) -> NDArray[np.bool_]:
        """Where something was logged that is no number."""
        return self._wrong.take(self.codes[rows])

    def numbers(self, rows: Rows = EVERY) -> NDArray[np.float64]:
        """The cells as numbers."""
        return self._numbers.take(self.codes[rows])

    def distinct(self) -> tuple[NDArray[np.signedinteger[Any]], Sequence[Cell]]:
        """Codes and cells."""
        return self.codes, self.cells

    def texts(self) -> Sequence[Cell]:
        """What was logged that is no number, each once."""
        return [self.cells[int(place)] for place in np.flatnonzero(self._wrong)]

    def is_constant(self, rows: Rows) -> bool:
        """Whether all of ``rows`` have the same cell."""
        codes = self.codes[rows]
        return bool((codes == codes[:1]).all())


class Numbers(Column):
    """``values``, NaN where ``empty`` says that nothing was logged, and at the rows of ``others`` what is no number."""

    def __init__(
        self,
        values: NDArray[np.float64],
        empty: NDArray[np.bool_] | None = None,
        others: Mapping[int, Cell] | None = None,
        nothing: Cell = None,
    ) -> None:
        self.values, self.empty, self.others, self.nothing = values, empty, others or {}, nothing

    def __len__(self) -> int:
        return len(self.values)

    def _cell(self, row: int) -> Cell:
        row = row % len(self)
        if row in self.others:
            return self.others[row]
        return self.nothing if self.empty is not None and self.empty[row] else float(self.values[row])

    def filled(self, rows: Rows = EVERY) -> NDArray[np.bool_]:
        """Where something was logged."""
        if self.empty is None:
            return np.ones(len(self.values[rows]), np.bool_)
        return ~self.empty[rows]

    def wrong(self, rows: Rows = EVERY) -> NDArray[np.bool_]:
        """Where something was logged that is no number."""
        if not self.others:
            return np.zeros(len(self.values[rows]), np.bool_)
        found = np.zeros(len(self), np.bool_)
        found[list(self.others)] = True
        return found[rows]

    def numbers(self, rows: Rows = EVERY) -> NDArray[np.float64]:
        """The cells as numbers."""
        return self.values[rows]

    def distinct(self) -> tuple[NDArray[np.signedinteger[Any]], Sequence[Cell]]:
        """Codes and cells."""
        # Cells that are no numbers stand behind all that are.
        kinds = np.unique(self.values, return_inverse=True)
        codes, cells = kinds[1], [*map(float, kinds[0])]
        places: dict[Cell, int] = {}
        for row, cell in self.others.items():
            codes[row] = len(cells) + places.setdefault(cell, len(places))
        if self.empty is not None and self.empty.any():
            codes[self.empty] = len(cells) + places.setdefault(self.nothing, len(places))
        return codes, [*cells, *places]

    def texts(self) -> Sequence[Cell]:
        """What was logged that is no number, each once."""
        return list(dict.fromkeys(self.others.values()))

    def is_constant(self, rows: Rows) -> bool:
        """Whether all of ``rows`` have the same cell."""
        values, filled = self.values[rows], self.filled(rows)
        if self.wrong(rows).any() or not filled.all():
            return not filled.any() or len({self[int(row)] for row in np.arange(len(self))[rows]}) == 1
        return bool(((values == values[:1]) | (np.isnan(values) & np.isnan(values[:1]))).all())


def column_of(cells: Sequence[Cell]) -> Column:
    """``cells`` as a column, whatever held them."""
    return cells if isinstance(cells, Column) else Coded.of(cells)
