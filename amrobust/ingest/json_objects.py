"""A JSON object a run in a folder: its final values, or curves as lists of one length, such as the history of Keras."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from amrobust.errors import UserError
from amrobust.ingest.fields import LABELS, NUISANCES, is_chosen
from amrobust.ingest.limits import MAX_TEXT, beginning, files_under, relative
from amrobust.ingest.logged import (
    METHOD_KEYS,
    SEED_KEYS,
    STEP_KEYS,
    WORKLOAD_KEYS,
    LoggedRun,
    Numbers,
    Series,
    Wanted,
    last_part,
)
from amrobust.ingest.parameters import BESIDE, Configurations, flat, flat_numbers, read_json
from amrobust.ingest.table import is_number
from amrobust.runs.files import shown

TITLE = "a JSON object a run: final values, or curves as lists"
_NO_RESULT = frozenset((*METHOD_KEYS, *SEED_KEYS, *WORKLOAD_KEYS, *STEP_KEYS)) | NUISANCES | LABELS


def recognises(path: Path) -> bool:
    """A folder with a .json file that begins with an object and is no configuration."""
    return path.is_dir() and any(map(_is_object, files_under(path)))


def _is_object(path: Path) -> bool:
    start = beginning(path).removeprefix(b"\xef\xbb\xbf").lstrip() if path.suffix.lower() == ".json" else b""
    return start.startswith(b"{") and path.name not in BESIDE


def read(path: Path, wanted: Wanted) -> Iterator[LoggedRun]:
    """A run for each file. Lists of numbers of one length are its curves, along one of them that counts steps or from 1 on;
    where there are none, the numbers that were not chosen before the training are its final values.
    """
    files = [file for file in files_under(path) if _is_object(file)] if path.is_dir() else [path]
    configurations = Configurations(path)
    for file in files:
        document = read_json(file, MAX_TEXT)
        if not isinstance(document, Mapping):
            raise UserError(f"{shown(file)} holds no object of a run")
        beside, configured = configurations.of(file)
        curves = _lists(document)
        steps = next((name for name in (wanted.step, *STEP_KEYS) if name in curves), None)
        lengths = {len(values) for values in curves.values()}
        if len(lengths) > 1:
            raise UserError(
                f"{shown(file)}: its lists of numbers have different lengths ({', '.join(map(str, sorted(lengths)))}): a run's "
                "curves have one value per step each"
            )
        series: dict[str, Series]
        if curves:
            at = curves.pop(steps) if steps is not None else np.arange(1.0, max(lengths) + 1)
            series = {name: (at, values) for name, values in curves.items()}
        else:
            series = {
                name: (np.array([1.0]), np.array([value]))
                for name, value in flat_numbers(document).items()
                if name in wanted.metrics or not _is_no_result(name, wanted)
            }
        label = relative(file, path) if path.is_dir() else file.name
        own = {name: value for name, value in flat(document, file).items() if name not in {*series, steps}}
        if curves:  # What a training ended with stands in its curves, too.
            own = {
                name: value
                for name, value in own.items()
                if _is_no_result(name, wanted) or not is_number(value)
            }
        yield LoggedRun(
            label,
            {"name": file.stem, **beside, **own},
            series,
            (file, *configured),
            started=file.stat().st_mtime,
            own_steps=steps,
            final=not curves,
        )


def _lists(document: Mapping[str, object]) -> dict[str, Numbers]:
    """The lists of numbers in a document, also one level down (``history``), that are curves: more than one value each."""
    found: dict[str, Numbers] = {}
    for name, item in document.items():
        inner = item.items() if isinstance(item, Mapping) else ()
        for key, values in ((name, item), *((f"{name}.{key}", each) for key, each in inner)):
            if not isinstance(values, list) or len(values) < 2 or (is_chosen(key) and key not in STEP_KEYS):
                continue
            if all(isinstance(value, (int, float)) for value in values):
                found[key] = np.array(values, np.float64)
    return found


def _is_no_result(name: str, wanted: Wanted) -> bool:
    return is_chosen(name) or last_part(name) in _NO_RESULT or name in wanted.naming
