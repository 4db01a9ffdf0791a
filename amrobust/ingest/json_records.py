"""Records in JSON: a list of objects, an object a line (JSON Lines), or a frame of pandas; each record is a row of a table."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from amrobust.errors import UserError
from amrobust.ingest.limits import MAX_CELLS, beginning, files_under, relative, text_of
from amrobust.ingest.logged import STEP_KEYS, LoggedRun, Wanted, last_part
from amrobust.ingest.parameters import BESIDE, Configurations, flat
from amrobust.ingest.table import Table, is_measured
from amrobust.ingest.tables import runs_of, with_fields
from amrobust.runs.files import escape, is_plain_file

TITLE = "records in JSON or JSON Lines"
LINES = (".jsonl", ".ndjson")
FIRST_LINE = 1_000_000
"""Bytes within which the second object of a .json file with an object a line begins."""
_SECOND_OBJECT = re.compile(rb"\{[^\n]*\}\s*\n\s*\{")
_FRAME = re.compile(
    rb'\{"(?:schema":\{"fields|columns":\[|index":\[|data":\[\[|(?:[^"\\]|\\.)*":\{"\d+":|\d+":\{")'
)
"""How a frame begins that pandas wrote with its orient table, split, columns (the default) or index."""


def recognises(path: Path) -> bool:
    """A .jsonl or .ndjson file, a .json file with an object a line, a list of objects or a frame; a folder with a file that has
    an object a line."""
    if path.is_dir():
        return any(map(_has_lines, files_under(path)))
    if not is_plain_file(path) or path.suffix.lower() not in (*LINES, ".json"):
        return False
    start = beginning(path).removeprefix(b"\xef\xbb\xbf").translate(None, b" \t\r\n")
    return _has_lines(path) or start.startswith(b"[{") or _FRAME.match(start) is not None


def _has_lines(path: Path) -> bool:
    """Whether a file has an object a line, as .json files of some tools do."""
    if path.suffix.lower() != ".json":
        return path.suffix.lower() in LINES
    start = b"" if path.name in BESIDE else beginning(path, FIRST_LINE)
    return _SECOND_OBJECT.match(start.removeprefix(b"\xef\xbb\xbf").lstrip()) is not None


def read(path: Path, wanted: Wanted) -> Iterator[LoggedRun]:
    """Every file's runs, with the configuration that lies beside it, or stands in it before them."""
    files = list(filter(_has_lines, files_under(path))) if path.is_dir() else [path]
    configurations = Configurations(path)
    for file in files:
        label = relative(file, path) if path.is_dir() else file.name
        records, lines = _records(file)
        logged = _logged_lists(records)
        beside, configured = configurations.of(file)
        for fields, places in _parts(records, file):
            table = _table(file, label, [records[at] for at in places], [lines[at] for at in places], logged)
            yield from with_fields(runs_of(table, wanted), {**beside, **fields}, configured)


def _records(path: Path) -> tuple[list[Mapping[str, Any]], list[int]]:
    """The objects in a file, with the number of each: its line, where it has one. Raises UserError where there are none."""
    content = text_of(path)
    by_line = _has_lines(path)
    found: list[Any] = []
    lines: list[int] = []
    try:
        if by_line:
            for number, line in enumerate(content.splitlines(), 1):
                if line.strip():
                    found.append(json.loads(line, object_pairs_hook=_each_once))
                    lines.append(number)
        else:
            found = _of_frame(json.loads(content, object_pairs_hook=_each_once))
            lines = list(range(1, len(found) + 1))
    except (ValueError, RecursionError) as error:
        where = f", line {len(lines) + 1}" if by_line else ""
        raise UserError(f"cannot read {escape(path)}{where} as JSON ({escape(error)})") from None
    if not found or not all(isinstance(record, Mapping) for record in found):
        raise UserError(f"{escape(path)} holds no records: a list of objects, or an object a line")
    return found, lines


