"""Blocks of seeds as tasks of a Ray cluster: one that is joined, or one of this machine that listens on loopback only.

Ray is imported when an executor is made. A worker that sees the run's directory keeps checkpoints and finished blocks there,
so that whoever comes after a driver that died goes on from them, and writes there how far its block is; every outcome is also
returned to the driver, which commits it. Which workers see the directory is found out, not configured: the driver leaves a file
of a random name in it.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from amrobust import workloads
from amrobust.errors import RunError, UserError
from amrobust.runs.manifest import Block
from amrobust.train import finished, heartbeat
from amrobust.train.cluster import MAX_RETRIES, Cluster
from amrobust.train.pools import usable_cores
from amrobust.train.prepare import package_versions
from amrobust.train.training import halves, one_thread, train_unit
from amrobust.train.unit import Place, SeedOutcome, Work
from amrobust.workloads import data

DIED = "its worker died each time it was tried (out of memory, killed, or its machine was lost)"

POLL_SECONDS = 0.5
"""How often whoever waits for a task looks whether the executor was stopped."""

STOP_SECONDS = 10.0
"""How long stopping waits for those who are about to look."""

CONNECT_SECONDS = 10.0
"""How long a cluster's address may take to answer: Ray itself would try for many minutes."""

OBJECT_STORE_BYTES = 128_000_000
"""Of a cluster of this machine: curves are small, and Ray's own default is a third of the memory."""

LOOPBACK_ONLY = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0"}
"""Ray's variables by which every server of a new cluster binds to 127.0.0.1, and by which it sends nothing to anybody."""


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
        return cls(_versions(), os.environ.get(data.ENVIRONMENT), digest)

    def check(self, spec: Work) -> None:
        """Raise UserError where this process would train something else than the driver describes."""
        here, there = _versions(), self.versions
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


def _versions() -> dict[str, str]:
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
        outcomes = train_unit(spec, seeds, replace(place, checkpoints=kept, heard=heard))
    if kept is not None and not any(outcome.error for outcome in outcomes):
        with suppress(RunError):  # The driver gets them in any case.
            finished.keep(spec, outcomes, kept)
    return outcomes


