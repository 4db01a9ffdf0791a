"""A printed table of means: what each column is, and its rows as the tables that TOML has; a column that is none is refused."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from amrobust.errors import UserError
from amrobust.judge.published_print import EMPTY, Grid, mean_and_std
from amrobust.runs.files import escape
from amrobust.runs.metric import MetricChoice, direction_by_name, is_parameter, some_of
from amrobust.runs.summaries import COUNTS, MEANS, METHOD_KEYS, STDS, SUMMARIES, summary_of

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
NEEDED = ("method", "mean", "std")
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


def tables_of_grid(grid: Grid, metric: str | None, seeds: int | None) -> dict[str, Any]:
    """The tables of a printed one, one a data set, as TOML has them; ``metric``, as ``--metric`` has it, chooses its rows.

    Columns are method, mean, std, n and the like, or have cells ``95.1 ± 0.2``: of several such columns whose names are no
    metrics' each is a data set. The seeds are those of a column n, else of the caption, else ``seeds``.

    Raises UserError on a column that is not known, since what it says of the rows may be that they cannot be compared; on
    numbers in brackets, or behind ±, of which it is said that they are no standard deviations, or not that they are; and where
    the seeds are not said, or said twice.
    """
    where = grid.where
    _refuse_ragged(grid)
    names, lines, said = _apart(grid, metric)
    places = {
        role: next((names.index(each) for each in usual if each in names), None)
        for role, usual in ROLES.items()
    }
    if (
        places["method"] is None
        and names
        and not names[0]
        and not all(cells[0].isdecimal() for _, cells in lines)
    ):
        places["method"] = 0
    pairs = _of_metrics(names) if places["mean"] is None and places["std"] is None else {}
    of = _chosen(where, pairs, metric) if pairs else "value"
    if pairs:
        places["mean"], places["std"] = pairs[of]
    if missing := [role for role in NEEDED if places[role] is None]:
        raise UserError(
            f"{where} has no column {missing[0]!r}; there are {', '.join(names[:20]) or 'none'}. A table of means has "
            f"{', '.join(NEEDED)} and n, the number of seeds, or cells such as 95.1 ± 0.2"
        )
    n = None if places["n"] is not None else _seeds(grid, seeds)
    if n is None and seeds is not None:
        raise UserError(f"{where} has a column of the numbers of seeds: leave --seeds out")
    workloads, settings = _others(
        where, names, [*places.values(), *(p for pair in pairs.values() for p in pair)], lines
    )
    rows = []
    for number, cells in lines:
        found = {role: cells[place] for role, place in places.items() if place is not None}
        try:
            row: dict[str, Any] = {
                "method": found["method"],
                "n": _whole(found["n"]) if n is None else n,
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
            raise UserError(
                f"{where}, line {number}: {','.join(cells)!r:.100} lacks a number, or garbles one"
            )
        if row["method"].lower() in (*SUMMARIES["mean"], "overall"):
            raise UserError(
                f"{where}, line {number}: a row {escape(row['method'])!r} sums up others: leave it out, or, where it is a "
                "method, give it another name"
            )
        rows.append(
            _Row(
                row,
                found.get("metric"),
                found.get("unit", said[of].unit if of in said else ""),
                ", ".join(filter(None, (cells[place] for place in workloads))) or grid.name,
                {names[place]: cells[place] for place in settings},
            )
        )
    name, rows = _of_one_metric(where, rows, metric, of)
    groups: dict[str, list[_Row]] = defaultdict(list)
    for each in rows:
        groups[each.workload].append(each)
    better = {"better": said[of].better} if of in said and said[of].better else {}
    return {
        workload: {"metric": name, "unit": _unit(where, group), "rows": _named_apart(group)} | better
        for workload, group in groups.items()
    }


@dataclass(frozen=True)
class _Header:
    """What a printed column's header says: ``Accuracy (%) ↑ (mean ± std)`` a name, a unit and a direction."""

    printed: str
    name: str
    unit: str
    better: str | None

    @classmethod
    def of(cls, printed: str) -> _Header:
        arrows = {way for arrow, way in (("↑", "higher"), ("↓", "lower")) if arrow in printed}
        text = re.sub(r"\(\s*[↑↓]\s*\)|[↑↓]", " ", printed)
        unit = "%" if "%" in text else ""
        text = re.sub(r"[\[(]\s*%\s*[\])]|%", " ", text)
        text = re.sub(
            rf"[\[(]?(?:mean)?\s*±\s*(?:{_STD})?[\])]?|[\[(]\s*{_STD}\s*[\])]", " ", text, flags=re.IGNORECASE
        )
        name = " ".join(text.split()).strip(" ,:#")
        low = name.lower()
        return cls(
            name,
            "" if low in (*MEANS, "result", "results") else low,
            unit,
            arrows.pop() if len(arrows) == 1 else None,
        )


