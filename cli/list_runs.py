"""``amrobust list``: the runs in a directory."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from amrobust.cli import messages, options


@click.command("list")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[DIR...]")
@options.runs_dir
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def command(paths: tuple[Path, ...], runs_dir: Path, form: str) -> None:
    """List the runs in DIR (default: that of --runs-dir), with their seeds and epochs. Broken runs are named on stderr.

    \b
    amrobust list
    amrobust list other-runs/ --format json
    """
    from amrobust.cli.columns import aligned
    from amrobust.runs.files import escape, shown_json
    from amrobust.runs.summary import summaries

    found, problems = summaries(paths or (runs_dir,))
    if form == "json":
        rows = [{k: v for k, v in asdict(run).items() if k != "identity"} for run in found]
        click.echo(shown_json({"runs": rows, "problems": problems}))
    else:
        table = [["run", "workload", "methods", "seeds", "epochs", "seconds", ""]]
        for run in found:
            notes = [
                f"{count} {word}"
                for word, count in (("failed", run.failed), ("diverged", run.diverged))
                if count
            ]
            table.append(
                [
                    escape(run.run), escape(run.workload), escape(", ".join(run.methods)), f"{run.seeds_complete}/{run.seeds}",
                    str(run.epochs), f"{run.wall_seconds:.1f}", ", ".join(notes),
                ]
            )  # fmt: skip
        click.echo(aligned(table))
    for problem in problems:
        messages.warn(problem)
