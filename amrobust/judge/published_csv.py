"""A published table in CSV: what each column is, and its rows as the tables that TOML has; a column that is none is refused."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amrobust.errors import UserError
from amrobust.runs.documents import read_text
from amrobust.runs.files import escape
from amrobust.runs.metric import MetricChoice, is_parameter, some_of
from amrobust.runs.summaries import COUNTS, MEANS, METHOD_KEYS, STDS, SUMMARIES, summary_of

SEPARATORS = {".csv": ",", ".tsv": "\t"}
ROLES = {
    "method": (*METHOD_KEYS, "model", "name"),
    "mean": MEANS,
    "std": STDS,
    "n": COUNTS,
    "avg_std": ("avg_std",),
    "metric": ("metric",),
    "unit": ("unit", "units"),
}
"""What the columns of a table of means are called, the first of each where several are there."""
NEEDED = ("method", "mean", "std", "n")
WORKLOADS = frozenset((
    "dataset", "data_set", "workload", "task", "env", "environment", "game", "problem", "model",
))  # fmt: skip
"""Rows that differ in one of these are not compared."""
SETTINGS = frozenset((
    "option", "m", "k", "beta", "alpha", "gamma", "eta", "nesterov", "width", "depth", "layers", "schedule", "scheduler",
))  # fmt: skip
"""What was chosen before the training, beside what is never a metric: it tells two rows of one method apart."""
ROW_NUMBERS = frozenset(("", "unnamed: 0", "index", "row", "#"))
NOTES = frozenset(("note", "notes", "comment", "comments"))


@dataclass(frozen=True)
class _Row:
    """A row as TOML has it, and what its other columns say; ``metric`` is None where no column does."""

    printed: dict[str, Any]
    metric: str | None
    unit: str
    workload: str
    settings: dict[str, str]


def tables_of_csv(path: Path, metric: str | None) -> dict[str, Any]:
    """The tables of a CSV file, one a data set, as TOML has them; ``metric``, as ``--metric`` has it, chooses its rows.

    Raises UserError on a column that is not known: what it says of the rows may be that they cannot be compared.
    """
    names, lines = _cells(path)
    places = {
        role: next((names.index(each) for each in usual if each in names), None)
        for role, usual in ROLES.items()
    }
    pairs = _of_metrics(names) if places["mean"] is None and places["std"] is None else {}
    of = _chosen(path, pairs, metric) if pairs else "value"
    if pairs:
        places["mean"], places["std"] = pairs[of]
    if missing := [role for role in NEEDED if places[role] is None]:
        raise UserError(
            f"{path} has no column {missing[0]!r}; there are {', '.join(names[:20]) or 'none'}. A table of means has "
            f"{', '.join(NEEDED)}, n being the number of seeds"
        )
    _refuse_ragged(path, names, lines)
    workloads, settings = _others(
        path, names, [*places.values(), *(p for pair in pairs.values() for p in pair)], lines
    )
    rows = []
    for number, cells in lines:
        found = {role: cells[place] for role, place in places.items() if place is not None}
        try:
            row: dict[str, Any] = {
                "method": found["method"],
                "n": _whole(found["n"]),
                "final_mean": _number(found["mean"]),
                "final_std": _number(found["std"]),
                "avg_std": _number(found.get("avg_std", "")),
                "where": f"line {number}",
            }
        except ValueError:
            garbled = True
        else:
            garbled = not row["method"]
        if garbled:
            raise UserError(f"{path}, line {number}: {','.join(cells)!r:.100} lacks a number, or garbles one")
        if row["method"].lower() in (*SUMMARIES["mean"], "overall"):
            raise UserError(
                f"{path}, line {number}: a row {escape(row['method'])!r} sums up others: leave it out, or, where it is a "
                "method, give it another name"
            )
        rows.append(
            _Row(
                row,
                found.get("metric"),
                found.get("unit", ""),
                ", ".join(filter(None, (cells[place] for place in workloads))) or path.stem,
                {names[place]: cells[place] for place in settings},
            )
        )
    name, rows = _of_one_metric(path, rows, metric, of)
    groups: dict[str, list[_Row]] = defaultdict(list)
    for each in rows:
        groups[each.workload].append(each)
    return {
        workload: {"metric": name, "unit": _unit(path, group), "rows": _named_apart(group)}
        for workload, group in groups.items()
    }


def _cells(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The names of the columns, in lower case, and the rows that are not empty, each with its line."""
    text = read_text(path, "table").removeprefix("\ufeff")
    reader = csv.reader(text.splitlines(), delimiter=SEPARATORS[path.suffix.lower()])
    try:
        every = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader]
    except csv.Error as error:
        raise UserError(f"cannot read {path} as CSV: {error}") from None
    names = [name.lower() for name in every[0][1]] if every else []
    return names, [(number, cells) for number, cells in every[1:] if any(cells)]


