"""Which versions of the user's code made the seeds of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from amrobust.runs.entries import MAX_SEED
from amrobust.runs.facts import Files, code_digest, source_digest
from amrobust.runs.files import spans
from amrobust.runs.manifest import Manifest

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


def code_mark(versions: Iterable[CodeVersion]) -> str:
    """What tells a method from other versions of it: ``code 3f2a81``; of several versions in one run all, joined by a plus."""
    digests = dict.fromkeys(source_digest(version.files) for version in versions)
    found = "+".join(digest[:6] for digest in digests if digest is not None)
    return f"code {found}" if found else "code not recorded"