class RayExecutor:
    """Tasks on a Ray cluster. Ray tries a task again whose worker died; what is lost then is halved down to single seeds."""

    name = "ray"

    def __init__(self, jobs: int | None, cluster: Cluster) -> None:
        """Join ``cluster``, or start one of ``jobs`` CPUs here. Raises UserError where that cannot be."""
        cluster.check()
        if cluster.address is not None and jobs is not None:
            raise UserError(
                "--jobs is for one machine: a Ray cluster has as many workers as it has CPUs (or GPUs)"
            )
        self.jobs = jobs
        self._ray = _import_ray()
        self._changed = threading.Condition()
        self._calls, self._stopped = 0, False
        self._tasks: set[Any] = set()
        self._connected_here = self._connect(cluster.address)
        gpus = cluster.gpus_per_task or 0
        try:
            self.count, self.where = self._capacity(gpus)
        except UserError:
            self.stop()
            raise
        retries = MAX_RETRIES if cluster.max_retries is None else cluster.max_retries
        # A worker that had a GPU ends with its task: nothing else makes CUDA give the memory back.
        self._task = self._ray.remote(
            num_cpus=1, num_gpus=gpus, max_retries=retries, max_calls=1 if gpus else 0
        )(train_task)

    def train(self, spec: Work, blocks: Sequence[Block], place: Place) -> Iterator[SeedOutcome]:
        """One task a block, no more at a time than keep the cluster busy."""
        if place.checkpoints is not None:
            place = replace(place, checkpoints=place.checkpoints.absolute())
        waiting, under_way = deque(blocks), dict[Any, Block]()
        origin = Origin.of(spec)
        with _token_in(place.checkpoints) as token:
            try:
                while waiting or under_way:
                    while waiting and self._has_room(under_way):
                        block = waiting.popleft()
                        under_way[self._submit(spec, block, place, token, origin)] = block
                    task = self._first_finished(under_way, place)
                    block = under_way.pop(task)
                    outcomes = self._outcomes(task, block)
                    if outcomes is None and len(block) > 1:
                        waiting.extend(halves(spec, block, place))
                    yield from outcomes if outcomes is not None else _lost(block)
            finally:
                self._drop(under_way)

    def stop(self) -> None:
        """Cancel every task, and end the cluster where it was started here; whatever waits in ``train`` is told."""
        with self._changed:
            if self._stopped:
                return
            self._stopped = True
            # Disconnecting under somebody's call would end it, or the process, in ways that Ray does not specify.
            self._changed.wait_for(lambda: self._calls == 0, STOP_SECONDS)
            tasks, self._tasks = self._tasks, set()
        for task in tasks:
            self._cancel(task)
        if self._connected_here:
            self._ray.shutdown()

    def _connect(self, address: str | None) -> bool:
        """Whether this process was not connected before."""
        if self._ray.is_initialized():
            there = self._ray.get_runtime_context().gcs_address
            if address not in (None, "auto", there):
                raise UserError(
                    f"this process is connected to the Ray cluster at {there} already, not to {address}"
                )
            return False
        quiet = {"log_to_driver": False, "logging_level": "ERROR"}
        if address is not None:
            _reach(address)
            try:
                self._ray.init(address=address, **quiet)
            except Exception as error:
                self._ray.shutdown()
                raise UserError(
                    f"cannot join the Ray cluster at {address} ({_line(error)}): run this on one of its machines, after "
                    "'ray start' there; where 'ray start' says that it asks for a token, set RAY_AUTH_MODE=token"
                ) from error
            return True
        self._start(quiet)
        return True

    def _start(self, quiet: dict[str, Any]) -> None:
        """A cluster of this machine alone, which ends with this process. Raises UserError."""
        constants = self._ray._private.ray_constants
        clusters = constants.ENABLE_RAY_CLUSTER
        with _environment(LOOPBACK_ONLY):
            # The variable is for the processes that Ray starts; this one may have imported Ray before it was set.
            constants.ENABLE_RAY_CLUSTER = False
            try:
                self._ray.init(
                    address="local", num_cpus=self.jobs or usable_cores(), include_dashboard=False,
                    object_store_memory=OBJECT_STORE_BYTES, **quiet,
                )  # fmt: skip
            except Exception as error:
                raise UserError(f"Ray cannot start on this machine: {_line(error)}") from error
            finally:
                constants.ENABLE_RAY_CLUSTER = clusters
        host = self._ray.get_runtime_context().gcs_address.rpartition(":")[0]
        if host not in ("127.0.0.1", "[::1]", "localhost"):
            self._ray.shutdown()
            raise UserError(
                f"Ray {self._ray.__version__} listens at {host}, where others could run code on this machine: use another "
                "version, or start a cluster yourself and give its --address"
            )

    def _capacity(self, gpus: float) -> tuple[int, str]:
        """How many tasks the cluster has room for, and what to call it. Raises UserError where there is room for none."""
        found = self._ray.cluster_resources()
        cpus, there = int(found.get("CPU", 0)), found.get("GPU", 0)
        where = f"Ray cluster at {self._ray.get_runtime_context().gcs_address}, {cpus} CPUs"
        if gpus and there < gpus:
            raise UserError(f"{where} and {there:g} GPUs: none for a task that is to have {gpus:g}")
        return max(1, min(cpus, int(there / gpus)) if gpus else cpus), where + (
            f", {there:g} GPUs" if gpus else ""
        )

    def _has_room(self, own: dict[Any, Block]) -> bool:
        """Whether one more task is of use. Whoever has none under way gets one, so that every run goes on."""
        with self._changed:
            return not own or len(self._tasks) < 2 * self.count

    def _submit(self, *arguments: object) -> Any:
        with self._connected():
            task = self._task.remote(*arguments)
            with self._changed:
                self._tasks.add(task)
            return task

    def _first_finished(self, under_way: dict[Any, Block], place: Place) -> Any:
        while True:
            with self._connected():
                done, _ = self._ray.wait(list(under_way), num_returns=1, timeout=POLL_SECONDS)
            heartbeat.read_files(under_way.values(), place.checkpoints, place.heard)
            if done:
                return done[0]

    def _outcomes(self, task: Any, block: Block) -> list[SeedOutcome] | None:
        """Of a finished task; None where it was lost with its worker."""
        errors = self._ray.exceptions
        try:
            with self._connected():
                outcomes: list[SeedOutcome] = self._ray.get(task)
            return outcomes
        except errors.RayTaskError as error:
            reason = _line(error.cause or error)
        except errors.TaskCancelledError:
            raise KeyboardInterrupt from None
        except (
            errors.WorkerCrashedError,
            errors.NodeDiedError,
            errors.OutOfMemoryError,
            errors.ObjectLostError,
        ):
            return None
        except errors.RayError as error:
            reason = _line(error)
        finally:
            with self._changed:
                self._tasks.discard(task)
        return [SeedOutcome(seed, error=reason) for seed in block]

    def _drop(self, tasks: dict[Any, Block]) -> None:
        with self._changed:
            left = self._tasks.intersection(tasks)
            self._tasks -= left
        with suppress(KeyboardInterrupt), self._connected():
            for task in left:
                self._cancel(task)

    def _cancel(self, task: Any) -> None:
        # What finished or died meanwhile cannot be cancelled, and need not be.
        with suppress(Exception):
            self._ray.cancel(task, force=True)

    @contextmanager
    def _connected(self) -> Iterator[None]:
        """Within it the connection stays. Raises KeyboardInterrupt once the executor was stopped."""
        with self._changed:
            if self._stopped:
                raise KeyboardInterrupt
            self._calls += 1
        try:
            yield
        finally:
            with self._changed:
                self._calls -= 1
                self._changed.notify_all()


def _import_ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise UserError("the ray executor needs Ray: pip install 'amrobust[ray]'") from None
    return ray


def _lost(block: Block) -> list[SeedOutcome]:
    return [SeedOutcome(block[0], error=DIED)] if len(block) == 1 else []


def _reach(address: str) -> None:
    """Raise UserError where nobody answers at ``address``."""
    host, colon, port = address.rpartition(":")
    if address == "auto":
        return
    if not colon or not port.isdigit() or "/" in host:
        raise UserError(f"--address {address}: give HOST:PORT, as 'ray start --head' prints it, or auto")
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise UserError(
            f"no Ray cluster answers at {address} ({error}): start one with 'ray start --head --port {port}'"
        ) from None


@contextmanager
def _token_in(directory: Path | None) -> Iterator[Path | None]:
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


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _line(error: BaseException) -> str:
    """What went wrong, in one line."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
