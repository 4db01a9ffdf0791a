"""The executor of somebody's own commands: each seed of a run is a process group of its own, and what it leaves is read.

What a task prints goes to ``logs/seed-N.log`` in the run's directory. However amrobust ends, no task outlives it: those under
way get SIGTERM, then SIGKILL, and after a ``kill -9`` of amrobust a :mod:`amrobust.train.reaper` kills them, which also says
which processes are a task's.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import queue
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import IO

from amrobust.errors import UserError
from amrobust.runs.code import Files
from amrobust.runs.files import escape, reason
from amrobust.runs.manifest import EXEC, Block, RunMetadata, Source
from amrobust.runs.spec import Spec
from amrobust.runs.store import manifest_in
from amrobust.runs.validators import CorruptRun
from amrobust.train import gpus, reaper
from amrobust.train.command import SEED, Command, Point, filled, method_name
from amrobust.train.script_code import INTERPRETER, files_of
from amrobust.train.unit import Curve, Measured, Place, SeedOutcome, Work

LOGS = "logs"
"""The directory in a run's in which the outputs of its tasks are."""

OUTPUT = "I"
"""The name of the one output that a command has."""

GRACE_SECONDS = 10.0
"""Between SIGTERM and SIGKILL."""

LOOK_SECONDS = 0.2
"""How often is looked whether the executor was stopped."""

LAST_LINES, LAST_CHARACTERS = 5, 300
"""Of a failed task's output what is told."""

PACKAGES = ("torch", "numpy", "jax", "tensorflow", "lightning", "transformers", "scikit-learn")
"""Packages of the command's own Python whose versions are recorded."""

Read = Callable[[Path], tuple[Mapping[str, Curve], Measured]]
"""Reads the curves of one task from a file, or a folder. Raises UserError."""

_VERSIONS = (
    "import json, sys\nfrom importlib import metadata\nfound = {'program python': sys.version.split()[0]}\n"
    "for name in sys.argv[1:]:\n"
    "    try: found[name] = metadata.version(name)\n"
    "    except metadata.PackageNotFoundError: pass\n"
    "print(json.dumps(found))"
)


