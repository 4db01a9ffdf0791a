"""What is said on stderr: a line each, in which nothing that was read from a file can act on a terminal."""

from __future__ import annotations

from collections.abc import Iterable

import click


def warn(problems: Iterable[str], label: str = "Warning") -> None:
    """A line for each of ``problems``."""
    from amrobust.runs.files import shown

    for problem in problems:
        click.echo(f"{label}: {shown(problem)}", err=True)
