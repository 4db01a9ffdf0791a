"""Blocks of seeds as SLURM jobs, an array a run, by submitit; the driver waits for them on a machine that can submit.

The runs directory has to be seen by all nodes. A job that is told by SIGUSR1 that it is about to be preempted, or that its time
is over, is put back into the queue and goes on from its checkpoint. What jobs print is in ``slurm`` in the run's directory.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from amrobust.errors import UserError
from amrobust.runs.files import escape
from amrobust.runs.manifest import Block
from amrobust.train import heartbeat
from amrobust.train.cluster import MAX_RETRIES, Cluster
from amrobust.train.remote import Origin, token_in, train_task
from amrobust.train.training import halves
from amrobust.train.unit import Place, SeedOutcome, Work

FOLDER = "slurm"
"""The directory in a run's in which the outputs of its jobs are, and while they last what submitit sends them."""

AT_A_TIME = 16
"""Jobs of a run at a time, unless ``--jobs`` says otherwise."""

MINUTES = 240
"""The time limit of a job, unless it is said. One that needs more is put back into the queue."""

TIMEOUTS = 100
"""How often a job may come to its time limit."""

POLL_SECONDS = 1.0
"""How often is looked which jobs are done."""

PREEMPT_SIGNAL, SIGNAL = "SUBMITIT_PREEMPT_SIGNAL", "USR1"
"""The variable that submitit reads as it is imported, and what SLURM then sends before it ends a job."""


