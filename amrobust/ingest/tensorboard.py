"""TensorBoard's event files: scalars of every folder that has some, with Lightning's hparams.yaml where it lies beside them.

Record data: tensorflow's Event (wall_time 1, step 2, summary 5); Summary.Value (tag 1, simple_value 2, tensor 8); TensorProto
(dtype 1, tensor_content 4, float_val 5, double_val 6).
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from amrobust.errors import UserError
from amrobust.ingest.limits import files_under, relative
from amrobust.ingest.logged import LoggedRun, SeriesBuilder, Wanted
from amrobust.ingest.parameters import flat, read_yaml
from amrobust.ingest.protobuf import (
    BYTES,
    FIXED32,
    FIXED64,
    VARINT,
    Malformed,
    double,
    fields,
    signed,
    single,
    string,
)
from amrobust.ingest.tfrecord import records
from amrobust.runs.files import is_plain_file, shown

TITLE = "TensorBoard's event files"
MARK = ".tfevents."
PARAMETERS = "hparams.yaml"
_FLOAT, _DOUBLE = 1, 2


def recognises(path: Path) -> bool:
    """An event file, or a folder with one."""
    if path.is_dir():
        return any(MARK in file.name for file in files_under(path))
    return is_plain_file(path) and MARK in path.name


def read(path: Path, wanted: Wanted) -> Iterator[LoggedRun]:
    """A run for each folder with event files; several files in one are read one after the other, as of a resumed run."""
    files = [file for file in files_under(path) if MARK in file.name] if path.is_dir() else [path]
    if not files:
        raise UserError(f"{shown(path)} has no event files")
    folders: dict[Path, list[Path]] = defaultdict(list)
    for file in files:
        folders[file.parent].append(file)
    for folder, found in folders.items():
        built, started, notes = SeriesBuilder(), 0.0, []
        for file in sorted(found):
            first, note = _read(file, built)
            started = started or first
            notes += [note] if note else []
        if not built.steps:
            continue
        parameters = folder / PARAMETERS
        has = is_plain_file(parameters)
        label = relative(folder, path) if path.is_dir() else path.name
        yield LoggedRun(
            path=label,
            fields={"name": folder.name} | (flat(read_yaml(parameters)) if has else {}),
            series=built.series(),
            files=(*sorted(found), *((parameters,) if has else ())),
            started=started,
            notes=tuple(notes),
        )


def _read(path: Path, built: SeriesBuilder) -> tuple[float, str]:
    """Add the scalars of one file; when its first event was, and a note where its end is missing."""
    started, note = 0.0, ""
    for data, whole in records(path):
        if not whole:
            note = f"{shown(path.name)} ends in the middle of a record: what came before is read"
        if data is None:
            continue
        try:
            when = _event(data, built)
        except Malformed as error:
            raise UserError(f"{shown(path)} has a record that is no event: {error}") from None
        started = started or when
    return started, note


def _event(data: bytes, built: SeriesBuilder) -> float:
    step, when, summaries = 0, 0.0, []
    for number, wire, value in fields(data):
        if number == 1 and wire == FIXED64:
            when = double(value)
        elif number == 2 and wire == VARINT and isinstance(value, int):
            step = signed(value)
        elif number == 5 and wire == BYTES and isinstance(value, bytes):
            summaries.append(value)
    for summary in summaries:
        for number, wire, value in fields(summary):
            if number == 1 and wire == BYTES and isinstance(value, bytes):
                tag, scalar = _value(value)
                if scalar is not None:
                    built.add(tag, float(step), scalar)
    return when


def _value(message: bytes) -> tuple[str, float | None]:
    """Tag and scalar of one summary value; None where it is an image, a histogram, a text."""
    tag, scalar = "", None
    for number, wire, value in fields(message):
        if number == 1 and wire == BYTES:
            tag = string(value)
        elif number == 2 and wire == FIXED32:
            scalar = single(value)
        elif number == 8 and wire == BYTES and isinstance(value, bytes):
            scalar = _tensor(value)
    return tag, scalar


def _tensor(message: bytes) -> float | None:
    """The number in a tensor of one float or double."""
    dtype, found = 0, []
    for number, wire, value in fields(message):
        if number == 1 and wire == VARINT and isinstance(value, int):
            dtype = value
        elif number == 4 and wire == BYTES and isinstance(value, bytes):
            content = value
            size, form = (4, "<f") if dtype == _FLOAT else (8, "<d")
            if dtype in (_FLOAT, _DOUBLE) and len(content) == size:
                found.append(float(struct.unpack(form, content)[0]))
        elif number == 5 and isinstance(value, bytes) and len(value) == 4:
            found.append(single(value))
        elif number == 6 and isinstance(value, bytes) and len(value) == 8:
            found.append(double(value))
    return found[0] if len(found) == 1 else None
