"""Sacred's FileStorageObserver: a folder per run with config.json, run.json and metrics.json."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from amrobust.errors import UserError
from amrobust.ingest.limits import MAX_TEXT, files_under, relative
from amrobust.ingest.logged import LoggedRun, SeriesBuilder, State, Wanted
from amrobust.ingest.parameters import flat, read_json
from amrobust.runs.files import escape, is_plain_file

TITLE = "Sacred's file storage"
RUN, CONFIG, METRICS = "run.json", "config.json", "metrics.json"
_STATES: dict[str, State] = {"COMPLETED": "finished", "RUNNING": "running", "QUEUED": "running"}


def recognises(path: Path) -> bool:
    """A run, or a folder of runs."""
    return path.is_dir() and any(_is_run(folder) for folder in (path, *_folders(path)))


def _folders(path: Path) -> list[Path]:
    try:
        return sorted(entry for entry in path.iterdir() if entry.is_dir())
    except OSError:
        return []


def _is_run(folder: Path) -> bool:
    return is_plain_file(folder / RUN) and is_plain_file(folder / CONFIG)


def read(path: Path, wanted: Wanted) -> Iterator[LoggedRun]:
    """Every run with metrics; sources, captured output and artifacts are not opened."""
    folders = [file.parent for file in files_under(path) if file.name == RUN and _is_run(file.parent)]
    if not folders:
        raise UserError(f"{escape(path)} has no runs of Sacred's file storage ({RUN} and {CONFIG})")
    for folder in folders:
        yield _run(folder, relative(folder, path))


def _run(folder: Path, label: str) -> LoggedRun:
    about, config = read_json(folder / RUN), read_json(folder / CONFIG)
    if not isinstance(about, dict) or not isinstance(config, dict):
        raise UserError(f"{escape(folder)}: {RUN} and {CONFIG} are not JSON objects")
    experiment = about.get("experiment")
    name = experiment.get("name") if isinstance(experiment, dict) else None
    fields = flat({key: value for key, value in config.items() if not key.startswith("__")}, folder / CONFIG)
    fields.setdefault("experiment", str(name or folder.parent.name))
    metrics = folder / METRICS
    built = SeriesBuilder()
    if is_plain_file(metrics):
        _read_metrics(metrics, built)
    return LoggedRun(
        path=label,
        fields=fields,
        series=built.series(),
        files=tuple(file for file in (folder / RUN, folder / CONFIG, metrics) if is_plain_file(file)),
        state=_STATES.get(str(about.get("status")), "failed"),
        started=_seconds(about.get("start_time")),
    )


def _read_metrics(path: Path, built: SeriesBuilder) -> None:
    content = read_json(path, MAX_TEXT)
    for name, metric in content.items() if isinstance(content, dict) else ():
        steps, values = (
            (metric.get(key) for key in ("steps", "values")) if isinstance(metric, dict) else (None, None)
        )
        if not isinstance(steps, list) or not isinstance(values, list) or len(steps) != len(values):
            raise UserError(f"{escape(path)}: {escape(name)!r} does not have as many steps as values")
        for step, value in zip(steps, values, strict=True):
            built.add(str(name), _number(step, path), _number(value, path))


def _number(value: Any, path: Path) -> float:
    """A number; of one that was pickled as JSON its plain value."""
    if isinstance(value, dict):
        value = value.get("value")
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UserError(f"{escape(path)}: {escape(repr(value)[:40])} is not a number")
    try:
        return float(value)
    except OverflowError:
        raise UserError(f"{escape(path)}: a number of {len(str(value))} digits is too large") from None


def _seconds(when: Any) -> float:
    try:
        return datetime.fromisoformat(str(when)).timestamp()
    except ValueError:
        return 0.0
