"""Hugging Face's trainer_state.json: the log that the Trainer keeps in the folder of a run and of each of its checkpoints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from amrobust.errors import UserError
from amrobust.ingest.limits import MAX_TEXT, files_under, relative
from amrobust.ingest.logged import LoggedRun, SeriesBuilder, Wanted
from amrobust.ingest.parameters import Configurations, flat_numbers, read_json
from amrobust.runs.files import escape, is_plain_file

TITLE = "Hugging Face's trainer_state.json"
LOG = "trainer_state.json"
COUNTERS = ("epoch", "step")


def recognises(path: Path) -> bool:
    """A trainer_state.json, or a folder with one."""
    if path.is_dir():
        return any(file.name == LOG for file in files_under(path))
    return path.name == LOG and is_plain_file(path)


def read(path: Path, wanted: Wanted) -> Iterator[LoggedRun]:
    """A run for each folder; of a run and its checkpoints the state that is farthest, which holds the log of all."""
    files = [file for file in files_under(path) if file.name == LOG] if path.is_dir() else [path]
    farthest: dict[Path, tuple[float, Path, dict[str, Any]]] = {}
    for file in files:
        state = read_json(file, MAX_TEXT)
        history = state.get("log_history") if isinstance(state, dict) else None
        if not isinstance(history, list) or not all(isinstance(entry, dict) for entry in history):
            raise UserError(f"{escape(file)} has no 'log_history': it is no state of a Trainer")
        folder = file.parent.parent if file.parent.name.startswith("checkpoint-") else file.parent
        step = float(state.get("global_step") or 0)
        if folder not in farthest or farthest[folder][0] < step:
            farthest[folder] = step, file, state
    configurations = Configurations(path)
    for folder, (_, file, state) in farthest.items():
        built = SeriesBuilder()
        for entry in state["log_history"]:
            numbers = flat_numbers(entry)
            if "step" in numbers:
                for name, value in numbers.items():
                    if name != "step":
                        built.add(name, numbers["step"], value)
        fields, beside = configurations.of(file)
        label = relative(folder, path) if path.is_dir() and folder != path else folder.name
        yield LoggedRun(
            path=label,
            fields={"name": folder.name, **fields},
            series=built.series(),
            files=(file, *beside),
            started=file.stat().st_mtime,
            steps_in="epoch" if wanted.step == "epoch" else None,
            own_steps="step",
        )
