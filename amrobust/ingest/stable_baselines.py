"""Stable-Baselines3: the episodes in monitor.csv files and the evaluations in evaluations.npz."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from amrobust.errors import UserError
from amrobust.ingest.csv_tables import parse_table
from amrobust.ingest.limits import beginning, files_under, relative, text_of
from amrobust.ingest.logged import LoggedRun, Numbers, Series, Wanted
from amrobust.ingest.npz import read_arrays
from amrobust.ingest.parameters import Configurations, flat, flat_numbers
from amrobust.runs.files import escape, is_plain_file

TITLE = "Stable-Baselines3's monitor.csv and evaluations.npz"
EVALUATIONS = "evaluations.npz"
RETURN, LENGTH = "episode_return", "episode_length"
EVALUATED = {
    "results": "eval/mean_reward",
    "ep_lengths": "eval/mean_ep_length",
    "successes": "eval/success_rate",
}
"""Arrays (evaluations, episodes), and what the tool logs their means as."""
_MONITOR = re.compile(r"(?:(?P<name>.+)\.)?monitor\.csv")


def recognises(path: Path) -> bool:
    """A monitor.csv with its line of JSON, an evaluations.npz, or a folder with one."""
    if path.is_dir():
        return any(map(_is_log, files_under(path)))
    return is_plain_file(path) and _is_log(path)


def _is_log(path: Path) -> bool:
    if path.name == EVALUATIONS:
        return b"timesteps.npy" in beginning(path)
    return bool(_MONITOR.fullmatch(path.name)) and beginning(path, 2) == b"#{"


def read(path: Path, wanted: Wanted) -> Iterator[LoggedRun]:
    """A run for each training: what a folder holds, or in it what has a name of its own (``NAME.monitor.csv``).

    ``monitor.csv``, ``0.monitor.csv``, ``1.monitor.csv``, ... of one folder are the parallel environments of one training.
    """
    trainings: dict[tuple[Path, str], list[Path]] = {}
    for file in filter(_is_log, files_under(path)) if path.is_dir() else [path]:
        match = _MONITOR.fullmatch(file.name)
        name = (match["name"] or "") if match else ""
        trainings.setdefault((file.parent, "" if name.isdecimal() else name), []).append(file)
    configurations = Configurations(path)
    for (folder, name), files in trainings.items():
        label = relative(folder, path) if path.is_dir() and folder != path else folder.resolve().name
        yield _training(
            f"{label}/{name}" if name else label, name or folder.resolve().name, files, wanted, configurations
        )


def _training(
    label: str, name: str, files: list[Path], wanted: Wanted, configurations: Configurations
) -> LoggedRun:
    evaluations = [file for file in files if file.name == EVALUATIONS]
    monitors = [file for file in files if file.name != EVALUATIONS]
    series = _evaluations(evaluations[0]) if evaluations else {}
    fields: dict[str, str] = {}
    notes = []
    asked = {RETURN, LENGTH} & wanted.metrics
    if monitors:
        fields, episodes = _episodes(monitors)
        if not series or asked:
            series |= episodes
            if len(monitors) > 1:
                notes.append(
                    f"{escape(label)}: {len(monitors)} monitor files are the parallel environments of one training, their "
                    "episodes in the order in which they ended"
                )
        else:
            notes.append(
                f"{RETURN}, {LENGTH} of the monitor files: left out beside evaluations, unless asked for by name"
            )
    beside, configuration = configurations.of(files[0])
    return LoggedRun(
        label,
        {"name": name, **beside, **fields},
        series,
        (*files, *configuration),
        started=files[0].stat().st_mtime,
        own_steps="step",
        better={RETURN: "higher", EVALUATED["results"]: "higher", EVALUATED["successes"]: "higher"},
        notes=tuple(notes),
    )


def _evaluations(path: Path) -> dict[str, Series]:
    """The mean over the episodes of each evaluation."""
    arrays = read_arrays(path)
    steps = arrays.get("timesteps")
    if steps is None or steps.ndim != 1 or "results" not in arrays:
        raise UserError(
            f"{escape(path)} has no arrays timesteps (evaluations,) and results (evaluations, episodes), as Stable-Baselines3 "
            f"writes them; it has {', '.join(f'{escape(name)} {array.shape}' for name, array in arrays.items())}"
        )
    found: dict[str, Series] = {}
    for array, metric in EVALUATED.items():
        values = arrays.get(array)
        if values is None:
            continue
        if values.ndim not in (1, 2) or len(values) != len(steps) or 0 in values.shape:
            raise UserError(
                f"{escape(path)}: {array} has the shape {values.shape} beside {len(steps)} timesteps"
            )
        found[metric] = steps, values if values.ndim == 1 else values.mean(axis=1)
    return found


def _episodes(monitors: list[Path]) -> tuple[dict[str, str], dict[str, Series]]:
    """Return and length of every episode at the steps that all environments had taken together when it ended."""
    fields: dict[str, str] = {}
    parts: list[Numbers] = []
    for file in monitors:
        header, columns = _monitor(file)
        fields = flat({key: value for key, value in header.items() if key != "t_start"}, file) | fields
        columns["t"] = columns["t"] + flat_numbers(header).get("t_start", 0.0)
        parts.append(np.stack([columns["r"], columns["l"], columns["t"]]))
    returns, lengths, ended = np.concatenate(parts, axis=1)
    order = np.argsort(ended, kind="stable")
    steps = np.cumsum(lengths[order])
    return fields, {RETURN: (steps, returns[order]), LENGTH: (steps, lengths[order])}


def _monitor(path: Path) -> tuple[dict[str, Any], dict[str, Numbers]]:
    first, _, rest = text_of(path).partition("\n")
    try:
        header = json.loads(first.removeprefix("#"))
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"{escape(path)}, line 1 is not the JSON that a monitor begins with ({escape(error)})"
        ) from None
    table = parse_table(rest, path, path.name)
    table = replace(table, lines=[line + 1 for line in table.lines])
    missing = [name for name in ("r", "l", "t") if name not in table.columns]
    if missing or not table.lines:
        what = f"no column {missing[0]!r}" if missing else "no episode"
        raise UserError(f"{escape(path)} has {what}: a monitor has r, l and t, an episode a line")
    rows = range(len(table.lines))
    columns = {name: np.array([table.number(name, row) for row in rows]) for name in ("r", "l", "t")}
    return header if isinstance(header, dict) else {}, columns
