"""``amrobust status``: what of a grid is finished while the rest runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from amrobust.cli import messages, options, requests

COUNTS = ("running", "handed_out", "pending", "failed", "stopped", "missing")
"""What is told of seeds that are not complete."""


@click.command("status")
@click.argument(
    "directory", required=False, type=click.Path(file_okay=False, path_type=Path), metavar="[DIR]"
)
@requests.request_options
@requests.seeds
@options.runs_dir
@options.data_dir
@options.text_format
def command(directory: Path | None, seeds: int | None, runs_dir: Path, form: str, **asked: Any) -> None:
    """Say what is finished, under way, failed and missing of the runs in DIR (default: that of --runs-dir), while other
    processes train.

    Seeds are handed out to workers, of which some may wait for one; running are those of which it is known, and stopped are
    those recorded by a process that has ended.

    With the options of 'amrobust run', or its --spec or --tuned file, of what they ask for, runs that have not begun among
    them; with none of these, of every run in the directory. Nothing is trained or changed. Exit status 0 whatever is missing.

    \b
    amrobust status
    amrobust status other-runs/
    amrobust status --opt msgd --opt 'am1[m=3,5,10]' --beta 0.9,0.99
    amrobust status --spec grid.toml --format json
    """
    from amrobust.runs.files import escape, shown_json
    from amrobust.train.progress import progress_in, progress_of

    runs_dir = directory or runs_dir
    if asked["opts"] or any(asked[name] is not None for name in ("spec_file", "tuned_file")):
        request = requests.requested(asked, seeds)
        found, problems = progress_of(request.specs, request.seeds, runs_dir)
    else:
        found, problems = progress_in([runs_dir])
    total = {name: sum(getattr(row, name) for row in found) for name in ("wanted", "complete", *COUNTS)}
    if form == "json":
        rows = [
            {
                "optimizer": row.optimizer,
                "workload": row.workload,
                "run": None if row.path is None else str(row.path),
                "state": row.state,
                **{name: getattr(row, name) for name in total},
                "metric": row.metric,
                "unit": row.unit,
                "diverged": row.diverged,
                "outputs": {name: {"final_mean": mean, "final_std": std} for name, mean, std in row.finals},
            }
            for row in found
        ]
        click.echo(shown_json({"runs": rows, "seeds": total, "problems": problems}))
        return
    from amrobust.cli.columns import aligned

    shown = {name: name.replace("_", " ") for name in COUNTS if total[name]}
    table = [["method", "workload", "final so far", "complete", *shown.values(), "state"]]
    for row in found:
        counts = [f"{row.complete}/{row.wanted}", *(str(getattr(row, name) or "") for name in shown)]
        finals: Sequence[tuple[str, float | None, float | None]] = row.finals or tuple(
            (name, None, None) for name in row.methods
        )
        for name, mean, std in finals:
            final = "" if mean is None else f"{row.metric} {mean:.4g}{row.unit}"
            final += "" if std is None else f" ± {std:.2g}"
            if row.diverged:
                final += f"{', ' if final else ''}{row.diverged} diverged"
            table.append([escape(name), escape(row.workload), escape(final), *counts, row.state])
    click.echo(aligned(table))
    finished = sum(row.state == "finished" for row in found)
    rest = ", ".join(f"{total[name]} {word}" for name, word in shown.items())
    click.echo(
        f"{finished} of {len(found)} runs are finished; {total['complete']} of {total['wanted']} seeds are complete"
        + (f", {rest}" if rest else "")
    )
    for problem in problems:
        messages.warn(problem)
