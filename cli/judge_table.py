"""``amrobust judge-table``: what a published table alone supports."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from amrobust.cli import messages, options


@click.command("judge-table")
@click.argument(
    "path", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="[FILE]"
)
@click.option("--table", help="One table of the file [default: all].")
@click.option(
    "--metric",
    metavar="NAME[:lower|:higher]",
    help="Which way the tables' metric is better, where its name does not say so; of a table in CSV the metric's name.",
)
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    help="Number of seeds that each mean is over, where the table does not say it.",
)
@click.option("--baseline", help="Row that the others are held against [default: M-SGD, else the first].")
@click.option(
    "--margin",
    type=click.FloatRange(min=0, min_open=True),
    help="Judge whether means agree within this margin instead of whether they differ.",
)
@click.option(
    "--alpha", type=click.FloatRange(min=0, max=0.5, min_open=True), default=0.05, show_default=True
)
@options.table_format
def command(
    path: Path | None,
    table: str | None,
    metric: str | None,
    seeds: int | None,
    baseline: str | None,
    margin: float | None,
    alpha: float,
    form: str,
) -> None:
    """Test the claims of a published table from its printed means, STDs and numbers of seeds.

    FILE is TOML: a table [name] with metric and seeds, and [[name.rows]] with method, final_mean, final_std and, where
    printed, avg_std, option, m, model and n; or CSV, Markdown (.md) or LaTeX (.tex) with the columns method, mean, std and
    n, or cells 95.1 ± 0.2. The seeds may be said by the caption or --seeds. Without FILE: the tables of the paper "Amortized
    Nesterov's Momentum".

    \b
    amrobust judge-table --table table1
    amrobust judge-table mine.csv --metric accuracy
    amrobust judge-table results.tex --seeds 5 --baseline SGD
    amrobust judge-table mine.toml --baseline Adam --margin 0.5 --format markdown
    """
    from amrobust.judge.published import judge_tables
    from amrobust.judge.published_tables import load_tables
    from amrobust.judge.rules import Rules
    from amrobust.report import render

    comparison = judge_tables(
        load_tables(path, table, metric, seeds), baseline=baseline, margin=margin, rules=Rules(alpha=alpha)
    )
    text = render(comparison, form, color=options.colored(sys.stdout), verbose=messages.is_verbose())
    click.echo(text.rstrip("\n"))
