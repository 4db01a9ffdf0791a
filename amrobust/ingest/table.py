"""A table as data: columns of cells, and what a cell or the name of a column says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from amrobust.errors import UserError
from amrobust.runs.files import shown
from amrobust.runs.metric import can_be_a_share, direction_by_name

Cell = str | int | float | bool | None
"""An empty text and None are cells in which nothing was logged."""


# A digit alone is no seed: lr=0.1, top5, resnet18 and am1_m5 are methods or metrics.
_SEED_COLUMN = re.compile(
    r"(?P<method>.*?)[-_ ./:([]*(?:seed|repeat|replicate|rep|run|trial)[-_ =:]*(?P<seed>\d+)[)\]]?",
    re.IGNORECASE,
)


_INDEX = re.compile(r"(Unnamed: \d+(\.\d+)?|__index_level_\d+__)?")
"""What pandas calls an index without a name: nothing in CSV, the second where it read that, the third in Parquet."""


@dataclass(frozen=True)
class Table:
    """Columns of equal length, and for messages what its rows are called."""

    path: Path
    label: str
    """Its path below what was imported."""
    columns: Mapping[str, Sequence[Cell]]
    lines: Sequence[int]
    """The number of each row in its file."""

    def where(self, row: int) -> str:
        """A row, for a message."""
        return f"{shown(self.path)}, line {self.lines[row]}"

    def number(self, column: str, row: int, what: str | None = None) -> float:
        """A cell as a number; NaN and infinity may be written out. Raises UserError on anything else."""
        cell = self.columns[column][row]
        try:
            return float(cell)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            raise UserError(
                f"{self.where(row)}: {what or shown(column)} {shown(repr(cell))} is not a number"
            ) from None

    def first_of(self, names: Sequence[str]) -> str | None:
        """The column with the first of ``names``, whatever its case."""
        lowered = {name.lower(): name for name in reversed(list(self.columns))}
        return next((lowered[name] for name in names if name in lowered), None)


def without_index(table: Table) -> Table:
    """``table`` less columns of row numbers that have no name. Raises UserError where there are words in one."""
    unnamed = [name for name in table.columns if _INDEX.fullmatch(name.strip())]
    for name in unnamed:
        words = next(
            (cell for cell in table.columns[name] if not is_empty(cell) and not is_number(cell)), None
        )
        if words is not None:
            raise UserError(
                f"{shown(table.path)}: the first column has no name, and words in it ({shown(str(words))!r}): call it by what "
                "it names, such as method, and leave out rows that summarise others"
            )
    named = {name: cells for name, cells in table.columns.items() if name not in unnamed}
    return replace(table, columns=named) if unnamed else table


def is_empty(cell: Cell) -> bool:
    """Whether nothing was logged in a cell."""
    return cell is None or (isinstance(cell, str) and not cell.strip())


def text(cell: Cell) -> str:
    """A cell as a name: whole numbers without a point."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell).strip()


def is_measured(name: str) -> bool:
    """Whether a column is a metric by its name: a constant one is a training that stands still, and no setting."""
    return can_be_a_share(name) or direction_by_name(name) is not None


def is_number(cell: Cell) -> bool:
    """Whether a cell can be read as a number."""
    try:
        float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def method_and_seed(name: str, pattern: re.Pattern[str] | None = None) -> tuple[str, str] | None:
    """What a column's name says: the seed is the group of ``pattern`` or the number behind a word, the rest the method."""
    if pattern is not None:
        found = pattern.search(name)
        return ((name[: found.start()] + name[found.end() :]).strip("-_ ./:"), found[1]) if found else None
    match = _SEED_COLUMN.fullmatch(name)
    return (match["method"], match["seed"]) if match else None
