"""The user's code: its digests, and which versions of it made the seeds of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from amrobust.runs.files import spans
from amrobust.runs.seeds import MAX_SEED
from amrobust.runs.spec import content_digest

if TYPE_CHECKING:
    from amrobust.runs.manifest import Manifest

Files = Mapping[str, str]
"""SHA-256 by the name of a file, such as ``package/module.py``; the version by ``package NAME``."""
PACKAGE = "package "
"""How the entries of :data:`Files` begin that are versions of installed packages."""
FEW = 6
"""So many files are named one by one."""


def code_digest(files: Files | None) -> str | None:
    """One digest of ``files``; None where there are none."""
    return content_digest(dict(files)) if files else None


def source_digest(files: Files | None) -> str | None:
    """One digest of the sources among ``files``, versions of packages left out; None where there are none."""
    return code_digest({name: found for name, found in (files or {}).items() if not name.startswith(PACKAGE)})


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