def _of_frame(document: Any) -> list[Any]:
    """The rows of a frame in any of the ways in which pandas writes one; what has no rows is empty.

    An index that counts rows goes; one of names is a column without a name, as in CSV, which asks for it.
    """
    if not isinstance(document, Mapping):
        return document if isinstance(document, list) else []
    columns, rows = document.get("columns"), document.get("data")
    if "schema" in document and isinstance(rows, list):
        return [
            {name: value for name, value in row.items() if name != "index"}
            if isinstance(row, Mapping)
            else row
            for row in rows
        ]
    if isinstance(columns, list) and isinstance(rows, list):
        index = document.get("index", [None] * len(rows))
        if all(isinstance(row, list) and len(row) == len(columns) for row in rows) and len(index) == len(
            rows
        ):
            return [
                {"": label, **dict(zip(map(str, columns), row, strict=True))}
                for label, row in zip(index, rows, strict=True)
            ]
    if not document or not all(isinstance(inner, Mapping) for inner in document.values()):
        return []
    inner = list(document.values())
    if any(list(other) != list(inner[0]) for other in inner):
        return []
    if all(label.isdecimal() for label in document):
        return inner
    if all(label.isdecimal() for label in inner[0]):
        return [{name: document[name][label] for name in document} for label in inner[0]]
    return []


def _parts(records: Sequence[Mapping[str, Any]], path: Path) -> list[tuple[dict[str, str], list[int]]]:
    """The places of the records of each part of a log, with the configuration that stands before them; one part mostly.

    A configuration is what a log begins with, without a step, a result or a number that records with steps log too; where an
    object with its keys comes again, the next part begins.
    """
    counted = [any(last_part(name) in STEP_KEYS for name in record) for record in records]
    first = counted.index(True) if True in counted else 0
    heads = records[:first]
    logged = {name for record, counts in zip(records, counted, strict=True) if counts for name in record}
    if any(
        is_measured(name) or (name in logged and not isinstance(value, str))
        for head in heads
        for name, value in head.items()
    ):
        heads = []
    parts: list[tuple[dict[str, str], list[int]]] = [({}, [])]
    for at, record in enumerate(records):
        if counted[at] or not any(record.keys() == head.keys() for head in heads):
            parts[-1][1].append(at)
            continue
        if parts[-1][1]:
            parts.append(({}, []))
        parts[-1][0].update(flat(record, path))
    return [(fields, places) for fields, places in parts if places]


def _table(
    path: Path, label: str, records: Sequence[Mapping[str, Any]], lines: list[int], logged: Sequence[str]
) -> Table:
    rows = [_cells(record, path) for record in records]
    for name in logged:
        for row in rows:
            row.pop(name, None)
    names = list(dict.fromkeys(name for row in rows for name in row))
    if len(names) * len(rows) > MAX_CELLS:
        raise UserError(f"{escape(path)} has more than {MAX_CELLS:,} cells")
    return Table(path, label, {name: [row.get(name) for row in rows] for name in names}, lines)


def _each_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names are there once: of two values of one name, neither is known to be meant."""
    found = dict(pairs)
    if len(found) < len(pairs):
        name = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise ValueError(f"{name!r} is there twice in one object")
    return found


def _logged_lists(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """The lists in a log that are results, such as accuracies of classes: another at every step, as a setting is not."""
    if not any(last_part(name) in STEP_KEYS for record in records for name in record):
        return []
    found: dict[str, list[str]] = {}
    for record in records:
        for name, value in record.items():
            if isinstance(value, list) and value:
                found.setdefault(name, []).append(json.dumps(value))
    return [name for name, texts in found.items() if 1 < len(texts) == len(set(texts))]


def _cells(record: Mapping[str, Any], path: Path) -> dict[str, str | int | float | bool | None]:
    """A record as a row: numbers as they are, everything nested under its way (``config.lr``), lists as text."""
    nested = {key: value for key, value in record.items() if isinstance(value, (Mapping, list))}
    own = {
        key: value
        for key, value in record.items()
        if value is None or isinstance(value, (str, int, float, bool))
    }
    return {**own, **flat(nested, path)}
