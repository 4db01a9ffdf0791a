"""``amrobust show``: everything recorded about one run but its curves."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from amrobust.cli import options

if TYPE_CHECKING:
    from amrobust.runs.manifest import Manifest, RunMetadata, Session
    from amrobust.runs.spec import Spec


@click.command("show")
@click.argument("name", metavar="RUN")
@options.runs_dir
@options.text_format
def command(name: str, runs_dir: Path, form: str) -> None:
    """Show one run: its spec, seeds, plans and provenance. RUN is a path or the beginning of a run's name.

    \b
    amrobust show digits-am1
    amrobust show runs/digits-am1-0a1b2c3d4e5f --format json
    """
    from amrobust.cli.columns import aligned
    from amrobust.runs.code import mixture, versions_of
    from amrobust.runs.files import escape, spans
    from amrobust.runs.provenance import command_of
    from amrobust.runs.store import find_run

    run = find_run(name, runs_dir)
    manifest = run.manifest
    if form == "json":
        click.echo(manifest.to_json().decode().rstrip())
        return
    spec, facts = manifest.spec, manifest.facts
    states = {state: len(manifest.in_state(state)) for state in ("complete", "failed", "running", "planned")}
    rows = [
        ["run", str(run.path)],
        ["methods", ", ".join(dict.fromkeys(facts.methods.values()))],
        *_measurement_rows(facts),
        ["workload", facts.workload_label],
        *([f"  {key}", str(value)] for key, value in spec.workload_params.items()),
        ["optimizer", spec.optimizer],
        *([f"  {key}", str(value)] for key, value in spec.hyperparameters.items()),
        ["root seed", str(spec.root_seed)],
        ["x0", f"{spec.x0_index} (sha256 {facts.x0_digest[:12]})" if facts.x0_digest else "not known"],
        ["data", _data(facts)],
        ["paired", "yes" if spec.paired else "no"],
        *_tuning_rows(manifest),
        ["seeds", ", ".join(f"{count} {state}" for state, count in states.items() if count)],
        ["epochs", str(facts.epochs)] if facts.axis is None else ["steps", facts.axis.words],
        ["metrics", ", ".join(metric.name for metric in facts.metrics)],
    ]
    for plan in manifest.plans:
        look = ", after earlier seeds had finished" if plan.extends else ""
        rows.append(
            ["plan", f"{len(plan.seeds)} seeds on {plan.when}, {plan.complete_before} complete before{look}"]
        )
    for session in manifest.provenance:
        rows += _session_rows(session, manifest.spec)
    for digest, seeds in _declared(manifest).items():
        rows.append(["declared", f"{spans(seeds)} under an analysis (sha256 {digest[:12]})"])
    if mixed := mixture(versions_of(manifest)):
        rows.append(["warning", mixed])
    for seed, record in sorted(manifest.seeds.items()):
        if record.error or record.diverged:
            rows.append([f"seed {seed}", f"{record.state}: {record.error or 'diverged'}"])
    if again := command_of(manifest):
        if (words := shlex.split(again))[1] == "run" and str(run.path.parent) != "runs":
            again = shlex.join([*words, "--runs-dir", str(run.path.parent)])
        rows.append(["again", again])
    click.echo(aligned([[escape(key), escape(value)] for key, value in rows]))


def _measurement_rows(facts: RunMetadata) -> list[list[str]]:
    """In which ways beside the usual one its outputs were measured."""
    found: dict[str, list[str]] = {}
    for output, measurement in facts.measured.values():
        found.setdefault(measurement, []).append(facts.methods[output])
    return [
        ["measured", f"{measurement} too: {', '.join(methods)}"] for measurement, methods in found.items()
    ]


def _declared(manifest: Manifest) -> dict[str, tuple[int, ...]]:
    """The complete seeds that were trained under a declaration, by its digest."""
    found: dict[str, tuple[int, ...]] = {}
    for seed in manifest.complete:
        if digest := manifest.seeds[seed].declared:
            found[digest] = (*found.get(digest, ()), seed)
    return found


def _tuning_rows(manifest: Manifest) -> list[list[str]]:
    """How the hyperparameters were chosen."""
    from amrobust.runs.provenance import tuning_command_of
    from amrobust.runs.tuning import budget_words, choice_words, grid_words, metric_words

    tuning = manifest.tuning
    if tuning is None:
        return [["tuned", "not recorded"]]
    rows = [
        ["tuned", budget_words(tuning)],
        ["  searched", grid_words(tuning)],
        *([["  chosen", choice_words(tuning)]] if tuning.searched else []),
        ["  chosen by", metric_words(tuning, several=len(manifest.facts.usual_outputs) > 1)],
    ]
    return [*rows, ["  again", tuning_command_of(manifest)]]


def _data(facts: RunMetadata) -> str:
    if facts.data_digest is None:
        return "not known"
    return f"sha256 {facts.data_digest[:12]}" + (f" ({facts.data_note})" if facts.data_note else "")


def _session_rows(session: Session, spec: Spec) -> list[list[str]]:
    """Where seeds were trained, recorded or read, and with what."""
    from amrobust.plugins import names_code
    from amrobust.runs.code import code_words
    from amrobust.runs.manifest import EXEC
    from amrobust.workloads import WORKLOADS

    versions = ", ".join(f"{key} {value}" for key, value in session.versions.items())
    source = session.source
    if source is None:
        took = f"{session.seeds} seeds in {session.wall_seconds:.1f} s on {session.when}, {session.executor}"
        if session.company:
            seeds = sum(map(len, session.company.values()))
            took += f", {seeds} seeds of {len(session.company)} runs together"
        elif session.stacks:
            took += f", up to {max(map(len, session.stacks))} seeds together"
        rows = [["trained", took], ["  with", versions]]
    else:
        made = {"recorder": "recorded", EXEC: "executed"}.get(source.form, "imported")
        took = f" in {session.wall_seconds:.1f} s" if source.form == EXEC else ""
        rows = [[made, f"{session.seeds} seeds{took} on {session.when}"]]
        if source.form == EXEC:
            rows.append(["  read", source.path])
        elif source.path:
            digest = f", sha256 {source.sha256[:12]}" if source.sha256 else ""
            rows.append(["  from", f"{source.path} ({source.form}, {source.files} files{digest})"])
        rows += [["  note", note] for note in source.notes]
        rows.append(["  with", versions])
    rows.append(["  on", f"{session.platform}, {session.cpu_count} cores, {session.place}"])
    if session.git_revision:
        rows.append(["  code", session.git_revision + (" with changes" if session.git_dirty else "")])
    if session.code:
        rows.append(["  own code", code_words(session.code)])
    elif (
        session.code is None
        and source is None
        and (names_code(spec.optimizer) or spec.workload not in WORKLOADS)
    ):
        rows.append(["  note", "code not recorded: seeds of any version are added to these"])
    return rows