class Scripts:
    """Runs the tasks of one :class:`amrobust.train.command.Command`, ``jobs`` at a time; an executor."""

    name = EXEC

    def __init__(
        self,
        command: Command,
        read: Read,
        *,
        jobs: int | None = None,
        gpus_per_task: float | None = None,
        timeout: float | None = None,
    ) -> None:
        """``read`` reads what one task left; one that takes longer than ``timeout`` seconds is ended.

        Without ``jobs`` tasks run one after the other, or with ``gpus_per_task`` as many at a time as have GPUs. Raises
        UserError where there are too few GPUs, and on numbers that make no sense.
        """
        for option, given in (("--jobs", jobs), ("--timeout", timeout)):
            if given is not None and not given > 0:
                raise UserError(f"{option} {given:g} is not above 0")
        self.command, self.read, self.timeout = command, read, timeout
        self.tasks = command.specs()
        found = gpus.slots(gpus_per_task, gpus.devices()) if gpus_per_task is not None else None
        if found is not None and jobs is not None and jobs > len(found):
            raise UserError(
                f"--jobs {jobs}: there are GPUs for {len(found)} tasks of --gpus-per-task {gpus_per_task:g} at a time"
            )
        self.jobs, self.count = jobs, jobs or (len(found) if found else 1)
        self.where = f"{self.count} tasks at a time" if self.count > 1 else "one task at a time"
        self.device = f"{gpus_per_task:g} GPUs a task" if found else "not recorded"
        self._slots: queue.SimpleQueue[tuple[str | None, int]] = queue.SimpleQueue()
        for slot in found[: self.count] if found else [None] * self.count:
            self._slots.put((slot, _free_port()))
        # Before anything is started: what is edited later is not what these seeds are said to be made by.
        self._code: dict[str, Files] = {
            digest: files_of(command.filled(point)) for digest, (_, point) in self.tasks.items()
        }
        self._threads = ThreadPoolExecutor(self.count, "task")
        self._lock = threading.Lock()
        self._running: dict[subprocess.Popen[bytes], str] = {}
        self._reaper: subprocess.Popen[bytes] | None = None
        self._stopped = self._was_read = False

    def describe(self, spec: Spec) -> RunMetadata:
        """The run's metadata, but for its metrics and where they are measured, which its first seed says."""
        digest = spec.key
        program, *_ = self.command.filled(self.tasks[digest][1])
        return RunMetadata(
            x0_digest=None,
            data_digest=None,
            outputs=(OUTPUT,),
            methods={OUTPUT: method_name(spec)},
            metrics=(),
            epochs=1,
            steps_per_epoch=None,
            first_output_epoch={OUTPUT: 1},
            workload_label=spec.workload,
            versions={
                "amrobust": version("amrobust"),
                "python": platform.python_version(),
                **environment(program),
            },
            device=self.device,
            code=self._code[digest],
        )

    def source(self, spec: Spec, seeds: Sequence[int]) -> Source:
        """What is recorded as the source of the run's curves."""
        point = self.tasks[spec.key][1]
        return Source(
            EXEC, self.command.again(point, len(seeds)), self.command.read or "standard output", 0, None
        )

    def train(self, spec: Work, blocks: Sequence[Block], place: Place) -> Iterator[SeedOutcome]:
        """A task for every seed, each as soon as a slot is free.

        Raises UserError where of the first task that ends well nothing can be read: of the others nothing could be either.
        """
        assert isinstance(spec, Spec)
        assert place.checkpoints is not None
        run = place.checkpoints.parent
        waiting = {self._threads.submit(self._task, spec, seed, run) for block in blocks for seed in block}
        try:
            while waiting:
                done: set[Future[SeedOutcome]] = wait(waiting, LOOK_SECONDS, FIRST_COMPLETED).done
                if self._stopped:
                    raise KeyboardInterrupt
                for future in done:
                    waiting.discard(future)
                    try:
                        yield future.result()
                    except CancelledError:
                        raise KeyboardInterrupt from None
        finally:
            for future in waiting:
                future.cancel()

    def stop(self) -> None:
        """End every task: SIGTERM to its processes, and after some seconds SIGKILL."""
        with self._lock:
            self._stopped = True
            running = dict(self._running)
        self._threads.shutdown(wait=False, cancel_futures=True)
        try:
            _end(running)
        finally:
            with self._lock:
                last, self._reaper = self._reaper, None
            if last is not None and last.stdin is not None:
                with suppress(OSError):
                    last.stdin.close()
                last.wait()

    def _task(self, spec: Spec, seed: int, run: Path) -> SeedOutcome:
        """Run one task and read what it leaves."""
        digest = spec.key
        _, point = self.tasks[digest]
        if files_of(self.command.filled(point)) != self._code[digest]:
            changed = "the command's code was changed after amrobust had read it: give the command again"
            return SeedOutcome(seed, error=changed)
        mark = mark_of(run, seed)
        # Of an amrobust that was killed with all that would have killed this, it would go on writing to what is read.
        reaper.signal_task(mark, None, getattr(signal, "SIGKILL", signal.SIGTERM))
        left = self._left(point, seed)
        before = None if left is None else _stamp(left)
        log = run / LOGS / f"seed-{seed}.log"
        slot, port = self._slots.get()
        begun = time.perf_counter()
        try:
            error = self._carried_out(self.command.filled(point, seed, port), log, slot, port, mark)
        finally:
            self._slots.put((slot, port))
        seconds = round(time.perf_counter() - begun, 6)
        if error is not None:
            return SeedOutcome(seed, wall_seconds=seconds, error=f"{error}{_last_lines(log)}")
        if left is not None and (not left.exists() or _stamp(left) == before):
            what = "is there as it was before" if left.exists() else "does not exist"
            problem = f"the task of seed {seed} ended well, and {escape(left)}, which --read names, {what}"
        else:
            try:
                curves, measured = self.read(left or log)
            except UserError as found:
                problem = f"of the task of seed {seed} nothing can be read: {found}"
            else:
                measured = replace(measured, read="" if self._was_read else measured.read)
                self._was_read = True
                return SeedOutcome(seed, {OUTPUT: curves}, wall_seconds=seconds, measured=measured)
        if self._was_read or _has_metrics(run):
            return SeedOutcome(seed, wall_seconds=seconds, error=problem)
        raise UserError(f"{problem}; what it printed is in {escape(log)}")

    def _left(self, point: Point, seed: int) -> Path | None:
        """The file or folder that a task is to leave; None where its output is read."""
        return None if self.command.read is None else Path(filled(self.command.read, {**point, SEED: seed}))

    def _carried_out(
        self, words: Sequence[str], log: Path, slot: str | None, port: int, mark: str
    ) -> str | None:
        """Run ``words`` to their end, their output going to ``log``; why that failed, if it did."""
        variables = {
            "PYTHONUNBUFFERED": "1",  # Else the last lines of a task that is killed would be lost.
            **os.environ,
            "MASTER_PORT": str(port),
            "PET_MASTER_PORT": str(port),  # That of torchrun's option.
            **({gpus.VISIBLE: slot} if slot is not None else {}),
            # Another amrobust within the task marks its own, which are this one's too.
            reaper.MARK: f"{os.environ.get(reaper.MARK, '')} {mark}".strip(),
        }
        try:
            log.parent.mkdir(exist_ok=True)
            with log.open("wb") as output:
                process = self._started(words, output, variables, mark)
        except OSError as error:
            return f"it cannot be started ({reason(error)})"
        try:
            status = process.wait(self.timeout)
        except subprocess.TimeoutExpired:
            return f"it took longer than --timeout {self.timeout:g} s and was stopped"
        finally:
            # What it has left running in the background would hold the GPU, or write to what is read now.
            _end({process: mark})
            with self._lock:
                del self._running[process]
                self._tell(f"-{process.pid} {mark}\n")
        if status < 0:
            with suppress(ValueError):
                return f"it was killed by {signal.Signals(-status).name}"
        return f"exit status {status}" if status else None

    def _started(
        self, words: Sequence[str], output: IO[bytes], variables: Mapping[str, str], mark: str
    ) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._stopped:
                raise KeyboardInterrupt
            if self._reaper is None and hasattr(os, "killpg"):
                self._reaper = subprocess.Popen(
                    [sys.executable, "-S", "-E", str(reaper.__file__)],
                    stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                )  # fmt: skip
            process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=dict(variables),
                start_new_session=True,
            )  # fmt: skip
            self._running[process] = mark
            self._tell(f"+{process.pid} {mark}\n")
            return process

    def _tell(self, line: str) -> None:
        if self._reaper is not None and self._reaper.stdin is not None:
            with suppress(OSError):
                self._reaper.stdin.write(line.encode())
                self._reaper.stdin.flush()


