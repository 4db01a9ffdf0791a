"""Tables of any origin as logged runs: long, tidy with a column a metric, wide with a column a seed or a step."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from amrobust.errors import UserError
from amrobust.ingest.fields import LABELS, is_chosen, is_counter, is_setting, last_part
from amrobust.ingest.finals import SUMMARIES, runs_of_finals
from amrobust.ingest.logged import (
    CLOCKS,
    METHOD_KEYS,
    SEED_KEYS,
    STEP_KEYS,
    WORKLOAD_KEYS,
    LoggedRun,
    Series,
    SeriesBuilder,
    Wanted,
)
from amrobust.ingest.table import (
    Table,
    is_empty,
    is_measured,
    is_number,
    method_and_seed,
    text,
    without_index,
)
from amrobust.runs.files import shown

_NUMERALS = (
    (re.compile(r"[-+]?\d+(?:[.,]\d*)?\s*%"), "percent signs", "without, and say --unit {}=%"),
    (
        re.compile(
            r"[-+]?(?:\d{1,3}(?:,\d{3})+(?:\.\d*)?|\d{1,3}(?:\.\d{3})+(?:,\d*|(?:\.\d{3})+)|"
            r"\d{1,3}(?:[ '’\u00a0\u202f]\d{3})+(?:[.,]\d*)?|\d+,\d+(?:e[-+]?\d+)?)",
            re.IGNORECASE,
        ),
        "decimal commas or thousands separators",
        "with a point at most",
    ),
)
"""How numbers are written that no program takes for some: 91%; 1,234.5, 1.234,5, 1 234 and 0,5."""
_THOUSANDS = re.compile(r"[-+]?(?:\d{1,3}|[1-9]\d{0,2}\.\d{3})")
_NO_SEEDS = frozenset(
    ("nan", "all", "total", "sum", "min", "max", "best", "worst", *SUMMARIES["mean"], *SUMMARIES["spread"])
)
LONG = ("method", "seed", "step", "value")


def runs_of(table: Table, wanted: Wanted) -> Iterator[LoggedRun]:
    """The runs in ``table``, whatever its form. Raises UserError where no form fits, with the forms there are."""
    if not table.lines:
        raise UserError(f"{shown(table.path)} has no rows")
    table = without_index(table)
    _refuse_summaries(table, table.first_of(SEED_KEYS))
    if table.first_of(("value",)) or (table.first_of(("metric",)) and table.first_of(("step",))):
        return _long(table, wanted)
    roles = _Roles.of(table, wanted)
    if roles.step is None:
        naming = (*roles.naming, *roles.settings)
        if roles.naming and (steps := _numbered(table, naming)):
            return _column_a_step(table, naming, steps)
        return runs_of_finals(table, roles.naming, roles.seed, roles.settings)
    unnamed = roles.method is None and roles.seed is None
    seeds = _column_a_seed(table, roles, wanted.seed_column) if unnamed else None
    return seeds or _tidy(table, roles)


def _refuse_summaries(table: Table, seeds: str | None) -> None:
    """Raise UserError where a row is that of no seed, but summarises others; or where pandas wrote that it has none."""
    for row, cell in enumerate(table.columns[seeds] if seeds is not None else ()):
        if isinstance(cell, str) and cell.strip().lower() in _NO_SEEDS:
            raise UserError(
                f"{table.where(row)}: {shown(cell)!r} in the column {shown(seeds)} is no seed: leave the row out where it "
                "summarises others, else number it"
            )


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
    settings: tuple[str, ...] = ()
    """Without a column of steps, the numbers that were chosen before the training; with one, they are in ``naming``."""
    clocks: tuple[str, ...] = ()
    """With a column of steps, words that say when each row was logged."""

    @classmethod
    def of(cls, table: Table, wanted: Wanted) -> _Roles:
        step = wanted.step if wanted.step in table.columns else table.first_of(STEP_KEYS)
        method, seed, workload = map(table.first_of, (METHOD_KEYS, SEED_KEYS, WORKLOAD_KEYS))
        known = {method, seed, workload, *wanted.naming}
        naming = [
            name for name in table.columns if name != step and (name in known or _is_of_words(table, name))
        ]
        if step is None:
            chosen = [
                name
                for name in table.columns
                if name not in naming
                and (last_part(name) in LABELS or (is_chosen(name) and not is_counter(name)))
            ]
            return cls(method, seed, None, tuple(naming), tuple(chosen))
        clocks = [name for name in naming if name not in known and last_part(name) in CLOCKS]
        naming = [name for name in naming if name not in clocks]
        if naming:
            runs = _grouped(table, naming).values()
            taken = (*naming, *clocks, step)
            others = [name for name in table.columns if name not in taken and not is_measured(name)]
            settings = [n for n in others if is_setting(table.columns[n], table.columns[step], runs, n)]
            naming = [name for name in table.columns if name in (*naming, *settings)]
        return cls(method, seed, step, tuple(naming), clocks=tuple(clocks))


def _is_of_words(table: Table, name: str) -> bool:
    """Whether a column names runs, such as a tag that tells two grids apart: it has words.

    Raises UserError where nearly all of its cells are numbers: a mistyped one would make a run of its own.
    """
    cells = table.columns[name]
    filled = [row for row, cell in enumerate(cells) if not is_empty(cell)]
    words = [row for row in filled if not is_number(cells[row])]
    if not words:
        if not is_chosen(name):
            _refuse_thousands(table, name)
        return False
    several = max(3, len(filled) / 2)
    measured = is_measured(name) or (not is_chosen(name) and len({cells[row] for row in words}) > several)
    fewest = len(words) < len(filled) * (1 if measured else 0.5)
    for pattern, what, remedy in _NUMERALS if measured or fewest else ():
        odd = next((row for row in words if pattern.fullmatch(str(cells[row]).strip())), None)
        if odd is not None:
            raise UserError(
                f"{table.where(odd)}: the numbers of {shown(name)} have {what} ({shown(str(cells[odd]))}): write them "
                + remedy.format(shown(name))
            )
    if fewest:
        raise UserError(
            f"{table.where(words[0])}: {shown(name)} {shown(repr(cells[words[0]]))} is not a number, as "
            f"{len(filled) - len(words)} of the column's {len(filled)} cells are: correct it, or leave it empty where nothing "
            "was measured; if the column names runs, name it in --method-from"
        )
    return True


def _refuse_thousands(table: Table, name: str) -> None:
    """Raise UserError where points may separate thousands: all numbers have three digits behind one, or are below 1000.

    ``1.050`` beside ``876`` is more, not less.
    """
    cells = [cell for cell in table.columns[name] if not is_empty(cell)]
    if all(isinstance(cell, str) and _THOUSANDS.fullmatch(cell.strip()) for cell in cells):
        pointed = [str(cell).strip() for cell in cells if "." in str(cell)]
        if 2 < len(pointed) < len(cells):
            raise UserError(
                f"{shown(table.path)}: the numbers of {shown(name)} have no point, or three digits behind it ({pointed[0]}): "
                "are these thousands? Write them without separators, or, where they are not, all with their decimals"
            )


def _grouped(table: Table, naming: Sequence[str]) -> dict[tuple[str, ...], list[int]]:
    """The rows of each run, in their order."""
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    columns = [[text(cell) for cell in table.columns[name]] for name in naming]
    for row, key in enumerate(zip(*columns, strict=True) if columns else [()] * len(table.lines)):
        groups[key].append(row)
    return groups


def _logged(
    table: Table, naming: Sequence[str], key: Sequence[str], row: int, series: dict[str, Series]
) -> LoggedRun:
    fields = {"name": Path(table.label).stem} | dict(zip(naming, key, strict=True))
    return LoggedRun(table.label, fields, series, (table.path,), line=table.lines[row])


def _tidy(table: Table, roles: _Roles) -> Iterator[LoggedRun]:
    """A row a step, a column a metric; empty cells were not logged."""
    metrics = [name for name in table.columns if name not in (*roles.naming, *roles.clocks)]
    for key, rows in _grouped(table, roles.naming).items():
        built = SeriesBuilder()
        for name in metrics:
            cells = table.columns[name]
            for place, row in enumerate(rows):
                if not is_empty(cells[row]):
                    built.add(name, place, table.number(name, row))
        found = built.series()
        run = _logged(
            table, roles.naming, key, rows[0], {name: found[name] for name in metrics if name in found}
        )
        yield replace(run, steps_in=roles.step)


def _long(table: Table, wanted: Wanted) -> Iterator[LoggedRun]:
    """A row a step of one metric: the columns method, seed, step, value and, where there are several, metric and workload.

    A column axis says what the steps are called. An empty value marks a seed that diverged.
    """
    value, metric = table.first_of(("value",)), table.first_of(("metric",))
    step = wanted.step if wanted.step in table.columns else table.first_of(("step", *STEP_KEYS))
    method, seed = table.first_of(METHOD_KEYS), table.first_of(SEED_KEYS)
    roles = {"method": method, "seed": seed, "step": step, "value": value}
    for role, found in roles.items():
        named = (role == "method" or role == "seed") and wanted.naming
        if found is None and not named:
            raise UserError(
                f"{shown(table.path)}: column {role!r} is missing; a long table has {', '.join(LONG)}"
            )
    axis = table.first_of(("axis",))
    known = {*roles.values(), metric, axis, table.first_of(WORKLOAD_KEYS), *wanted.naming}
    unknown = [name for name in table.columns if name not in known]
    if unknown:
        raise UserError(
            f"{shown(table.path)}: column {shown(unknown[0])!r} is unknown; drop it, or say what it names with --method-from, "
            f"--seed-from or --workload-from (known are {', '.join(LONG)}, metric, axis, workload)"
        )
    assert value is not None
    assert step is not None
    _refuse_thousands(table, value)
    naming = [name for name in table.columns if name in known - {value, step, metric}]
    for key, rows in _grouped(table, naming).items():
        built = SeriesBuilder()
        for row in rows:
            name = text(table.columns[metric][row]) if metric else "value"
            at = table.number(step, row, "step")
            if not math.isfinite(at):
                raise UserError(
                    f"{table.where(row)}: step {shown(repr(table.columns[step][row]))} is not a number"
                )
            seen = math.nan if is_empty(table.columns[value][row]) else table.number(value, row, "value")
            built.add(name or "value", at, seen)
        logged = built.series()
        names = (
            dict.fromkeys(text(table.columns[metric][row]) or "value" for row in rows) if metric else logged
        )
        run = _logged(table, naming, key, rows[0], {name: logged[name] for name in names})
        yield replace(run, own_steps=run.fields.get(axis or "") or step)


def _column_a_seed(
    table: Table, roles: _Roles, seed_column: re.Pattern[str] | None
) -> Iterator[LoggedRun] | None:
    """A row a step, a column a seed of a method (``adam_seed0``, ``sgd seed=3``); None where it is none.

    Raises UserError where the columns end in numbers that nothing calls seeds.
    """
    columns = [name for name in table.columns if name not in (roles.step, *roles.clocks)]
    named = {name: method_and_seed(name.strip(), seed_column) for name in columns}
    if roles.naming or len(columns) < 2:
        return None
    if not all(named.values()):
        if all(name.strip()[-1:].isdecimal() for name in columns):
            some = ", ".join(map(shown, columns[:4])) + (", ..." if len(columns) > 4 else "")
            raise UserError(
                f"{shown(table.path)}: the columns {some} end in numbers, "
                "which may be seeds, settings or metrics: where they are seeds, say so with --seed-from "
                "'re:(\\d+)$', or call the columns adam_seed0, adam_seed1"
            )
        return None

    def runs() -> Iterator[LoggedRun]:
        assert roles.step is not None
        steps = [table.number(roles.step, row, "step") for row in range(len(table.lines))]
        for name, found in named.items():
            assert found is not None
            rows = [row for row, cell in enumerate(table.columns[name]) if not is_empty(cell)]
            values = [table.number(name, row) for row in rows]
            series = np.array([steps[row] for row in rows], np.float64), np.array(values, np.float64)
            fields = {"name": name, "method": found[0] or Path(table.label).stem, "seed": found[1]}
            yield LoggedRun(
                f"{table.label}: {name}", fields, {"value": series}, (table.path,), own_steps=roles.step
            )

    return runs()


def _numbered(table: Table, naming: Sequence[str]) -> dict[str, int]:
    """The columns whose names are steps, where all that do not name runs are."""
    rest = [name for name in table.columns if name not in naming]
    return (
        {name: int(name) for name in rest} if rest and all(name.strip().isdecimal() for name in rest) else {}
    )


def _column_a_step(table: Table, naming: Sequence[str], steps: Mapping[str, int]) -> Iterator[LoggedRun]:
    """A row a seed, a column a step."""
    for row in range(len(table.lines)):
        kept = [name for name in steps if not is_empty(table.columns[name][row])]
        values = [table.number(name, row, f"step {name}") for name in kept]
        series = np.array([steps[name] for name in kept], np.float64), np.array(values, np.float64)
        key = [text(table.columns[name][row]) for name in naming]
        yield _logged(table, naming, key, row, {"value": series})
