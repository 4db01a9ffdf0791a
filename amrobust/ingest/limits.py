"""Other people's files, read within bounds: how many, how large, and never through a link."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterator
from pathlib import Path

from amrobust.errors import UserError
from amrobust.runs.files import escape, is_plain_file, reason
from amrobust.runs.journals import is_journal

MAX_ENTRIES = 200_000
"""Directory entries that are looked at under one path."""

MAX_DEPTH = 12
"""Folders that are entered below one path."""

MAX_TEXT = 256_000_000
"""Bytes of one table or log in text."""

MAX_SMALL = 4_000_000
"""Bytes of one file of parameters."""

MAX_LOG = 4_000_000_000
"""Bytes of one binary log, which is never in memory as a whole."""

MAX_CELLS = 50_000_000
"""Numbers of one file."""

MAX_TABLE_CELLS = 250_000_000
"""Cells of one table that is held as numbers, not as text: 2 GB."""

MAX_TEXTS = 1_000_000
"""Different texts in one column of a table."""

MAX_RUNS = 200_000
"""Runs of one table."""

UNREADABLE = "\ufffd"
"""What stands for a byte that is no text."""

_LINE_END = re.compile(r"\r\n?|\n")
_TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_=>78]|\([0-9A-B])")
"""Colours, movements of the cursor, titles of a window."""


def read_bytes(path: Path, most: int) -> bytes:
    """The content of a plain file of at most ``most`` bytes. Raises UserError on anything else."""
    check_size(path, most)
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise UserError(f"cannot read {escape(path)} ({reason(error)})") from None
    if len(data) > most:
        raise UserError(f"{escape(path)} grew beyond {most:,} bytes while it was read")
    return data


def check_size(path: Path, most: int) -> int:
    """The size of a plain file. Raises UserError where it is none, or larger than ``most`` bytes."""
    if not is_plain_file(path):
        raise UserError(f"{escape(path)} {'is not a plain file' if path.exists() else 'does not exist'}")
    size = path.stat().st_size
    if size > most:
        raise UserError(f"{escape(path)} has {size:,} bytes, more than the {most:,} that are read")
    return size


def text_of(path: Path, most: int = MAX_TEXT, errors: str = "strict") -> str:
    """A text in UTF-8, with or without a byte order mark, or in UTF-16 with one. Raises UserError, but for bytes that are none
    where ``errors`` says what becomes of them, as :meth:`bytes.decode` takes it."""
    data = read_bytes(path, most)
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        return data.decode("utf-16" if wide else "utf-8-sig", errors)
    except UnicodeDecodeError as error:
        name = "UTF-16" if wide else "UTF-8"
        raise UserError(
            f"{escape(path)} is not {name} text ({error.reason} at byte {error.start}): save it as UTF-8"
        ) from None


def lines_of(path: Path) -> list[str]:
    """The lines of what a program printed, without the codes of a terminal. Raises UserError where it cannot be read.

    A carriage return ends a line too, as those of a progress bar do; a byte that is no text is UNREADABLE.
    """
    return printed_lines(text_of(path, errors="replace"))


def printed_lines(text: str) -> list[str]:
    """The same of a text."""
    return _LINE_END.split(_TERMINAL.sub("", text) if "\x1b" in text else text)


def beginning(path: Path, size: int = 4096) -> bytes:
    """The first bytes of a plain file; empty where it cannot be read."""
    if not is_plain_file(path):
        return b""
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError:
        return b""


def files_under(directory: Path) -> Iterator[Path]:
    """Plain files below ``directory``, sorted folder by folder; links are not followed, and the recorder's journals, of seeds
    that were stopped or are under way, are no logs.

    Raises UserError past 200,000 entries, or where a folder cannot be read.
    """
    seen = 0
    left: list[tuple[Path, int]] = [(directory, 0)]
    while left:
        folder, depth = left.pop()
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            raise UserError(f"cannot read {escape(folder)} ({reason(error)})") from None
        seen += len(entries)
        if seen > MAX_ENTRIES:
            raise UserError(
                f"{escape(directory)} has more than {MAX_ENTRIES:,} entries: name the folder of the runs"
            )
        below = [Path(e.path) for e in entries if e.is_dir(follow_symlinks=False)]
        files = (Path(e.path) for e in entries if e.is_file(follow_symlinks=False))
        yield from (file for file in files if not is_journal(file))
        if depth < MAX_DEPTH:
            left += [(folder, depth + 1) for folder in reversed(below)]


def relative(path: Path, root: Path) -> str:
    """``path`` below ``root`` with forward slashes; its name where it is the root itself."""
    below = path.relative_to(root).as_posix()
    return path.name if below == "." else below
