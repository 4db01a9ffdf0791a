"""``amrobust compare``: estimates, intervals, adjusted p-values and verdicts."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import click

from amrobust.cli import messages, options
from amrobust.cli.comparison_options import comparison_options, load_comparison
from amrobust.cli.gate import Gate, enforce, fails, gate_option
from amrobust.cli.output import WritingCommand, output_option, write


@click.command("compare", cls=WritingCommand)
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(path_type=Path, allow_dash=True), metavar="RUNS..."
)
@comparison_options
@options.table_format
@output_option
@gate_option
def command(
    paths: tuple[Path, ...], form: str, output: Path | None, gates: tuple[Gate, ...], **choices: Any
) -> None:
    """Judge which method varies less from seed to seed, and how sure that is.

    RUNS are a directory of runs, single run directories, or what 'amrobust import' reads: tables (- for one on standard
    input) and the logs of other tools.

    \b
    amrobust compare runs/
    amrobust compare runs/ --test levene --center mean
    amrobust compare runs/ --interval bootstrap-t
    amrobust compare runs/ --metric test_loss --baseline sgd
    amrobust compare runs/ --margin 0.5 --format markdown
    amrobust compare results.csv --baseline adam --format json
    amrobust compare runs/ --fail-unless "less Avg. STD=supported"
    amrobust compare runs/ --fail-unless not-refuted --format junit -o verdicts.xml
    cat results.csv | amrobust compare -
    """
    from amrobust.report import render

    comparison = load_comparison(paths, **choices)
    to_terminal = output is None and sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if to_terminal else None
    color = to_terminal and options.colored(sys.stdout)
    verbose = messages.is_verbose()
    write(render(comparison, form, color=color, width=width, verbose=verbose, fails=fails(gates)), output)
    if form != "table":
        for problem in comparison.problems:
            messages.warn(problem)
    enforce(gates, comparison)
