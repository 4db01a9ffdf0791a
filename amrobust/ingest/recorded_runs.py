"""Recorded runs as arms: an arm an output of a run, with what an appendix prints of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from amrobust.errors import RunError, UserError
from amrobust.ingest.recorder_journal import Journal
from amrobust.plugins import names_code
from amrobust.runs.arms import Arm
from amrobust.runs.axis import number
from amrobust.runs.code import code_words, versions_of
from amrobust.runs.files import escape
from amrobust.runs.journals import journal_of, under_way
from amrobust.runs.manifest import Manifest
from amrobust.runs.method import Method, from_name
from amrobust.runs.provenance import command_of, tuning_command_of, versions_apart
from amrobust.runs.seeds import FOLDS, as_given
from amrobust.runs.spec import Spec
from amrobust.runs.store import Run, each_run
from amrobust.runs.values import absent


def arms_of_runs(directories: Sequence[Path], problems: list[str]) -> tuple[list[Arm], dict[str, Spec]]:
    """The arms of the runs under ``directories``, and by each workload's label a spec on it; adds a line for each problem.

    Raises UserError where two directories hold one run with other seeds or curves.
    """
    arms: list[Arm] = []
    settings: dict[str, Spec] = {}
    places: dict[str, Path] = {}
    seeded: set[str] = set()
    unfinished: list[Run] = []
    for run in each_run(directories, problems):
        earlier = places.setdefault(run.manifest.identity, run.path)
        if earlier is not run.path:
            raise UserError(
                f"{escape(run.path)} and {escape(earlier)} are one run by their names, with other seeds or curves: they are "
                "never taken for one sample; give one of them, or record one under another method"
            )
        try:
            arms += _arms_of(run)
        except RunError as error:
            problems.append(str(error))
        else:
            unfinished.append(run)
            if run.manifest.code and run.manifest.complete:
                seeded.add(run.manifest.base)
            settings.setdefault(run.manifest.facts.workload_label, run.manifest.spec)
    # Of code that was mended before a seed came of it nothing is missing, once a later version has seeds.
    problems += [
        line
        for run in unfinished
        if run.manifest.complete or not run.manifest.code or run.manifest.base not in seeded
        for line in _unfinished(run)
    ]
    return arms, settings


def _unfinished(run: Run) -> list[str]:
    """A line where seeds are planned, running, stopped or failed."""
    manifest = run.manifest
    done, total, failed = len(manifest.complete), len(manifest.seeds), len(manifest.in_state("failed"))
    if done == total:
        return []
    left = [
        seed
        for seed, record in manifest.seeds.items()
        if record.state != "complete" and journal_of(run.path, seed).exists()
    ]
    recorded = {seed: under_way(run.path, seed) for seed in left}
    stopped = sum(not now and manifest.seeds[seed].state != "failed" for seed, now in recorded.items())
    counts = ((failed, "failed"), (stopped, "stopped"), (sum(recorded.values()), "under way"))
    what = ", ".join(f"{count} {word}" for count, word in counts if count) or "the rest is unfinished"
    line = f"{escape(run.path.name)}: {done} of {total} seeds are complete, {what}; "
    if not left:
        return [f"{line}repeat its run to finish it"]
    told = [
        f"seed {as_given(seed)} {manifest.seeds[seed].error or _how_far(run, seed, recorded[seed])} "
        f"({journal_of(run.path, seed).name})"
        for seed in left[:3]
    ]
    more = f", and {len(left) - 3} more" if len(left) > 3 else ""
    return [f"{line}{escape('; '.join(told))}{more}: record(..., resume=True) goes on with what was logged"]


def _how_far(run: Run, seed: int, recorded: bool) -> str:
    """Where the training of a seed is, or was when its process ended, as its journal says."""
    label = run.manifest.facts.coordinates.label
    rows = Journal(run.path, "", "", seed, label).stopped()
    at = f"at {label} {number(max(rows))}" if rows else "before anything was logged"
    return f"is under way {at}" if recorded else f"was stopped {at}"


def _arms_of(run: Run) -> list[Arm]:
    manifest = run.manifest
    if not manifest.complete:
        return []
    facts, spec, curves, correct = manifest.facts, manifest.spec, run.curves(), run.correct()
    metrics = {metric.name: metric for metric in facts.metrics}
    averaging = spec.hyperparameters.get("m")
    several = len(facts.usual_outputs) > 1
    of = {output: facts.measured.get(output, (output, None)) for output in facts.outputs}
    recorded = {seed: manifest.seeds[seed].declared for seed in manifest.complete}
    declared = {seed: found for seed, found in recorded.items() if found is not None}
    arms = [
        Arm(
            method=facts.methods[output],
            optimizer=spec.optimizer,
            workload=facts.workload_label,
            seeds=manifest.complete,
            curves=curves[output],
            metrics=metrics,
            output=name if several else None,
            training=manifest.identity,
            pairing=_pairing(spec),
            data_digest=facts.data_digest,
            x0_digest=facts.x0_digest,
            diverged=tuple(seed for seed in manifest.complete if manifest.seeds[seed].diverged),
            first_output_epoch=facts.first_output_epoch[output],
            steps_per_epoch=facts.steps_per_epoch,
            averaging=averaging if isinstance(averaging, int) else None,
            seed_plans=manifest.seed_plans,
            seconds=_seconds(manifest),
            vary=spec.vary,
            tuning=manifest.tuning,
            code=versions_of(manifest),
            declared=declared,
            facts=_facts(run),
            identity=_identity(manifest, output, name if several else None),
            axis=facts.coordinates,
            measurement=measurement,
            correct=correct.get(output),
        )
        for output, (name, measurement) in of.items()
    ]
    return [arm if arm.measurement is None else _where_measured(arm) for arm in arms]


def _where_measured(arm: Arm) -> Arm:
    """The arm with the metrics and the columns alone in which it was measured: of another measurement that is not all."""
    curves = {name: values for name, values in arm.curves.items() if not absent(values).all()}
    columns = np.any([~absent(values).all(axis=0) for values in curves.values()], axis=0)
    places = np.flatnonzero(columns)
    return replace(
        arm,
        curves={name: values[:, columns] for name, values in curves.items()},
        metrics={name: arm.metrics[name] for name in curves},
        axis=replace(arm.axis, values=tuple(arm.axis.values[place] for place in places)),
        # Which column it is, counted from 1; beyond the last where it never moved while it was measured.
        first_output_epoch=int((places < arm.first_output_epoch - 1).sum()) + 1,
    )


def _identity(manifest: Manifest, output: str, named_output: str | None) -> Method:
    """The method of one output of a run as data: amrobust's own by its spec, another's by its name and what was recorded."""
    name, spec = manifest.facts.methods[output], manifest.spec
    told = from_name(name)
    if any(made.source is not None for made in manifest.provenance):
        recorded = {key: value for key, value in spec.hyperparameters.items() if key != "method"}
        return replace(told, hyperparameters={**told.hyperparameters, **recorded})
    named = tuple(key for key in told.hyperparameters if key in spec.hyperparameters)
    method = Method(spec.optimizer, spec.hyperparameters, named, named_output)
    # A name that was made otherwise stays what it was recorded as.
    return method if method.name == name else replace(method, written=name)


def _pairing(spec: Spec) -> str | None:
    """What two runs that are paired seed by seed have in common: all random streams, or the starting points."""
    if spec.paired:
        return f"root seed {spec.root_seed}"
    return f"starting points of root seed {spec.root_seed}" if spec.vary == "x0" else None


def _seconds(manifest: Manifest) -> tuple[float, ...]:
    """Wall time of every complete seed without what other measurements took; nothing where seeds were trained together, whose
    times are shares of one.
    """
    records = [manifest.seeds[seed] for seed in manifest.complete]
    return (
        ()
        if any(record.stack > 1 for record in records)
        else tuple(r.wall_seconds - r.measuring_seconds for r in records)
    )


def _facts(run: Run) -> dict[str, str]:
    """What an appendix prints about a run, as text."""
    manifest = run.manifest
    spec, facts = manifest.spec, manifest.facts
    text = {
        "command": command_of(manifest),
        "run": run.path.name,
        "tuning": tuning_command_of(manifest),
        "seeds": f"{len(manifest.complete)} complete of {len(manifest.seeds)}",
        "hyperparameters": ", ".join(f"{name} = {value}" for name, value in spec.hyperparameters.items()),
        "workload": ", ".join(
            f"{name} = {value}" for name, value in spec.workload_params.items() if value is not None
        ),
        "epochs": str(facts.epochs) if facts.axis is None else "",
        "steps": facts.axis.words if facts.axis is not None else "",
        "steps per epoch": str(facts.steps_per_epoch or ""),
        "x0 digest": facts.x0_digest or "",
        "data digest": facts.data_digest or "",
        "data note": facts.data_note or "",
    }
    if manifest.provenance:
        made = manifest.provenance[-1]
        dirty = " with uncommitted changes" if made.git_dirty else ""
        named = names_code(spec.optimizer) or names_code(spec.workload)
        unrecorded = "code not recorded" if made.code is None and made.source is None and named else ""
        text |= {
            "versions": ", ".join(f"{name} {version}" for name, version in made.versions.items()),
            "platform": f"{made.platform}, {made.cpu_count} cores, {made.place}",
            "code revision": f"{made.git_revision}{dirty}" if made.git_revision else "",
            "own code": code_words(made.code) if made.code else unrecorded,
            "several versions": versions_apart(each for each in manifest.provenance if each.seeds),
        }
        if made.source is not None:
            text |= {
                "source": ", ".join(filter(None, (made.source.form, made.source.path))),
                "source digest": made.source.sha256 or "",
                FOLDS: made.source.folds or "",
            }
    return {name: value for name, value in text.items() if value}