_STD = r"(?:std\.?|s\.?d\.?|stdev|std\.? ?dev\.?|standard deviations?)"
_NO_STD = re.compile(
    r"standard errors?|std\.? ?err|\bs\.?e\.?m?\b\.?|confidence|\bci\b|9\d ?% (?:interval|ci)|min(?:imum)? and max",
    re.IGNORECASE,
)
_SAID_STD = re.compile(rf"\b{_STD}(?![a-z])", re.IGNORECASE)


def _apart(
    grid: Grid, metric: str | None
) -> tuple[list[str], list[tuple[int, list[str]]], dict[str, _Header]]:
    """The columns' names in lower case and the rows with a mean and a std in place of each cell that has both.

    What a header says besides is kept by the name that :func:`_of_metrics` finds, ``value`` where it has none.
    """
    columns = [[cells[place] for _, cells in grid.rows] for place in range(len(grid.header))]
    both = [place for place, cells in enumerate(columns) if any(map(mean_and_std, cells))]
    names = [name.lower().strip("# ") or name.lower() for name in grid.header]
    if not both:
        return names, grid.rows, {}
    headers = {place: _Header.of(grid.header[place]) for place in both}
    for place in both:
        _refuse_unsaid(grid, place, columns[place])
    wanted = MetricChoice.parse(metric).logged.lower() if metric else None
    are_metrics = all(
        not header.name or header.name == wanted or direction_by_name(header.name)
        for header in headers.values()
    )
    if are_metrics or len(both) == 1:
        alone = len(both) == 1 and not are_metrics
        of = {place: "" if alone else header.name for place, header in headers.items()}
        new, said = [], {}
        for place, name in enumerate(names):
            if place in of:
                new += [f"{of[place]}_mean", f"{of[place]}_std"] if of[place] else ["mean", "std"]
                # As in the pairs of a table that has them in columns of their own.
                said[summary_of(new[-1])[1] or "value"] = headers[place]
            else:
                new.append(name)
        rows = [
            (
                number,
                [
                    part
                    for place, cell in enumerate(cells)
                    for part in (_split(cell) if place in of else (cell,))
                ],
            )
            for number, cells in grid.rows
        ]
        if alone and headers[both[0]].printed:
            new.append("task" if "dataset" in names else "dataset")
            rows = [(number, [*cells, headers[both[0]].printed]) for number, cells in rows]
        return new, rows, said
    rest = [place for place in range(len(names)) if place not in headers]
    units = {header.unit for header in headers.values()}
    betters = {header.better for header in headers.values()}
    one = replace(next(iter(headers.values())), unit=units.pop() if len(units) == 1 else "")
    return (
        [*(names[place] for place in rest), "task" if "dataset" in names else "dataset", "mean", "std"],
        [
            (number, [*(cells[other] for other in rest), header.printed, *_split(cells[place])])
            for place, header in headers.items()
            for number, cells in grid.rows
            if not EMPTY.fullmatch(cells[place])
        ],
        {"value": replace(one, better=betters.pop() if len(betters) == 1 else None)},
    )


def _split(cell: str) -> tuple[str, str]:
    """A cell's mean and std, empty where it is; what is no number is left to be refused with its line."""
    found = mean_and_std(cell)
    return found[:2] if found else ("", "") if EMPTY.fullmatch(cell) else (cell, "")


def _refuse_unsaid(grid: Grid, place: int, cells: Sequence[str]) -> None:
    """Raise UserError where the second numbers of a column are no standard deviations, or may be something else."""
    column = f"{grid.where}: the column {escape(grid.header[place])!r}"
    told = f"{grid.header[place]} {grid.caption}"
    if (other := _NO_STD.search(told)) and not _SAID_STD.search(grid.header[place]):
        raise UserError(
            f"{column} has {other[0]!r} with its means, and no standard deviations over seeds: give these (a standard error "
            "times the root of the number of seeds is one)"
        )
    bracketed = [cell for cell in cells if (found := mean_and_std(cell)) and found[2]]
    if not bracketed:
        return
    if not _SAID_STD.search(told):
        raise UserError(
            f"{column} has numbers in brackets, such as {bracketed[0]}, which may be standard deviations, standard errors or "
            f"last digits: call it '{grid.header[place]} (std)', or write ±"
        )
    for cell in bracketed:
        mean, std, _ = mean_and_std(cell) or ("", "", True)
        if "." in mean and "." not in std:
            raise UserError(
                f"{column}: {cell} may mean the last digits: write {mean} ± the standard deviation"
            )


