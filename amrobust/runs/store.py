"""Run directories: found, read without a lock, and committed to under one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from amrobust.errors import RunError, UserError
from amrobust.experiments.spec import Spec
from amrobust.runs.curves import RunCurves, SeedCurves, decode, describe_bytes, encode
from amrobust.runs.files import TEMPORARY_PREFIX, is_plain_file, reason, shown, write_atomically
from amrobust.runs.manifest import Manifest
from amrobust.runs.validate import Broken, parse_manifest

MANIFEST = "manifest.json"
LOCK = ".lock"
MAX_MANIFEST_BYTES = 400_000_000
READ_ATTEMPTS = 20

REMEDY = "move or delete its directory and run the same command again; nothing else depends on it"


@dataclass(frozen=True)
class Run:
    """One run as it was at one moment: its manifest, and its curves with their checksum verified."""

    path: Path
    manifest: Manifest
    data: bytes | None = field(default=None, repr=False)
    """The curves file's content; None where no seed is complete."""

    @property
    def spec(self) -> Spec:
        """What was run."""
        return self.manifest.spec

    def curves(self) -> RunCurves:
        """``[output][metric]`` of shape (seeds, epochs), rows in the order of ``manifest.complete``.

        Raises RunError where the file's content is not what the manifest announces.
        """
        facts = self.manifest.facts
        if self.data is None:
            return {output: {} for output in facts.outputs}
        try:
            return decode(self.data, self.manifest.complete, facts)
        except Broken as problem:
            raise RunError(broken_line(self.path, problem)) from None


def broken_line(path: Path, problem: Exception | str) -> str:
    """A broken run in one line: which, what is wrong, and what to do."""
    return f"{shown(path)}: {problem}; {REMEDY}"


def directory_name(spec: Spec, identity: str) -> str:
    """``<workload>-<optimizer>-<first 12 digits of the identity>``; what a file name should not have becomes ``_``."""
    names = (
        re.sub(r"[^A-Za-z0-9.+]+", "_", name)[:40].lstrip(".") for name in (spec.workload, spec.optimizer)
    )
    return "-".join((*names, identity[:12]))


def read_run(path: Path) -> Run:
    """The run in ``path`` as of now; takes no lock. Raises Broken.

    A process that commits meanwhile replaces the curves file after its manifest: the manifest is read again then.
    """
    last: Broken | None = None
    for _ in range(READ_ATTEMPTS):
        manifest = parse_manifest(_read(path / MANIFEST, MAX_MANIFEST_BYTES, "manifest"))
        if manifest.curves is None:
            return Run(path, manifest)
        try:
            data = _read(path / manifest.curves.file, manifest.curves.bytes, "curves file")
            if len(data) != manifest.curves.bytes:
                raise Broken(
                    f"its curves file has {len(data):,} bytes of {manifest.curves.bytes:,}: it was cut off"
                )
            if hashlib.sha256(data).hexdigest() != manifest.curves.sha256:
                raise Broken("its curves file is damaged (its checksum does not match)")
            return Run(path, manifest, data)
        except Broken as problem:
            if last is not None and str(last) == str(problem) and _unchanged(path, manifest):
                raise problem from None
            last = problem
    raise Broken("it changed each time it was read") from last


def _unchanged(path: Path, manifest: Manifest) -> bool:
    """Whether the manifest on disk still names the same curves file."""
    return parse_manifest(_read(path / MANIFEST, MAX_MANIFEST_BYTES, "manifest")).curves == manifest.curves


def _read(path: Path, most: int, what: str) -> bytes:
    """Up to ``most`` bytes of a regular file; one byte more where it is longer."""
    if not is_plain_file(path):
        raise Broken(f"its {what} is missing" if not path.exists() else f"its {what} is not a plain file")
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            if size > most:
                raise Broken(f"its {what} has {size:,} bytes, more than the {most:,} expected")
            return file.read(size + 1)
    except OSError as error:
        raise Broken(f"its {what} cannot be read ({reason(error)})") from None


