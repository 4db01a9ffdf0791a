"""Tables of final values: one number per seed, without a column of steps.

A row per seed, with a column that names the method or a column for each; or a row per method, with a column per seed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from amrobust.errors import UserError
from amrobust.ingest.cells import refuse_numerals
from amrobust.ingest.columns import column_of
from amrobust.ingest.fields import LABELS, NUISANCES, is_chosen, is_sorting, left_out
from amrobust.ingest.logged import (
    CLOCKS,
    COLUMN,
    METHOD_KEYS,
    SEED_KEYS,
    WORKLOAD_KEYS,
    LoggedRun,
    Wanted,
    last_part,
)
from amrobust.ingest.table import Table, is_empty, is_measured, is_number, method_and_seed, text
from amrobust.runs.files import escape, quoted
from amrobust.runs.metric import is_parameter, words
from amrobust.runs.summaries import SUMMARIES, summary_of

_SPREAD = re.compile(r"[-+]?\d+(?:\.\d*)?\s*%?\s*(?:±|\+/?-|\\pm|\$\\pm\$|\(\s*[\d.]+\s*\)).*")
"""A mean with its spread: 93.1 ± 0.4, 93.1 +- 0.4, 93.1 (0.4)."""
_MINUS = re.compile(r"[\u2212\u2013]\d+(?:\.\d*)?")


def runs_of_finals(
    table: Table, naming: Sequence[str], settings: Sequence[str], seed: str | None, wanted: Wanted
) -> Iterator[LoggedRun]:
    """Every cell that is one seed's final value, as a run of one step; ``naming`` are the columns that name runs, ``settings``
    the numbers that were chosen before the training, such as a learning rate, which tell methods apart.

    Raises UserError where a table of summaries (mean, std, n) has no seed at all, where nothing is a final value, and where
    rows cannot be numbered as seeds.
    """
    numeric = [name for name in table.columns if name not in naming]
    numbered = seed is None and wanted.seed is None
    if COLUMN in wanted.naming and not set(naming) - {seed}:
        methods = [name for name in numeric if name not in wanted.nuisances]
        odd = [name for name in methods if is_parameter(name)]
        warned = f"{', '.join(map(escape, odd))}: settings by their names; leave them out with --nuisance where they are"
        return _a_column_a_method(table, methods, seed, (warned,) if odd else (), (), numbered=numbered)
    summaries = [name for name in numeric if any(last_part(name) in names for names in SUMMARIES.values())]
    results = [name for name in numeric if name not in summaries and name not in settings]
    values = [
        name
        for name in results
        if (name in wanted.metrics and not is_parameter(name)) or not _is_no_result(table, name)
    ]
    told = [name for name in table.columns if name in naming or name in settings]
    spreads = _spreads(results, wanted)
    means = [*spreads.values(), *spreads, *summaries]
    if (not values and any(last_part(name) in SUMMARIES["mean"] for name in summaries)) or _is_of_means(
        table, told, seed, spreads
    ):
        raise UserError(
            f"{escape(table.path)} has means, and no seeds ({', '.join(map(escape, means))}): "
            "'amrobust judge-table' judges tables of mean, std and n"
        )
    if not values:
        _refuse_cells(table)
        raise UserError(
            f"{escape(table.path)} has neither steps nor final values: no column of numbers measures anything; the columns are "
            f"{', '.join(map(escape, list(table.columns)[:20]))}; where each is a method, say so with --method-from column"
        )
    left: tuple[str, ...] = (
        (f"{', '.join(map(escape, summaries))} summarise the seeds, and are left out",) if summaries else ()
    )
    values = [name for name in values if name not in spreads]
    if spreads:
        left += (
            f"{', '.join(map(escape, spreads))}: how other columns spread; left out unless asked for by name",
        )
    for name in numeric:
        if last_part(name) in NUISANCES and is_sorting(cells := [text(cell) for cell in table.columns[name]]):
            left += (left_out(name, cells),)
    unknown = [name for name in values if not is_measured(name)]
    if len(unknown) < len(values) and unknown:
        left += (
            f"{', '.join(map(escape, unknown))} count as results: where they were chosen before the training, and tell methods "
            "apart, name them in --method-from",
        )
    counted = _counted(values)
    if wanted.seed == COLUMN and counted and told:
        return a_row_a_method(table, told, counted, left, seed=COLUMN)
    seeds = {name: found for name in values if (found := method_and_seed(name.strip())) and not found[0]}
    if seed is None and len(seeds) == len(values) > 1 and told:
        return a_row_a_method(table, told, {name: number for name, (_, number) in seeds.items()}, left)
    # One of r1, r2, r3 is called as a metric by chance; top1 and top5 both are.
    if numbered and told and counted and not all(map(is_measured, values)):
        parts = {name: last_part(name) for name in told}
        other = next((name for name in told if parts[name] not in WORKLOAD_KEYS), told[0])
        by = "" if {*METHOD_KEYS} & {*parts.values()} else f"--method-from {quoted(other)} "
        raise UserError(
            f"{escape(table.path)}: the columns {', '.join(map(escape, values[:4]))}{', ...' * (len(values) > 4)} may be the "
            f"seeds of their rows, or metrics of one seed a row: where they are seeds, say so with {by}--seed-from column, "
            f"where metrics with {by}--seed-from number"
        )
    if seed is None and wanted.seed is None and told and 1 < len(seeds) < len(values):
        odd = [name for name in values if name not in seeds]
        options = " ".join(f"--nuisance {quoted(name)}" for name in odd)
        raise UserError(
            f"{escape(table.path)}: {', '.join(map(escape, list(seeds)[:4]))}{', ...' * (len(seeds) > 4)} may be the seeds of "
            f"their rows, and {', '.join(map(escape, odd))} is none: where that is no result of a seed, say so with {options}; "
            "else give each seed a row"
        )
    methods = [name for name in told if last_part(name) in METHOD_KEYS or name in wanted.naming - {seed}]
    if numbered and not any(last_part(name) in SEED_KEYS for name in told):
        clocks = [name for name in numeric if last_part(name) in (*CLOCKS, "run")]
        _refuse_numbering(table, methods, [*values, *clocks])
    if not methods and len(values) > 1 and not any(map(is_measured, values)) and not set(naming) - {seed}:
        return _a_column_a_method(table, values, seed, left, settings, numbered=numbered)
    workloads = [name for name in told if last_part(name) in WORKLOAD_KEYS]
    return _a_row_a_seed(table, told, values, [*methods, *workloads], left, numbered=numbered)


def _counted(names: Sequence[str]) -> dict[str, str]:
    """The numbers behind ``names`` that are one word each with another number, such as s101 and s202; none of others."""
    found = {name: match for name in names if (match := re.fullmatch(r"(.*?)(\d+)", name.strip()))}
    alike = len(found) == len(names) > 1 and len({match[1] for match in found.values()}) == 1
    return {name: match[2] for name, match in found.items()} if alike else {}


def _spreads(results: Sequence[str], wanted: Wanted) -> dict[str, str]:
    """The columns that say how another spread, such as acc_se beside acc, with that other; none that is asked for."""
    whole = {of: name for name in results for kind, of in (summary_of(name),) if kind in ("", "mean")}
    found = {name: of for name in results for kind, of in (summary_of(name),) if kind == "spread" and of}
    return {name: whole[of] for name, of in found.items() if of in whole and name not in wanted.metrics}


def _is_of_means(table: Table, told: Sequence[str], seed: str | None, spreads: Mapping[str, str]) -> bool:
    """Whether rows are means of seeds: something says how these spread, nothing which seed it is, and none is there twice."""
    rows = {tuple(text(table.columns[name][row]) for name in told) for row in range(len(table.lines))}
    return bool(spreads) and seed is None and bool(told) and len(rows) == len(table.lines)


def _refuse_cells(table: Table) -> None:
    """Raise UserError where cells are numbers that are written as none is read, and no column of numbers is there."""
    for name, cells in table.columns.items():
        if last_part(name) not in METHOD_KEYS:
            # A column per seed, which ends in its number, has no name of a metric.
            refuse_numerals(table, name, "value" if name.strip()[-1:].isdecimal() else name)
        texts = [str(cell).strip() for cell in column_of(cells).texts()]
        if texts and all(map(_SPREAD.fullmatch, texts)):
            raise UserError(
                f"{escape(table.path)}: the cells of {escape(name)} ({escape(texts[0])}) are means with their spreads, and no "
                "single runs: 'amrobust judge-table' judges them; where "
                "every row is one seed, leave the number alone"
            )
        if any(map(_MINUS.fullmatch, texts)):
            raise UserError(
                f"{escape(table.path)}: the numbers of {escape(name)} have a minus sign of print ({escape(texts[0])}): write -"
            )


def counting_column(runs: Sequence[LoggedRun]) -> str | None:
    """The column of numbers, no metric by its name, that has another in every one of ``runs``, final values of one seed."""
    if not all(run.final for run in runs):
        return None
    for name in dict.fromkeys(name for run in runs for name in (*run.fields, *run.series)):
        if name == "name" or is_measured(name) or last_part(name) in SEED_KEYS:
            continue
        cells = [
            run.fields.get(name, "")
            if name in run.fields
            else text(float(run.series[name][1][0]))
            if name in run.series
            else ""
            for run in runs
        ]
        if all(map(is_number, cells)) and len(set(cells)) == len(cells):
            return name
    return None


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
    numbered: bool = False,
) -> LoggedRun:
    return LoggedRun(
        f"{table.label}{name}",
        {"name": Path(table.label).stem, **fields},
        {metric: (np.array([1.0]), np.array([value])) for metric, value in series.items()},
        (table.path,),
        notes=(*notes, NUMBERED) if numbered else notes,
        line=table.lines[row],
        final=True,
        numbered=numbered,
    )


TREND, LEAST_ROWS = 0.8, 8
"""Of eight seeds of two methods in any order, one pair in 5000 correlates as much with its rows."""
NUMBERED = "no column is a seed: every row is one, numbered in their order"


def _refuse_numbering(table: Table, methods: Sequence[str], columns: Sequence[str]) -> None:
    """Raise UserError where rows are no seed each: a column is called one, or counts the rows of every method in ``columns``.

    That it does where its numbers rise or fall from row to row, as along a training, or, in whatever order the rows are, where
    no method has one twice and they are evenly spaced whole numbers, or the same for all methods.
    """
    groups: dict[tuple[str, ...], list[int]] = {}
    for row in range(len(table.lines)):
        groups.setdefault(tuple(text(table.columns[name][row]) for name in methods), []).append(row)
    for name in columns:
        if "seed" in words(name):
            raise UserError(
                f"{escape(table.path)}: {escape(name)} may be the seed: say so with --seed-from {quoted(name)}, and what "
                "counts the steps, where a seed has several rows, with --step-from"
            )
    for name in columns:
        cells = table.columns[name]
        counts = [
            [table.number(name, row) for row in rows if not is_empty(cells[row])] for rows in groups.values()
        ]
        if not any(len(found) > 2 for found in counts):
            continue
        if all(_rises(found) or _rises(found[::-1]) for found in counts):
            raise UserError(
                f"{escape(table.path)}: no column is a step or a seed, and {escape(name)} only rises or only falls from row to "
                "row, as along a training: say what counts the steps with --step-from, "
                + (
                    "that the rows are seeds with --seed-from number"
                    if is_measured(name)
                    else f"that it is the seed with --seed-from {quoted(name)}"
                )
                + ", or add a column seed"
            )
        if is_measured(name):
            _refuse_trend(table, counts, f"{escape(name)} in every method")
            continue
        ascending = [sorted(found) for found in counts]
        even = all(
            len({b - a for a, b in pairwise(found)}) < 2 and all(map(float.is_integer, found))
            for found in ascending
        )
        same = len(counts) > 1 and all(found == ascending[0] for found in ascending)
        if (even or same) and all(map(_rises, ascending)):
            raise UserError(
                f"{escape(table.path)}: no column is a step or a seed, and {escape(name)} counts the rows of every method: say "
                f"that it is the seed with --seed-from {quoted(name)}, or counts steps with --step-from {quoted(name)}, or "
                "add a column seed"
            )


def _refuse_trend(table: Table, groups: Sequence[Sequence[float]], where: str) -> None:
    """Raise UserError where the values of all ``groups`` go one way with the number of their row, as along a training."""
    if len(groups) < 2 or min(map(len, groups)) < LEAST_ROWS or not np.isfinite(np.concatenate(groups)).all():
        return
    # Spearman's correlation, ties in the order of their rows.
    ranks = [np.argsort(np.argsort(group, kind="stable")) for group in groups]
    with np.errstate(invalid="ignore"):
        trends = [
            np.corrcoef(rank, np.arange(len(rank)))[0, 1] if np.ptp(group) > 0 else 0.0
            for rank, group in zip(ranks, groups, strict=True)
        ]
    if min(trends) > TREND or max(trends) < -TREND:
        way = "rise" if min(trends) > 0 else "fall"
        raise UserError(
            f"{escape(table.path)}: no column is a step or a seed, and the values of {where} {way} from row to row, as along a "
            "training: say that the rows are steps of one run with --step-from index, or seeds with --seed-from number"
        )


def _rises(values: Sequence[float]) -> bool:
    return all(a < b for a, b in pairwise(values))


def _a_row_a_seed(
    table: Table,
    naming: Sequence[str],
    values: Sequence[str],
    apart: Sequence[str],
    notes: tuple[str, ...],
    *,
    numbered: bool,
) -> Iterator[LoggedRun]:
    """Rows without a seed are numbered within what the columns ``apart`` tell apart."""
    count: Counter[tuple[str, ...]] = Counter()
    for row in range(len(table.lines)):
        fields = {name: text(table.columns[name][row]) for name in naming}
        # A field such as config.seed is one too.
        own = numbered and not any(last_part(name) in SEED_KEYS for name in fields)
        key = tuple(fields[name] for name in apart)
        series = {name: table.number(name, row) for name in values if not is_empty(table.columns[name][row])}
        if series:
            seed = {"seed": str(count[key])} if own else {}
            count[key] += 1
            yield _run(table, fields | seed, row, series, notes, numbered=own)


def _a_column_a_method(
    table: Table,
    values: Sequence[str],
    seed: str | None,
    notes: tuple[str, ...],
    settings: Sequence[str],
    *,
    numbered: bool,
) -> Iterator[LoggedRun]:
    if numbered and seed is None:
        rows = range(len(table.lines))
        _refuse_trend(
            table,
            [
                [table.number(name, r) for r in rows if not is_empty(table.columns[name][r])]
                for name in values
            ],
            "every column",
        )
    said = f"the columns {', '.join(map(escape, values))} are methods, of one metric"
    for name in values:
        for row in range(len(table.lines)):
            if not is_empty(table.columns[name][row]):
                known = {name: text(table.columns[name][row]) for name in settings}
                if seed or numbered:
                    known |= {seed: text(table.columns[seed][row])} if seed else {"seed": str(row)}
                found = {"value": table.number(name, row)}
                yield _run(
                    table,
                    {"method": name, COLUMN: name, **known},
                    row,
                    found,
                    (*notes, said),
                    f": {name}",
                    numbered=numbered,
                )


def a_row_a_method(
    table: Table,
    naming: Sequence[str],
    seeds: Mapping[str, str],
    notes: tuple[str, ...] = (),
    *,
    seed: str = "seed",
) -> Iterator[LoggedRun]:
    """Every cell of the columns ``seeds``, which have the seeds that they say, as a run; ``seed`` is the field that says it."""
    for row in range(len(table.lines)):
        fields = {name: text(table.columns[name][row]) for name in naming}
        for name, number in seeds.items():
            if not is_empty(table.columns[name][row]):
                found = {"value": table.number(name, row)}
                yield _run(table, fields | {seed: number}, row, found, notes, f": {name}")
