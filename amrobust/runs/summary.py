"""What a list of runs says about each, and the index that spares reading every run for it.

The index is a cache beside the runs. It holds for each run what the run said when it was last read, and by which files: a
file that has been written, replaced, moved or copied since has another signature, and its run is read again. No number
that is judged ever comes from it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from amrobust.errors import UserError
from amrobust.runs.files import read_bounded, write_atomically
from amrobust.runs.find import MANIFEST, find_runs
from amrobust.runs.manifest import Manifest
from amrobust.runs.store import broken_line, no_runs, read_run, same_run
from amrobust.runs.validate import CURVES_NAME
from amrobust.runs.validators import CorruptRun

INDEX = ".index.json"
INDEX_VERSION = 1
INDEX_FROM = 200
"""Runs in a directory from which on an index is kept: fewer are read faster than anybody waits."""
MAX_INDEX_BYTES = 1_000_000_000

Signature = list[int]


@dataclass(frozen=True)
class Summary:
    """One run in a list."""

    run: str
    """Name of its directory."""
    identity: str
    workload: str
    methods: tuple[str, ...]
    seeds_complete: int
    seeds: int
    failed: int
    diverged: int
    epochs: int
    wall_seconds: float


def summarise(path: Path, manifest: Manifest) -> Summary:
    """The summary of a run that was read."""
    return Summary(
        run=path.name,
        identity=manifest.identity,
        workload=manifest.facts.workload_label,
        methods=tuple(dict.fromkeys(manifest.facts.methods.values())),
        seeds_complete=len(manifest.complete),
        seeds=len(manifest.seeds),
        failed=len(manifest.in_state("failed")),
        diverged=sum(record.diverged for record in manifest.seeds.values()),
        epochs=manifest.facts.epochs,
        wall_seconds=manifest.wall_seconds,
    )


def summaries(paths: Iterable[Path]) -> tuple[list[Summary], list[str]]:
    """The summary of every usable run under ``paths`` (runs, or directories of runs), and a line for each broken one.

    A run whose files are as they were when its directory's index was written is not read again. Raises UserError where a
    path holds no run at all.
    """
    paths = list(paths)
    found, empty = find_runs(paths)
    if empty:
        raise UserError(no_runs(empty[0]))
    indexes = {directory: Index.read(directory) for directory in dict.fromkeys(path.parent for path in found)}
    summed: list[Summary] = []
    problems: list[str] = []
    first: dict[str, Path] = {}
    for path in found:
        try:
            summary = indexes[path.parent].get(path)
        except CorruptRun as problem:
            problems.append(broken_line(path, problem))
            continue
        earlier = first.setdefault(summary.identity, path)
        if earlier is path:
            summed.append(summary)
        else:
            problems.append(same_run(path, earlier))
    for directory in paths:
        if directory in indexes:
            indexes[directory].write()
    return summed, problems


class Index:
    """What was known of the runs in one directory, and what was found out since."""

    def __init__(self, directory: Path, known: Any) -> None:
        self.directory = directory
        self.known: dict[str, Any] = known if isinstance(known, dict) else {}
        self.current: dict[str, Any] = {}
        self.changed = False

    @classmethod
    def read(cls, directory: Path) -> Index:
        """The index of ``directory``; an empty one where there is none or it is of no use."""
        try:
            content = json.loads(read_bounded(directory / INDEX, MAX_INDEX_BYTES))
            known = content["runs"] if content["version"] == INDEX_VERSION else {}
        except (OSError, ValueError, LookupError, TypeError, RecursionError):
            known = {}
        return cls(directory, known)

    def get(self, path: Path) -> Summary:
        """The summary of the run in ``path``, read where its files are not those that are known. Raises CorruptRun."""
        entry = self.known.get(path.name)
        summary = _trusted(path, entry)
        if summary is None:
            self.changed = True
            before = _manifest_signature(path)
            run = read_run(path)
            summary = summarise(path, run.manifest)
            curves = run.manifest.curves.file if run.manifest.curves is not None else None
            entry = {"files": _signature(path, curves), "curves": curves, **asdict(summary)}
            if entry["files"] is None or entry["files"][0] != before:
                return summary  # It was committed to meanwhile: what was read need not be what lies there.
        self.current[path.name] = entry
        return summary

    def write(self) -> None:
        """Keep what is known now, where it is worth keeping and can be written."""
        if len(self.current) >= INDEX_FROM and (self.changed or len(self.current) != len(self.known)):
            content = json.dumps({"version": INDEX_VERSION, "runs": self.current}, separators=(",", ":"))
            with suppress(OSError):
                write_atomically(self.directory / INDEX, content.encode())


def _trusted(path: Path, entry: Any) -> Summary | None:
    """The summary in an index's entry, where the entry is one and the run's files are those that it was made from."""
    try:
        curves = entry["curves"]
        if curves is not None and not CURVES_NAME.fullmatch(curves):
            return None
        if entry["files"] != _signature(path, curves):
            return None
        counts = {name: entry[name] for name in ("seeds_complete", "seeds", "failed", "diverged", "epochs")}
        texts = {name: entry[name] for name in ("identity", "workload")}
        methods, seconds = tuple(entry["methods"]), entry["wall_seconds"]
    except (LookupError, TypeError):
        return None
    if any(type(count) is not int for count in counts.values()) or not isinstance(seconds, float):
        return None
    if not all(isinstance(text, str) for text in (*texts.values(), *methods)):
        return None
    return Summary(run=path.name, methods=methods, wall_seconds=seconds, **counts, **texts)


def _signature(path: Path, curves: str | None) -> list[Signature] | None:
    """What tells the present files of a run from any others: number, length and times of manifest and curves."""
    try:
        return [_of_file(os.path.join(path, name)) for name in (MANIFEST, curves) if name is not None]
    except OSError:
        return None


def _manifest_signature(path: Path) -> Signature | None:
    found = _signature(path, None)
    return found[0] if found else None


def _of_file(path: str) -> Signature:
    # The time of the last change of the entry cannot be set, and it and the number differ in every copy.
    found = os.lstat(path)
    return [found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]
