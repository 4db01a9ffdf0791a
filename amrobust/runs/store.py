"""Run directories: read without a lock, and committed to under one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from amrobust.errors import RunError, UserError
from amrobust.runs import correct_file
from amrobust.runs.correctness import Correctness, SeedCorrectness
from amrobust.runs.curves import RunCurves, SeedCurves, decode, describe_bytes, encode
from amrobust.runs.files import (
    TEMPORARY_PREFIX,
    NotPlain,
    TooLong,
    escape,
    put_in_place,
    read_bounded,
    reason,
    sync_directory,
)
from amrobust.runs.find import CORRECT, CURVES, MANIFEST, by_prefix, find_runs, is_run
from amrobust.runs.journals import journals_in
from amrobust.runs.manifest import CorrectFile, CurvesFile, Manifest
from amrobust.runs.spec import Spec
from amrobust.runs.validate import parse_manifest
from amrobust.runs.validators import CorruptRun, UnreadableRun

MAX_MANIFEST_BYTES = 400_000_000
READ_ATTEMPTS = 20
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.+-]")


@dataclass(frozen=True)
class Run:
    """One run as it was at one moment: its manifest, and its curves with their checksum verified."""

    path: Path
    manifest: Manifest
    data: bytes | None = field(default=None, repr=False)
    """The curves file's content; None where no seed is complete."""
    examples: bytes | None = field(default=None, repr=False)
    """The content of the file of correct examples; None where none is recorded."""

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
        except CorruptRun as problem:
            raise RunError(broken_line(self.path, problem)) from None

    def correct(self) -> dict[str, Correctness]:
        """By output which test examples were right; empty where that is not recorded.

        Raises RunError where the file's content is not what the manifest announces.
        """
        entry = self.manifest.correct
        if self.examples is None or entry is None:
            return {}
        try:
            return correct_file.decode(self.examples, entry, self.manifest.complete, self.manifest.facts)
        except CorruptRun as problem:
            raise RunError(broken_line(self.path, problem)) from None


def broken_line(path: Path, problem: CorruptRun) -> str:
    """A broken run in one line: which, what is wrong, and what to do."""
    return escape(f"{path}: {problem}; {problem.hint_for(path)}")


def directory_name(manifest: Manifest) -> str:
    """``<workload>-<optimizer>-<12 digits>``, and 8 of the code where the identity covers it: one component of a path.

    The 12 are the first of the identity without the code, which all versions of one method have in common.
    """
    spec, code = manifest.spec, manifest.code
    names = (_NOT_IN_NAMES.sub("_", name)[:45].lstrip(".") for name in (spec.workload, spec.optimizer))
    return "-".join((*names, manifest.base[:12], *([code[:8]] if code else ())))


def read_run(path: Path) -> Run:
    """The run in ``path`` as of now; takes no lock. Raises CorruptRun.

    A process that commits meanwhile replaces the curves file after its manifest: the manifest is read again then.
    """
    if not (path / MANIFEST).exists() and (left := journals_in(path)):
        more = f" and {len(left) - 3} more files" if len(left) > 3 else ""
        raise UnreadableRun(
            f"seeds were stopped, and its manifest is missing; what they logged is in {', '.join(left[:3])}{more}",
            "record(..., resume=True) goes on with it",
        )
    last: CorruptRun | None = None
    for _ in range(READ_ATTEMPTS):
        manifest = parse_manifest(_read(path / MANIFEST, MAX_MANIFEST_BYTES, "manifest"))
        if manifest.curves is None:
            return Run(path, manifest)
        try:
            data = _checked(path, manifest.curves, "curves file")
            correct = manifest.correct
            examples = None if correct is None else _checked(path, correct, "file of correct examples")
            return Run(path, manifest, data, examples)
        except CorruptRun as problem:
            if last is not None and str(last) == str(problem) and _unchanged(path, manifest):
                raise problem from None
            last = problem
    raise CorruptRun("it changed each time it was read") from last


def _checked(path: Path, entry: CurvesFile | CorrectFile, what: str) -> bytes:
    """The content of a file that the manifest names. Raises CorruptRun where it is not that."""
    data = _read(path / entry.file, entry.bytes, what)
    if len(data) != entry.bytes:
        raise CorruptRun(f"its {what} has {len(data):,} bytes of {entry.bytes:,}: it was cut off")
    if hashlib.sha256(data).hexdigest() != entry.sha256:
        raise CorruptRun(f"its {what} is damaged (its checksum does not match)")
    return data


def manifest_in(path: Path) -> Manifest | None:
    """The manifest of the run in ``path`` as of now, its curves unread; None where there is no run. Raises CorruptRun."""
    return parse_manifest(_read(path / MANIFEST, MAX_MANIFEST_BYTES, "manifest")) if is_run(path) else None


def _unchanged(path: Path, manifest: Manifest) -> bool:
    """Whether the manifest on disk still names the same curves file."""
    return parse_manifest(_read(path / MANIFEST, MAX_MANIFEST_BYTES, "manifest")).curves == manifest.curves


