"""``amrobust analyze``: run what a declared analysis still lacks, judge its claims, write its report."""

from __future__ import annotations

from pathlib import Path

import click

from amrobust.cli import options


@click.command("analyze")
@click.argument("name")
@click.option(
    "--seeds", type=click.IntRange(min=1), help="Seeds a method [default: as the analysis declares]."
)
@click.option("--scale", help="One of the scales that the analysis declares [default: the one it names].")
@options.runs_dir
@options.data_dir
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The PDF to write [default: NAME.pdf].",
)
@options.executor
@options.jobs
@options.table_format
def command(
    name: str,
    seeds: int | None,
    scale: str | None,
    runs_dir: Path,
    output: Path | None,
    executor: str,
    jobs: int | None,
    form: str,
) -> None:
    """Run a declared analysis, judge its claims and write its report as a PDF.

    NAME is an analysis that comes with amrobust (demo), or a TOML file of your own. Its claims, margins and seeds are
    fixed in the file, before anything is run. A repeated command resumes.

    \b
    amrobust analyze demo
    amrobust analyze demo --seeds 5 -o quick.pdf
    amrobust analyze figure14 --scale smoke
    amrobust analyze my_claims.toml --runs-dir runs/
    """
    from amrobust.claims.analysis import load_analysis
    from amrobust.claims.study import run_analysis
    from amrobust.cli.progress import progress_reporter
    from amrobust.report import render, write_pdf

    analysis = load_analysis(name, scale)
    with progress_reporter() as reporter:
        comparison = run_analysis(
            analysis, runs_dir, seeds=seeds, executor=executor, jobs=jobs, reporter=reporter
        )
    click.echo(render(comparison, form).rstrip("\n"))
    path = output or Path(f"{analysis.name}.pdf")
    write_pdf(comparison, path, title=analysis.title)
    click.echo(f"report: {path}", err=True)
