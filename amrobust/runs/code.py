"""Which versions of the code of others made the seeds of a run, and whether another may add to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from amrobust.errors import UserError
from amrobust.runs.entries import MAX_SEED
from amrobust.runs.facts import Files, code_digest
from amrobust.runs.files import shown, spans
from amrobust.runs.manifest import Manifest

CHECKPOINTS = "checkpoints"
"""Directory in a run's for the state of trainings under way."""

FEW = 6
"""So many files are named one by one."""


@dataclass(frozen=True)
class CodeVersion:
    """One version of the code of others, and the seeds that it made."""

    seeds: tuple[int, ...]
    files: Mapping[str, str] | None
    """SHA-256 by file, version by package; None where it was not recorded."""


def versions_of(manifest: Manifest) -> tuple[CodeVersion, ...]:
    """The versions that made the complete seeds, the latest last; none where the code is all amrobust's own, or unknown."""
    made: dict[str | None, list[int]] = {}
    for seed in manifest.complete:
        made.setdefault(manifest.seeds[seed].code, []).append(seed)
    files = {code_digest(session.code): session.code for session in manifest.provenance}
    order = [None, *(digest for digest in files if digest is not None)]
    found = [CodeVersion(tuple(made[each]), files[each] if each else None) for each in order if each in made]
    return tuple(found) if any(version.files for version in found) else ()


def changed(versions: Iterable[Files | None]) -> str:
    """The files that are not the same in all ``versions``, in words."""
    known = [files or {} for files in versions]
    names = sorted({name for files in known for name in files})
    return ", ".join(name for name in names if len({files.get(name) for files in known}) > 1)


def mixture(versions: Iterable[CodeVersion]) -> str | None:
    """That some of the seeds were made by another version of the code than the latest, in words; None where none were."""
    made = [version for version in versions if version.seeds]
    others = [version for version in made if version.files != made[-1].files]
    if not others:
        return None
    seeds = sorted(seed for version in others for seed in version.seeds)
    # Of several starting points joined, seeds go by numbers that nobody gave them.
    which = f"seeds {spans(seeds)}" if seeds[-1] < MAX_SEED else f"{len(seeds)} of the seeds"
    recorded = [version.files for version in others if version.files is not None]
    what = f"{changed([*recorded, made[-1].files])} changed" if recorded else "theirs was not recorded"
    return f"{which} were made by another version of the code than the others ({what})"


def code_words(files: Files) -> str:
    """The code in a few words: its files with the start of their digests, or how many there are and that of them all."""
    if len(files) > FEW:
        return f"{len(files)} files, sha256 {(code_digest(files) or '')[:12]}"
    return ", ".join(f"{name} {found[:12]}" for name, found in files.items())


def require_same_code(path: Path, recorded: Manifest, now: Files | None) -> None:
    """Raise UserError where seeds in ``path``, finished or in a checkpoint, were made by other code than the one of ``now``.

    Code that was not recorded is taken for the same. After an accepted change the code of the last finished seeds counts.
    """
    ended = [session for session in recorded.provenance if session.seeds] or recorded.provenance[-1:]
    before = ended[-1].code if ended else None
    if before is None or before == now or not (recorded.complete or _kept(path, recorded)):
        return
    made = [seed for seed in recorded.complete if recorded.seeds[seed].code not in (None, code_digest(now))]
    what = f"seeds {spans(made)}" if made else "the seeds under way"
    how = "its source cannot be had any more" if now is None else f"{changed([before, now])} changed"
    raise UserError(
        f"{shown(path)}: {what} were made by another version of the code ({shown(how)}): put it back, choose another "
        "--runs-dir, or go on on purpose with --accept-new-code (in Python accept_new_code=True), which reports say"
    )


def _kept(path: Path, recorded: Manifest) -> bool:
    """Whether there are checkpoints of the run: in its directory, or in that of a run that it was trained in company with."""
    company = (found for identity in recorded.company for found in path.parent.glob(f"*-{identity[:12]}"))
    return any(any((at / CHECKPOINTS).glob("*.pt")) for at in (path, *company))
