"""From recorded runs, logs and tables to arms: the one way in for every comparison."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from amrobust.errors import UserError
from amrobust.ingest.assemble import Gathered
from amrobust.ingest.limits import files_under
from amrobust.ingest.mappings import Mappings
from amrobust.ingest.policies import Policies
from amrobust.ingest.read import arms_of, read_path, say_notes
from amrobust.ingest.registry import detect
from amrobust.ingest.text_logs import EXAMPLE, TEXTS
from amrobust.runs.arms import Arm
from amrobust.runs.code import code_mark
from amrobust.runs.files import escape
from amrobust.runs.find import find_runs
from amrobust.runs.measurement import MEASURED
from amrobust.runs.metric import MetricChoice, refuse_unnamed
from amrobust.runs.seeds import MAX_SEED
from amrobust.runs.spec import Spec
from amrobust.runs.workload import Workload, of_run, told_apart

MOST_TOLD = 4
"""So many names are printed of methods that would have one."""

_log = logging.getLogger("amrobust")


def load_arms(
    paths: Sequence[Path],
    metric: str | None = None,
    units: Mapping[str, str] | None = None,
    mappings: Mappings | None = None,
    policies: Policies | None = None,
    also: Sequence[str] = (),
) -> tuple[list[Arm], list[str]]:
    """The arms under ``paths`` (directories of runs, single runs, logs and tables of other tools), and a line for each problem.

    One arm an output of a run, in the order of the paths; a path that is given twice is read once, and names that would be
    equal within a workload get what distinguishes them. With ``metric`` (what :class:`MetricChoice` reads), only that metric's
    curves are kept where an arm has it, and those of the metrics that are ``also`` named; ``units`` declares units of metrics,
    ``mappings`` and ``policies`` how logs are read. Raises UserError where a path holds nothing that can be read, and where two
    directories hold one run with other seeds or curves.
    """
    mappings = replace(mappings or Mappings(), metrics=(metric, *also) if metric else ())
    arms: list[Arm] = []
    problems: list[str] = []
    directories = []
    settings: dict[str, Spec] = {}
    files: list[tuple[Path, Gathered]] = []
    given: dict[str, Path] = {}
    for path in paths:
        given.setdefault(os.path.realpath(path), path)
    for path in given.values():
        if not os.path.exists(path):  # noqa: PTH110 - pathlib raises on a name that is too long
            raise UserError(f"{escape(path)} does not exist")
        holds_runs = path.is_dir() and not find_runs([path])[1]
        if holds_runs or (path.is_dir() and mappings.pattern is None and detect(path) is None):
            if not holds_runs and (text := next((f for f in files_under(path) if f.suffix in TEXTS), None)):
                raise UserError(
                    f"there are no runs in {escape(path)}, and no logs of a known format; if {escape(text)} is one, its "
                    f"lines are read with {EXAMPLE}"
                )
            directories.append(path)
        else:
            gathered, form = read_path(path, mappings=mappings, policies=policies)
            files.append((path, gathered))
            _log.info("%s: %d methods, read as %s", escape(path), len(gathered.methods), form)
            problems += [f"{escape(path)}: {note}" for note in gathered.left_out]
            say_notes(gathered, path, form)
    if directories and mappings.pattern is not None and not files:
        raise UserError(
            f"{escape(directories[0])} holds runs of amrobust's own: --pattern reads lines of text"
        )
    arms += [arm for path, gathered in _on_one_workload(files) for arm in arms_of(gathered, path)]
    if directories:
        # Reading a table loads nothing of this.
        from amrobust.ingest.recorded_runs import arms_of_runs

        recorded, settings = arms_of_runs(directories, problems)
        arms += recorded
    full = told_apart({label: of_run(spec, label) for label, spec in settings.items()}, settings)
    arms = [_set_in(arm, full[arm.workload]) if arm.workload in full else arm for arm in arms]
    if metric is not None:
        choice = MetricChoice.parse(metric)
        arms = [_only(arm, choice, also) for arm in arms]
    if units:
        refuse_unnamed("--unit", units, [name for arm in arms for name in arm.metrics])
        arms = [_in_units(arm, units) for arm in arms]
    if not arms and not problems:
        raise UserError("nothing to compare was found under the given paths")
    return _with_unique_names(_joined_over_x0s(arms)), problems


def _set_in(arm: Arm, workload: Workload) -> Arm:
    """The arm on ``workload``; another measurement of the same weights is told by the workload's last parameter."""
    setting = workload if arm.measurement is None else workload.also([(MEASURED, arm.measurement)])
    return replace(arm, workload=setting.label, setting=setting)


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
        "keeps them apart)", escape(workload),
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
        correct=None,
    )


def _only(arm: Arm, choice: MetricChoice, also: Sequence[str]) -> Arm:
    found = choice.name if choice.name in arm.metrics else choice.logged
    if found not in arm.metrics:
        return arm
    metric = replace(arm.metrics[found], name=choice.name)
    beside = [name for name in also if name in arm.metrics and name != choice.name]
    return replace(
        arm,
        curves={choice.name: arm.curves[found], **{name: arm.curves[name] for name in beside}},
        metrics={choice.name: metric, **{name: arm.metrics[name] for name in beside}},
    )


def _in_units(arm: Arm, units: Mapping[str, str]) -> Arm:
    said = {
        name: replace(metric, unit=units[name], unit_by="declared")
        for name, metric in arm.metrics.items()
        if name in units and metric.unit_by != "workload"
    }
    return replace(arm, metrics={**arm.metrics, **said})


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
        told = ", ".join(escape(names[id(arm)]) for arm in members[:MOST_TOLD]) + (
            ", ..." if len(members) > MOST_TOLD else ""
        )
        what = what.format(len(members))
        _log.warning(
            "%s on %s %s: told apart as %s, never merged", escape(method), escape(workload), what, told
        )
    return [replace(arm, method=names.get(id(arm), arm.method)) for arm in arms]
