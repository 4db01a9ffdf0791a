"""Downloading a file whole or not at all: resumed where an earlier try stopped, and checked against its digest."""

from __future__ import annotations

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO

from amrobust.errors import RunError
from amrobust.runs.files import escape, is_plain_file
from amrobust.runs.lock import file_lock, why_not
from amrobust.workloads.catalogue import Source

Progress = Callable[[int], None]
"""Told how many bytes of the file are there."""

CHUNK = 1 << 18
TIMEOUT = 30.0
"""Seconds without a byte after which a connection counts as lost."""
ATTEMPTS = 4
"""Lost connections in a row, without a single byte in between, that end a download."""


def download(source: Source, folder: Path, progress: Progress = lambda done: None) -> Path:
    """Fetch ``source`` into ``folder`` under its own name, and return the path; a file that is there already is checked.

    What has arrived is kept in ``NAME.part``: a lost connection is taken up there (HTTP Range), by this call and by the next
    one. The file gets its name only when its MD5 is the publisher's. Two downloads of one file wait for each other.

    Raises RunError where the server cannot be reached or refuses, where the bytes are not the publisher's (they are
    removed then), or where the disk cannot be written to.
    """
    target, part = folder / source.name, folder / f"{source.name}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with file_lock(folder / f"{source.name}.lock"):
            if os.path.lexists(part) and not is_plain_file(part):
                raise RunError(f"{escape(part)} is no plain file, and a link could lead anywhere: remove it")
            if not target.exists():
                _fill(source, part, progress)
                _check(source, part, "removed; the same command fetches it again", remove=True)
                part.replace(target)
            else:
                _check(
                    source, target, "remove it, and the same command fetches the publisher's", remove=False
                )
            return target
    except (OSError, NotImplementedError) as error:
        raise RunError(
            f"cannot write {escape(target)} ({why_not(error)}): choose another place with --data-dir"
        ) from None


def _fill(source: Source, part: Path, progress: Progress) -> None:
    """Append to ``part`` until it is complete, over as many connections as it takes."""
    tries = 0
    begun_again = False
    with part.open("ab") as file:
        if file.tell() > source.bytes:
            _empty(file)
        while file.tell() < source.bytes:
            before = file.tell()
            progress(before)
            try:
                _receive(source, file, progress)
                reason = "the connection ended early"
            except urllib.error.HTTPError as error:
                past_the_end = error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE and before
                if not past_the_end or begun_again:
                    raise RunError(f"{source.url}: the server says {error.code} {error.reason}") from None
                _empty(file)
                begun_again = True
                continue
            except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as error:
                reason = str(getattr(error, "reason", error)) or type(error).__name__
            tries = 0 if file.tell() > before else tries + 1
            if tries == ATTEMPTS:
                raise RunError(
                    f"{source.url} cannot be fetched: {reason}; {file.tell():,} of {source.bytes:,} bytes are kept, and the "
                    f"same command goes on from there; or put the file into {part.parent} by hand"
                )
        file.flush()
        os.fsync(file.fileno())


def _empty(file: IO[bytes]) -> None:
    file.seek(0)
    file.truncate()


def _receive(source: Source, file: IO[bytes], progress: Progress) -> None:
    """One connection: ask for what is missing, and append what comes."""
    have = file.tell()
    request = urllib.request.Request(source.url, headers={"User-Agent": "amrobust"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
        if have and not _continues(response, have):
            _empty(file)
        while chunk := response.read(CHUNK):
            file.write(chunk)
            if file.tell() > source.bytes:
                raise RunError(
                    f"{source.url} is longer than the {source.bytes:,} bytes of the publisher's file"
                )
            progress(file.tell())


def _continues(response: http.client.HTTPResponse, have: int) -> bool:
    """Whether the answer begins where the file ends; a server that knows no ranges sends everything again."""
    began = response.headers.get("Content-Range", "")
    return response.status == http.client.PARTIAL_CONTENT and began.startswith(f"bytes {have}-")


def _check(source: Source, path: Path, hint: str, *, remove: bool) -> None:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if digest != source.md5:
        if remove:
            path.unlink()
        raise RunError(f"{path} is not the publisher's file (MD5 {digest}, not {source.md5}): {hint}")
