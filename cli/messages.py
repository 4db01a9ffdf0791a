"""What goes to stderr beside results and errors: how much of it is decided by --quiet and --verbose."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import logging

KEY = "amrobust.verbosity"
QUIET, NORMAL, VERBOSE = -1, 0, 1
LONGEST = 5_000
"""Characters of a line: an error may quote what it is about, and that may be a whole file."""
_STARTED = time.perf_counter()


def _choose(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta[KEY] = QUIET if param.name == "quiet" else VERBOSE


def quiet_option() -> click.Option:
    """``-q``, without a value for the command."""
    return click.Option(
        ["-q", "--quiet"], is_flag=True, expose_value=False, is_eager=True, callback=_choose,
        help="Nothing on stderr but errors: no progress, no warnings, no notes.",
    )  # fmt: skip


def verbose_option() -> click.Option:
    """``-v``, without a value for the command."""
    return click.Option(
        ["-v", "--verbose"], is_flag=True, expose_value=False, is_eager=True, callback=_choose,
        help="Show every test and every warning of a comparison; say on stderr what is read and how long it takes, and where "
        "an error comes from.",
    )  # fmt: skip


def verbosity() -> int:
    """QUIET, NORMAL or VERBOSE, as the running command was told."""
    ctx = click.get_current_context(silent=True)
    return int(ctx.meta.get(KEY, NORMAL)) if ctx is not None else NORMAL


def warn(text: str) -> None:
    """Something that the reader of the result should know, unless quiet."""
    if verbosity() > QUIET:
        _line("Warning", text)


def note(text: str) -> None:
    """Something that was decided on the way, unless quiet."""
    if verbosity() > QUIET:
        _line("Note", text)


def read(lines: Iterable[str]) -> None:
    """What was read as what, unless quiet."""
    for line in lines:
        if verbosity() > QUIET:
            _line("read", line)


def error(text: str) -> None:
    """Why the command failed, however quiet it is."""
    _line("Error", text)


def _line(label: str, text: str) -> None:
    """One line, in which nothing that was read from a file can act on a terminal."""
    from amrobust.runs.files import escape

    line = escape(text)
    click.echo(f"{label}: {line if len(line) <= LONGEST else line[: LONGEST - 1] + '…'}", err=True)


def say(text: str) -> None:
    """A plain line beside the result, unless quiet."""
    if verbosity() > QUIET:
        click.echo(text, err=True)


def listen() -> None:
    """Print what the library logs: warnings, and with --verbose information too."""
    import logging

    class Handler(logging.Handler):
        """The library's log on stderr, in the command line's words."""

        def emit(self, record: logging.LogRecord) -> None:
            if record.levelno >= logging.WARNING:
                note(record.getMessage())
            elif is_verbose():
                click.echo(record.getMessage(), err=True)

    log = logging.getLogger("amrobust")
    log.handlers = [handler for handler in log.handlers if type(handler).__name__ != Handler.__name__]
    log.addHandler(Handler())
    log.propagate = False
    # How much of it is shown is known only when the subcommand has read its own options.
    log.setLevel(logging.INFO)


def farewell() -> None:
    """With --verbose, how long it took."""
    if is_verbose():
        click.echo(f"{time.perf_counter() - _STARTED:.2f} s", err=True)


def explain() -> None:
    """With --verbose, where the error that is being handled comes from."""
    if is_verbose():
        import traceback

        click.echo(traceback.format_exc().rstrip(), err=True)


def is_verbose() -> bool:
    """Whether everything is wanted."""
    return verbosity() >= VERBOSE


def is_quiet() -> bool:
    """Whether nothing but results and errors is wanted."""
    return verbosity() <= QUIET