def find_runs(paths: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """Run directories under ``paths`` (each a run, or a directory of runs), and those of ``paths`` that hold none."""
    found: dict[Path, Path] = {}
    empty = []
    for path in paths:
        try:
            inside = [path] if _is_run(path) else sorted(entry for entry in path.iterdir() if _is_run(entry))
        except OSError as error:
            raise UserError(
                f"cannot read {shown(path)} ({reason(error)}): give a directory of runs"
            ) from None
        if not inside:
            empty.append(path)
        for run in inside:
            found.setdefault(run.resolve(), run)
    return list(found.values()), empty


def _is_run(path: Path) -> bool:
    """Whether ``path`` holds a manifest, or curves that lack one."""
    return path.is_dir() and ((path / MANIFEST).exists() or any(path.glob("curves-*.parquet")))


def open_runs(paths: Iterable[Path]) -> tuple[list[Run], list[str]]:
    """Every usable run under ``paths`` (run directories, or directories of runs), and a line for each broken one.

    Raises UserError where a path holds no run at all.
    """
    found, empty = find_runs(paths)
    if empty:
        raise UserError(
            f"there are no runs in {shown(empty[0])}: make some with 'amrobust run --opt am1 --seeds 20'"
        )
    runs: dict[str, Run] = {}
    problems = []
    for path in found:
        try:
            run = read_run(path)
        except Broken as problem:
            problems.append(broken_line(path, problem))
            continue
        first = runs.setdefault(run.manifest.identity, run)
        if first is not run:
            problems.append(f"{shown(path)}: is the same run as {shown(first.path)}; give only one of them")
    return list(runs.values()), problems


@contextmanager
def locked(path: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the run's lock, creating its directory; ``on_wait()`` is called when another process has it.

    Raises RunError where the directory cannot be written to.
    """
    import filelock

    lock = filelock.FileLock(path / LOCK)
    try:
        path.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            on_wait()
            lock.acquire(poll_interval=0.1)
    except (OSError, NotImplementedError) as error:
        what = reason(error) if isinstance(error, OSError) else "its file system has no locks"
        raise RunError(
            f"cannot write to {shown(path)} ({what}): choose another place with --runs-dir"
        ) from None
    try:
        yield
    finally:
        lock.release()


def commit(path: Path, manifest: Manifest, curves: Mapping[int, SeedCurves]) -> Manifest:
    """Make ``manifest`` and the ``curves`` of its complete seeds the run's state; returns it with its curves file named.

    The order is: new curves file, manifest, removal of the old curves file. A process killed anywhere in between leaves the
    state before or the state after. The caller holds the lock. Raises RunError where the disk is full or read-only.
    """
    try:
        if curves:
            data = encode(curves, manifest.facts)
            entry = describe_bytes(data)
            if entry != manifest.curves or not (path / entry.file).exists():
                write_atomically(path / entry.file, data)
            manifest = replace(manifest, curves=entry)
        write_atomically(path / MANIFEST, manifest.to_json())
    except OSError as error:
        raise RunError(
            f"cannot write to {shown(path)} ({reason(error)}): free some space or choose another --runs-dir; what was "
            "committed before is kept"
        ) from None
    _remove_leftovers(path, manifest)
    return manifest


def _remove_leftovers(path: Path, manifest: Manifest) -> None:
    """Remove curves files and temporary files that no manifest names."""
    current = manifest.curves.file if manifest.curves else None
    with suppress(OSError):
        for entry in path.iterdir():
            stale = entry.match("curves-*.parquet") and entry.name != current
            if stale or entry.name.startswith(TEMPORARY_PREFIX):
                entry.unlink(missing_ok=True)


def find_run(name: str, directory: Path) -> Run:
    """The run called ``name``: a path, or the unique beginning of a directory's name in ``directory``.

    Raises UserError where there is none or more than one, RunError where it is broken.
    """
    path = Path(name)
    if not (path.is_dir() and _is_run(path)):
        path = _by_prefix(name, directory)
    try:
        return read_run(path)
    except Broken as problem:
        raise RunError(broken_line(path, problem)) from None


def _by_prefix(name: str, directory: Path) -> Path:
    runs: Sequence[Path] = find_runs([directory])[0] if directory.is_dir() else []
    found = [run for run in runs if run.name.startswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(shown(run.name) for run in found[:5])
        raise UserError(f"{shown(name)!r} could be {names}: give more of the name")
    raise UserError(
        f"no run in {shown(directory)} is called {shown(name)!r}: 'amrobust list {shown(directory)}' has them"
    )
