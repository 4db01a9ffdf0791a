"""Long tables: a row per value, with columns that say of which metric, run and step it is."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from amrobust.errors import UserError
from amrobust.ingest.cells import refuse_thousands
from amrobust.ingest.columns import Rows, column_of
from amrobust.ingest.logged import METHOD_KEYS, SEED_KEYS, STEP_KEYS, WORKLOAD_KEYS, LoggedRun, Wanted
from amrobust.ingest.rows import grouped, logged_run, row_of, some
from amrobust.ingest.table import Cell, Table, is_number, text
from amrobust.runs.files import escape
from amrobust.runs.metric import direction
from amrobust.runs.spec import Value

LONG = ("method", "seed", "step", "value")
MELTED = ("metric", "variable")
"""What the column is called, by us and by pandas, that says what each value is of."""


def long_runs(table: Table, wanted: Wanted) -> Iterator[LoggedRun]:
    """A row per step of one metric: the columns method, seed, step, value and, where there are several, metric and workload.

    A column axis says what the steps are called, better and unit what is known of the metric, hyperparameters in JSON what the
    method's name does not tell. Where the value is empty, nothing was measured.
    """
    value, metric = table.first_of(("value",)), table.first_of(MELTED)
    step = wanted.step if wanted.step in table.columns else table.first_of(("step", *STEP_KEYS))
    method, seed = table.first_of(METHOD_KEYS), table.first_of(SEED_KEYS)
    roles = {"method": method, "seed": seed, "step": step, "value": value}
    for role, found in roles.items():
        named = (role == "method" or role == "seed") and wanted.naming
        if found is None and not named:
            raise UserError(
                f"{escape(table.path)}: column {role!r} is missing; a long table has {', '.join(LONG)}"
            )
    axis, better, unit = (table.first_of((name,)) for name in ("axis", "better", "unit"))
    of_method = table.first_of(("hyperparameters",))
    known = {
        *roles.values(),
        metric,
        axis,
        better,
        unit,
        of_method,
        table.first_of(WORKLOAD_KEYS),
        *wanted.naming,
    }
    unknown = [name for name in table.columns if name not in known]
    if unknown:
        raise UserError(
            f"{escape(table.path)}: column {escape(unknown[0])!r} is unknown; drop it, or say what it names with "
            f"--method-from, --seed-from or --workload-from (known are {', '.join(LONG)}, metric, axis, workload, better, "
            "unit, hyperparameters)"
        )
    assert value is not None
    assert step is not None
    refuse_thousands(table, value)
    at, values = column_of(table.columns[step]), column_of(table.columns[value])
    bad = ~np.isfinite(at.numbers()) | values.wrong()
    if bad.any():
        row = int(bad.argmax())
        if not math.isfinite(table.number(step, row, "step")):
            raise UserError(
                f"{table.where(row)}: step {escape(repr(table.columns[step][row]))} is not a number"
            )
        table.number(value, row, "value")
    naming = [name for name in table.columns if name in known - {value, step, metric, better, unit}]
    runs: dict[tuple[str, ...], dict[str, Rows]] = {}
    for key, rows in grouped(table, [*naming, metric] if metric else naming).items():
        own, name = (key[:-1], key[-1]) if metric else (key, "")
        runs.setdefault(own, {})[name or "value"] = rows
    for key, parts in runs.items():
        filled = {name: values.filled(rows) for name, rows in parts.items()}
        series = {
            name: (at.numbers(rows)[filled[name]], values.numbers(rows)[filled[name]])
            for name, rows in parts.items()
            if filled[name].any()
        }
        first = {name: row_of(rows) for name, rows in parts.items()}
        ways = {name: text(table.columns[better][row]) for name, row in first.items()} if better else {}
        units = {name: text(table.columns[unit][row]) for name, row in first.items()} if unit else {}
        run = logged_run(table, naming, key, next(iter(first.values())), series)
        yield replace(
            run,
            own_steps=run.fields.get(axis or "") or step,
            better={
                name: direction(f"{table.where(first[name])}: better", way)
                for name, way in ways.items()
                if way
            },
            units={name: said for name, said in units.items() if said},
            fields={name: field for name, field in run.fields.items() if name != of_method},
            hyperparameters=_hyperparameters(
                run.fields.get(of_method or "", ""), table.where(next(iter(first.values())))
            ),
        )


def unmelted(table: Table, wanted: Wanted) -> Table:
    """Final values with a column that says what each is of, as a column for each metric; others as they are.

    Values of one metric that agree in all other columns are rows of their own, in their order.
    """
    value, metric = table.first_of(("value",)), table.first_of(MELTED)
    if metric is None or value is None or metric in wanted.naming:
        return table
    others = [name for name in table.columns if name not in (metric, value)]
    names = list(dict.fromkeys(text(cell) for cell in table.columns[metric]))
    if all(map(is_number, names)):
        raise UserError(
            f"{escape(table.path)}: column 'step' is missing, and {escape(metric)} has numbers ({some(names)}), which name no "
            f"metrics; a long table has {', '.join(LONG)}"
        )
    if taken := [name for name in names if not name or name in others]:
        raise UserError(
            f"{escape(table.path)}: the column {escape(metric)} has {escape(repr(taken[0]))}, which is no name of a metric"
        )
    count: Counter[tuple[str, ...]] = Counter()
    rows: dict[tuple[object, ...], dict[str, Cell]] = {}
    lines = []
    for row in range(len(table.lines)):
        key = tuple(text(table.columns[name][row]) for name in others)
        name = text(table.columns[metric][row])
        place = (*key, count[*key, name])
        count[*key, name] += 1
        if place not in rows:
            rows[place] = {other: table.columns[other][row] for other in others}
            lines.append(table.lines[row])
        rows[place][name] = table.columns[value][row]
    columns = {name: column_of([row.get(name) for row in rows.values()]) for name in (*others, *names)}
    return replace(table, columns=columns, lines=lines)


def _hyperparameters(content: str, where: str) -> Mapping[str, Value]:
    """What a cell has in JSON. Raises UserError on anything but an object of numbers, texts and truths."""
    try:
        found = json.loads(content or "{}")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not all(
        value is None or isinstance(value, (bool, int, float, str)) for value in found.values()
    ):
        raise UserError(
            f"{where}: hyperparameters {escape(repr(content[:100]))} are no object of numbers and texts in JSON"
        )
    return found
