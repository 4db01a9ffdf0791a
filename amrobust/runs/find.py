"""Where runs are: run directories under the paths that a user gives."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

from amrobust.errors import UserError
from amrobust.runs.files import escape, reason
from amrobust.runs.journals import journals_in

MANIFEST = "manifest.json"
CURVES = "curves-*.parquet"
CORRECT = "correct-*.bits"


def runs_in(directory: Path) -> list[Path]:
    """The run directories directly in ``directory``, by name. Raises OSError where it cannot be listed."""
    with os.scandir(directory) as entries:
        return [directory / name for name in sorted(e.name for e in entries if _holds_run(e))]


def _holds_run(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir() and is_run(Path(entry.path))
    except OSError:  # Such as a link that leads to itself.
        return False


def find_runs(paths: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """Run directories under ``paths`` (each a run, or a directory of runs), and those of ``paths`` that hold none.

    Each is there once, however many of the paths lead to it. Raises UserError where a path cannot be listed.
    """
    found: dict[str, Path] = {}
    empty = []
    for path in paths:
        try:
            inside = [path] if is_run(path) else runs_in(path)
        except OSError as error:
            raise UserError(
                f"cannot read {escape(path)} ({reason(error)}): give a directory of runs"
            ) from None
        if not inside:
            empty.append(path)
        real = os.path.realpath(path)
        for run in inside:
            if run is path:
                found.setdefault(real, run)
            else:
                found.setdefault(
                    os.path.realpath(run) if run.is_symlink() else os.path.join(real, run.name), run
                )
    return list(found.values()), empty


def is_run(path: Path) -> bool:
    """Whether ``path`` holds a manifest, or curves or a journal that lack one; also where it may not be looked into.

    An empty manifest without curves is what a loss of power leaves of a run that had just been begun: there is none.
    """
    try:
        found = os.lstat(os.path.join(path, MANIFEST))
    except (FileNotFoundError, NotADirectoryError):
        return any(path.glob(CURVES)) or bool(journals_in(path))
    except OSError as error:
        return isinstance(error, PermissionError)
    whole = found.st_size > 0 or not stat.S_ISREG(found.st_mode)
    return whole or any(path.glob(CURVES)) or bool(journals_in(path))


def by_prefix(name: str, directory: Path) -> Path:
    """The one run in ``directory`` whose name begins with ``name``. Raises UserError where it is not one."""
    runs: Sequence[Path] = find_runs([directory])[0] if directory.is_dir() else []
    found = [run for run in runs if run.name.startswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(escape(run.name) for run in found[:5])
        raise UserError(f"{escape(name)!r} could be {names}: give more of the name")
    raise UserError(
        f"no run in {escape(directory)} is called {escape(name)!r}: 'amrobust list {escape(directory)}' has them"
    )
