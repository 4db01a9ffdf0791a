"""``amrobust list``: the runs in a directory."""

from __future__ import annotations

import json
from pathlib import Path

import click

from amrobust.cli import messages


@click.command("list")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[DIR...]")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def command(paths: tuple[Path, ...], form: str) -> None:
    """List the runs in DIR (default: runs), with their seeds and epochs. Broken runs are named on stderr.

    \b
    amrobust list
    amrobust list other-runs/ --format json
    """
    from amrobust.cli.columns import aligned
    from amrobust.runs import open_runs
    from amrobust.runs.files import shown

    found, problems = open_runs(paths or (Path("runs"),))
    rows = [
        {
            "run": run.path.name,
            "workload": run.manifest.facts.workload_label,
            "methods": list(run.manifest.facts.methods.values()),
            "seeds_complete": len(run.manifest.complete),
            "seeds": len(run.manifest.seeds),
            "failed": len(run.manifest.in_state("failed")),
            "diverged": sum(record.diverged for record in run.manifest.seeds.values()),
            "epochs": run.manifest.facts.epochs,
            "wall_seconds": run.manifest.wall_seconds,
        }
        for run in found
    ]
    if form == "json":
        click.echo(json.dumps({"runs": rows, "problems": problems}, indent=2))
    else:
        table = [["run", "workload", "methods", "seeds", "epochs", "seconds", ""]]
        for row in rows:
            methods = row["methods"]
            assert isinstance(methods, list)
            notes = [f"{row[key]} {key}" for key in ("failed", "diverged") if row[key]]
            seeds = f"{row['seeds_complete']}/{row['seeds']}"
            table.append(
                [
                    shown(row["run"]), shown(row["workload"]), shown(", ".join(methods)), seeds, str(row["epochs"]),
                    f"{row['wall_seconds']:.1f}", ", ".join(notes),
                ]
            )  # fmt: skip
        click.echo(aligned(table))
    for problem in problems:
        messages.warn(problem)
