"""Standard streams that are closed or take nothing: what is computed does not depend on them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any


class _Forgiving:
    """Standard error: once it takes no more, what is written to it is lost, and the result is not."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """As a stream's, and all of ``text`` counts as written."""
        try:
            self._stream.write(text)
        except OSError:
            leave(self._stream)
        return len(text)

    def flush(self) -> None:
        """As a stream's."""
        try:
            self._stream.flush()
        except OSError:
            leave(self._stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def leave(stream: Any) -> None:
    """Let a stream that takes no more lead to the null device: what it holds is tried again at the end, and would fail."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@contextmanager
def usable_streams() -> Iterator[None]:
    """Standard error that is closed, or full, fails nothing; descriptors of closed streams are taken, by the null device.

    A file that is opened next would get the free number, and with it what anybody writes to standard error; worker processes,
    which inherit these numbers, would wait for ever.
    """
    for number, stream in ((0, sys.stdin), (2, sys.stderr)):
        if stream is None:
            with suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_RDWR), number, inheritable=True)
    before = sys.stderr
    sys.stderr = _Forgiving(before if before is not None else open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
    try:
        yield
    finally:
        sys.stderr = before
