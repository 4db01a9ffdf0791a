"""Results to a file, or to standard output (-)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb
from typing import Any

import click

from amrobust.cli.streams import leave
from amrobust.errors import RunError, UserError


class OutputPath(click.Path):
    """What an option writes to: found to be writable before anything is read or trained, and set by no file that was found.

    ``dash``: - is standard output. ``directory``: it is one, which is made.
    """

    def __init__(self, *, dash: bool = False, directory: bool = False) -> None:
        super().__init__(file_okay=not directory, allow_dash=dash, path_type=Path)
        self.directory = directory

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path. Raises UserError where nothing can be written there."""
        if not isinstance(value, (str, Path)):
            self.fail(f"{value!r} is not a path", param, ctx)
        if self.directory and not str(value):
            raise UserError("cannot write to a directory without a name: give one, or . for this one")
        if not self.directory and not (self.allow_dash and str(value) == "-"):
            from amrobust.runs.output import check_output

            check_output(value)
        return super().convert(value, param, ctx)


class WritingCommand(click.Command):
    """A command that reads files and writes one: never the same, which would be lost."""

    def invoke(self, ctx: click.Context) -> Any:
        """As click's. Raises UserError where an output is a file that is read."""
        read: list[Path] = []
        written: list[Path] = []
        for param in self.params:
            if isinstance(param.type, click.Path) and (value := ctx.params.get(param.name or "")):
                paths = written if isinstance(param.type, OutputPath) else read
                paths += value if isinstance(value, tuple) else [value]
        for path in written:
            if path.is_file() and any(other.is_file() and other.samefile(path) for other in read):
                from amrobust.runs.files import escape

                raise UserError(
                    f"cannot write {escape(path)}: it is read too, and would be lost; choose another file"
                )
        return super().invoke(ctx)


output_option = click.option(
    "-o", "--output", type=OutputPath(dash=True), help="File to write; - or nothing: standard output."
)


@contextmanager
def standard_output() -> Iterator[None]:
    """Raise RunError where standard output is closed, or full, or goes to somebody who reads no more of it."""
    if sys.stdout is None:
        # What is opened next would get its descriptor, and everything that is printed from below Python.
        raise RunError("cannot write to standard output: it is closed; send it to a file, or to /dev/null")
    try:
        yield
    except OSError as error:
        # An error of writing to a stream has no file's name, and comes from the one function that prints.
        if all(frame.f_code is not click.echo.__code__ for frame, _ in walk_tb(error.__traceback__)):
            raise
        from amrobust.runs.files import reason

        leave(sys.stdout)
        raise RunError(f"cannot write to standard output: {reason(error)}") from error


def write(content: str | bytes, path: Path | None) -> None:
    """Write to ``path``; to standard output where it is None or ``-``. Raises UserError or RunError where it cannot."""
    if path is None or str(path) == "-":
        if isinstance(content, bytes) and sys.stdout.isatty():
            raise UserError("this format is for programs, not for a terminal: give a file with -o, or a pipe")
        click.echo(content, nl=False)
        return
    from amrobust.runs.output import write_output

    write_output(path, content.encode("utf-8") if isinstance(content, str) else content)
