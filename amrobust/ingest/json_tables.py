"""Tables in JSON: a file with a list of flat objects, a row each, in the forms that CSV tables have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from amrobust.errors import UserError
from amrobust.ingest.limits import MAX_CELLS, MAX_TEXT, beginning
from amrobust.ingest.logged import LoggedRun, Wanted
from amrobust.ingest.parameters import read_json
from amrobust.ingest.tables import Table, runs_of
from amrobust.runs.files import is_plain_file, shown

TITLE = "tables in JSON, a list of records"
SUFFIX = ".json"


def recognises(path: Path) -> bool:
    """A .json file that begins with a list of objects."""
    if not is_plain_file(path) or path.suffix.lower() != SUFFIX:
        return False
    return beginning(path).removeprefix(b"\xef\xbb\xbf").translate(None, b" \t\r\n").startswith(b"[{")


def read(path: Path, wanted: Wanted) -> Iterator[LoggedRun]:
    """The table's runs. Raises UserError on what is no list of flat objects."""
    records = read_json(path, MAX_TEXT)
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise UserError(f"{shown(path)} is not a list of objects, a row each")
    names = list(dict.fromkeys(name for record in records for name in record))
    if len(names) * len(records) > MAX_CELLS:
        raise UserError(f"{shown(path)} has more than {MAX_CELLS:,} cells")
    for row, record in enumerate(records, start=1):
        for name, cell in record.items():
            if not isinstance(cell, (str, int, float, bool, type(None))):
                raise UserError(
                    f"{shown(path)}, record {row}: {shown(name)} is a list or an object, not one value"
                )
    columns = {name: [record.get(name) for record in records] for name in names}
    return runs_of(Table(path, path.name, columns, range(1, len(records) + 1)), wanted)
