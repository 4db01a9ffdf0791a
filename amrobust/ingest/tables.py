"""Tables of any origin as logged runs: long, tidy with a column per metric, wide with a column per seed or step."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from amrobust.errors import UserError
from amrobust.ingest.cells import (
    is_of_words,
    refuse_names_that_differ_in_spaces,
    refuse_thousands,
    without_index,
)
from amrobust.ingest.chosen import chosen_of, may_be_chosen
from amrobust.ingest.columns import Rows, column_of
from amrobust.ingest.fields import is_setting
from amrobust.ingest.finals import a_row_a_method, runs_of_finals
from amrobust.ingest.limits import MAX_RUNS
from amrobust.ingest.logged import (
    CLOCKS,
    COLUMN,
    METHOD_KEYS,
    SEED_KEYS,
    STEP_KEYS,
    STEPS_ON_CLOCKS,
    WORKLOAD_KEYS,
    LoggedRun,
    Numbers,
    Series,
    Wanted,
    last_part,
)
from amrobust.ingest.table import Cell, Table, is_empty, is_measured, is_number, method_and_seed, text
from amrobust.runs.files import shown
from amrobust.runs.metric import direction
from amrobust.runs.spec import Value
from amrobust.runs.summaries import summary_of

_TIME = re.compile(
    r"(?:-?\d+ days?,? )?\d{1,4}:\d\d:\d\d(?:[.,]\d+)?|\d{4}-\d\d-\d\d[T _]\d\d[:-]\d\d(?:[:-]\d\d)?(?:[.,]\d+)?\S*"
)
"""A duration or a time of day, with its seconds, or a date with one; 1:10 may be the ratio of two classes."""
LONG = ("method", "seed", "step", "value")
MELTED = ("metric", "variable")
"""What the column is called, by us and by pandas, that says what each value is of."""


def runs_of(table: Table, wanted: Wanted) -> Iterator[LoggedRun]:
    """The runs in ``table``, whatever its form. Raises UserError where no form fits, with the forms there are."""
    if not len(table.lines):
        raise UserError(f"{shown(table.path)} has no rows")
    table = without_index(table)
    table = replace(table, columns={name: column_of(cells) for name, cells in table.columns.items()})
    refuse_names_that_differ_in_spaces(table, wanted.naming)
    if table.first_of(("value",)) or (table.first_of(MELTED) and table.first_of(("step",))):
        told = ("step", *STEP_KEYS, "axis", "better", "unit", "hyperparameters")
        if wanted.step in table.columns or table.first_of(told):
            return _long(table, wanted)
        table = _unmelted(table, wanted)
    roles = _Roles.of(table, wanted)
    if roles.step is None:
        if len(table.lines) > MAX_RUNS:
            raise UserError(
                f"{shown(table.path)} has {len(table.lines):,} rows and no column of steps: each would be a run, of which "
                f"{MAX_RUNS:,} are read; if a column counts steps, name it with --step-from"
            )
        naming = (*roles.naming, *roles.settings)
        if roles.naming and (steps := _numbered(table, naming)):
            if wanted.seed == COLUMN:
                return a_row_a_method(
                    table, naming, {name: str(step) for name, step in steps.items()}, seed=COLUMN
                )
            if (
                wanted.seed is None
                and roles.seed is None
                and len(_grouped(table, naming)) == len(table.lines) > 1
            ):
                raise UserError(
                    f"{shown(table.path)}: the columns {_some(list(steps))} may be seeds or steps of the rows: where they are "
                    "seeds, say so with --seed-from column, where steps of one run a row, with --seed-from =0"
                )
            return _column_a_step(table, naming, steps)
        if wanted.step == "index" and not roles.naming:
            return _a_row_a_step(table, wanted)
        return runs_of_finals(table, roles.naming, roles.settings, roles.seed, wanted)
    if COLUMN in wanted.naming and not roles.naming:
        return _column_a_method(table, roles)
    unnamed = roles.method is None and roles.seed is None
    seeds = _column_a_seed(table, roles, wanted.seed_column, wanted.method_said) if unnamed else None
    return seeds or _tidy(table, roles)


def with_fields(
    runs: Iterable[LoggedRun], fields: Mapping[str, str], files: Sequence[Path]
) -> Iterator[LoggedRun]:
    """``runs`` with the ``fields`` of a configuration beside their table; what the table says itself goes before."""
    for run in runs:
        yield replace(run, fields={**fields, **run.fields}, files=(*run.files, *files)) if fields else run


@dataclass(frozen=True)
class _Roles:
    """Which columns name runs, and which counts steps."""

    method: str | None
    seed: str | None
    step: str | None
    naming: tuple[str, ...]
    groups: Mapping[tuple[str, ...], Rows]
    """The rows of each run by its cells in ``naming``, where there is a step."""
    settings: tuple[str, ...] = ()
    """Without a column of steps, the numbers that were chosen before the training; with one, they are in ``naming``."""
    clocks: tuple[str, ...] = ()
    """With a column of steps, words that say when each row was logged, or that it was the last one."""

    @classmethod
    def of(cls, table: Table, wanted: Wanted) -> _Roles:
        step = wanted.step if wanted.step in table.columns else table.first_of(STEP_KEYS)
        method, seed, workload = map(table.first_of, (METHOD_KEYS, SEED_KEYS, WORKLOAD_KEYS))
        seed = wanted.seed if wanted.seed in table.columns else seed
        known = {method, seed, workload, *wanted.naming}
        naming = [
            name for name in table.columns if name != step and (name in known or is_of_words(table, name))
        ]
        if step is None:
            counts = (count for name in STEPS_ON_CLOCKS if (count := table.first_of((name,))))
            other = wanted.metrics | wanted.nuisances
            step = next((c for c in counts if c not in other and _grows(table, c, naming)), None)
        if step is None:
            chosen: list[str] = []
            if len(table.lines) <= MAX_RUNS:
                others = [name for name in naming if name != seed]
                by = table.first_of(METHOD_KEYS)
                methods = _grouped(table, [by] if by in others else others[:1])
                chosen = chosen_of(
                    table, naming, seed, wanted, _grouped(table, naming), list(methods.values())
                )
            return cls(method, seed, None, tuple(naming), {}, tuple(chosen))
        clocks = [name for name in naming if name not in known and _says_when(table, name)]
        naming = [name for name in naming if name not in clocks]
        clocks += [name for name in naming if name not in known and _ends_runs(table, name, naming)]
        naming = [name for name in naming if name not in clocks]
        groups = _grouped(table, naming)
        if naming:
            runs = list(groups.values())
            columns = {name: column_of(cells) for name, cells in table.columns.items()}
            taken = (*naming, *clocks, step)
            others = [name for name in columns if name not in taken and may_be_chosen(table, name, wanted)]
            settings = [n for n in others if is_setting(columns[n], columns[step], runs, n)]
            if settings:
                naming = [name for name in table.columns if name in (*naming, *settings)]
                groups = _grouped(table, naming)
        return cls(method, seed, step, tuple(naming), groups, clocks=tuple(clocks))


def _grows(table: Table, clock: str, naming: Sequence[str]) -> bool:
    """Whether the numbers of a column rise from row to row of every run, of which some have several rows."""
    column = column_of(table.columns[clock])
    if clock in naming or not column.filled().all() or column.wrong().any():
        return False
    runs = [column.numbers(rows) for rows in _grouped(table, naming).values()]
    return any(len(run) > 1 for run in runs) and all((np.diff(run) > 0).all() for run in runs)


def _says_when(table: Table, name: str) -> bool:
    """Whether a column of words says when each row was logged, by its name or as ``0:01:30`` or ``2024-05-01 10:00`` does."""
    texts = [str(cell).strip() for cell in column_of(table.columns[name]).texts()]
    return last_part(name) in CLOCKS or all(map(_TIME.fullmatch, texts))


def _ends_runs(table: Table, name: str, naming: Sequence[str]) -> bool:
    """Whether a column has one truth in every row but the last of some runs, which has the other, as ``done`` does."""
    codes, cells = column_of(table.columns[name]).distinct()
    if len(cells) != 2 or {text(cell).lower() for cell in cells} != {"true", "false"}:
        return False
    runs = [codes[rows] for rows in _grouped(table, [other for other in naming if other != name]).values()]
    before = np.concatenate([run[:-1] for run in runs])
    ended = any(len(run) > 1 and run[-1] != run[0] for run in runs)
    return ended and len(set(before.tolist())) == 1


def _grouped(table: Table, naming: Sequence[str]) -> dict[tuple[str, ...], Rows]:
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
            f"{shown(table.path)}: {', '.join(map(shown, naming))} tell {len(firsts):,} runs apart, more than the {MAX_RUNS:,} "
            f"that are read: leave out {shown(most)}, if it is another in every row"
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


def _row(rows: Rows, place: int = 0) -> int:
    """The number in its table of one of ``rows``."""
    return rows.start + place if isinstance(rows, slice) else int(rows[place])


def _logged(
    table: Table, naming: Sequence[str], key: Sequence[str], row: int, series: dict[str, Series]
) -> LoggedRun:
    fields = {"name": Path(table.label).stem} | dict(zip(naming, key, strict=True))
    return LoggedRun(table.label, fields, series, (table.path,), line=table.lines[row])


def _values(table: Table, name: str, rows: Rows, steps: Numbers) -> Series:
    """The cells of ``rows`` that are not empty, at their ``steps``. Raises UserError on one that is no number."""
    column = column_of(table.columns[name])
    wrong = column.wrong(rows)
    if wrong.any():
        table.number(name, _row(rows, int(wrong.argmax())))
    filled, values = column.filled(rows), column.numbers(rows)
    return (steps, values) if filled.all() else (steps[filled], values[filled])


def _tidy(table: Table, roles: _Roles) -> Iterator[LoggedRun]:
    """A row per step, a column per metric; empty cells were not logged."""
    metrics = [name for name in table.columns if name not in (*roles.naming, *roles.clocks)]
    places = np.arange(max(map(_count, roles.groups.values())), dtype=np.float64)
    for key, rows in roles.groups.items():
        # One array for all that has no gaps, which says that they share their steps.
        own = places[: _count(rows)]
        found = {name: _values(table, name, rows, own) for name in metrics}
        series = {name: (steps, values) for name, (steps, values) in found.items() if len(steps)}
        yield replace(_logged(table, roles.naming, key, _row(rows), series), steps_in=roles.step)


def _count(rows: Rows) -> int:
    return rows.stop - rows.start if isinstance(rows, slice) else len(rows)


def _long(table: Table, wanted: Wanted) -> Iterator[LoggedRun]:
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
                f"{shown(table.path)}: column {role!r} is missing; a long table has {', '.join(LONG)}"
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
            f"{shown(table.path)}: column {shown(unknown[0])!r} is unknown; drop it, or say what it names with --method-from, "
            f"--seed-from or --workload-from (known are {', '.join(LONG)}, metric, axis, workload, better, unit, "
            "hyperparameters)"
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
                f"{table.where(row)}: step {shown(repr(table.columns[step][row]))} is not a number"
            )
        table.number(value, row, "value")
    naming = [name for name in table.columns if name in known - {value, step, metric, better, unit}]
    runs: dict[tuple[str, ...], dict[str, Rows]] = {}
    for key, rows in _grouped(table, [*naming, metric] if metric else naming).items():
        own, name = (key[:-1], key[-1]) if metric else (key, "")
        runs.setdefault(own, {})[name or "value"] = rows
    for key, parts in runs.items():
        filled = {name: values.filled(rows) for name, rows in parts.items()}
        series = {
            name: (at.numbers(rows)[filled[name]], values.numbers(rows)[filled[name]])
            for name, rows in parts.items()
            if filled[name].any()
        }
        first = {name: _row(rows) for name, rows in parts.items()}
        ways = {name: text(table.columns[better][row]) for name, row in first.items()} if better else {}
        units = {name: text(table.columns[unit][row]) for name, row in first.items()} if unit else {}
        run = _logged(table, naming, key, next(iter(first.values())), series)
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


def _unmelted(table: Table, wanted: Wanted) -> Table:
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
            f"{shown(table.path)}: column 'step' is missing, and {shown(metric)} has numbers ({_some(names)}), which name no "
            f"metrics; a long table has {', '.join(LONG)}"
        )
    if taken := [name for name in names if not name or name in others]:
        raise UserError(
            f"{shown(table.path)}: the column {shown(metric)} has {shown(repr(taken[0]))}, which is no name of a metric"
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
            f"{where}: hyperparameters {shown(repr(content[:100]))} are no object of numbers and texts in JSON"
        )
    return found


def values_at(table: Table, name: str, step: str) -> Series:
    """The cells of a column that are not empty, at the steps of another. Raises UserError on one that is no number."""
    return _values(table, name, slice(0, len(table.lines)), _steps(table, step))


def _steps(table: Table, step: str) -> Numbers:
    at = column_of(table.columns[step])
    none = at.wrong() | ~at.filled()
    if none.any():
        table.number(step, int(none.argmax()), "step")
    return at.numbers()


def _column_a_seed(
    table: Table, roles: _Roles, seed_column: re.Pattern[str] | None, said: bool
) -> Iterator[LoggedRun] | None:
    """A row per step, a column a seed of a method (``adam_seed0``, ``sgd seed=3``); None where it is none.

    Raises UserError where the columns end in numbers that nothing calls seeds, and no method is said.
    """
    columns = [name for name in table.columns if name not in (roles.step, *roles.clocks)]
    named = {name: method_and_seed(name.strip(), seed_column) for name in columns}
    summaries = [
        name for name in columns if named[name] is None and summary_of(name)[0] in ("mean", "spread")
    ]
    if sum(found is not None for found in named.values()) > 1 and seed_column is None:
        named = {name: found for name, found in named.items() if name not in summaries}
    notes = (f"{_some(summaries)} summarise the seeds, and are left out",) if summaries else ()
    if roles.naming or len(columns) < 2:
        return None
    if not all(named.values()):
        if not said and all(name.strip()[-1:].isdecimal() for name in columns):
            raise UserError(
                f"{shown(table.path)}: the columns {_some(columns)} end in numbers, which may be seeds, settings or metrics: "
                "where they are seeds, say so with --seed-from 're:(\\d+)$', where methods of one metric with --method-from "
                "column, where metrics of one run with --method-from =NAME --seed-from =0"
            )
        return None

    def runs() -> Iterator[LoggedRun]:
        assert roles.step is not None
        steps, every = _steps(table, roles.step), slice(0, len(table.lines))
        for name, found in named.items():
            assert found is not None
            series = _values(table, name, every, steps)
            fields = {"name": name, "method": found[0] or Path(table.label).stem, "seed": found[1]}
            yield LoggedRun(
                f"{table.label}: {name}",
                fields,
                {"value": series},
                (table.path,),
                own_steps=roles.step,
                notes=notes,
            )

    return runs()


def _some(columns: Sequence[str]) -> str:
    return ", ".join(map(shown, columns[:4])) + (", ..." if len(columns) > 4 else "")


def _column_a_method(table: Table, roles: _Roles) -> Iterator[LoggedRun]:
    """A row per step, a column per method, which has one run: declared, since a column may be anything else as well."""
    assert roles.step is not None
    for name in table.columns:
        rows = [row for row, cell in enumerate(table.columns[name]) if not is_empty(cell)]
        if name in (roles.step, *roles.clocks) or not rows:
            continue
        steps, values = ([table.number(column, row) for row in rows] for column in (roles.step, name))
        series = np.array(steps, np.float64), np.array(values, np.float64)
        yield LoggedRun(
            f"{table.label}: {name}", {"name": name, COLUMN: name, "seed": "0"}, {"value": series}, (table.path,),
            own_steps=roles.step, notes=("every column is the one run of a method, and called seed 0",),
        )  # fmt: skip


def _a_row_a_step(table: Table, wanted: Wanted) -> Iterator[LoggedRun]:
    """Rows that the user says to be the steps: columns are methods, or metrics of one run where a name says so."""
    steps = np.arange(len(table.lines), dtype=np.float64)
    series = {name: _values(table, name, slice(0, len(steps)), steps) for name in table.columns}
    if any(map(is_measured, series)) and COLUMN not in wanted.naming:
        yield LoggedRun(table.label, {"name": Path(table.label).stem}, series, (table.path,))
        return
    for name, found in series.items():
        fields = {"method": name, COLUMN: name, "seed": "0"}
        notes = ("every column is the one run of a method, and called seed 0",)
        yield LoggedRun(f"{table.label}: {name}", fields, {"value": found}, (table.path,), notes=notes)


def _numbered(table: Table, naming: Sequence[str]) -> dict[str, int]:
    """The columns whose names are steps, where all that do not name runs are."""
    rest = [name for name in table.columns if name not in naming]
    return (
        {name: int(name) for name in rest} if rest and all(name.strip().isdecimal() for name in rest) else {}
    )


def _column_a_step(table: Table, naming: Sequence[str], steps: Mapping[str, int]) -> Iterator[LoggedRun]:
    """A row per seed, a column per step."""
    for row in range(len(table.lines)):
        kept = [name for name in steps if not is_empty(table.columns[name][row])]
        values = [table.number(name, row, f"step {name}") for name in kept]
        series = np.array([steps[name] for name in kept], np.float64), np.array(values, np.float64)
        key = [text(table.columns[name][row]) for name in naming]
        yield _logged(table, naming, key, row, {"value": series})
