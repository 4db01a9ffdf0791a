"""One process at a time works on a run; readers need no lock."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from amrobust.errors import RunError
from amrobust.runs.files import escape, reason

if TYPE_CHECKING:
    from filelock import FileLock

LOCK = ".lock"
WITHOUT_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP)


class Busy(RunError):
    """Another process works on a run, and nobody wanted to wait for it."""


@dataclass(frozen=True)
class Held:
    """The lock of the run in ``path`` while it is held."""

    path: Path
    descriptor: int
    """Of the lock file. While it is open, no other file has its number."""

    def check(self) -> None:
        """Raise RunError where the run's directory is no longer the one that was locked.

        Somebody may have deleted or moved it, and somebody else made a new one that is theirs to write to.
        """
        if not self.in_place():
            raise RunError(
                f"{escape(self.path)} was moved or deleted while seeds were trained: what was saved went with it, and the same "
                "command starts again"
            )

    def in_place(self) -> bool:
        """Whether the file that was locked is still the one at its path."""
        try:
            return os.path.samestat(
                os.stat(self.path / LOCK, follow_symlinks=False), os.fstat(self.descriptor)
            )
        except OSError:
            return False


@contextmanager
def locked(path: Path, on_wait: Callable[[], None] | None) -> Iterator[Held]:
    """Hold the run's lock, creating its directory; ``on_wait()`` is called when another process has it.

    With ``on_wait`` None a lock that another process has is an error. Raises Busy then, and RunError where the directory cannot
    be written to, has no locks, or is a link, which could lead anywhere.
    """
    try:
        lock, held = _acquire(path, on_wait)
    except (OSError, NotImplementedError) as error:
        raise RunError(
            f"cannot write to {escape(path)} ({why_not(error)}): choose another place with --runs-dir"
        ) from None
    try:
        yield held
    finally:
        lock.release()
        os.close(held.descriptor)


def file_lock(path: Path) -> FileLock:
    """The lock of the file ``path``: the system's, or none.

    Where there is none, others take the existence of the file for it: a process that was killed would be waited for for ever.
    """
    import filelock

    return filelock.FileLock(path, fallback_to_soft=False)


def is_held(path: Path) -> bool:
    """Whether a process has the lock of the file ``path`` now; where that cannot be found out, no."""
    import filelock

    if not path.is_file():
        return False
    try:
        with file_lock(path).acquire(timeout=0):
            return False
    except filelock.Timeout:
        return True
    except (OSError, NotImplementedError):
        return False


def why_not(error: OSError | NotImplementedError) -> str:
    """Why a lock could not be had. File systems mounted over a network say in several ways that they have none."""
    if isinstance(error, NotImplementedError) or error.errno in WITHOUT_LOCKS:
        return "its file system has no locks, which keep two processes from one file"
    return reason(error)


def _acquire(path: Path, on_wait: Callable[[], None] | None) -> tuple[FileLock, Held]:
    import filelock

    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    while True:
        path.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            raise RunError(f"{escape(path)} is a link, and runs are written to directories of their own only")
        # Opened before the lock's own descriptor: when both are in place afterwards, this file is the one that was locked.
        held = Held(path, os.open(path / LOCK, flags, 0o644))
        lock = file_lock(path / LOCK)
        try:
            try:
                lock.acquire(timeout=0)
            except filelock.Timeout:
                if on_wait is None:
                    raise Busy(f"{escape(path)}: another process is working on it") from None
                on_wait()
                lock.acquire(poll_interval=0.1)
            if held.in_place():
                return lock, held
        except FileNotFoundError:
            pass  # The directory was deleted meanwhile: make it again.
        except BaseException:
            os.close(held.descriptor)
            raise
        lock.release()
        os.close(held.descriptor)
