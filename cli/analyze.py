"""``amrobust analyze``: run what a declared analysis still lacks, test its claims, write its report."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from amrobust.cli import options
from amrobust.cli.gate import Gate, enforce, fails, gate_option, require_kinds
from amrobust.cli.messages import is_verbose, say
from amrobust.cli.output import OutputPath, WritingCommand
from amrobust.cli.report_options import layout_of, report_options

if TYPE_CHECKING:
    from amrobust.report.layout import Provenance
    from amrobust.train.cluster import Cluster


@click.command("analyze", cls=WritingCommand)
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
    type=OutputPath(),
    help="The file to write, .pdf or .html [default: NAME.pdf].",
)
@report_options
@options.executor
@options.jobs
@options.cluster
@options.backend
@options.device
@options.accept_new_code
@options.allow_code
@options.table_format
@gate_option
def command(
    name: str,
    seeds: int | None,
    scale: str | None,
    runs_dir: Path,
    output: Path | None,
    authors: tuple[str, ...],
    paper: str,
    sections: str | None,
    template: Path | None,
    provenance: Provenance,
    executor: str,
    jobs: int | None,
    cluster: Cluster,
    backend: str,
    device: str,
    accept_new_code: bool,
    allow_code: bool,
    form: str,
    gates: tuple[Gate, ...],
) -> None:
    """Run a declared analysis, test its claims and write its report.

    NAME is an analysis that comes with amrobust (demo), or a TOML file of your own. Its claims, margins and seeds are
    fixed in the file, before anything is run. A repeated command resumes.

    \b
    amrobust analyze demo
    amrobust analyze demo --seeds 5 -o quick.pdf
    amrobust analyze figure14 --scale smoke -o figure14.html
    amrobust analyze table1 --scale paper --device cuda -j 2
    amrobust analyze my_claims.toml --runs-dir runs/ --fail-unless supported
    """
    from amrobust.analysis import load_analysis, run_analysis
    from amrobust.cli.progress import progress_reporter
    from amrobust.report import render, write_report
    from amrobust.report.write import check_target
    from amrobust.train.unit import Place

    analysis = load_analysis(name, scale, allow_code=allow_code)
    require_kinds(gates, (claim.kind for setting in analysis.settings for claim in setting.claims))
    path = output or Path(f"{analysis.name}.pdf")
    given = {"--scale": scale, "--seeds": seeds, "-o": path}
    words = [word for option, value in given.items() if value is not None for word in (option, str(value))]
    layout = layout_of(
        title=analysis.title,
        authors=authors,
        paper=paper,
        sections=sections,
        template=template,
        provenance=provenance,
        command=shlex.join(["amrobust", "analyze", name, *words]),
    )
    check_target(path, layout)
    with progress_reporter() as reporter:
        comparison = run_analysis(
            analysis, runs_dir, seeds=seeds, executor=executor, jobs=jobs,
            cluster=cluster, place=Place(backend, device), reporter=reporter,
            accept_new_code=accept_new_code,
        )  # fmt: skip
    click.echo(render(comparison, form, verbose=is_verbose(), fails=fails(gates)).rstrip("\n"))
    write_report(comparison, path, layout)
    say(f"report: {path}")
    enforce(gates, comparison)
