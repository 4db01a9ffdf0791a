"""Long tables as CSV, JSON and Parquet."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from typing import Any


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """CSV with a header; text that a spreadsheet would run as a formula gets a leading apostrophe."""
    from amrobust.report.text import csv_cell

    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([csv_cell(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return sink.getvalue()


def as_json(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A JSON array of objects; numbers that are not finite are the words NaN, Infinity and -Infinity."""
    from amrobust.runs.files import shown_json

    words = {math.inf: "Infinity", -math.inf: "-Infinity"}

    records = [
        {
            name: words.get(cell, "NaN") if isinstance(cell, float) and not math.isfinite(cell) else cell
            for name, cell in zip(columns, row, strict=True)
        }
        for row in rows
    ]
    return shown_json(records, indent=1) + "\n"


def as_parquet(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """Parquet with a column of its own type for each of ``columns``; equal rows give equal bytes."""
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.table({name: [row[place] for row in rows] for place, name in enumerate(columns)})
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(table, buffer)
    return buffer.getvalue()
