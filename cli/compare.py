"""``amrobust compare``: estimates, intervals, adjusted p-values and verdicts."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import click

from amrobust.cli import options
from amrobust.cli.comparison_options import comparison_options, load_comparison
from amrobust.cli.messages import warn


@click.command("compare")
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="RUNS..."
)
@comparison_options
@options.table_format
def command(paths: tuple[Path, ...], form: str, **choices: Any) -> None:
    """Judge which method varies less from seed to seed, and how sure that is.

    RUNS are a directory of runs, single run directories, or CSV files with the columns method, seed, step, value.

    \b
    amrobust compare runs/
    amrobust compare runs/ --test levene --center mean
    amrobust compare runs/ --metric test_loss --baseline sgd
    amrobust compare runs/ --margin 0.5 --format markdown
    amrobust compare results.csv --baseline adam --format json
    """
    from amrobust.report import render

    comparison = load_comparison(paths, **choices)
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    click.echo(render(comparison, form, color=options.colored(sys.stdout), width=width).rstrip("\n"))
    if form != "table":
        warn(comparison.problems)
