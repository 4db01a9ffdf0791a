"""From a path to methods with aligned seeds: the one call that comparing and importing share."""

from __future__ import annotations

import logging
import os
import re
from dataclasses import replace
from pathlib import Path

from amrobust.errors import UserError
from amrobust.ingest.assemble import Gathered, gather
from amrobust.ingest.imported import ImportedMethod
from amrobust.ingest.limits import files_under, relative
from amrobust.ingest.mappings import Mappings
from amrobust.ingest.parameters import BESIDE
from amrobust.ingest.policies import Policies
from amrobust.ingest.registry import detect, get, names
from amrobust.ingest.text_logs import EXAMPLE
from amrobust.runs.arms import READ, Arm
from amrobust.runs.files import escape
from amrobust.runs.find import find_runs
from amrobust.runs.seeds import FOLDS, NUMBERED

_log = logging.getLogger("amrobust")

AUTO, TEXT = "auto", "text"
_LOGS = {
    "csv": re.compile(r"\.(?:csv|tsv)(?:\.gz)?$", re.IGNORECASE),
    "json": re.compile(r"\.(?:jsonl|ndjson)(?:\.gz)?$", re.IGNORECASE),
    "parquet": re.compile(r"\.parquet$", re.IGNORECASE),
    "npz": re.compile(r"\.np[yz]$", re.IGNORECASE),
    "tensorboard": re.compile(r"\.tfevents\."),
    "huggingface": re.compile(r"^trainer_state\.json$"),
}
"""Files that hold logs or tables by their names, by the format that reads them."""


def read_path(
    path: Path, form: str = AUTO, mappings: Mappings | None = None, policies: Policies | None = None
) -> tuple[Gathered, str]:
    """The methods under ``path``, and the name of the format they were in.

    Raises UserError where the format is not recognised, its content cannot be read, or a policy refuses it.
    """
    if not os.path.exists(path):  # noqa: PTH110 - pathlib raises on a name that is too long
        raise UserError(f"{escape(path)} does not exist")
    mappings = mappings or Mappings()
    if form == AUTO and mappings.pattern is None and path.is_dir() and find_runs([path])[0]:
        raise UserError(
            f"{escape(path)} holds runs of amrobust's own, which are imported already: 'amrobust compare' reads them"
        )
    if mappings.pattern is not None and form not in (AUTO, TEXT):
        raise UserError(
            f"--pattern reads text logs, and --from {form} reads something else: leave one of them out"
        )
    name = TEXT if mappings.pattern is not None else detect(path) if form == AUTO else form
    if name is None:
        raise UserError(
            f"{escape(path)} looks like none of the formats that are read; if it is one, name it with 'amrobust import "
            f"--from': {', '.join(names())}; lines of text are read with {EXAMPLE}"
        )
    logged = list(get(name).read(path, mappings.wanted))
    if not logged:
        raise UserError(f"{escape(path)} has no runs that logged anything ({name})")
    gathered = gather(logged, mappings, policies or Policies(), stem=path.stem or path.resolve().name)
    passed_over = (
        _passed_over(path, name, {file for run in logged for file in run.files}) if path.is_dir() else []
    )
    return replace(
        gathered, notes=(*gathered.notes, *passed_over), left_out=(*gathered.left_out, *passed_over)
    ), name


def _passed_over(folder: Path, form: str, taken: set[Path]) -> list[str]:
    """A line for the logs of other formats in a folder that was read as ``form``, and one for configurations without a log."""
    found: dict[str, list[Path]] = {}
    configured = {file.name for file in taken if file.name in BESIDE}
    packed, without = [], []
    for file in files_under(folder):
        if file in taken:
            continue
        other = next((name for name, pattern in _LOGS.items() if pattern.search(file.name)), None)
        if other is not None and file.suffix.lower() == ".gz":
            packed.append(file)
        elif other is not None and other != form:
            found.setdefault(other, []).append(file)
        if file.name in configured and not any(file.parent in log.parents for log in taken):
            without.append(file)
    lines = [
        f"{len(files)} files are not read, since {escape(folder)} was read as {form}: {_some(files, folder)} (to compare all, "
        f"import the folder with --from {form} and again with --from {other})"
        for other, files in found.items()
    ]
    if packed:
        lines.append(f"{_some(packed, folder)}: compressed, and not read: unpack them first")
    if without:
        lines.append(
            f"{_some(without, folder)}: a configuration without any log, of a run that may have failed"
        )
    return lines


def _some(files: list[Path], folder: Path) -> str:
    return ", ".join(escape(relative(file, folder)) for file in files[:4]) + (
        ", ..." if len(files) > 4 else ""
    )


def say_notes(gathered: Gathered, path: Path, form: str) -> None:
    """Log what was decided while ``path`` was read, but for what is left out, of which the caller has lines already."""
    for note in gathered.notes:
        if note not in gathered.left_out:
            said = note.removeprefix(f"{escape(path.name)}: ")
            _log.warning("%s, read as %s: %s", escape(path), form, said)


def arms_of(gathered: Gathered, path: Path) -> list[Arm]:
    """The methods as arms; nothing pairs them, and nothing says where they started."""
    return [_arm(method, path, gathered) for method in gathered.methods]


def _arm(method: ImportedMethod, path: Path, gathered: Gathered) -> Arm:
    averaging = method.identity.hyperparameters.get("m")
    return Arm(
        method=method.method,
        optimizer=method.identity.optimizer,
        workload=method.workload,
        seeds=method.seeds,
        curves=method.curves,
        metrics={metric.name: metric for metric in method.metrics},
        diverged=method.diverged,
        averaging=averaging if isinstance(averaging, int) else None,
        facts={"file": path.name, "steps": method.axis.words, READ: gathered.read}
        | ({"import": "; ".join(gathered.notes)} if gathered.notes else {})
        | ({NUMBERED: "in the order of their rows"} if method.numbered else {})
        | ({FOLDS: method.folds} if method.folds is not None else {}),
        identity=method.identity,
        axis=method.axis,
    )