def _refuse_ragged(path: Path, names: Sequence[str], lines: Sequence[tuple[int, list[str]]]) -> None:
    """Raise UserError where a row has not a cell for each column: 92,1 would be two numbers."""
    for number, cells in lines:
        if len(cells) < len(names) or any(cells[len(names) :]):
            raise UserError(
                f"{path}, line {number}: {','.join(cells)!r:.100} has {len(cells)} cells, and there are {len(names)} columns: "
                "give a cell to each, and a number a decimal point, not a comma"
            )


def _others(
    path: Path, names: Sequence[str], taken: Iterable[int | None], lines: Sequence[tuple[int, list[str]]]
) -> tuple[list[int], list[int]]:
    """The columns that tell data sets apart, and those of settings. Raises UserError on one that is not known."""
    workloads: list[int] = []
    settings: list[int] = []
    known = set(taken)
    for place, name in enumerate(names):
        if place in known or name in NOTES:
            continue
        cells = [row[place] for _, row in lines]
        if name in ROW_NUMBERS and all(not cell or cell.isdecimal() for cell in cells):
            continue
        again = name in names[:place]
        if name in WORKLOADS and not again:
            workloads.append(place)
        elif (name in SETTINGS or is_parameter(name)) and name != "seed" and not again:
            settings.append(place)
        else:
            what = "is there twice" if again else "is not known in a table of means"
            raise UserError(
                f"{path}: the column {escape(name)!r} {what}: remove it, or, where it tells rows apart, put it into the "
                "method's name or call it dataset"
            )
    return workloads, settings


def _of_metrics(names: Sequence[str]) -> dict[str, tuple[int, int]]:
    """By metric the columns of its mean and its standard deviation: acc_mean, or acc itself, and acc_std."""
    said = [summary_of(name) for name in names]
    stds = {
        of: place
        for place, (kind, of) in enumerate(said)
        if kind == "spread" and of and {*re.split(r"[\W_]+", names[place])} & {*STDS}
    }
    means = {of: place for way in ("", "mean") for place, (kind, of) in enumerate(said) if kind == way and of}
    return {of: (means[of], place) for of, place in stds.items() if of in means}


def _chosen(path: Path, pairs: Mapping[str, tuple[int, int]], metric: str | None) -> str:
    """The metric of several that is judged. Raises UserError where none of them is chosen."""
    wanted = MetricChoice.parse(metric).logged.lower() if metric else ""
    if len(pairs) > 1 and wanted not in pairs:
        raise UserError(f"{path} has means of {some_of(pairs)}: choose one with --metric")
    return wanted if wanted in pairs else next(iter(pairs))


def _of_one_metric(path: Path, rows: list[_Row], metric: str | None, of: str) -> tuple[str, list[_Row]]:
    """The metric that is judged, called ``of`` where no column and no user names it, and its rows.

    Raises UserError where the column ``metric`` has several, or another.
    """
    choice = MetricChoice.parse(metric) if metric else None
    there = list(dict.fromkeys(row.metric for row in rows if row.metric is not None))
    if not there:
        return choice.name if choice else of, rows
    if choice is None and len(there) > 1:
        raise UserError(f"{path}: the column 'metric' has {some_of(there)}: choose one with --metric")
    wanted = choice.logged if choice else there[0]
    if wanted not in there:
        raise UserError(
            f"{path}: the column 'metric' has no {escape(wanted)!r}: choose one with --metric, of {some_of(there)}"
        )
    return (choice.name if choice else wanted) or "value", [row for row in rows if row.metric == wanted]


def _unit(path: Path, rows: Sequence[_Row]) -> str:
    units = list(dict.fromkeys(row.unit for row in rows))
    if len(units) > 1:
        raise UserError(
            f"{path}: the column 'unit' has {', '.join(escape(unit) or 'nothing' for unit in units)} in rows that would be "
            "compared: bring them to one unit"
        )
    return units[0]


def _named_apart(rows: Sequence[_Row]) -> list[dict[str, Any]]:
    """The rows with the settings in which they differ behind the methods' names, as the m of TOML is."""
    differing = [name for name in rows[0].settings if len({row.settings[name] for row in rows}) > 1]
    found = []
    for row in rows:
        said = ", ".join(f"{name}={row.settings[name]}" for name in differing if row.settings[name])
        found.append(row.printed | ({"method": f"{row.printed['method']} ({said})"} if said else {}))
    return found


def _number(cell: str) -> float | None:
    if "_" in cell:  # Python would read 9_2 as 92.
        raise ValueError
    return float(cell) if cell else None


def _whole(cell: str) -> int | float:
    """A count as a whole number, also where it is written 5.0; another number as it is, to be refused as a TOML file's is."""
    number = _number(cell)
    if number is None:
        raise ValueError
    return int(number) if number.is_integer() else number
