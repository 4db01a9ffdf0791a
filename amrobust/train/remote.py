"""What workers on other machines have in common, whoever sends them: they train what the driver describes, or nothing.

A worker that sees the run's directory keeps checkpoints and finished blocks there, so that whoever comes after a driver that
died goes on from them, and writes there how far its block is; every outcome is also returned to the driver, which commits it.
Which workers see the directory is found out, not configured: the driver leaves a file of a random name in it.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from amrobust import workloads
from amrobust.errors import RunError, UserError
from amrobust.runs.manifest import Block
from amrobust.train import finished, heartbeat
from amrobust.train.prepare import package_versions
from amrobust.train.training import one_thread, train_unit
from amrobust.train.unit import Place, SeedOutcome, Work
from amrobust.workloads import data


@dataclass(frozen=True)
class Origin:
    """What a worker must have in common with the driver, whose facts are recorded with the run."""

    versions: dict[str, str]
    data_directory: str | None
    """AMROBUST_DATA of the driver, where it is set."""
    data_digest: str

    @classmethod
    def of(cls, spec: Work) -> Origin:
        """That of ``spec`` in this process."""
        digest = workloads.get(spec.workload).data_digest(spec.workload_params)
        return cls(versions(), os.environ.get(data.ENVIRONMENT), digest)

    def check(self, spec: Work) -> None:
        """Raise UserError where this process would train something else than the driver describes."""
        here, there = versions(), self.versions
        if differing := [name for name in there if here.get(name) != there[name]]:
            name = differing[0]
            raise UserError(
                f"{socket.gethostname()} has {name} {here.get(name)}, and the driver {there[name]}: install the same versions "
                "on every machine of the cluster"
            )
        if self.data_directory is not None:
            os.environ[data.ENVIRONMENT] = self.data_directory
        if workloads.get(spec.workload).data_digest(spec.workload_params) != self.data_digest:
            raise UserError(f"{socket.gethostname()} has other data of {spec.workload} than the driver")


def versions() -> dict[str, str]:
    """Of what computes, without what a build for one kind of hardware adds to it."""
    return {name: found.partition("+")[0] for name, found in package_versions().items()}


def train_task(
    spec: Work, seeds: Block, place: Place, token: Path | None, origin: Origin
) -> list[SeedOutcome]:
    """What a worker does: :func:`train_unit` on one thread. A ``token`` that is not there says that the directory is not."""
    origin.check(spec)
    kept = place.checkpoints if token is not None and token.exists() else None
    shared = nullcontext() if kept is None else heartbeat.written(heartbeat.file_of(seeds, kept))
    with one_thread(), shared as heard:
        if heard is not None:
            heard(tuple(seeds), 0.0, 0.0)  # So that it is seen to have begun.
        outcomes = train_unit(spec, seeds, replace(place, checkpoints=kept, heard=heard))
    if kept is not None and not any(outcome.error for outcome in outcomes):
        with suppress(RunError):  # The driver gets them in any case.
            finished.keep(spec, outcomes, kept)
    return outcomes


@contextmanager
def token_in(directory: Path | None) -> Iterator[Path | None]:
    """An empty file that only those can see who see ``directory``."""
    if directory is None:
        yield None
        return
    token = directory / f"{finished.TOKEN_PREFIX}{secrets.token_hex(16)}"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        token.touch(exist_ok=False)
    except OSError as error:
        raise RunError(f"cannot write to {directory} ({error.strerror or error})") from None
    try:
        yield token
    finally:
        with suppress(OSError):
            token.unlink(missing_ok=True)
            directory.rmdir()
