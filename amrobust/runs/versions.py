"""The runs of a directory that are versions of one method, and which of them goes on after an edit of the user's code."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from amrobust.errors import UserError
from amrobust.runs.code import Files, changed, code_digest, source_digest
from amrobust.runs.files import escape, spans
from amrobust.runs.find import MANIFEST
from amrobust.runs.manifest import Manifest
from amrobust.runs.store import directory_name, manifest_in
from amrobust.runs.validators import CorruptRun

_VERSION = re.compile(r"(.+-[0-9a-f]{12})(?:-[0-9a-f]{8})?")
"""The name of a run's directory: that of all versions of a method, and what tells this one from the others."""

_log = logging.getLogger("amrobust")


@dataclass(frozen=True)
class Asked:
    """A run that seeds are asked of: where it lies or will lie, and its manifest as it begins."""

    path: Path
    manifest: Manifest


def seeds_of_other_versions(paths: Iterable[Path], declared: str) -> int:
    """Seeds beside the runs in ``paths`` that other versions of their code made under the declaration with this hash."""
    judged = {path.resolve() for path in paths}
    bases = {found.base for path in judged if (found := _manifest(path)) is not None}
    names = {name[1] for path in judged if (name := _VERSION.fullmatch(path.name))}
    count = 0
    for beside in {path.parent for path in judged}:
        for path in beside.iterdir():
            name = _VERSION.fullmatch(path.name)
            if name is None or name[1] not in names or path.resolve() in judged:
                continue
            found = _manifest(path)
            if found is not None and found.base in bases:
                count += sum(found.seeds[seed].declared == declared for seed in found.complete)
    return count


class Versions:
    """The runs of a directory that are versions of one method, and which of them goes on after an edit of its code.

    What is decided is logged, each line once: the runs of a grid, which share their code, share one object.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._found: dict[str, list[Path]] | None = None
        self._said: set[str] = set()

    def asked(self, manifest: Manifest, accept_new_code: bool = False) -> Asked:
        """The run that seeds of ``manifest``, begun with the code as it is now, are added to.

        It is this version's own, or one whose last seeds this version made, or whose code was not recorded, which is taken for
        any. With ``accept_new_code`` it is the latest run of the other versions, where one has seeds. Raises UserError where
        this version's own run has seeds as well then, and where the last seeds in it are another version's.
        """
        own = Asked(self.directory / directory_name(manifest), manifest)
        files = manifest.facts.code
        now = source_digest(files)
        if now is None:
            if files is None:
                self._say(
                    "unread",
                    "your code has no source to read: code not recorded, and an edit of it will not be noticed",
                )
            return own
        mine, others = _manifest(own.path), self._others(own)
        made = [other for other in others if other.manifest.complete]
        if accept_new_code and made:
            if mine is not None and mine.complete:
                raise UserError(
                    f"{escape(own.path.name)} has {_seeds(mine)} of this version of the code, and {escape(made[0].path.name)} "
                    f"has {_seeds(made[0].manifest)} of another: leave out --accept-new-code to go on with the former, or "
                    "move its directory away to go on with the latter"
                )
            what = changed([_last(made[0].manifest), files])
            self._say(
                f"accepted {what}",
                f"{escape(made[0].path.name)}: goes on with another version of the code than made {_seeds(made[0].manifest)} "
                f"({escape(what)} changed), as --accept-new-code asks: reports say so",
            )
            return _goes_on(made[0], manifest)
        if mine is not None and mine.complete:
            if not accept_new_code:
                _require_last(own.path, mine, files)
            return own
        for other in others:
            last = _last(other.manifest)
            if last is None:
                self._say(
                    "any",
                    f"{escape(other.path.name)}: code not recorded: seeds of any version are added to it",
                )
            if last is None or source_digest(last) == now:
                return _goes_on(other, manifest)
        if made:
            what = changed([_last(made[0].manifest), files])
            self._say(
                f"new {what}",
                f"{escape(own.path.name)}: a new run, because {escape(what)} changed since {_seeds(made[0].manifest)} of "
                f"{escape(made[0].path.name)} were made: two versions of one method, never one sample (to add to the old run "
                "on purpose: --accept-new-code, in Python accept_new_code=True)",
            )
        return own

    def _others(self, own: Asked) -> list[Asked]:
        """The other versions' runs, the last that was worked on first."""
        if self._found is None:
            self._found = {}
            with suppress(OSError):
                for path in self.directory.iterdir():
                    if name := _VERSION.fullmatch(path.name):
                        self._found.setdefault(name[1], []).append(path)
        found = []
        for path in self._found.get(directory_name(own.manifest).rpartition("-")[0], []):
            manifest = None if path == own.path else _manifest(path)
            if manifest is not None and manifest.base == own.manifest.base and manifest.provenance:
                found.append(Asked(path, manifest))
        # Sessions are recorded to the second; among those of one, the time of the file tells the later.
        return sorted(
            found,
            key=lambda each: (each.manifest.provenance[-1].when, (each.path / MANIFEST).stat().st_mtime_ns),
            reverse=True,
        )

    def _say(self, key: str, line: str) -> None:
        if key not in self._said:
            self._said.add(key)
            _log.warning("%s", line)


def _goes_on(found: Asked, manifest: Manifest) -> Asked:
    """What is asked of the run that was found."""
    return Asked(found.path, replace(manifest, identity=found.manifest.identity))


def _manifest(path: Path) -> Manifest | None:
    """That of the run in ``path``; None where there is none, or it is broken, of which whoever works on it tells."""
    with suppress(CorruptRun):
        return manifest_in(path)
    return None


def _seeds(manifest: Manifest) -> str:
    return f"seeds {spans(manifest.complete)}"


def _last(manifest: Manifest) -> Files | None:
    """The code that made the last seeds, or where none are complete was the last to try; None where it was not recorded."""
    ended = [session for session in manifest.provenance if session.seeds] or manifest.provenance
    return ended[-1].code


def _require_last(path: Path, recorded: Manifest, now: Files | None) -> None:
    """Raise UserError where the last seeds in ``path`` were made by another version than this one, whose run it is."""
    last = _last(recorded)
    if last is None or source_digest(last) == source_digest(now):
        return
    made = [seed for seed in recorded.complete if recorded.seeds[seed].code != code_digest(now)]
    raise UserError(
        f"{escape(path)}: seeds {spans(made)} were made by another version of the code ({escape(changed([last, now]))} "
        "changed): put it back, choose another --runs-dir, or go on on purpose with --accept-new-code (in Python "
        "accept_new_code=True), which reports say"
    )
