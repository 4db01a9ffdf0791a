"""Wide tables: a column per seed or method and a row per step, or a row per run and a column per step."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from amrobust.errors import UserError
from amrobust.ingest.logged import COLUMN, LoggedRun, Wanted
from amrobust.ingest.rows import logged_run, some, steps_of, values_of
from amrobust.ingest.table import Table, is_empty, is_measured, method_and_seed, text
from amrobust.runs.files import escape
from amrobust.runs.summaries import summary_of


def column_a_seed(
    table: Table, step: str, clocks: Sequence[str], seed_column: re.Pattern[str] | None, said: bool
) -> Iterator[LoggedRun] | None:
    """A row per step, a column a seed of a method (``adam_seed0``, ``sgd seed=3``); None where it is none.

    Raises UserError where the columns end in numbers that nothing calls seeds, and no method is said.
    """
    columns = [name for name in table.columns if name not in (step, *clocks)]
    named = {name: method_and_seed(name.strip(), seed_column) for name in columns}
    summaries = [
        name for name in columns if named[name] is None and summary_of(name)[0] in ("mean", "spread")
    ]
    if sum(found is not None for found in named.values()) > 1 and seed_column is None:
        named = {name: found for name, found in named.items() if name not in summaries}
    notes = (f"{some(summaries)} summarise the seeds, and are left out",) if summaries else ()
    if len(columns) < 2:
        return None
    if not all(named.values()):
        if not said and all(name.strip()[-1:].isdecimal() for name in columns):
            raise UserError(
                f"{escape(table.path)}: the columns {some(columns)} end in numbers, which may be seeds, settings or metrics: "
                "where they are seeds, say so with --seed-from 're:(\\d+)$', where methods of one metric with --method-from "
                "column, where metrics of one run with --method-from =NAME --seed-from =0"
            )
        return None

    def runs() -> Iterator[LoggedRun]:
        steps, every = steps_of(table, step), slice(0, len(table.lines))
        for name, found in named.items():
            assert found is not None
            series = values_of(table, name, every, steps)
            fields = {"name": name, "method": found[0] or Path(table.label).stem, "seed": found[1]}
            yield LoggedRun(
                f"{table.label}: {name}",
                fields,
                {"value": series},
                (table.path,),
                own_steps=step,
                notes=notes,
            )

    return runs()


def column_a_method(table: Table, step: str, clocks: Sequence[str]) -> Iterator[LoggedRun]:
    """A row per step, a column per method, which has one run: declared, since a column may be anything else as well."""
    for name in table.columns:
        rows = [row for row, cell in enumerate(table.columns[name]) if not is_empty(cell)]
        if name in (step, *clocks) or not rows:
            continue
        steps, values = ([table.number(column, row) for row in rows] for column in (step, name))
        series = np.array(steps, np.float64), np.array(values, np.float64)
        yield LoggedRun(
            f"{table.label}: {name}", {"name": name, COLUMN: name, "seed": "0"}, {"value": series}, (table.path,),
            own_steps=step, notes=("every column is the one run of a method, and called seed 0",),
        )  # fmt: skip


def a_row_a_step(table: Table, wanted: Wanted) -> Iterator[LoggedRun]:
    """Rows that the user says to be the steps: columns are methods, or metrics of one run where a name says so."""
    steps = np.arange(len(table.lines), dtype=np.float64)
    series = {name: values_of(table, name, slice(0, len(steps)), steps) for name in table.columns}
    if any(map(is_measured, series)) and COLUMN not in wanted.naming:
        yield LoggedRun(table.label, {"name": Path(table.label).stem}, series, (table.path,))
        return
    for name, found in series.items():
        fields = {"method": name, COLUMN: name, "seed": "0"}
        notes = ("every column is the one run of a method, and called seed 0",)
        yield LoggedRun(f"{table.label}: {name}", fields, {"value": found}, (table.path,), notes=notes)


def numbered_columns(table: Table, naming: Sequence[str]) -> dict[str, int]:
    """The columns whose names are steps, where all that do not name runs are."""
    rest = [name for name in table.columns if name not in naming]
    return (
        {name: int(name) for name in rest} if rest and all(name.strip().isdecimal() for name in rest) else {}
    )


def column_a_step(table: Table, naming: Sequence[str], steps: Mapping[str, int]) -> Iterator[LoggedRun]:
    """A row per seed, a column per step."""
    for row in range(len(table.lines)):
        kept = [name for name in steps if not is_empty(table.columns[name][row])]
        values = [table.number(name, row, f"step {name}") for name in kept]
        series = np.array([steps[name] for name in kept], np.float64), np.array(values, np.float64)
        key = [text(table.columns[name][row]) for name in naming]
        yield logged_run(table, naming, key, row, {"value": series})
