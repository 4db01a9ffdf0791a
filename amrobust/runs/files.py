"""Files that are either wholly there or not there at all, and text from disk that is safe to print."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

TEMPORARY_PREFIX = ".tmp-"


def write_atomically(path: Path, data: bytes) -> None:
    """Write ``data`` under a temporary name, flush it to the disk and rename it to ``path``.

    Whoever reads ``path`` meanwhile sees the old file or the new one, also after a crash. Raises OSError; the temporary
    file is removed then.
    """
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{path.name}")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Flush a directory's entries, where the system can (Windows cannot open a directory)."""
    with suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def is_plain_file(path: Path) -> bool:
    """Whether ``path`` is a regular file: no link that leads elsewhere, no pipe that would block its reader."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def shown(name: object) -> str:
    """``name`` on one line, with control, format and surrogate characters written out as escapes."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii")
        for c in str(name)
    )


def reason(error: OSError) -> str:
    """What the system says about ``error``, without the error number."""
    return shown(error.strerror or error)
