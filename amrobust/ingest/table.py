"""A table as data: columns of cells, and what a cell or the name of a column says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from amrobust.errors import UserError
from amrobust.runs.files import escape
from amrobust.runs.metric import can_be_a_share, direction_by_name
from amrobust.runs.seeds import EXACT

Cell = str | int | float | bool | None
"""An empty text, None and what :data:`ABSENT` has are cells in which nothing was logged."""
ABSENT = ("", "NA", "N/A")
"""Keras writes NA where an epoch has no value of a metric, and so does R."""


# A digit alone is no seed: lr=0.1, top5, resnet18 and am1_m5 are methods or metrics.
_SEED_COLUMN = re.compile(
    r"(?P<method>.*?)[-_ ./:([]*(?:seed|repeat|replicate|rep|run|trial)[-_ =:]*(?P<seed>\d+)[)\]]?"
    r"(?P<behind>\s*[(\[][^()\[\]]+[)\]])?",
    re.IGNORECASE,
)


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
        return f"{escape(self.path)}, line {self.lines[row]}"

    def number(self, column: str, row: int, what: str | None = None) -> float:
        """A cell as a number; NaN and infinity may be written out. Raises UserError on anything else."""
        cell = self.columns[column][row]
        try:
            return float(cell)  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            raise UserError(
                f"{self.where(row)}: {what or escape(column)} {escape(repr(cell))} is not a number"
            ) from None

    def first_of(self, names: Sequence[str]) -> str | None:
        """The column with the first of ``names``, whatever its case."""
        lowered = {name.lower(): name for name in reversed(list(self.columns))}
        return next((lowered[name] for name in names if name in lowered), None)


def is_empty(cell: Cell) -> bool:
    """Whether nothing was logged in a cell."""
    return cell is None or (isinstance(cell, str) and cell.strip() in ABSENT)


def text(cell: Cell) -> str:
    """A cell as a name: whole numbers without a point, as long as a float has all of their digits."""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < EXACT:
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
    """What a column's name says: the seed is the group of ``pattern`` or the number behind a word, the rest the method.

    ``A seed=1 [kWh]`` is seed 1 of ``A [kWh]``: what stands in brackets behind, a unit or a setting, tells methods apart.
    """
    if pattern is not None:
        found = pattern.search(name)
        return ((name[: found.start()] + name[found.end() :]).strip("-_ ./:"), found[1]) if found else None
    match = _SEED_COLUMN.fullmatch(name)
    return (match["method"] + (match["behind"] or ""), match["seed"]) if match else None