def mark_of(run: Path, seed: int) -> str:
    """What marks the processes of a seed of the run in ``run``, the same each time that it is tried."""
    return hashlib.sha256(os.fsencode(run.resolve()) + b" %d" % seed).hexdigest()[:16]


def _end(tasks: Mapping[subprocess.Popen[bytes], str]) -> None:
    """SIGTERM to each process of ``tasks``, which have their marks, and SIGKILL to those that are left after a while."""
    try:
        _until_gone(tasks, signal.SIGTERM, 0)
    finally:
        kill = getattr(signal, "SIGKILL", signal.SIGTERM)
        _until_gone(tasks, kill, kill)


def _until_gone(tasks: Mapping[subprocess.Popen[bytes], str], first: int, then: int) -> None:
    """Send ``first`` to all, and ``then`` again and again to those that are left, for a while."""
    deadline = time.monotonic() + GRACE_SECONDS
    number = first
    while sum(_signal(process, mark, number) for process, mark in tasks.items()) > 0:
        if time.monotonic() > deadline:
            return
        time.sleep(reaper.PAUSE_SECONDS)
        number = then


def _signal(process: subprocess.Popen[bytes], mark: str, number: int) -> bool:
    """Send it to a task's processes, where 0 does nothing; whether there are any."""
    ended = process.poll() is not None
    if hasattr(os, "killpg"):
        return reaper.signal_task(mark, process.pid, number)
    if not ended and number:
        process.send_signal(number)
    return not ended


def _free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as tried:
        tried.bind(("127.0.0.1", 0))
        port: int = tried.getsockname()[1]
        return port


def _stamp(path: Path) -> list[tuple[str, int, int]]:
    """What tells a file, or the files in a folder, from what a task has written since."""
    try:
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        found = [(str(file), file.stat()) for file in files if file.is_file()]
    except OSError:
        return []
    return [(name, stat.st_mtime_ns, stat.st_size) for name, stat in found]


def _last_lines(log: Path) -> str:
    """The end of a task's output as a clause, and where all of it is."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 20_000))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    # What Python prints below a line of code to point at a part of it says nothing of itself.
    lines = [line.strip() for line in re.split(r"[\r\n]+", text) if line.strip(" \t^~")]
    last = " | ".join(line[:LAST_CHARACTERS] for line in lines[-LAST_LINES:])
    return f"; {f'its last lines: {last}' if last else 'it printed nothing'} (all: {log})"


def _has_metrics(run: Path) -> bool:
    """Whether seeds of the run in ``run`` were read before."""
    with suppress(CorruptRun):
        manifest = manifest_in(run)
        return manifest is not None and bool(manifest.facts.metrics)
    return False


@cache
def environment(program: str) -> Mapping[str, str]:
    """What runs a command: where the program is, and the versions of Python and of packages that it has, where it is Python."""
    path = shutil.which(program) or program
    python = path if INTERPRETER.fullmatch(Path(path).name) else _interpreter(Path(path))
    versions: dict[str, str] = {"program": path}
    if python is not None:
        with suppress(OSError, subprocess.SubprocessError, ValueError):
            told = subprocess.run(
                [python, "-c", _VERSIONS, *PACKAGES], capture_output=True, text=True, timeout=30, check=True,
                stdin=subprocess.DEVNULL,
            ).stdout  # fmt: skip
            versions |= {str(name): str(found) for name, found in json.loads(told).items()}
    return versions


def _interpreter(script: Path) -> str | None:
    """The Python that the first line of a script such as torchrun names."""
    with suppress(OSError), script.open("rb") as file:
        first = file.readline(500).decode(errors="replace")
        words = shlex.split(first[2:]) if first.startswith("#!") else []
        for word in words[:2]:
            if INTERPRETER.fullmatch(Path(word).name):
                return word
    return None
