"""An offline W&B run: LevelDB's log format, CRC-32 over type and data, holding protocol buffers.

A file begins with ``:W&B``, a magic number and a version; blocks of 32 KiB hold records of 7 bytes of header (CRC, length,
type: whole, first, middle or last part) and data. Of the messages only Record (history 2, config 5, run 17, exit 18) is
read, with HistoryRecord (item 1, step 2), Item (key 1, nested_key 2, integer 5, number 6, value_json 16), RunRecord
(project 3, config 4, display_name 8) and ConfigRecord (update 1).
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from amrobust.errors import UserError
from amrobust.ingest.limits import MAX_TEXT, read_bytes
from amrobust.ingest.logged import LoggedRun, SeriesBuilder, State
from amrobust.ingest.parameters import flat, flat_numbers
from amrobust.ingest.protobuf import BYTES, Malformed, double, fields, signed, string
from amrobust.runs.files import escape

BLOCK, HEADER, START = 32_768, 7, 7
_WHOLE, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4


def read_offline_run(path: Path, label: str) -> LoggedRun:
    """The run in ``path``. Raises UserError where its content does not have its checksum."""
    built = SeriesBuilder()
    about: dict[str, Any] = {}
    config: dict[str, Any] = {}
    state: State = "running"
    notes: tuple[str, ...] = ()
    try:
        for data in _records(path):
            if data is None:
                notes = (f"{escape(label)} ends in the middle of a record: what came before is read",)
                break
            for number, wire, value in fields(data):
                if wire != BYTES or not isinstance(value, bytes):
                    continue
                if number == 2:
                    _history(value, built)
                elif number == 5:
                    config |= _config(value)
                elif number == 17:
                    about, found = _run(value)
                    config |= found
                elif number == 18:
                    state = _exit(value)
    except (Malformed, UnicodeDecodeError) as error:
        raise UserError(f"{escape(path)} has a record that cannot be read: {error}") from None
    parameters = flat({key: value for key, value in config.items() if key != "_wandb"}, path)
    experiment = {"experiment": about["project"]} if about.get("project") else {}
    name = {"name": about.get("display_name") or Path(label).stem}
    return LoggedRun(label, experiment | parameters | name, built.series(), (path,), state, notes=notes)


def _records(path: Path) -> Iterator[bytes | None]:
    """Each record's data; None at the end of a file that is cut off."""
    content = read_bytes(path, MAX_TEXT)
    if content[:4] != b":W&B":
        raise UserError(f"{escape(path)} is no W&B run")
    position, parts = START, b""
    while position < len(content):
        left = BLOCK - position % BLOCK
        if left < HEADER:
            position += left
            continue
        if position + HEADER > len(content):
            yield None
            return
        crc, length, kind = struct.unpack_from("<IHB", content, position)
        if kind == 0 and length == 0:
            position += left
            continue
        data = content[position + HEADER : position + HEADER + length]
        if len(data) < length:
            yield None
            return
        if zlib.crc32(bytes([kind]) + data) != crc or kind > _LAST:
            raise UserError(f"{escape(path)} is damaged: a record has the wrong checksum")
        position += HEADER + length
        parts = data if kind in (_WHOLE, _FIRST) else parts + data
        if kind in (_WHOLE, _LAST):
            yield parts


def _history(message: bytes, built: SeriesBuilder) -> None:
    step: float | None = None
    items: list[tuple[str, Any]] = []
    for number, wire, value in fields(message):
        if wire == BYTES and isinstance(value, bytes) and number == 1:
            items.append(_item(value))
        elif wire == BYTES and isinstance(value, bytes) and number == 2:
            step = float(next((signed(v) for n, w, v in fields(value) if n == 1 and isinstance(v, int)), 0))
    row = dict(items)
    at = row.pop("_step", step)
    if not isinstance(at, (int, float)):
        return
    for name, found in flat_numbers(row).items():
        built.add(name, float(at), found)


def _item(message: bytes) -> tuple[str, Any]:
    """Key and value of an item: typed fields, or JSON in older files."""
    key: list[str] = []
    found: Any = None
    for number, _, value in fields(message):
        if number in (1, 2) and isinstance(value, bytes):
            key = [value.decode()] if number == 1 else [*key, value.decode()]
        elif number == 5 and isinstance(value, int):
            found = (value >> 1) ^ -(value & 1)  # a zigzag number
        elif number == 6:
            found = double(value)
        elif number == 7:
            found = string(value)
        elif number in (8, 16) and isinstance(value, bytes):
            found = _json(value)
    return ".".join(key), found


def _json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def _config(message: bytes) -> dict[str, Any]:
    return dict(
        _item(value) for number, _, value in fields(message) if number == 1 and isinstance(value, bytes)
    )


def _run(message: bytes) -> tuple[dict[str, str], dict[str, Any]]:
    about, config = {}, {}
    for number, wire, value in fields(message):
        if wire != BYTES or not isinstance(value, bytes):
            continue
        if number == 3:
            about["project"] = string(value)
        elif number == 4:
            config = _config(value)
        elif number == 8:
            about["display_name"] = string(value)
    return about, config


def _exit(message: bytes) -> State:
    code = next((value for number, _, value in fields(message) if number == 1), 0)
    return "finished" if code == 0 else "failed"
