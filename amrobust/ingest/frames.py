"""Frames of any library as tables: pandas, polars, pyarrow and their like enter through narwhals, and nothing is guessed."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from amrobust.errors import UserError
from amrobust.ingest.table import Cell, Table
from amrobust.runs.files import escape


def table_of(frame: Any, name: str) -> Table:
    """``frame`` as a table called ``name``; of a missing value (null, NA, with pandas also NaN) nothing was logged.

    A named index of pandas is columns; without a name, one of whole numbers counts rows and says nothing. Raises UserError on
    what is no frame, on two columns of one name, on columns of several levels, and on an index of words that has no name.
    """
    import narwhals as nw
    from narwhals.exceptions import DuplicateError

    try:
        found: Any = nw.from_native(_with_its_index(frame))
        if isinstance(found, nw.LazyFrame):
            found = found.collect()
    except TypeError:
        raise UserError(
            f"a {type(frame).__name__} is no table: give a DataFrame (of pandas, polars, ...), a pyarrow table, a path, or a "
            "mapping such as {'sgd': [0.91, 0.92], 'adam': [0.93, 0.92]}"
        ) from None
    except (DuplicateError, ValueError) as error:
        raise UserError(f"the frame cannot be read ({escape(' '.join(str(error).split()))})") from None
    columns: dict[str, list[Cell]] = {}
    for column in found.columns:
        series = found[column]
        pairs = zip(series.to_list(), series.is_null().to_list(), strict=True)
        columns[str(column)] = [None if empty else _cell(value) for value, empty in pairs]
    return Table(Path(name), name, columns, range(1, len(found) + 1))


def _with_its_index(frame: Any) -> Any:
    """A frame of pandas with its named index as columns; any other as it is."""
    index = getattr(frame, "index", None)
    if index is None or not hasattr(frame, "reset_index") or not hasattr(frame, "columns"):
        return frame
    if getattr(frame.columns, "nlevels", 1) > 1:
        raise UserError(
            "the columns of the frame have several levels: name each by one text, "
            "frame.columns = ['_'.join(map(str, name)) for name in frame.columns]"
        )
    if all(name is None for name in index.names):
        if index.nlevels > 1 or index.dtype.kind not in "iu":
            some = ", ".join(escape(repr(value)) for value in index[:3])
            raise UserError(
                f"the index of the frame ({some}, ...) has no name, so that what it says cannot be told: name it, "
                "frame.rename_axis('method'), or drop it, frame.reset_index(drop=True)"
            )
    else:
        frame = frame.reset_index()
    names = [str(name) for name in frame.columns]
    if doubles := [name for name in names if names.count(name) > 1]:
        raise UserError(f"two columns are called {escape(doubles[0])!r}: give each its own name")
    return frame.set_axis(names, axis=1)


def _cell(value: Any) -> Cell:
    """A value as Python's own: a number, a text or a truth; of anything else what it prints as."""
    if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
        value = value.item()
    if isinstance(value, Decimal):
        return float(value)
    return value if isinstance(value, (bool, int, float, str)) else str(value)
