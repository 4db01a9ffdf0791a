"""A program of its own that outlives the command: when that is gone, even by kill -9, it kills what the command had started.

It reads lines ``+PID MARK`` and ``-PID MARK`` of tasks that begin and end, until its input ends with the process that writes
it. It imports nothing of amrobust, so that it starts at once.
"""

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

MARK = "AMROBUST_TASK"
"""The environment variable of a task that all that it starts inherits: its mark, behind those of tasks that it is within."""

ROUNDS, PAUSE_SECONDS = 100, 0.05
"""So often is looked for what is left: a process that is killed may just have started another."""


def signal_task(mark: str, group: "int | None", number: int) -> bool:
    """Send ``number`` to all processes of a task; whether there are any.

    On Linux these are those of the process group, those whose environment has the mark, and what all of them started, in
    sessions of their own too; elsewhere those of the group.
    """
    if not sys.platform.startswith("linux"):
        with contextlib.suppress(OSError):
            if group is not None:
                os.killpg(group, number)
                return True
        return False
    found = _processes_of(mark, group)
    for process in found:
        with contextlib.suppress(OSError):
            os.kill(process, number)
    return bool(found)


def _processes_of(mark: str, group: "int | None") -> "set[int]":
    children: dict[int, list[int]] = {}
    left = []
    for process in (int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()):
        with contextlib.suppress(OSError):  # It has ended, or its environment is not ours to read.
            stat = Path(f"/proc/{process}/stat").read_bytes()
            state, parent, its_group = stat.rpartition(b")")[2].split()[:3]
            if state == b"Z":
                continue
            children.setdefault(int(parent), []).append(process)
            if int(its_group) == group:
                left.append(process)
            environment = Path(f"/proc/{process}/environ").read_bytes()
            variables = dict(entry.partition(b"=")[::2] for entry in environment.split(b"\0"))
            if mark.encode() in variables.get(MARK.encode(), b"").split():
                left.append(process)
    found: set[int] = set()
    while left:
        process = left.pop()
        if process not in found:
            found.add(process)
            left += children.get(process, [])
    return found - {os.getpid()}


def main() -> None:
    """Follow the tasks; at the end kill those that are left."""
    tasks = set()
    for line in sys.stdin:
        group, mark = line[1:].split()
        if line.startswith("+"):
            tasks.add((mark, int(group)))
        else:
            tasks.discard((mark, int(group)))
    for _ in range(ROUNDS):
        if sum(signal_task(mark, group, signal.SIGKILL) for mark, group in tasks) == 0:
            break
        time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    main()
