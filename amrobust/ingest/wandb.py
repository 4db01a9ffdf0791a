"""Weights & Biases: exported histories and charts (.csv), histories line by line (.jsonl), and offline runs (.wandb)."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from amrobust.errors import UserError
from amrobust.ingest.csv_tables import read_table
from amrobust.ingest.limits import MAX_CELLS, beginning, files_under, relative, text_of
from amrobust.ingest.logged import STEP_KEYS, LoggedRun, SeriesBuilder, Wanted
from amrobust.ingest.parameters import flat_numbers
from amrobust.ingest.table import Table, is_empty
from amrobust.ingest.tables import runs_of
from amrobust.ingest.wandb_file import read_offline_run
from amrobust.runs.files import escape, is_plain_file

TITLE = "W&B exports (.csv, .jsonl) and offline runs (.wandb)"
OFFLINE, LINES = ".wandb", ".jsonl"
MIXED = (
    "the smallest and the largest value of a point (__MIN, __MAX) differ: it is a mean of several points or of a group of "
    "runs, and varies less than one run does; export the histories of single runs"
)
_CHART_COLUMN = re.compile(r"(?P<run>.+) - (?P<metric>.+?)")


def recognises(path: Path) -> bool:
    """An offline run or exported history, or a folder with one."""
    if path.is_dir():
        return any(_kind(file) for file in files_under(path))
    return _kind(path) != ""


def _kind(path: Path) -> str:
    if not is_plain_file(path):
        return ""
    if path.suffix == OFFLINE and beginning(path, 4) == b":W&B":
        return "offline"
    first = beginning(path).partition(b"\n")[0].decode("utf-8", "replace").strip()
    if path.suffix == LINES and first.startswith("{") and '"_step"' in first:
        return "lines"
    if path.suffix == ".csv":
        columns = [column.strip('" ') for column in first.removeprefix("\ufeff").split(",")]
        known = columns[0].lower() in STEP_KEYS or any(column.endswith("__MIN") for column in columns)
        if known and len(columns) > 1 and all(map(_CHART_COLUMN.fullmatch, columns[1:])):
            return "chart"
        if "_step" in columns and {"_runtime", "_timestamp"} & set(columns):
            return "history"
    return ""


def read(path: Path, wanted: Wanted) -> Iterator[LoggedRun]:
    """A run for each offline run, history and line of a chart."""
    files = (
        [(file, kind) for file in files_under(path) if (kind := _kind(file))]
        if path.is_dir()
        else [(path, _kind(path))]
    )
    if not files or not files[0][1]:
        raise UserError(
            f"{escape(path)} has no W&B export and no offline run (.wandb, .jsonl, or .csv with _step)"
        )
    for file, kind in files:
        label = relative(file, path) if path.is_dir() else file.name
        if kind == "offline":
            yield read_offline_run(file, label)
        elif kind == "lines":
            yield _lines(file, label)
        elif kind == "chart":
            yield from _chart(read_table(file, label))
        else:
            yield from runs_of(read_table(file, label), wanted)


def _chart(table: Table) -> Iterator[LoggedRun]:
    """A chart's export: its axis, such as Step, and for each run ``NAME - METRIC``, smallest and largest value beside it."""
    groups: dict[str, dict[str, str]] = defaultdict(dict)
    steps_in = next(iter(table.columns))
    for column in table.columns:
        match = _CHART_COLUMN.fullmatch(column)
        if match is not None and not match["metric"].endswith(("__MIN", "__MAX")):
            groups[match["run"]][match["metric"]] = column
    for run, metrics in groups.items():
        built = SeriesBuilder()
        mixed = any(_differ(table, f"{column}__MIN", f"{column}__MAX") for column in metrics.values())
        for metric, column in metrics.items():
            for row, cell in enumerate(table.columns[column]):
                if not is_empty(cell):
                    built.add(metric, table.number(steps_in, row, "step"), table.number(column, row))
        yield LoggedRun(
            f"{table.label}: {run}", {"name": run}, built.series(), (table.path,), own_steps=steps_in,
            notes=(MIXED,) * mixed,
        )  # fmt: skip


def _differ(table: Table, least: str, most: str) -> bool:
    """Whether a smallest and a largest value differ in any row."""
    if least not in table.columns or most not in table.columns:
        return False
    pairs = zip(table.columns[least], table.columns[most], strict=True)
    return any(str(low).strip() != str(high).strip() for low, high in pairs)


def _lines(path: Path, label: str) -> LoggedRun:
    """A history with a JSON object a line."""
    built, cells = SeriesBuilder(), 0
    for count, line in enumerate(text_of(path).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UserError(f"{escape(path)}, line {count} is not JSON ({escape(error)})") from None
        if not isinstance(row, dict) or not isinstance(row.get("_step"), (int, float)):
            raise UserError(f"{escape(path)}, line {count} has no _step")
        for name, value in flat_numbers({key: item for key, item in row.items() if key != "_step"}).items():
            built.add(name, float(row["_step"]), value)
            cells += 1
        if cells > MAX_CELLS:
            raise UserError(f"{escape(path)} has more than {MAX_CELLS:,} values")
    name = Path(label).stem if Path(label).parent == Path() else Path(label).parent.name
    return LoggedRun(label, {"name": name}, built.series(), (path,))
