"""MLflow's file store: <experiment>/<run>/ with meta.yaml, params/, tags/ and metrics/."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from amrobust.errors import UserError
from amrobust.ingest.limits import MAX_SMALL, files_under, relative, text_of
from amrobust.ingest.logged import LoggedRun, SeriesBuilder, State
from amrobust.ingest.parameters import read_yaml
from amrobust.runs.files import escape, is_plain_file

META = "meta.yaml"
NAME_TAG = "mlflow.runName"
_STATES: dict[str, State] = {
    "1": "running", "2": "running", "3": "finished", "4": "failed", "5": "failed",
    "RUNNING": "running", "SCHEDULED": "running", "FINISHED": "finished", "FAILED": "failed", "KILLED": "failed",
}  # fmt: skip


def state_of(status: object) -> State:
    """A run's state from MLflow's status, a number in files and a word in a database."""
    return _STATES.get(str(status), "failed")


def is_store(path: Path) -> bool:
    """Whether ``path`` is a store, an experiment or a run: it has meta.yaml at most two folders down."""
    try:
        for pattern in (META, f"*/{META}", f"*/*/{META}"):
            if any(_is_meta(found) for found in path.glob(pattern)):
                return True
    except OSError:
        return False
    return False


def _is_meta(path: Path) -> bool:
    return is_plain_file(path) and b"lifecycle_stage" in path.read_bytes()[:10_000]


def read_store(path: Path) -> Iterator[LoggedRun]:
    """Every active run of every active experiment under ``path``."""
    experiments: dict[Path, dict[str, Any]] = {}
    metas = [file for file in files_under(path) if file.name == META]
    for file in metas:
        meta = read_yaml(file)
        if not isinstance(meta, dict) or not ({"run_id", "run_uuid"} & set(meta)):
            if isinstance(meta, dict):
                experiments[file.parent] = meta
            continue
        folder = file.parent
        experiment = experiments.get(folder.parent)
        if experiment is None and is_plain_file(folder.parent / META):
            experiment = experiments[folder.parent] = read_yaml(folder.parent / META) or {}
        if "deleted" in (meta.get("lifecycle_stage"), (experiment or {}).get("lifecycle_stage")):
            continue
        yield _run(folder, relative(folder, path), meta, experiment or {})
    if not metas:
        raise UserError(f"{escape(path)} is no MLflow store: it has no {META}")


def _run(folder: Path, label: str, meta: dict[str, Any], experiment: dict[str, Any]) -> LoggedRun:
    params, tags = _values(folder / "params"), _values(folder / "tags")
    name = str(meta.get("run_name") or tags.get(NAME_TAG) or "")
    fields = {key: value for key, value in tags.items() if not key.startswith("mlflow.")} | params
    fields |= {"name": name} if name else {}
    fields.setdefault("experiment", str(experiment.get("name") or folder.parent.name))
    built = SeriesBuilder()
    metrics = folder / "metrics"
    files = list(files_under(metrics)) if metrics.is_dir() else []
    for file in files:
        key = relative(file, metrics)
        for number, line in enumerate(text_of(file).splitlines(), start=1):
            built.add(key, *_point(line, file, number))
    started = meta.get("start_time")
    return LoggedRun(
        path=label,
        fields=fields,
        series=built.series(),
        files=(folder / META, *files),
        state=state_of(meta.get("status")),
        started=float(started) if isinstance(started, (int, float)) else 0.0,
    )


def _values(folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        return {}
    return {relative(file, folder): text_of(file, MAX_SMALL).strip() for file in files_under(folder)}


def _point(line: str, path: Path, number: int) -> tuple[float, float]:
    """Step and value of ``<timestamp> <value> <step>``; the oldest stores have no step."""
    parts = line.split()
    try:
        return float(parts[2]) if len(parts) > 2 else float(number), float(parts[1])
    except (IndexError, ValueError):
        raise UserError(
            f"{escape(path)}, line {number}: {escape(line[:60])!r} is not '<time> <value> <step>'"
        ) from None
