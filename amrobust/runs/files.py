"""Files that are wholly there or not there at all, reads that no link or size can misuse, text that is safe to print."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

_BEYOND_ASCII = re.compile(r"[^\n\x20-\x7e]")
TEMPORARY_PREFIX = ".tmp-"
LONGEST_NAME = 255
"""Bytes that a file's name has at most, on every file system in use."""


def spans(numbers: Iterable[int], dash: str = "-", name: Callable[[int], str] = str) -> str:
    """Ascending numbers as ranges: ``1-9, 12``; ``name`` says what a number is called."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(name(a) if a == b else f"{name(a)}{dash}{name(b)}" for a, b in parts)


def write_atomically(path: Path, data: bytes) -> None:
    """Write ``data`` under a temporary name, rename it to ``path``, and flush both to the disk; as :func:`put_in_place`."""
    put_in_place(path, data)
    sync_directory(path.parent)


def put_in_place(path: Path, data: bytes, *, flush: bool = True, mode: int | None = None) -> None:
    """Write ``data`` under a temporary name, flush it to the disk and rename it to ``path``; the new name is not flushed.

    The file has ``mode``, or what the umask leaves. Whoever reads ``path`` meanwhile sees the old file or the new one, also
    after a crash; without ``flush`` a new file may be empty after the machine has lost its power. What a killed process left
    under the temporary name is replaced, and a link there is not followed. Raises OSError; the temporary file is removed then.
    """
    temporary = path.with_name(_temporary(path.name))
    try:
        temporary.unlink(missing_ok=True)
        with temporary.open("xb") as file:
            if mode is not None:
                temporary.chmod(mode)
            file.write(data)
            if flush:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def _temporary(name: str) -> str:
    """The temporary name of what is to be called ``name``, which may be as long as a file system allows."""
    whole = f"{TEMPORARY_PREFIX}{name}"
    if len(os.fsencode(whole)) <= LONGEST_NAME:
        return whole
    return f"{TEMPORARY_PREFIX}{hashlib.sha256(os.fsencode(name)).hexdigest()}"


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


class NotPlain(OSError):
    """Something that is no regular file: a link that leads elsewhere, a pipe that would block its reader, a directory."""


class TooLong(OSError):
    """A file that is longer than what was expected of it; nothing of it was read."""


def read_bounded(path: Path, most: int, *, follow: bool = False) -> bytes:
    """The content of the regular file ``path``, at most ``most`` bytes; a link is followed only with ``follow``.

    The file that is checked is the one that is read, whatever is put in its place meanwhile. Raises NotPlain, TooLong, or
    another OSError.
    """
    if not stat.S_ISREG((path.stat() if follow else path.lstat()).st_mode):
        raise NotPlain(f"{path.name} is not a plain file")
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    if not follow:
        flags |= getattr(os, "O_NOFOLLOW", 0)
    with open(os.open(path, flags), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise NotPlain(f"{path.name} is not a plain file")
        if found.st_size > most:
            raise TooLong(f"{found.st_size:,} bytes, more than the {most:,} expected")
        return file.read(found.st_size + 1)


def escape(name: object) -> str:
    """``name`` on one line, with control, format and surrogate characters written out as escapes."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii")
        for c in str(name)
    )


def quoted(name: object) -> str:
    """:func:`escape` as an argument in a command of a shell, for a hint that can be pasted."""
    return shlex.quote(escape(name))


def shown_json(value: Any, *, indent: int = 2, allow_nan: bool = True) -> str:
    """``value`` as JSON in which every script is written as it is; what :func:`escape` writes out is escaped, as JSON does.

    Raises TypeError on what JSON has no form of, and ValueError on a number that is not finite unless ``allow_nan``.
    """
    text = json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=allow_nan)
    return _BEYOND_ASCII.sub(lambda c: c[0] if c[0].isprintable() else json.dumps(c[0])[1:-1], text)


def reason(error: OSError) -> str:
    """What the system says about ``error``, without the error number."""
    return escape(error.strerror or error)
