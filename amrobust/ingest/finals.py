"""Tables of final values: one number a seed, without a column of steps.

A row a seed, with a column that names the method or a column for each; or a row a method, with a column a seed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from amrobust.errors import UserError
from amrobust.ingest.fields import LABELS, NUISANCES, is_chosen, last_part
from amrobust.ingest.logged import METHOD_KEYS, SEED_KEYS, LoggedRun
from amrobust.ingest.table import (
    Table,
    is_empty,
    is_measured,
    method_and_seed,
    text,
)
from amrobust.runs.files import shown
from amrobust.runs.metric import words

SUMMARIES = {
    "mean": ("mean", "avg", "average", "median"),
    "spread": ("std", "sd", "stdev", "std_dev", "stderr", "se", "sem", "var", "ci", "ci95"),
    "count": ("n", "count", "n_seeds", "seeds", "runs"),
}
"""Names of columns that summarise seeds, and so are none."""


def runs_of_finals(
    table: Table, naming: Sequence[str], seed: str | None, settings: Sequence[str]
) -> Iterator[LoggedRun]:
    """Every cell that is one seed's final value, as a run of one step; ``naming`` are the columns that name runs, ``settings``
    the numbers that were chosen before, which tell methods apart.

    Raises UserError where a table of summaries (mean, std, n) has no seed at all, and where nothing is a final value.
    """
    numeric = [name for name in table.columns if name not in naming]
    summaries = [name for name in numeric if any(last_part(name) in names for names in SUMMARIES.values())]
    values = [name for name in numeric if name not in summaries and not _is_no_result(table, name)]
    if not values and any(last_part(name) in SUMMARIES["mean"] for name in summaries):
        raise UserError(
            f"{shown(table.path)} has means, and no seeds ({', '.join(map(shown, summaries))}): 'amrobust judge-table' judges "
            "tables of mean, std and n"
        )
    if not values:
        raise UserError(
            f"{shown(table.path)} has neither steps nor final values: no column of numbers measures anything; the columns are "
            f"{', '.join(map(shown, list(table.columns)[:20]))}"
        )
    left: tuple[str, ...] = (
        (f"{', '.join(map(shown, summaries))} summarise the seeds, and are left out",) if summaries else ()
    )
    unknown = [name for name in values if not is_measured(name)]
    if len(unknown) < len(values) and unknown:
        left += (
            f"{', '.join(map(shown, unknown))} count as results: where they were chosen before the training, and tell methods "
            "apart, name them in --method-from",
        )
    seeds = {name: found for name in values if (found := method_and_seed(name.strip())) and not found[0]}
    if seed is None and len(seeds) == len(values) > 1 and naming:
        return _a_row_a_method(
            table, (*naming, *settings), {name: number for name, (_, number) in seeds.items()}, left
        )
    names_method = any(last_part(name) in METHOD_KEYS for name in naming)
    if names_method or (naming and any(map(is_measured, values))):
        return _a_row_a_seed(table, (*naming, *settings), values, seed, left)
    if len(values) > 1 and not any(map(is_measured, values)) and not set(naming) - {seed}:
        return _a_column_a_method(table, values, seed, left, settings)
    return _a_row_a_seed(table, (*naming, *settings), values, seed, left)


def _is_no_result(table: Table, name: str) -> bool:
    """Whether a column of numbers was there before the training, or says when and where it ran; or is empty."""
    part = last_part(name)
    return is_chosen(name) or part in NUISANCES | LABELS or all(map(is_empty, table.columns[name]))


def _run(
    table: Table,
    fields: Mapping[str, str],
    row: int,
    series: Mapping[str, float],
    notes: tuple[str, ...],
    name: str = "",
) -> LoggedRun:
    return LoggedRun(
        f"{table.label}{name}",
        {"name": Path(table.label).stem, **fields},
        {metric: (np.array([1.0]), np.array([value])) for metric, value in series.items()},
        (table.path,),
        notes=notes,
        line=table.lines[row],
    )


def _numbered(seed: str | None, row: int, taken: Mapping[str, str]) -> dict[str, str]:
    """The seed of a row that has none: its number. Rows of different methods then pair with nothing."""
    has_one = seed is not None or any(last_part(name) in SEED_KEYS for name in taken)
    return {} if has_one else {"seed": str(row)}


NUMBERED = "no column is a seed: every row is one, numbered in their order"


def _refuse_numbering(table: Table, groups: Mapping[str, Sequence[int]], columns: Sequence[str]) -> None:
    """Raise UserError where rows are no seed each: a column is called one, or numbers rise or fall as along a training."""
    for name in columns:
        if "seed" in words(name):
            raise UserError(
                f"{shown(table.path)}: {shown(name)} may be the seed: say so with --seed-from {shown(name)}, and what counts "
                "the steps, where a seed has several rows, with --step-from"
            )
    for name in columns:
        cells = table.columns[name]
        counts = [
            [table.number(name, row) for row in rows if not is_empty(cells[row])] for rows in groups.values()
        ]
        if any(len(found) > 2 for found in counts) and all(
            _rises(found) or _rises(found[::-1]) for found in counts
        ):
            raise UserError(
                f"{shown(table.path)}: no column is a step or a seed, and {shown(name)} only rises or only falls from row to "
                "row, as along a training: say what counts the steps with --step-from, or add a column seed"
            )


def _rises(values: Sequence[float]) -> bool:
    return all(a < b for a, b in pairwise(values))


def _a_row_a_seed(
    table: Table, naming: Sequence[str], values: Sequence[str], seed: str | None, notes: tuple[str, ...]
) -> Iterator[LoggedRun]:
    groups: dict[str, list[int]] = {}
    for row in range(len(table.lines)):
        key = "\0".join(text(table.columns[name][row]) for name in naming if last_part(name) in METHOD_KEYS)
        groups.setdefault(key, []).append(row)
    if seed is None:
        _refuse_numbering(table, groups, values)
    for row in range(len(table.lines)):
        fields = {name: text(table.columns[name][row]) for name in naming}
        own = _numbered(seed, row, fields)
        series = {name: table.number(name, row) for name in values if not is_empty(table.columns[name][row])}
        if series:
            yield _run(table, fields | own, row, series, (*notes, *((NUMBERED,) if own else ())))


def _a_column_a_method(
    table: Table, values: Sequence[str], seed: str | None, notes: tuple[str, ...], settings: Sequence[str]
) -> Iterator[LoggedRun]:
    if seed is None:
        _refuse_numbering(table, {"": range(len(table.lines))}, values)
    said = f"the columns {', '.join(map(shown, values))} are methods, of one metric"
    for name in values:
        for row in range(len(table.lines)):
            if not is_empty(table.columns[name][row]):
                fields = {"method": name, "seed": text(table.columns[seed][row]) if seed else str(row)}
                fields |= {setting: text(table.columns[setting][row]) for setting in settings}
                numbered = () if seed else (NUMBERED,)
                found = {"value": table.number(name, row)}
                yield _run(table, fields, row, found, (*notes, said, *numbered), f": {name}")


def _a_row_a_method(
    table: Table, naming: Sequence[str], seeds: Mapping[str, str], notes: tuple[str, ...]
) -> Iterator[LoggedRun]:
    for row in range(len(table.lines)):
        fields = {name: text(table.columns[name][row]) for name in naming}
        for name, number in seeds.items():
            if not is_empty(table.columns[name][row]):
                found = {"value": table.number(name, row)}
                yield _run(table, fields | {"seed": number}, row, found, notes, f": {name}")
