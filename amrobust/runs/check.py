"""Every run read to the last bit, and what is broken set aside: moved to a quarantine folder, never deleted."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal

import numpy as np

from amrobust.errors import RunError, UserError
from amrobust.runs import correct_file
from amrobust.runs.curves import RunCurves, decode
from amrobust.runs.files import TEMPORARY_PREFIX, escape, read_bounded, reason, write_atomically
from amrobust.runs.find import CORRECT, CURVES, MANIFEST, find_runs
from amrobust.runs.lock import locked
from amrobust.runs.manifest import Manifest
from amrobust.runs.provenance import command_of
from amrobust.runs.store import MAX_MANIFEST_BYTES, Run, directory_name, no_runs, read_run
from amrobust.runs.validate import parse_manifest
from amrobust.runs.validators import CorruptRun, UnreadableRun
from amrobust.runs.values import not_finite

QUARANTINE = "quarantine"
REASON = "set-aside.txt"

State = Literal["sound", "unfinished", "broken", "unreadable"]


@dataclass(frozen=True)
class Finding:
    """What was found out about one run.

    "unfinished" runs are sound as far as they go. "broken" ones are damaged or not what they say; "unreadable" ones may be
    whole, but not for this process: a later version made them, or their permissions are in the way.
    """

    path: Path
    state: State
    detail: str = ""
    """What is wrong, or what is left to do; empty where nothing is."""
    hint: str = ""
    again: str = ""
    """The command that makes the run again, where its manifest could still be read."""
    name: str = ""
    """The name that the run's directory should have, where that is all that is wrong."""
    moved: Path | None = None
    """Where a repair put it."""

    @property
    def bad(self) -> bool:
        """Whether something is wrong that no repair has dealt with."""
        return self.state == "unreadable" or (self.state == "broken" and self.moved is None)


def check_runs(paths: Iterable[Path], *, repair: bool = False) -> Iterator[Finding]:
    """Check every run under ``paths``, and with ``repair`` set the broken ones aside.

    Checked are the manifest's form, bounds and checksum, its identity against its spec and its directory's name, and the
    curves file's length, checksum, columns, rows and values. Raises UserError where a path holds no run.
    """
    found, empty = find_runs(paths)
    for path in empty:
        if not (path / QUARANTINE).is_dir():
            raise UserError(no_runs(path))
    for path in found:
        finding = check_run(path)
        yield set_aside(finding) if repair and finding.state == "broken" else finding


def check_run(path: Path) -> Finding:
    """The finding about the run in ``path``."""
    try:
        run = read_run(path)
        manifest = run.manifest
        curves = None if run.data is None else decode(run.data, manifest.complete, manifest.facts)
        _check_diverged(manifest, curves)
        if curves is not None and run.examples is not None and manifest.correct is not None:
            correct_file.check(
                correct_file.decode(run.examples, manifest.correct, manifest.complete, manifest.facts), curves
            )
        _check_name(run)
    except UnreadableRun as problem:
        return Finding(path, "unreadable", str(problem), problem.hint_for(path))
    except CorruptRun as problem:
        own_name = problem.wanted if isinstance(problem, Misnamed) else ""
        return Finding(path, "broken", str(problem), problem.hint_for(path), _again(path), own_name)
    left = {state: len(manifest.in_state(state)) for state in ("planned", "running", "failed")}
    if not any(left.values()):
        return Finding(path, "sound", _leftovers(run))
    words = ", ".join(f"{count} {state}" for state, count in left.items() if count)
    detail = f"{len(manifest.complete)} of {len(manifest.seeds)} seeds are complete, {words}"
    return Finding(path, "unfinished", detail, "its command goes on with it", command_of(manifest))


def _check_diverged(manifest: Manifest, curves: RunCurves | None) -> None:
    """Raise CorruptRun where a seed's values are not finite, once measured, and it is not marked as diverged."""
    if curves is None:
        return
    finite = np.ones(len(manifest.complete), bool)
    for output in manifest.facts.usual_outputs:
        for values in curves[output].values():
            finite &= ~not_finite(values)
    for seed, good in zip(manifest.complete, finite, strict=True):
        if not good and not manifest.seeds[seed].diverged:
            raise CorruptRun(
                f"the curves of seed {seed} are not finite, and its manifest does not say that it diverged"
            )


class Misnamed(CorruptRun):
    """A sound run in a directory that is not called after it; ``wanted`` is its own name."""

    hint = "'amrobust check --repair {run}' gives it its own name where that is free, else sets it aside"

    def __init__(self, wanted: str) -> None:
        super().__init__(f"it holds the run {wanted}, which 'amrobust run' would not find under this name")
        self.wanted = wanted


def _check_name(run: Run) -> None:
    wanted = directory_name(run.manifest)
    if run.path.resolve().name != wanted:
        raise Misnamed(wanted)


def _again(path: Path) -> str:
    """The command that makes the run in ``path`` again, where its manifest can be read."""
    try:
        return command_of(parse_manifest(read_bounded(path / MANIFEST, MAX_MANIFEST_BYTES)))
    except (CorruptRun, OSError):
        return ""


def _leftovers(run: Run) -> str:
    """What a killed process has left beside a sound run."""
    current = [entry.file for entry in (run.manifest.curves, run.manifest.correct) if entry is not None]
    try:
        names = [entry.name for entry in run.path.iterdir()]
    except OSError:
        return ""
    left = [
        n
        for n in names
        if n.startswith(TEMPORARY_PREFIX)
        or (any(fnmatch(n, kind) for kind in (CURVES, CORRECT)) and n not in current)
    ]
    return (
        f"{' and '.join(map(escape, left))} left by a killed process; the next training removes it"
        if left
        else ""
    )


def set_aside(finding: Finding) -> Finding:
    """Move a broken run into the folder ``quarantine`` beside it, with a note of what is wrong; nothing is deleted.

    A run that is only misnamed gets its own name where that is free. A run that another process is working on, that has
    changed since, or whose directory cannot be moved stays where it is, and its finding says so.
    """
    path = Path(os.path.abspath(finding.path))
    try:
        if path.is_symlink():
            raise RunError("it is a link")
        with locked(path, None):
            finding = check_run(finding.path)
        if finding.state != "broken":
            return finding
        moved = _move(path, finding.name)
    except RunError as error:
        return replace(finding, detail=f"{finding.detail}; not set aside: {error}")
    except OSError as error:
        return replace(finding, detail=f"{finding.detail}; not set aside ({reason(error)})")
    if moved.parent.name == QUARANTINE:
        lines = [
            escape(f"{path}: {finding.detail}"),
            *([f"again: {escape(finding.again)}"] if finding.again else []),
        ]
        with suppress(OSError):
            write_atomically(moved / REASON, ("\n".join(lines) + "\n").encode())
    return replace(finding, moved=finding.path.parent / moved.relative_to(path.parent))


def _move(path: Path, own_name: str) -> Path:
    """Give ``path`` its own name where it has one that is free, else a free one in the quarantine folder."""
    if own_name and not os.path.lexists(path.parent / own_name):
        return path.rename(path.parent / own_name)
    folder = path.parent / QUARANTINE
    folder.mkdir(exist_ok=True)
    if folder.is_symlink():
        raise RunError(f"{escape(folder)} is a link")
    names = (path.name if number == 1 else f"{path.name}-{number}" for number in itertools.count(1))
    return path.rename(next(folder / name for name in names if not os.path.lexists(folder / name)))
