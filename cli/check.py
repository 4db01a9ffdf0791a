"""``amrobust check``: whether runs are whole and what they say they are; broken ones can be set aside."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from amrobust.cli import options

if TYPE_CHECKING:
    from amrobust.runs.check import Finding


@click.command("check")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[RUNS...]")
@click.option("--repair", is_flag=True, help="Move broken runs into the folder 'quarantine' beside them.")
@options.runs_dir
@options.text_format
def command(paths: tuple[Path, ...], repair: bool, runs_dir: Path, form: str) -> None:
    """Read every run in RUNS (default: that of --runs-dir) to the last bit, and name what is broken.

    Checked are each manifest's form, bounds and checksum, its identity against its spec and its directory's name, and the
    length, checksum, columns, rows and values of its curves. With --repair a broken run is moved into the folder
    'quarantine' beside it; nothing is deleted, and the run's command makes it again. A sound run under another run's name
    gets its own. Runs that a later version made, or that may not be read, stay where they are.

    Exit status 0 when all is well (unfinished runs are) or was set aside, 1 when something is broken.

    \b
    amrobust check
    amrobust check runs/ --repair
    amrobust check runs/digits-am1-0a1b2c3d4e5f --format json
    """
    from amrobust.runs.check import check_runs
    from amrobust.runs.files import escape, shown_json

    findings = []
    for finding in check_runs(paths or (runs_dir,), repair=repair):
        findings.append(finding)
        if form == "text" and finding.detail:
            for line in _lines(finding):
                click.echo(escape(line))
    if form == "json":
        click.echo(shown_json({"runs": [_record(finding) for finding in findings]}))
    else:
        click.echo(_total(findings))
    if any(finding.bad for finding in findings):
        sys.exit(1)


def _lines(finding: Finding) -> list[str]:
    """A finding in words: what, where it was moved, what to do."""
    lines = [f"{finding.path}: {finding.state}: {finding.detail}"]
    if finding.moved is not None:
        lines.append(f"    moved to {finding.moved}")
    elif finding.hint:
        lines.append(f"    {finding.hint}")
    if finding.again and not (finding.moved is not None and finding.name == finding.moved.name):
        lines.append(f"    {finding.again}")
    return lines


def _record(finding: Finding) -> dict[str, str | None]:
    fields = {key: value for key, value in asdict(finding).items() if key != "name"}
    return fields | {
        "path": str(finding.path),
        "moved": str(finding.moved) if finding.moved is not None else None,
    }


def _total(findings: list[Finding]) -> str:
    counts = Counter(finding.state for finding in findings)
    parts = [f"{count} {state}" for state, count in sorted(counts.items(), key=lambda item: -item[1])]
    moved = sum(finding.moved is not None for finding in findings)
    aside = f", {moved} moved" if moved else ""
    return f"{len(findings)} runs checked: {', '.join(parts) or 'none'}{aside}"
