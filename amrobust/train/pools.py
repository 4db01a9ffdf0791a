"""Pools of worker processes of one thread each, which end with their parent and keep Ctrl-C for it."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from amrobust.train import heartbeat
from amrobust.train.heartbeat import Board

MANAGER_SECONDS = 10.0
"""How long a pool's own thread may take to see that its workers are gone."""


def usable_cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def is_starting() -> bool:
    """Whether this process was spawned and is importing the script that its parent runs, as multiprocessing marks it."""
    import multiprocessing

    return bool(getattr(multiprocessing.current_process(), "_inheriting", False))


def start_pool(workers: int, board: Board) -> ProcessPoolExecutor:
    """A pool of at most ``workers`` spawned processes, which write on ``board``; each is started when there is work for it."""
    import multiprocessing

    return ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_worker,
        initargs=(board.cells,),
    )


def _start_worker(cells: Any) -> None:
    """Keep Ctrl-C for the parent, which stops its workers itself, end with the parent, and stay on one thread for good."""
    import threading

    import threadpoolctl
    import torch

    threading.Thread(target=_end_with_parent, daemon=True).start()
    heartbeat.work_for(cells)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    threadpoolctl.threadpool_limits(1)


def _end_with_parent() -> None:
    """End this worker when its parent is gone: after a kill -9 nobody else would."""
    from multiprocessing import connection, parent_process

    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def stop_pool(pool: ProcessPoolExecutor) -> None:
    """Drop what is queued and end the workers without waiting for their current unit.

    The pool's own thread is waited for: at the interpreter's end it would race with the hook that wakes it.
    """
    processes = pool._processes
    manager: Any = getattr(pool, "_executor_manager_thread", None)
    # Waits for a submission under way, which may start workers: only afterwards are all of them known.
    pool.shutdown(wait=False, cancel_futures=True)
    for worker in list((processes or {}).values()):
        worker.terminate()
    if manager is not None:
        manager.join(MANAGER_SECONDS)