class Task:
    """What a job does; submitit calls ``checkpoint`` before the job is put back into the queue."""

    def __call__(
        self, spec: Work, seeds: Block, place: Place, token: Path | None, origin: Origin
    ) -> list[SeedOutcome]:
        """As :func:`amrobust.train.remote.train_task`."""
        return train_task(spec, seeds, place, token, origin)

    def checkpoint(self, *arguments: Any) -> Any:
        """The same again: training goes on from its own checkpoint."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, *arguments)


class SlurmExecutor:
    """One job a block. A block whose job is lost is sent again, and in the end halved down to the seed that does it."""

    name = "slurm"

    def __init__(
        self, jobs: int | None, cluster: Cluster, kind: Literal["slurm", "local", "debug"] = "slurm"
    ) -> None:
        """``kind`` is of submitit's executors; all but "slurm" are of this machine. Raises UserError where it cannot submit."""
        cluster.check()
        self._submitit = _import_submitit()
        self.jobs, self.count, self.kind = jobs, jobs or AT_A_TIME, kind
        self.where = "SLURM" if kind == "slurm" else f"submitit's {kind} executor"
        self._signal = self._submitit.core.job_environment.JobEnvironment.USR_SIG
        self._parameters = _parameters(cluster)
        self._retries = MAX_RETRIES if cluster.max_retries is None else cluster.max_retries
        self._lock = threading.Lock()
        self._jobs: set[Any] = set()
        self._stopped = False
        self._sending = ThreadPoolExecutor(1, "sbatch")
        if kind == "slurm":
            self._queue(Path())  # Whether there is one, before anything is described.

    def train(self, spec: Work, blocks: Sequence[Block], place: Place) -> Iterator[SeedOutcome]:
        """An array of jobs, one a block."""
        assert place.checkpoints is not None
        checkpoints = place.checkpoints.absolute()
        place = replace(place, checkpoints=checkpoints)
        folder = checkpoints.parent / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        if self.kind == "slurm":
            # The run's lock is ours: whoever sent jobs of this name was killed, and nobody waits for them any more.
            with suppress(OSError, subprocess.SubprocessError):
                subprocess.run(
                    ["scancel", f"--name={_job_name(folder)}"], capture_output=True, timeout=60, check=False
                )
        under_way: dict[Any, Block] = {}
        lost: dict[Block, int] = {}
        origin = Origin.of(spec)
        with token_in(checkpoints) as token:

            def send(blocks: Sequence[Block]) -> None:
                # In a thread that no Ctrl-C interrupts: a job that was sent and not noted would stay in the queue.
                if self._stopped:
                    raise KeyboardInterrupt
                self._sending.submit(submit, blocks).result()

            def submit(blocks: Sequence[Block]) -> None:
                queue = self._queue(folder)
                try:
                    with queue.batch():
                        jobs = [queue.submit(Task(), spec, block, place, token, origin) for block in blocks]
                except (RuntimeError, OSError, subprocess.SubprocessError) as error:
                    raise UserError(f"cannot submit to {self.where}: {_line(error)}") from None
                under_way.update(zip(jobs, blocks, strict=True))
                with self._lock:
                    self._jobs.update(jobs)

            try:
                send(blocks)
                while under_way:
                    for job in [job for job in under_way if self._done(job)]:
                        block = under_way.pop(job)
                        outcomes = self._outcomes(job, block)
                        if outcomes is not None:
                            yield from outcomes
                            continue
                        lost[block] = lost.get(block, 0) + 1
                        if lost[block] <= self._retries:
                            send([block])
                        elif len(block) > 1:
                            send(halves(spec, block, place))
                        else:
                            yield SeedOutcome(
                                block[0],
                                error=f"its job was lost each time it was sent (output: {_log(job)})",
                            )
                    heartbeat.read_files(under_way.values(), checkpoints, place.heard)
                    if under_way:
                        time.sleep(POLL_SECONDS)
            finally:
                self._drop(under_way)

    def stop(self) -> None:
        """Cancel every job; whatever waits in ``train`` is told."""
        self._stopped = True
        self._sending.shutdown()
        with self._lock:
            jobs = set(self._jobs)
        self._drop(dict.fromkeys(jobs, ()))

    def _queue(self, folder: Path) -> Any:
        """Submitit's executor with its files in ``folder``. Raises UserError where there is no SLURM."""
        if self.kind == "debug":
            return self._submitit.DebugExecutor(folder)
        if self.kind == "local":
            queue = self._submitit.LocalExecutor(folder, max_num_timeout=TIMEOUTS)
            queue.update_parameters(timeout_min=MINUTES)
            return queue
        try:
            queue = self._submitit.SlurmExecutor(folder, max_num_timeout=TIMEOUTS)
        except RuntimeError:
            raise UserError(
                "there is no SLURM here (no srun is found): give the command on a machine that can submit"
            ) from None
        known = queue._valid_parameters()
        others = {name: value for name, value in self._parameters.items() if name not in known}
        queue.update_parameters(
            **{"job_name": _job_name(folder), "time": MINUTES, "array_parallelism": self.count, "cpus_per_task": 1}
            | {name: value for name, value in self._parameters.items() if name in known}
            | {"setup": [f"export {PREEMPT_SIGNAL}={self._signal}"], "additional_parameters": others, "stderr_to_stdout": True}
        )  # fmt: skip
        return queue

    def _done(self, job: Any) -> bool:
        if self._stopped:
            raise KeyboardInterrupt
        found: bool = job.done()
        return found

    def _outcomes(self, job: Any, block: Block) -> list[SeedOutcome] | None:
        """Of a finished job; None where it ended without a result."""
        try:
            outcomes: list[SeedOutcome] = job.result()
        except self._submitit.core.utils.FailedJobError as error:
            return [SeedOutcome(seed, error=f"{_line(error)} (output: {_log(job)})") for seed in block]
        except self._submitit.core.utils.UncompletedJobError:
            return None
        finally:
            with self._lock:
                self._jobs.discard(job)
            # Nothing pickled is left in a runs directory.
            for path in (job.paths.submitted_pickle, job.paths.result_pickle, job.paths.submission_file):
                with suppress(OSError):
                    path.unlink(missing_ok=True)
        return outcomes

    def _drop(self, jobs: Mapping[Any, Block]) -> None:
        with self._lock:
            left = self._jobs.intersection(jobs)
            self._jobs -= left
        for job in left:
            with suppress(OSError, subprocess.SubprocessError):
                job.cancel(check=False)


def _import_submitit() -> Any:
    os.environ.setdefault(PREEMPT_SIGNAL, SIGNAL)
    try:
        import submitit
        import submitit.core.utils
    except ImportError:
        raise UserError("the slurm executor needs submitit: pip install 'amrobust[slurm]'") from None
    return submitit


def _parameters(cluster: Cluster) -> dict[str, Any]:
    """What sbatch is told, by the names of its options with underscores."""
    found: dict[str, Any] = {name: int(value) if value.isdigit() else value for name, value in cluster.slurm}
    if (gpus := cluster.gpus_per_task) is not None:
        if gpus < 1:
            raise UserError(
                f"--gpus-per-task {gpus:g}: SLURM gives a job whole GPUs; seeds share one in a stack (--batching stack)"
            )
        found["gpus_per_node"] = int(gpus)
    return found


def _job_name(folder: Path) -> str:
    """What the jobs of one run are called: by this name they are found again when their driver was killed."""
    return f"amrobust-{hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:12]}"


def _log(job: Any) -> str:
    return escape(os.path.relpath(job.paths.stdout))


def _line(error: BaseException) -> str:
    """What went wrong: of a traceback its last line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip(" -=")]
    return escape(lines[-1][:300]) if lines else type(error).__name__
