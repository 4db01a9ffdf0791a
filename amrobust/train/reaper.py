"""A program of its own that outlives the command: when that is gone, even by kill -9, it kills what the command had started.

It reads lines ``+PID`` and ``-PID`` of process groups that begin and end, until its input ends with the process that writes
it. It imports nothing of amrobust, so that it starts at once.
"""

import contextlib
import os
import signal
import sys


def main() -> None:
    """Follow the groups; at the end kill those that are left."""
    groups = set()
    for line in sys.stdin:
        if line.startswith("+"):
            groups.add(int(line[1:]))
        else:
            groups.discard(int(line[1:]))
    for group in groups:
        with contextlib.suppress(OSError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