_WORDS = dict(
    zip(["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"], range(2, 11), strict=True)
) | {"twenty": 20}
_COUNTED = re.compile(
    rf"\b(\d+|{'|'.join(_WORDS)})(?: (?:independent|random|different|distinct|repeated|training))* "
    r"(?:seeds?|runs?|trials?|repetitions?|repeats?|replicates?|initiali[sz]ations?)\b|\bn ?= ?(\d+)\b",
    re.IGNORECASE,
)


def _seeds(grid: Grid, seeds: int | None) -> int:
    """The number of seeds that the caption says, else ``seeds``.

    Raises UserError where neither, or both, say it, and where a column's name says another.
    """
    found = _counts(grid.caption)
    if len(found) == 1 and seeds is not None:
        raise UserError(f"{grid.where}: the caption says {found.pop()} seeds: leave --seeds out")
    if len(found) == 1:
        return found.pop()
    if seeds is None:
        raise UserError(
            f"{grid.where}: over how many seeds its means are is "
            + (f"said as {' and as '.join(map(str, sorted(found)))} in the caption" if found else "not said")
            + f" (no column 'n'; there are {', '.join(grid.header[:20])}): say it with --seeds N"
        )
    if others := sorted(_counts(" | ".join(grid.header)) - {seeds}):
        raise UserError(
            f"{grid.where}: its header says {' and '.join(map(str, others))} seeds, and --seeds {seeds}: give each row its own "
            "in a column 'n', or each number of seeds a table"
        )
    return seeds


def _counts(text: str) -> set[int]:
    """The numbers of seeds that a text says."""
    return {int(_WORDS.get(a.lower(), a) if a else b) for a, b in _COUNTED.findall(text)}


def _refuse_ragged(grid: Grid) -> None:
    """Raise UserError where a row has not a cell for each column: 92,1 would be two numbers."""
    for number, cells in grid.rows:
        if len(cells) < len(grid.header) or any(cells[len(grid.header) :]):
            raise UserError(
                f"{grid.where}, line {number}: {','.join(cells)!r:.100} has {len(cells)} cells, and there are "
                f"{len(grid.header)} columns: give a cell to each, and a number a decimal point, not a comma"
            )


def _others(
    where: str, names: Sequence[str], taken: Iterable[int | None], lines: Sequence[tuple[int, list[str]]]
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
                f"{where}: the column {escape(name)!r} {what}: remove it, or, where it tells rows apart, put it into the "
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


def _chosen(where: str, pairs: Mapping[str, tuple[int, int]], metric: str | None) -> str:
    """The metric of several that is judged. Raises UserError where none of them is chosen."""
    # As :func:`summary_of` joins the words of a name.
    wanted = "_".join(re.split(r"[\W_]+", MetricChoice.parse(metric).logged.lower())) if metric else ""
    if len(pairs) > 1 and wanted not in pairs:
        raise UserError(f"{where} has means of {some_of(pairs)}: choose one with --metric")
    return wanted if wanted in pairs else next(iter(pairs))


def _of_one_metric(where: str, rows: list[_Row], metric: str | None, of: str) -> tuple[str, list[_Row]]:
    """The metric that is judged, called ``of`` where no column and no user names it, and its rows.

    Raises UserError where the column ``metric`` has several, or another.
    """
    choice = MetricChoice.parse(metric) if metric else None
    there = list(dict.fromkeys(row.metric for row in rows if row.metric is not None))
    if not there:
        return choice.name if choice else of, rows
    if choice is None and len(there) > 1:
        raise UserError(f"{where}: the column 'metric' has {some_of(there)}: choose one with --metric")
    wanted = choice.logged if choice else there[0]
    if wanted not in there:
        raise UserError(
            f"{where}: the column 'metric' has no {escape(wanted)!r}: choose one with --metric, of {some_of(there)}"
        )
    return (choice.name if choice else wanted) or "value", [row for row in rows if row.metric == wanted]


def _unit(where: str, rows: Sequence[_Row]) -> str:
    units = list(dict.fromkeys(row.unit for row in rows))
    if len(units) > 1:
        raise UserError(
            f"{where}: the column 'unit' has {', '.join(escape(unit) or 'nothing' for unit in units)} in rows that would be "
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
