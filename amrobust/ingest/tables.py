"""Tables of any origin as logged runs: long, tidy with a column per metric, wide with a column per seed or step."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from amrobust.errors import UserError
from amrobust.ingest.cells import is_of_words, refuse_names_that_differ_in_spaces, without_index
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
    Wanted,
    last_part,
)
from amrobust.ingest.long_tables import MELTED, long_runs, unmelted
from amrobust.ingest.rows import count_of, grouped, logged_run, row_of, some, values_of
from amrobust.ingest.table import Table, text
from amrobust.ingest.wide_tables import (
    a_row_a_step,
    column_a_method,
    column_a_seed,
    column_a_step,
    numbered_columns,
)
from amrobust.runs.files import escape

_TIME = re.compile(
    r"(?:-?\d+ days?,? )?\d{1,4}:\d\d:\d\d(?:[.,]\d+)?|\d{4}-\d\d-\d\d[T _]\d\d[:-]\d\d(?:[:-]\d\d)?(?:[.,]\d+)?\S*"
)
"""A duration or a time of day, with its seconds, or a date with one; 1:10 may be the ratio of two classes."""


def runs_of(table: Table, wanted: Wanted) -> Iterator[LoggedRun]:
    """The runs in ``table``, whatever its form. Raises UserError where no form fits, with the forms there are."""
    if not len(table.lines):
        raise UserError(f"{escape(table.path)} has no rows")
    table = without_index(table)
    table = replace(table, columns={name: column_of(cells) for name, cells in table.columns.items()})
    refuse_names_that_differ_in_spaces(table, wanted.naming)
    if table.first_of(("value",)) or (table.first_of(MELTED) and table.first_of(("step",))):
        told = ("step", *STEP_KEYS, "axis", "better", "unit", "hyperparameters")
        if wanted.step in table.columns or table.first_of(told):
            return long_runs(table, wanted)
        table = unmelted(table, wanted)
    roles = _Roles.of(table, wanted)
    if roles.step is None:
        if len(table.lines) > MAX_RUNS:
            raise UserError(
                f"{escape(table.path)} has {len(table.lines):,} rows and no column of steps: each would be a run, of which "
                f"{MAX_RUNS:,} are read; if a column counts steps, name it with --step-from"
            )
        naming = (*roles.naming, *roles.settings)
        if roles.naming and (steps := numbered_columns(table, naming)):
            if wanted.seed == COLUMN:
                return a_row_a_method(
                    table, naming, {name: str(step) for name, step in steps.items()}, seed=COLUMN
                )
            if (
                wanted.seed is None
                and roles.seed is None
                and len(grouped(table, naming)) == len(table.lines) > 1
            ):
                raise UserError(
                    f"{escape(table.path)}: the columns {some(list(steps))} may be seeds or steps of the rows: where they are "
                    "seeds, say so with --seed-from column, where steps of one run a row, with --seed-from =0"
                )
            return column_a_step(table, naming, steps)
        if wanted.step == "index" and not roles.naming:
            return a_row_a_step(table, wanted)
        return runs_of_finals(table, roles.naming, roles.settings, roles.seed, wanted)
    if COLUMN in wanted.naming and not roles.naming:
        return column_a_method(table, roles.step, roles.clocks)
    unnamed = not roles.naming and roles.method is None and roles.seed is None
    seeds = (
        column_a_seed(table, roles.step, roles.clocks, wanted.seed_column, wanted.method_said)
        if unnamed
        else None
    )
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
                methods = grouped(table, [by] if by in others else others[:1])
                chosen = chosen_of(
                    table, naming, seed, wanted, grouped(table, naming), list(methods.values())
                )
            return cls(method, seed, None, tuple(naming), {}, tuple(chosen))
        clocks = [name for name in naming if name not in known and _says_when(table, name)]
        naming = [name for name in naming if name not in clocks]
        clocks += [name for name in naming if name not in known and _ends_runs(table, name, naming)]
        naming = [name for name in naming if name not in clocks]
        groups = grouped(table, naming)
        if naming:
            runs = list(groups.values())
            columns = {name: column_of(cells) for name, cells in table.columns.items()}
            taken = (*naming, *clocks, step)
            others = [name for name in columns if name not in taken and may_be_chosen(table, name, wanted)]
            settings = [n for n in others if is_setting(columns[n], columns[step], runs, n)]
            if settings:
                naming = [name for name in table.columns if name in (*naming, *settings)]
                groups = grouped(table, naming)
        return cls(method, seed, step, tuple(naming), groups, clocks=tuple(clocks))


def _grows(table: Table, clock: str, naming: Sequence[str]) -> bool:
    """Whether the numbers of a column rise from row to row of every run, of which some have several rows."""
    column = column_of(table.columns[clock])
    if clock in naming or not column.filled().all() or column.wrong().any():
        return False
    runs = [column.numbers(rows) for rows in grouped(table, naming).values()]
    return any(len(run) > 1 for run in runs) and all((np.diff(run) > 0).all() for run in runs)


def _tidy(table: Table, roles: _Roles) -> Iterator[LoggedRun]:
    """A row per step, a column per metric; empty cells were not logged."""
    metrics = [name for name in table.columns if name not in (*roles.naming, *roles.clocks)]
    places = np.arange(max(map(count_of, roles.groups.values())), dtype=np.float64)
    for key, rows in roles.groups.items():
        # One array for all that has no gaps, which says that they share their steps.
        own = places[: count_of(rows)]
        found = {name: values_of(table, name, rows, own) for name in metrics}
        series = {name: (steps, values) for name, (steps, values) in found.items() if len(steps)}
        yield replace(logged_run(table, roles.naming, key, row_of(rows), series), steps_in=roles.step)


def _says_when(table: Table, name: str) -> bool:
    """Whether a column of words says when each row was logged, by its name or as ``0:01:30`` or ``2024-05-01 10:00`` does."""
    texts = [str(cell).strip() for cell in column_of(table.columns[name]).texts()]
    return last_part(name) in CLOCKS or all(map(_TIME.fullmatch, texts))


def _ends_runs(table: Table, name: str, naming: Sequence[str]) -> bool:
    """Whether a column has one truth in every row but the last of some runs, which has the other, as ``done`` does."""
    codes, cells = column_of(table.columns[name]).distinct()
    if len(cells) != 2 or {text(cell).lower() for cell in cells} != {"true", "false"}:
        return False
    runs = [codes[rows] for rows in grouped(table, [other for other in naming if other != name]).values()]
    before = np.concatenate([run[:-1] for run in runs])
    ended = any(len(run) > 1 and run[-1] != run[0] for run in runs)
    return ended and len(set(before.tolist())) == 1
