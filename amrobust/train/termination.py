"""What ends a command from outside ends it as Ctrl-C does."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def termination_as_interrupt() -> Iterator[None]:
    """SIGTERM and a terminal that is closed raise KeyboardInterrupt within: what finished is kept, tasks and jobs are ended."""
    kinds = [kind for name in ("SIGTERM", "SIGHUP") if (kind := getattr(signal, name, None)) is not None]
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {kind: signal.getsignal(kind) for kind in kinds}

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    for kind, handler in before.items():
        if handler == signal.SIG_DFL:  # nohup ignores SIGHUP on purpose
            signal.signal(kind, interrupt)
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
