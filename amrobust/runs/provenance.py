"""Where and on what a run was made, and the commands that make it again.

Nothing here can make a run fail: what cannot be found out is left empty.
"""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import amrobust
from amrobust.runs.manifest import EXEC, Layout, Manifest, RunMetadata, Session, Source
from amrobust.runs.spec import VALIDATION, Spec
from amrobust.runs.tuning import Tuning


def now() -> str:
    """The time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def session(
    facts: RunMetadata,
    executor: str,
    jobs: int | None,
    layout: Layout | None = None,
    company: Mapping[str, tuple[int, ...]] | None = None,
    source: Source | None = None,
) -> Session:
    """The provenance of an execution that begins now."""
    revision, dirty = _own_revision()
    return Session(
        when=now(),
        executor=executor,
        jobs=jobs,
        device=facts.device,
        versions=dict(facts.versions) | {"python": platform.python_version()},
        platform=" ".join(filter(None, (platform.system(), platform.machine(), *platform.libc_ver()))),
        cpu_count=os.cpu_count() or 0,
        git_revision=revision,
        git_dirty=dirty,
        backend=facts.backend,
        batching=layout.batching if layout else None,
        stacks=tuple(block for block in layout.blocks if len(block) > 1) if layout else (),
        company=company or {},
        code=facts.code,
        source=source,
    )


def versions_apart(sessions: Iterable[Session]) -> str:
    """Packages that had not one version in all ``sessions`` that trained: ``torch 2.12.0, then 2.13.0``; empty where none."""
    found: dict[str, dict[str, None]] = {}
    for made in sessions:
        ours = made.source is None or made.source.form == EXEC
        for name, version in (made.versions if ours else {}).items():
            found.setdefault(name, {})[version] = None
    return "; ".join(
        f"{name} {', then '.join(versions)}" for name, versions in found.items() if len(versions) > 1
    )


@cache
def _own_revision() -> tuple[str | None, bool | None]:
    """Of amrobust's own source, as it was when this process asked first: later changes are not what it has imported."""
    return git_revision(Path(amrobust.__file__).parent)


def git_revision(package: Path) -> tuple[str | None, bool | None]:
    """Commit of the checkout that tracks ``package``, and whether tracked files differ from it; (None, None) otherwise.

    An installed package inside somebody else's checkout is not tracked by it, and has no revision.
    """
    try:
        _git(package, "ls-files", "--error-unmatch", "__init__.py")
        revision = _git(package, "rev-parse", "HEAD").strip()
        changes = _git(package, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None, None
    return revision, bool(changes.strip())


def _git(directory: Path, *arguments: str) -> str:
    environment = os.environ | {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    done = subprocess.run(
        ["git", "-C", str(directory), *arguments],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=True,
        timeout=10,
        env=environment,
    )
    return done.stdout.decode()


def command_of(manifest: Manifest) -> str:
    """The command that makes the run again; of a recorded run there is none."""
    sources = [made.source for made in manifest.provenance if made.source is not None]
    if sources:
        return sources[-1].command
    spec = manifest.spec
    words = ["amrobust", "run", "--opt", spec.optimizer, "--workload", spec.workload]
    for name, value in (*spec.hyperparameters.items(), *spec.workload_params.items()):
        if value is not None:
            words += ["--param", f"{name}={value}"]
    words += ["--seeds", str(len(manifest.seeds)), *_stream_words(spec)]
    if spec.vary is not None:
        words += ["--vary", spec.vary]
    return shlex.join(words)


def tuning_command_of(manifest: Manifest) -> str:
    """The command that tunes the run's method again as it was tuned; empty where that is not recorded."""
    tuning, spec = manifest.tuning, manifest.spec
    if tuning is None:
        return ""
    words = ["amrobust", "tune", "--opt", spec.optimizer, "--workload", spec.workload]
    for name, value in spec.hyperparameters.items():
        given = ",".join(map(str, tuning.searched.get(name, (value,))))
        words += ["--param", f"{name}={given}"] if value is not None else []
    own = {VALIDATION: tuning.validation} | (
        {"epochs": tuning.epochs} if "epochs" in spec.workload_params else {}
    )
    for name, value in {**spec.workload_params, **own}.items():
        words += ["--param", f"{name}={value}"] if value is not None else []
    words += ["--seeds", str(len(tuning.seeds))]
    if len(manifest.facts.usual_outputs) > 1:
        words += ["--by", tuning.output]
    return shlex.join([*words, *_stream_words(tuning)])


def _stream_words(of: Spec | Tuning) -> list[str]:
    """The options that say which random streams, where they are not the usual ones."""
    words = ["--root-seed", str(of.root_seed)] if of.root_seed else []
    words += ["--x0", str(of.x0_index)] if of.x0_index else []
    return words + (["--paired"] if of.paired else [])
