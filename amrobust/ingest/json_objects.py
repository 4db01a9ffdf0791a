"""A JSON object a run in a folder: its final values, or curves as lists of one length, such as the history of Keras."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

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
from amrobust.ingest.table import is_measured
from amrobust.runs.files import escape
from amrobust.runs.metric import words

TITLE = "a JSON object a run: final values, or curves as lists"
_NO_RESULT = frozenset((*METHOD_KEYS, *SEED_KEYS, *WORKLOAD_KEYS, *STEP_KEYS)) | NUISANCES | LABELS


def recognises(path: Path) -> bool:
    """A folder with a .json file that begins with an object and is no configuration."""
    return path.is_dir() and any(map(_is_object, files_under(path)))


def _is_object(path: Path) -> bool:
    start = beginning(path).removeprefix(b"\xef\xbb\xbf").lstrip() if path.suffix.lower() == ".json" else b""
    return start.startswith(b"{") and path.name not in BESIDE


def read(path: Path, wanted: Wanted) -> Iterator[LoggedRun]:
    """A run for each file. Where lists are results by their names, or nothing else is, they are its curves, along one of them
    that counts steps or from 1 on; else its numbers are final values, but for those that were chosen before the training.
    """
    files = [file for file in files_under(path) if _is_object(file)] if path.is_dir() else [path]
    configurations = Configurations(path)
    objects = [_Object(file, wanted) for file in files]
    settings = _settings(objects, wanted)
    for found in objects:
        file, curves, steps = found.file, found.curves, found.steps
        finals = {name: value for name, value in found.numbers.items() if name not in settings}
        series: dict[str, Series]
        if curves:
            at = curves[steps] if steps else np.arange(1.0, len(next(iter(curves.values()))) + 1)
            series = {name: (at, values) for name, values in curves.items() if name != steps}
            # What a training ended with stands in its curves, too.
            finals = {name: value for name, value in finals.items() if is_measured(name)}
        else:
            series = {name: (np.array([1.0]), np.array([value])) for name, value in finals.items()}
        own = {name: text for name, text in found.fields.items() if name not in {*curves, *finals}}
        beside, configured = configurations.of(file)
        yield LoggedRun(
            relative(file, path) if path.is_dir() else file.name,
            {"name": file.stem, **beside, **own},
            series,
            (file, *configured),
            started=file.stat().st_mtime,
            own_steps=steps,
            final=not curves,
        )


class _Object:
    """What one file says: everything as text, the numbers that may be final values, and the curves. Raises UserError."""

    def __init__(self, file: Path, wanted: Wanted) -> None:
        document = read_json(file, MAX_TEXT)
        if not isinstance(document, Mapping):
            raise UserError(f"{escape(file)} holds no object of a run")
        self.file, self.fields = file, flat(document, file)
        self.numbers = {
            name: value for name, value in flat_numbers(document).items() if not _is_no_result(name, wanted)
        }
        lists = _lists(document)
        results = [name for name in lists if name in wanted.metrics or is_measured(name)]
        # Lists beside results that are numbers are settings, such as widths of layers.
        of = results or ([] if self.numbers else list(lists))
        lengths = sorted({len(lists[name]) for name in of})
        if len(lengths) > 1:
            raise UserError(
                f"{escape(file)}: its lists of numbers have different lengths ({', '.join(map(str, lengths))}): a run's curves "
                "have one value per step each"
            )
        self.curves = {name: values for name, values in lists.items() if len(values) in lengths}
        counts = [wanted.step, *(name for name in self.curves if last_part(name) in STEP_KEYS)]
        self.steps = next((name for name in counts if name in self.curves), None)
        if set(self.curves) == {self.steps}:
            self.curves, self.steps = {}, None


def _lists(document: Mapping[str, Any]) -> dict[str, Numbers]:
    """The lists of numbers in a document, also one level down (``history``), that may be curves."""
    inner = {
        f"{name}.{key}": each
        for name, item in document.items()
        if isinstance(item, Mapping)
        for key, each in item.items()
    }
    return {
        name: np.array(values, np.float64)
        for name, values in {**document, **inner}.items()
        if isinstance(values, list) and len(values) > 1 and all(isinstance(v, (int, float)) for v in values)
        if last_part(name) in STEP_KEYS or not is_chosen(name)
    }


def _settings(objects: Sequence[_Object], wanted: Wanted) -> set[str]:
    """The numbers of unknown names, beside known results, that are the same in several runs: they may tell methods apart."""
    values: dict[str, list[float]] = {}
    for found in objects:
        for name, value in found.numbers.items():
            values.setdefault(name, []).append(value)
    known = {name for name in values if name in wanted.metrics or is_measured(name)}
    curves = any(found.curves for found in objects)
    return {
        name
        for name in (values if known or curves else ())
        if name not in known and 2 * len(set(values[name])) <= len(values[name])
    }


def _is_no_result(name: str, wanted: Wanted) -> bool:
    return name not in wanted.metrics and (
        is_chosen(name) or last_part(name) in _NO_RESULT or name in wanted.naming or "seed" in words(name)
    )
