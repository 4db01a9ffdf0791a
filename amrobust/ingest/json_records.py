"""Records in JSON: a list of objects, or an object a line (JSON Lines); each record is a row of a table."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from amrobust.errors import UserError
from amrobust.ingest.limits import MAX_CELLS, beginning, files_under, relative, text_of
from amrobust.ingest.logged import STEP_KEYS, LoggedRun, Wanted, last_part
from amrobust.ingest.parameters import Configurations, flat
from amrobust.ingest.table import Table
from amrobust.ingest.tables import runs_of, with_fields
from amrobust.runs.files import is_plain_file, shown

TITLE = "records in JSON or JSON Lines"
LINES = (".jsonl", ".ndjson")


def recognises(path: Path) -> bool:
    """A .jsonl or .ndjson file, a .json file that begins with a list of objects, or a folder with one of the former."""
    if path.is_dir():
        return any(file.suffix.lower() in LINES for file in files_under(path))
    suffix = path.suffix.lower()
    if not is_plain_file(path):
        return False
    start = beginning(path).removeprefix(b"\xef\xbb\xbf").translate(None, b" \t\r\n")
    return suffix in LINES or (suffix == ".json" and start.startswith(b"[{"))


def read(path: Path, wanted: Wanted) -> Iterator[LoggedRun]:
    """Every file's runs, with the configuration that lies beside it."""
    files = [f for f in files_under(path) if f.suffix.lower() in LINES] if path.is_dir() else [path]
    configurations = Configurations(path)
    for file in files:
        label = relative(file, path) if path.is_dir() else file.name
        table = _table(file, label)
        yield from with_fields(runs_of(table, wanted), *configurations.of(file))


def _table(path: Path, label: str) -> Table:
    content = text_of(path)
    records: list[Mapping[str, Any]] = []
    lines: list[int] = []
    try:
        if path.suffix.lower() in LINES:
            for number, line in enumerate(content.splitlines(), 1):
                if line.strip():
                    records.append(json.loads(line, object_pairs_hook=_each_once))
                    lines.append(number)
        else:
            found = json.loads(content, object_pairs_hook=_each_once)
            records = found if isinstance(found, list) else []
            lines = list(range(1, len(records) + 1))
    except (ValueError, RecursionError) as error:
        where = f", line {len(lines) + 1}" if path.suffix.lower() in LINES else ""
        raise UserError(f"cannot read {shown(path)}{where} as JSON ({shown(error)})") from None
    if not records or not all(isinstance(record, Mapping) for record in records):
        raise UserError(f"{shown(path)} holds no records: a list of objects, or an object a line")
    rows = [_cells(record, path) for record in records]
    for name in _logged_lists(records):
        for row in rows:
            row.pop(name, None)
    names = list(dict.fromkeys(name for row in rows for name in row))
    if len(names) * len(rows) > MAX_CELLS:
        raise UserError(f"{shown(path)} has more than {MAX_CELLS:,} cells")
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
