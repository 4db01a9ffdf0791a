"""Which columns of numbers of a table of final values were chosen before the training, and which may have been: asked about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from amrobust.errors import UserError
from amrobust.ingest.columns import Rows, column_of
from amrobust.ingest.fields import LABELS, NUISANCES, is_balanced, is_chosen
from amrobust.ingest.logged import COLUMN, METHOD_KEYS, Wanted, last_part
from amrobust.ingest.table import Cell, Table, is_empty, is_measured, method_and_seed, text
from amrobust.runs.files import escape, quoted
from amrobust.runs.metric import is_parameter, words

FLOATS = frozenset({"4", "8", "16", "32", "64", "16.0", "32.0", "64.0"})
"""How many bits a float has."""


def chosen_of(
    table: Table,
    naming: Sequence[str],
    seed: str | None,
    wanted: Wanted,
    grouped: Mapping[tuple[str, ...], Rows],
    methods: Sequence[Rows],
) -> list[str]:
    """The columns beside those in ``naming`` that were chosen before the training, or say nothing of it by the user's word.

    They have a setting's name, hold truths, some methods have none of it, or every method has the same numbers in them.
    ``grouped`` are the rows of each run, ``methods`` those of each method. Raises UserError on others that hold few different
    numbers again and again: they may be settings, steps or measured.
    """
    rest = [name for name in table.columns if name not in naming and last_part(name) not in NUISANCES]
    chosen = {name for name in rest if _is_chosen_by_name(table, name, wanted)}
    open_ = [name for name in rest if name not in chosen and may_be_chosen(table, name, wanted)]
    others = [name for name in naming if name != seed]
    # Where a seed has several rows, what tells them apart may be a step as well.
    balanced = {
        name
        for name in open_
        if seed is not None and others and len(grouped) == len(table.lines)
        if is_balanced(column_of(table.columns[name]), methods)
    }
    if not set(rest) <= chosen | balanced:  # A table has something measured.
        chosen |= balanced
    # What may be the seed, or tells rows of one seed apart, is asked about where these are read.
    elsewhere = COLUMN in wanted.naming or (
        len(grouped) < len(table.lines)
        if seed is not None
        else any("seed" in words(name) for name in table.columns)
    )
    unclear = []
    for name in () if elsewhere else open_:
        if name in chosen or name.strip().isdecimal() or method_and_seed(name.strip()):
            continue
        by = [other for other in others if len({text(c) for c in table.columns[other]}) < len(table.lines)]
        found = _kind(table, name, by, methods)
        if found == "chosen":
            chosen.add(name)
        elif found == "unclear":
            unclear.append(name)
    if set(unclear) == set(rest) - chosen:
        return [name for name in rest if name in chosen and (not unclear or name not in balanced)]
    if unclear:
        codes = column_of(table.columns[unclear[0]]).distinct()[0]
        once = all(len(np.unique(codes[rows])) == len(codes[rows]) for rows in grouped.values())
        raise UserError(_asks(table, unclear, others, seeds=seed is None and wanted.seed is None and once))
    return [name for name in rest if name in chosen]


def may_be_chosen(table: Table, name: str, wanted: Wanted) -> bool:
    """Whether numbers of this name may be a setting: they are not asked for, and their name is no metric's.

    The precision of a classifier is one, that of its floats is none.
    """
    if (
        last_part(name) == "precision"
        and {text(cell) for cell in column_of(table.columns[name]).distinct()[1]} <= FLOATS
    ):
        return True
    return name not in wanted.metrics and not is_measured(name)


def _is_chosen_by_name(table: Table, name: str, wanted: Wanted) -> bool:
    if {name, last_part(name)} & wanted.nuisances or last_part(name) in LABELS:
        return True
    if name in wanted.metrics:
        return is_chosen(name) and is_parameter(name)
    cells = column_of(table.columns[name]).distinct()[1]
    return is_chosen(name) or (
        any(isinstance(cell, bool) for cell in cells)
        and all(isinstance(cell, bool) or is_empty(cell) for cell in cells)
    )


def _kind(table: Table, name: str, by: Sequence[str], methods: Sequence[Rows]) -> str:
    """Whether a column of numbers was "chosen", or is "unclear", or may be "measured".

    Where it is the same throughout each group it tells none apart, and was chosen where one has none.
    """
    groups: dict[tuple[str, ...], list[Cell]] = defaultdict(list)
    for row, cell in enumerate(table.columns[name]):
        groups[tuple(text(table.columns[other][row]) for other in by)].append(
            None if is_empty(cell) else cell
        )
    if len({cell for cells in groups.values() for cell in cells}) < 2:
        return "measured"
    if all(len(set(cells)) == 1 for cells in groups.values()) and 2 * len(groups) <= len(table.lines):
        return "chosen" if any(None in cells for cells in groups.values()) else "measured"
    filled = [[cell for cell in cells if cell is not None] for cells in groups.values()]
    few = 2 * sum(len(set(cells)) for cells in filled) <= sum(map(len, filled))
    column = column_of(table.columns[name])
    codes, cells = column.distinct()
    counts = [np.bincount(codes[rows], minlength=len(cells)) for rows in methods]
    # By chance no two methods measure the same numbers.
    same = len(counts) > 1 and all((count == counts[0]).all() for count in counts) and counts[0].max() > 1
    return "unclear" if few or same else "measured"


def _asks(table: Table, names: Sequence[str], others: Sequence[str], *, seeds: bool) -> str:
    """What is asked of columns that hold few different numbers, with the options that answer; ``seeds``: these may be some."""
    first = quoted(names[0])
    numbers = list(dict.fromkeys(filter(None, map(text, table.columns[names[0]]))))
    some = ", ".join(map(escape, numbers[:4])) + (", ..." if numbers[4:] else "")
    have = "holds" if len(names) == 1 else "hold"
    methods = [name for name in others if last_part(name) in METHOD_KEYS] or list(others)
    both = quoted(",".join([*methods[:1], names[0]]))
    return (
        f"{escape(table.path)}: {', '.join(map(escape, names))} {have} the same numbers again and again ({some}): say "
        + f"--seed-from {first} where {escape(names[0])} is the seed, " * seeds
        + f"--method-from {both} where {escape(names[0])} tells methods apart, --step-from {first} where it counts steps (then "
        f"a column says which run each row is of), --metric {quoted(names[0] + ':higher')} or :lower where it is measured, "
        f"--nuisance {first} where it is none of these"
    )
