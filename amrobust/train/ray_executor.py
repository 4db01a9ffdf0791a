"""Blocks of seeds as tasks of a Ray cluster: one that is joined, or one of this machine that listens on loopback only.

Ray is imported when an executor is made. What its workers do is in :mod:`amrobust.train.remote`.
"""

from __future__ import annotations

import os
import socket
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

from amrobust.errors import UserError
from amrobust.runs.manifest import Block
from amrobust.train import heartbeat
from amrobust.train.cluster import MAX_RETRIES, Cluster
from amrobust.train.pools import usable_cores
from amrobust.train.remote import Origin, token_in, train_task
from amrobust.train.training import halves
from amrobust.train.unit import Place, SeedOutcome, Work

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
        with token_in(place.checkpoints) as token:
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
