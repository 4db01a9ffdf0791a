"""What nobody foresaw: one line on stderr, and a file with all that a report of it needs."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
import traceback
from contextlib import suppress


def crashed(error: Exception) -> str:
    """The line about an ``error`` that no code expected, which is one of amrobust's own; the rest is in a file of the user's.

    The file lies in the directory of temporary files, for its owner alone to read: the command, versions and the traceback.
    """
    what = f"unexpected {type(error).__name__}" + (f": {error}" if str(error) else "")
    path = _written(error)
    where = f"{path} has the command and where it failed" if path else "-v shows where it failed"
    return f"{what}; this is a mistake in amrobust: {where}, for a report of it"


def is_here() -> bool:
    """Whether the working directory is still there: without one no relative path leads anywhere."""
    try:
        return bool(os.getcwd())  # noqa: PTH109
    except OSError:
        return False


def _written(error: Exception) -> str:
    """The path of the crash file, "" where none can be written."""
    with suppress(OSError):
        descriptor, path = tempfile.mkstemp(prefix="amrobust-crash-", suffix=".txt", text=True)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"command: {shlex.join(sys.argv)}\n")
            file.write(_environment())
            file.writelines(traceback.format_exception(error))
        return path
    return ""


def _environment() -> str:
    """Versions, where they can be found out: what failed may be an installation."""
    try:
        from amrobust.cli.environment import environment

        return f"{environment()}\n"
    except Exception as error:
        return f"the environment cannot be told: {error}\n"
