"""``-`` in the place of a file: what comes on standard input, as a file for those who read files."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from amrobust.errors import UserError
from amrobust.runs.files import escape

DASH = Path("-")
NAME = "stdin.csv"
MOST = 256_000_000


@contextmanager
def paths_or_stdin(paths: Sequence[Path]) -> Iterator[tuple[Path, ...]]:
    """``paths``, with standard input (a CSV table) in a temporary file in the place of ``-``; others must exist.

    Raises UserError where a path does not exist, or ``-`` is given twice.
    """
    for path in paths:
        if path != DASH and not os.path.exists(path):  # noqa: PTH110 - pathlib's raises on names that are too long
            address = re.match(r"\w+:/", str(path))
            hint = ": what a tracker has is imported first, with 'amrobust import'" if address else ""
            raise UserError(f"{escape(path)} does not exist{hint}")
    if DASH not in paths:
        yield tuple(paths)
        return
    if list(paths).count(DASH) > 1:
        raise UserError("- can be given once")
    if sys.stdin is None:
        raise UserError(
            "- is standard input, which is closed: give a file, or lead a table into it with < or |"
        )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / NAME
        data = sys.stdin.buffer.read(MOST + 1)
        if len(data) > MOST:
            raise UserError(f"there are more than {MOST:,} bytes on standard input: write them to a file")
        file.write_bytes(data)
        try:
            yield tuple(file if path == DASH else path for path in paths)
        except UserError as error:
            raise UserError(str(error).replace(str(file), "standard input")) from error
