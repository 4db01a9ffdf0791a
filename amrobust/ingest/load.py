"""From recorded runs, logs and tables to arms: the one way in for every comparison."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from amrobust.errors import RunError, UserError
from amrobust.ingest.assemble import Gathered
from amrobust.ingest.limits import files_under
from amrobust.ingest.naming import Mappings
from amrobust.ingest.policies import Policies
from amrobust.ingest.read import arms_of, read_path, say_notes
from amrobust.ingest.registry import detect
from amrobust.ingest.text_logs import EXAMPLE, TEXTS
from amrobust.plugins import is_path
from amrobust.runs.arms import Arm
from amrobust.runs.code import code_mark, code_words, versions_of
from amrobust.runs.commands import command_of, tuning_command_of
from amrobust.runs.entries import MAX_SEED
from amrobust.runs.files import shown
from amrobust.runs.find import find_runs
from amrobust.runs.manifest import Manifest
from amrobust.runs.method import Method, from_name
from amrobust.runs.metric import MetricChoice, refuse_unnamed
from amrobust.runs.provenance import versions_apart
from amrobust.runs.spec import Spec
from amrobust.runs.store import Run, each_run
from amrobust.runs.workload import of_run, told_apart

MOST_TOLD = 4
"""So many names are printed of methods that would have one."""

_log = logging.getLogger("amrobust")


def load_arms(
    paths: Sequence[Path],
    metric: str | None = None,
    units: Mapping[str, str] | None = None,
    mappings: Mappings | None = None,
    policies: Policies | None = None,
) -> tuple[list[Arm], list[str]]:
    """The arms under ``paths`` (directories of runs, single runs, logs and tables of other tools), and a line for each problem.

    One arm an output of a run, in the order of the paths; a path that is given twice is read once, and names that would be
    equal within a workload get what distinguishes them. With ``metric`` (what :class:`MetricChoice` reads), only that metric's
    curves are kept where an arm has it; ``units`` declares units of metrics, ``mappings`` and ``policies`` how logs are read.
    Raises UserError where a path holds nothing that can be read, and where two directories hold one run with other seeds or
    curves.
    """
    mappings = replace(mappings or Mappings(), metrics=(metric,) if metric else ())
    arms: list[Arm] = []
    problems: list[str] = []
    directories = []
    settings: dict[str, Spec] = {}
    files: list[tuple[Path, Gathered]] = []
    given: dict[str, Path] = {}
    for path in paths:
        given.setdefault(os.path.realpath(path), path)
    for path in given.values():
        holds_runs = path.is_dir() and not find_runs([path])[1]
        if holds_runs or (path.is_dir() and mappings.pattern is None and detect(path) is None):
            if not holds_runs and (text := next((f for f in files_under(path) if f.suffix in TEXTS), None)):
                raise UserError(
                    f"there are no runs in {shown(path)}, and no logs of a known format; if {shown(text)} is one, its "
                    f"lines are read with {EXAMPLE}"
                )
            directories.append(path)
        else:
            gathered, form = read_path(path, mappings=mappings, policies=policies)
            files.append((path, gathered))
            _log.info("%s: %d methods, read as %s", shown(path), len(gathered.methods), form)
            problems += [f"{shown(path)}: {note}" for note in gathered.left_out]
            say_notes(gathered, path, form)
    if directories and mappings.pattern is not None and not files:
        raise UserError(
            f"{shown(directories[0])} holds runs of amrobust's own: --pattern reads lines of text"
        )
    arms += [arm for path, gathered in _on_one_workload(files) for arm in arms_of(gathered, path)]
    if directories:
        places: dict[str, Path] = {}
        seeded: set[str] = set()
        unfinished: list[Run] = []
        for run in each_run(directories, problems):
            earlier = places.setdefault(run.manifest.identity, run.path)
            if earlier is not run.path:
                raise UserError(
                    f"{shown(run.path)} and {shown(earlier)} are one run by their names, with other seeds or curves: they are "
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
    full = told_apart({label: of_run(spec, label) for label, spec in settings.items()}, settings)
    arms = [
        replace(arm, workload=full[arm.workload].label, setting=full[arm.workload])
        if arm.workload in full
        else arm
        for arm in arms
    ]
    if metric is not None:
        choice = MetricChoice.parse(metric)
        arms = [_only(arm, choice) for arm in arms]
    if units:
        refuse_unnamed("--unit", units, [name for arm in arms for name in arm.metrics])
        arms = [_in_units(arm, units) for arm in arms]
    if not arms and not problems:
        raise UserError("nothing to compare was found under the given paths")
    return _with_unique_names(_joined_over_x0s(arms)), problems


def _on_one_workload(files: list[tuple[Path, Gathered]]) -> list[tuple[Path, Gathered]]:
    """The files as they are; or on one workload, where none names one, no method is in two, and all have a metric in common.

    A table that holds one method each is how many people keep their results: its name is then no workload's.
    """
    methods = Counter(method.method for _, gathered in files for method in gathered.methods)
    measured = [{name for method in gathered.methods for name in method.curves} for _, gathered in files]
    named = any(gathered.names_workload for _, gathered in files)
    if len(files) < 2 or named or max(methods.values()) > 1 or not set.intersection(*measured):
        return files
    stems = [method.workload for _, gathered in files for method in gathered.methods[:1]]
    workload = " + ".join(stems[:3]) + (f" + {len(stems) - 3} more" if len(stems) > 3 else "")
    _log.warning(
        "%s: no file names its workload, and no method is in two of them: taken as one workload (--workload-from path "
        "keeps them apart)", shown(workload),
    )  # fmt: skip
    return [
        (
            path,
            replace(
                gathered, methods=tuple(replace(method, workload=workload) for method in gathered.methods)
            ),
        )
        for path, gathered in files
    ]


def _joined_over_x0s(arms: list[Arm]) -> list[Arm]:
    """Runs of one method that differ in their x0 alone become one arm, its rows marked with the x0 each started from.

    Seed s of the k-th x0 (in the order of digests) is called k·MAX_SEED + s, so that pairs stay pairs and no two rows share a
    name.
    """
    groups: dict[tuple[object, ...], list[Arm]] = {}
    for arm in arms:
        code = code_mark(arm.code[-1:])
        key = arm.method, arm.workload, arm.data_digest, arm.axis, arm.pairing, arm.output, code
        groups.setdefault(key if arm.x0_digest else (id(arm),), []).append(arm)
    joined = []
    for members in groups.values():
        if len(members) == 1 or len({arm.x0_digest for arm in members}) < len(members):
            joined += members
        else:
            joined.append(_join(sorted(members, key=lambda arm: arm.x0_digest or "")))
    return joined


def _join(members: list[Arm]) -> Arm:
    first = members[0]

    def renamed(seeds: Sequence[int], place: int) -> list[int]:
        return [place * MAX_SEED + seed for seed in seeds]

    plans = {arm.seed_plans for arm in members}
    return replace(
        first,
        seeds=tuple(s for k, arm in enumerate(members) for s in renamed(arm.seeds, k)),
        curves={name: np.concatenate([arm.curves[name] for arm in members]) for name in first.curves},
        training="+".join(arm.training or "" for arm in members),
        x0_digest="+".join(arm.x0_digest or "" for arm in members),
        diverged=tuple(s for k, arm in enumerate(members) for s in renamed(arm.diverged, k)),
        first_output_epoch=max(arm.first_output_epoch for arm in members),
        seed_plans=max(plans, key=len),
        x0s=tuple(arm.x0_digest or "" for arm in members for _ in arm.seeds),
        seconds=tuple(s for arm in members for s in arm.seconds),
        tuning=first.tuning if all(arm.tuning == first.tuning for arm in members) else None,
        code=tuple(
            replace(version, seeds=tuple(renamed(version.seeds, k)))
            for k, arm in enumerate(members)
            for version in arm.code
        ),
        declared={
            place * MAX_SEED + seed: found
            for place, arm in enumerate(members)
            for seed, found in arm.declared.items()
        },
        facts={**first.facts, "starting points": str(len(members))},
    )


def _only(arm: Arm, choice: MetricChoice) -> Arm:
    found = choice.name if choice.name in arm.metrics else choice.logged
    if found not in arm.metrics:
        return arm
    metric = replace(arm.metrics[found], name=choice.name)
    return replace(arm, curves={choice.name: arm.curves[found]}, metrics={choice.name: metric})


def _in_units(arm: Arm, units: Mapping[str, str]) -> Arm:
    said = {
        name: replace(metric, unit=units[name], unit_by="declared")
        for name, metric in arm.metrics.items()
        if name in units and metric.unit_by != "workload"
    }
    return replace(arm, metrics={**arm.metrics, **said})


def _unfinished(run: Run) -> list[str]:
    """A line where seeds are planned, running or failed."""
    manifest = run.manifest
    done, total, failed = len(manifest.complete), len(manifest.seeds), len(manifest.in_state("failed"))
    if done == total:
        return []
    what = f"{failed} failed" if failed else "the rest is unfinished"
    return [
        f"{shown(run.path.name)}: {done} of {total} seeds are complete, {what}; repeat its run to finish it"
    ]


def _arms_of(run: Run) -> list[Arm]:
    manifest = run.manifest
    if not manifest.complete:
        return []
    facts, spec, curves = manifest.facts, manifest.spec, run.curves()
    metrics = {metric.name: metric for metric in facts.metrics}
    averaging = spec.hyperparameters.get("m")
    several = len(facts.outputs) > 1
    recorded = {seed: manifest.seeds[seed].declared for seed in manifest.complete}
    declared = {seed: found for seed, found in recorded.items() if found is not None}
    return [
        Arm(
            method=facts.methods[output],
            optimizer=spec.optimizer,
            workload=facts.workload_label,
            seeds=manifest.complete,
            curves=curves[output],
            metrics=metrics,
            output=output if several else None,
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
            identity=_identity(manifest, output),
            axis=facts.coordinates,
        )
        for output in facts.outputs
    ]


def _identity(manifest: Manifest, output: str) -> Method:
    """The method of one output of a run as data: amrobust's own by its spec, another's by its name and what was recorded."""
    name, spec = manifest.facts.methods[output], manifest.spec
    told = from_name(name)
    if any(made.source is not None for made in manifest.provenance):
        recorded = {key: value for key, value in spec.hyperparameters.items() if key != "method"}
        return replace(told, hyperparameters={**told.hyperparameters, **recorded})
    named = tuple(key for key in told.hyperparameters if key in spec.hyperparameters)
    several = len(manifest.facts.outputs) > 1
    method = Method(spec.optimizer, spec.hyperparameters, named, output if several else None)
    # A name that was made otherwise stays what it was recorded as.
    return method if method.name == name else replace(method, written=name)


def _pairing(spec: Spec) -> str | None:
    """What two runs that are paired seed by seed have in common: all random streams, or the starting points."""
    if spec.paired:
        return f"root seed {spec.root_seed}"
    return f"starting points of root seed {spec.root_seed}" if spec.vary == "x0" else None


def _seconds(manifest: Manifest) -> tuple[float, ...]:
    """Wall time of every complete seed; nothing where seeds were trained together, whose times are shares of one."""
    records = [manifest.seeds[seed] for seed in manifest.complete]
    return () if any(record.stack > 1 for record in records) else tuple(r.wall_seconds for r in records)


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
        "steps an epoch": str(facts.steps_per_epoch or ""),
        "x0 digest": facts.x0_digest or "",
        "data digest": facts.data_digest or "",
        "data note": facts.data_note or "",
    }
    if manifest.provenance:
        made = manifest.provenance[-1]
        dirty = " with uncommitted changes" if made.git_dirty else ""
        named = is_path(spec.optimizer) or is_path(spec.workload)
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
            }
    return {name: value for name, value in text.items() if value}


def _with_unique_names(arms: list[Arm]) -> list[Arm]:
    """Arms of one workload that would share a name get the version of their code, or where that is the same the first 6 digits
    of their run's identity, or a number."""
    alike: dict[tuple[str, str], list[Arm]] = {}
    for arm in arms:
        alike.setdefault((arm.workload, arm.method), []).append(arm)
    names: dict[int, str] = {}
    for (workload, method), members in alike.items():
        if len(members) == 1:
            continue
        marks = [f" ({code_mark(arm.code)})" for arm in members]
        what = "is there in {} versions of its code"
        if len(set(marks)) < len(members) or len({arm.optimizer for arm in members}) > 1:
            what = "is there {} times"
            marks = [f"#{arm.training[:6] if arm.training else n}" for n, arm in enumerate(members, 1)]
        names |= {id(arm): method + mark for arm, mark in zip(members, marks, strict=True)}
        told = ", ".join(shown(names[id(arm)]) for arm in members[:MOST_TOLD]) + (
            ", ..." if len(members) > MOST_TOLD else ""
        )
        what = what.format(len(members))
        _log.warning(
            "%s on %s %s: told apart as %s, never merged", shown(method), shown(workload), what, told
        )
    return [replace(arm, method=names.get(id(arm), arm.method)) for arm in arms]
