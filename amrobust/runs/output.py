"""The one door for what a user asks to be written: whole files, links that are followed, devices and pipes in place."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from amrobust.errors import RunError, UserError
from amrobust.runs.files import escape, put_in_place, reason, sync_directory


class _Place(NamedTuple):
    """Where a path leads: the end of its links, and what is there."""

    path: Path
    descriptor: int | None
    """Of this process, where the path is its name (/dev/stdout, /dev/fd/3)."""
    status: os.stat_result | None
    """None where there is nothing yet."""

    @property
    def in_place(self) -> bool:
        """Whether it is written as it is, since a new file would not be the same: a device, a pipe, what is open already."""
        return self.descriptor is not None or (
            self.status is not None and not stat.S_ISREG(self.status.st_mode)
        )


def write_output(path: str | os.PathLike[str], data: bytes) -> None:
    """Write ``data`` to ``path``, as every output of amrobust is written.

    A plain file is replaced as a whole or left as it was, and keeps its mode; a new one has the mode that the umask leaves. Of
    a link the file that it leads to is replaced, and the link stays. A device, a pipe and a descriptor of this process
    (/dev/stdout, /dev/fd/3) are written in place.

    Raises UserError where :func:`check_output` does, RunError where writing fails, such as on a full disk.
    """
    place = _checked(path)
    try:
        if place.in_place:
            _write_to_stream(place, data)
            return
        mode = None if place.status is None else stat.S_IMODE(place.status.st_mode) & 0o777
        put_in_place(place.path, data, mode=mode)
        sync_directory(place.path.parent)
    except OSError as error:
        raise RunError(
            f"cannot write {escape(path)}: {reason(error)}; make room for it, or choose another file"
        ) from error


def check_output(path: str | os.PathLike[str]) -> None:
    """Raise UserError on what can be known to fail before anything is computed.

    That is no name, a directory, no directory for the file, and a place that may not be written to.
    """
    _checked(path)


def is_stream(path: str | os.PathLike[str]) -> bool:
    """Whether ``path`` is a device, a pipe or a descriptor of this process. Raises UserError as :func:`check_output`."""
    return _checked(path).in_place


def ending(path: str | os.PathLike[str], known: Sequence[str], rule: str) -> str:
    """The ending of ``path`` in small letters, which says how it is written; of a stream, the first of ``known`` if none.

    Raises UserError where a file has none of ``known``: ``rule`` is what the sentence about them begins with. Raises it as
    :func:`check_output` too.
    """
    place, found = _checked(path), Path(path).suffix.lower()
    if found in known:
        return found
    if place.in_place:
        return known[0]
    raise UserError(f"cannot write {escape(path)}: {rule} {' or '.join(known)}")


def make_directory(path: Path) -> None:
    """Make the directory that several outputs go into, with those above it. Raises UserError where it cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"cannot write to {escape(path)}: {reason(error)}; choose another directory"
        ) from None


def _place(path: Path) -> _Place:
    """Follow the links of ``path`` one by one: that of /dev/stdout would lead past the descriptor to the name of its file."""
    with suppress(FileNotFoundError, NotADirectoryError):
        path.stat()  # which fails where links lead to each other
    descriptors = Path(os.path.realpath("/dev/fd"))
    while True:
        folder = Path(os.path.realpath(path.parent))
        if folder == descriptors and path.name.isdecimal():
            return _Place(path, int(path.name), os.fstat(int(path.name)))
        end = folder / path.name
        if not end.is_symlink():
            status = None
            with suppress(FileNotFoundError, NotADirectoryError):
                status = end.stat()
            return _Place(end, None, status)
        _check_link(end.lstat(), folder.stat())
        path = folder / end.readlink()


def _check_link(link: os.stat_result, folder: os.stat_result) -> None:
    """Raise PermissionError on a link that another user put into a directory of everybody's, such as /tmp.

    It is there to have a file of ours overwritten. Linux follows none of these with fs.protected_symlinks; this is its rule.
    """
    of_all = folder.st_mode & stat.S_ISVTX and folder.st_mode & stat.S_IWOTH
    if of_all and link.st_uid not in (os.geteuid(), folder.st_uid):
        raise PermissionError(errno.EACCES, "it is a link of another user's in a directory of everybody's")


def _checked(path: str | os.PathLike[str]) -> _Place:
    if not os.fspath(path):
        raise UserError("cannot write a file without a name: give one, such as results.pdf")
    try:
        place = _place(Path(path))
    except (OSError, ValueError) as error:
        why = reason(error) if isinstance(error, OSError) else error
        raise UserError(f"cannot write {escape(path)}: {why}; choose another file") from None
    folder = place.path.parent
    if place.status is not None and stat.S_ISDIR(place.status.st_mode):
        raise UserError(f"cannot write {escape(path)}: it is a directory; give the name of a file in it")
    if place.descriptor is None and not folder.is_dir():
        raise UserError(f"cannot write {escape(path)}: there is no directory {escape(folder)}; make it first")
    # A plain file is replaced, which its directory has to allow; one that may not be written is kept from that on purpose.
    needed = [] if place.in_place else [folder]
    if place.descriptor is None and place.status is not None:
        needed.append(place.path)
    for other in needed:
        if not os.access(other, os.W_OK):
            raise UserError(
                f"cannot write {escape(path)}: you may not write to {escape(other)}; choose another file"
            )
    return place


def _write_to_stream(place: _Place, data: bytes) -> None:
    for stream in (sys.stdout, sys.stderr):
        # What was printed before comes before, also where the descriptor is the stream's own.
        if stream is not None:
            stream.flush()
    if place.descriptor is None:
        descriptor = os.open(place.path, os.O_WRONLY | getattr(os, "O_NOCTTY", 0))
    else:
        descriptor = os.dup(place.descriptor)
    with open(descriptor, "wb") as file:
        file.write(data)