def _read(path: Path, most: int, what: str) -> bytes:
    """The content of a file of a run, at most ``most`` bytes. Raises CorruptRun."""
    try:
        return read_bounded(path, most)
    except FileNotFoundError:
        raise CorruptRun(f"its {what} is missing") from None
    except NotPlain:
        raise CorruptRun(f"its {what} is not a plain file") from None
    except TooLong as error:
        raise CorruptRun(f"its {what} has {error}") from None
    except OSError as error:
        raise UnreadableRun(
            f"its {what} cannot be read ({reason(error)})", "see to its permissions, or to the disk"
        ) from None


def open_runs(paths: Iterable[Path]) -> tuple[list[Run], list[str]]:
    """Every usable run under ``paths`` (run directories, or directories of runs), and a line for each broken one.

    Raises UserError where a path holds no run at all.
    """
    problems: list[str] = []
    return list(each_run(paths, problems)), problems


def each_run(paths: Iterable[Path], problems: list[str]) -> Iterator[Run]:
    """The runs of :func:`open_runs` one after the other, each read when it is asked for; adds to ``problems``.

    A run that is there twice, with the same curves, counts once.
    """
    found, empty = find_runs(paths)
    if empty:
        raise UserError(no_runs(empty[0]))
    first: dict[tuple[str, CurvesFile | None], Path] = {}
    for path in found:
        try:
            run = read_run(path)
        except CorruptRun as problem:
            problems.append(broken_line(path, problem))
            continue
        earlier = first.setdefault((run.manifest.identity, run.manifest.curves), path)
        if earlier is path:
            yield run
        else:
            problems.append(same_run(path, earlier))


def no_runs(path: Path) -> str:
    """That there are no runs in ``path``."""
    return f"there are no runs in {escape(path)}: make some with 'amrobust run --opt am1 --seeds 20'"


def same_run(path: Path, earlier: Path) -> str:
    """That two directories hold the same run, of which the second is left out."""
    return f"{escape(path)}: is the same run as {escape(earlier)}; give only one of them"


def commit(
    path: Path,
    manifest: Manifest,
    curves: Mapping[int, SeedCurves],
    correct: Mapping[int, SeedCorrectness] | None = None,
) -> Run:
    """Make ``manifest`` and the ``curves`` of its complete seeds the run's state; returns the run, its curves file named.

    ``correct`` says of those seeds of which it is known which test examples were right.

    The order is: new files, manifest, removal of the old files. A process killed anywhere in between leaves the
    state before or the state after. So does a machine that loses its power, where anything was complete or had failed in the
    state before: a flush to the disk takes longer than all else, and of seeds that are merely planned nothing can be lost.
    The caller holds the lock. Raises RunError where the disk is full or read-only, or the directory is gone.
    """
    flush = any(record.state in ("complete", "failed") for record in manifest.seeds.values())
    data = examples = None
    try:
        if curves:
            data = encode(curves, manifest.facts)
            entry = describe_bytes(data)
            if entry != manifest.curves or not (path / entry.file).exists():
                put_in_place(path / entry.file, data)
                if manifest.curves is not None:
                    sync_directory(path)
            manifest = replace(manifest, curves=entry, correct=None)
            if found := correct_file.encode(correct or {}, sorted(curves), manifest.facts):
                correct_entry, examples = found
                if not (path / correct_entry.file).exists():
                    put_in_place(path / correct_entry.file, examples)
                    sync_directory(path)
                manifest = replace(manifest, correct=correct_entry)
        put_in_place(path / MANIFEST, manifest.to_json(), flush=flush)
        if flush:
            sync_directory(path)
    except FileNotFoundError:
        raise RunError(
            f"cannot write to {escape(path)}: the directory was deleted or moved; the same command starts it again"
        ) from None
    except OSError as error:
        raise RunError(
            f"cannot write to {escape(path)} ({reason(error)}): free some space or choose another --runs-dir; what was "
            "committed before is kept"
        ) from None
    _remove_leftovers(path, manifest)
    return Run(path, manifest, data, examples)


def _remove_leftovers(path: Path, manifest: Manifest) -> None:
    """Remove curves files, files of correct examples and temporary files that no manifest names."""
    current = [entry.file for entry in (manifest.curves, manifest.correct) if entry is not None]
    with suppress(OSError):
        for entry in path.iterdir():
            stale = (entry.match(CURVES) or entry.match(CORRECT)) and entry.name not in current
            if stale or entry.name.startswith(TEMPORARY_PREFIX):
                entry.unlink(missing_ok=True)


def find_run(name: str, directory: Path) -> Run:
    """The run called ``name``: a path, or the unique beginning of a directory's name in ``directory``.

    Raises UserError where there is none or more than one, RunError where it is broken.
    """
    path = Path(name)
    if not (path.is_dir() and is_run(path)):
        path = by_prefix(name, directory)
    try:
        return read_run(path)
    except CorruptRun as problem:
        raise RunError(broken_line(path, problem)) from None
