"""Results to a file, whole or not at all, or to standard output (-)."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from amrobust.errors import UserError

output_option = click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
    help="File to write; - or nothing: standard output.",
)  # fmt: skip


def write(content: str | bytes, path: Path | None) -> None:
    """Write to ``path``; to standard output where it is None or ``-``. Raises UserError where that cannot be done."""
    from amrobust.runs.files import reason, shown, write_atomically

    if path is None or str(path) == "-":
        if isinstance(content, str):
            click.echo(content, nl=False)
            return
        if sys.stdout.isatty():
            raise UserError("this format is for programs, not for a terminal: give a file with -o, or a pipe")
        click.echo(content, nl=False)
        return
    try:
        write_atomically(path, content.encode("utf-8") if isinstance(content, str) else content)
    except OSError as error:
        raise UserError(f"cannot write {shown(path)}: {reason(error)}") from None
