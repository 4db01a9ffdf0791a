"""TensorBoard's event files: scalars of every folder that has some, with Lightning's hparams.yaml where it lies beside them.

Record data: tensorflow's Event (wall_time 1, step 2, summary 5); Summary.Value (tag 1, simple_value 2, tensor 8); TensorProto
(dtype 1, tensor_content 4, float_val 5, double_val 6).
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from amrobust.errors import UserError
from amrobust.ingest.limits import files_under, relative
from amrobust.ingest.logged import LoggedRun, SeriesBuilder, Wanted
from amrobust.ingest.parameters import Configurations
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
from amrobust.runs.files import escape, is_plain_file

TITLE = "TensorBoard's event files"
MARK = ".tfevents."
SESSION = "_hparams_/session_start_info"
"""Tag of the hyperparameters of a run."""
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
        raise UserError(f"{escape(path)} has no event files")
    folders: dict[Path, list[Path]] = defaultdict(list)
    for file in files:
        folders[file.parent].append(file)
    # add_hparams writes a folder of its own below that of the run, with the hyperparameters and the last values again.
    hyperparameters: dict[Path, dict[str, str]] = {}
    runs = {}
    configurations = Configurations(path)
    for folder, found in folders.items():
        built, started, notes = SeriesBuilder(), 0.0, []
        own: dict[str, str] = {}
        for file in sorted(found):
            first, note = _read(file, built, own)
            started = started or first
            notes += [note] if note else []
        if own and folder.parent in folders:
            hyperparameters[folder.parent] = own
            continue
        if not built.steps:
            continue
        fields, beside = configurations.of(found[0])
        label = relative(folder, path) if path.is_dir() else path.name
        runs[folder] = LoggedRun(
            path=label,
            fields={"name": folder.name, **fields, **own},
            series=built.series(),
            files=(*sorted(found), *beside),
            started=started,
            notes=tuple(notes),
        )
    for folder, run in _joined(runs, set(folders), path).items():
        yield replace(run, fields={**run.fields, **hyperparameters.get(folder, {})})


def _joined(runs: dict[Path, LoggedRun], folders: set[Path], root: Path) -> dict[Path, LoggedRun]:
    """``runs`` with what add_scalars wrote as one: acc/test and acc/train below a run's folder are metrics of that run."""
    found: dict[Path, LoggedRun] = {}
    for folder, run in runs.items():
        above = next((parent for parent in folder.parents if parent in folders), None)
        below = folder.relative_to(above).as_posix() if above is not None else ""
        kinds = {tag: _behind(below, tag) for tag in run.series}
        if above is None or not all(kinds.values()):
            found[folder] = (
                replace(run, series={**found[folder].series, **run.series}) if folder in found else run
            )
            continue
        into = found.get(above) or runs.get(above)
        if into is None:
            into = replace(run, path=relative(above, root), fields={"name": above.name}, series={}, files=())
        series = {f"{tag}/{kinds[tag]}": values for tag, values in run.series.items()}
        found[above] = replace(into, series={**into.series, **series}, files=(*into.files, *run.files))
    return found


def _behind(folder: str, tag: str) -> str:
    """What stands behind the tag in a folder's name, ``test`` of ``acc/test`` or ``acc_test``; empty where it is not there."""
    for name in (tag, tag.replace("/", "_")):
        if folder.startswith((f"{name}/", f"{name}_")):
            return folder[len(name) + 1 :]
    return ""


def _read(path: Path, built: SeriesBuilder, hyperparameters: dict[str, str]) -> tuple[float, str]:
    """Add the scalars and hyperparameters of one file; when its first event was, and a note where its end is missing."""
    started, note = 0.0, ""
    for data, whole in records(path):
        if not whole:
            note = f"{escape(path.name)} ends in the middle of a record: what came before is read"
        if data is None:
            continue
        try:
            when = _event(data, built, hyperparameters)
        except Malformed as error:
            raise UserError(f"{escape(path)} has a record that is no event: {error}") from None
        started = started or when
    return started, note


def _event(data: bytes, built: SeriesBuilder, hyperparameters: dict[str, str]) -> float:
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
                if tag == SESSION:
                    hyperparameters |= _hyperparameters(value)
                elif scalar is not None:
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


def _inside(message: bytes, *way: int) -> list[bytes]:
    """The messages found in ``message`` by the numbers of their fields, one level after the other."""
    found = [message]
    for wanted in way:
        found = [
            value
            for each in found
            for number, wire, value in fields(each)
            if number == wanted and wire == BYTES and isinstance(value, bytes)
        ]
    return found


def _hyperparameters(message: bytes) -> dict[str, str]:
    """Of the summary value that begins a session: metadata, plugin data, its content, session start, entries of a map."""
    found = {}
    for entry in _inside(message, 9, 1, 2, 3, 1):
        key, value = _inside(entry, 1), _inside(entry, 2)
        for number, wire, cell in fields(value[0]) if key and value else ():
            if number == 2 and wire == FIXED64:
                found[string(key[0])] = f"{double(cell):.15g}"
            elif number == 3 and wire == BYTES:
                found[string(key[0])] = string(cell)
            elif number == 4 and wire == VARINT:
                found[string(key[0])] = str(bool(cell))
    return found


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
