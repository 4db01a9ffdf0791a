"""From logged runs to arrays along one axis: repeats, missing seeds and mixed units settled, unequal lengths kept."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from amrobust.errors import UserError
from amrobust.ingest.fields import Named, clashing, tells_methods
from amrobust.ingest.finals import counting_column
from amrobust.ingest.imported import ImportedMethod
from amrobust.ingest.logged import (
    CLOCKS,
    METHOD_KEYS,
    SEED_KEYS,
    STEP_KEYS,
    WORKLOAD_KEYS,
    LoggedRun,
    Series,
    state_of,
)
from amrobust.ingest.mappings import Mappings
from amrobust.ingest.naming import SEED_IN_PATH, axis_label, chosen_series, name_runs
from amrobust.ingest.policies import Notes, Policies, ordered
from amrobust.ingest.said import line_of
from amrobust.ingest.selectors import selectors, usual_field
from amrobust.ingest.settings import without_settings
from amrobust.ingest.units import in_one_unit, look_for_starting_points
from amrobust.runs.axis import MAX_EPOCHS, Axis
from amrobust.runs.files import escape, quoted
from amrobust.runs.metric import Metric, is_parameter, refuse_unnamed
from amrobust.runs.values import ABSENT, MAX_VALUES, Curves, place, unmeasured_before_the_first

Table = dict[str, Series]
"""Of one seed: metric to steps, ascending and each once, with values."""


@dataclass(frozen=True)
class Gathered:
    """Everything that was found under a path, and what was decided about it, a sentence each."""

    methods: tuple[ImportedMethod, ...]
    read: str
    """What was read as what, in one line."""
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    """Those of the notes that say what does not take part."""
    names_workload: bool = True
    """Whether a run names its workload, or the user does; else it is called after the file."""


def gather(runs: Sequence[LoggedRun], mappings: Mappings, policies: Policies, stem: str) -> Gathered:
    """Name ``runs``, settle what does not fit by ``policies``, and bring the seeds of each method along one axis.

    The axis of a method is every step at which any of its metrics was measured in any seed; elsewhere a curve is ABSENT.

    Raises UserError where something does not fit and its policy refuses; the message has the choices.
    """
    notes = Notes()
    for run in runs:
        for note in run.notes:
            notes.add(note)
    # Methods come in the order in which they were begun, however their folders are called.
    kept = sorted(_finished(runs, policies, notes), key=lambda run: run.started)
    if not kept:
        raise UserError("; ".join(notes.said) or "no runs were found")
    kept = _measured(kept, mappings, notes)
    named, guesses = name_runs(kept, mappings, stem)
    for guess in guesses:
        notes.add(guess)
    groups: dict[tuple[str, str], list[Named]] = defaultdict(list)
    for one in named:
        groups[one.workload, one.method].append(one)
    known = frozenset(name for run in kept for name in run.series)
    methods = []
    counted = policies.missing_seeds == "number" and all(one.seed is None for one in named)
    for (workload, method), members in groups.items():
        label = (
            escape(method) if len({w for w, _ in groups}) == 1 else f"{escape(method)} on {escape(workload)}"
        )
        seeded = _seeded(members, mappings, policies, label, notes)
        tables = {
            seed: _table(same, mappings, policies, known, f"{label}, seed {seed}", notes)
            for seed, same in sorted(seeded.items())
        }
        if tables:
            methods.append(_method(workload, method, members, tables, mappings))
    if not methods:
        raise UserError("; ".join(notes.said) or "nothing is left to import")
    if not mappings.metrics:
        for name in sorted(known - set(STEP_KEYS) - set(CLOCKS)):
            if is_parameter(name):
                notes.add(
                    f"{escape(name)}: a parameter by its name, and left out as no result of training, unless asked for"
                )
        if not mappings.one_seed:
            methods = without_settings(methods, notes)
    known_metrics = [metric.name for method in methods for metric in method.metrics]
    for option, spoken_of in (
        ("--higher", mappings.higher),
        ("--lower", mappings.lower),
        ("--unit", mappings.units),
    ):
        refuse_unnamed(option, spoken_of, known_metrics)
    methods = in_one_unit(methods, policies, mappings, notes)
    look_for_starting_points(methods, notes)
    by_file = "workload" not in selectors(mappings.sources) and not any(
        usual_field(run, WORKLOAD_KEYS) for run in kept
    )
    return Gathered(
        tuple(methods),
        line_of(kept, mappings, methods, counted=counted),
        tuple(notes.said),
        tuple(notes.left_out),
        not by_file,
    )


def _finished(runs: Sequence[LoggedRun], policies: Policies, notes: Notes) -> list[LoggedRun]:
    states = [state_of(run) for run in runs]
    bad = [run for run, state in zip(runs, states, strict=True) if state != "finished"]
    if not bad or policies.unfinished == "keep":
        return list(runs)
    count = {state: states.count(state) for state in ("failed", "running")}
    what = " and ".join(f"{number} {state}" for state, number in count.items() if number)
    notes.add(
        f"{what} of {len(runs)} runs are left out, the first {escape(bad[0].path)!r} (--unfinished keep takes them)",
        left_out=True,
    )
    return [run for run, state in zip(runs, states, strict=True) if state == "finished"]


def _measured(runs: list[LoggedRun], mappings: Mappings, notes: Notes) -> list[LoggedRun]:
    """Those that have a metric that is asked for, where a field tells them from the others, as rows of training from those of
    validation."""
    wanted = mappings.renamed
    having = [run for run in runs if wanted.keys() & run.series.keys()]
    without = [run for run in runs if not wanted.keys() & run.series.keys()]
    if not wanted or not having or not without:
        return runs
    for field in without[0].fields:
        values = dict.fromkeys(run.fields.get(field, "") for run in without)
        if (
            len(values) < len(without)
            and tells_methods(field, mappings.no_method)
            and not values.keys() & {run.fields.get(field, "") for run in having}
        ):
            notes.add(
                f"{len(without)} of {len(runs)} runs have no {', '.join(map(escape, wanted))} and are left out: those of "
                f"{escape(field)} {', '.join(map(escape, list(values)[:4]))}{', ...' * (len(values) > 4)}",
                left_out=True,
            )
            return having
    return runs


def _seeded(
    members: list[Named], mappings: Mappings, policies: Policies, label: str, notes: Notes
) -> dict[int, list[Named]]:
    """The runs of each seed; more than one where a run was resumed or repeated."""
    found: dict[int, list[Named]] = defaultdict(list)
    without = []
    for one in sorted(members, key=lambda one: one.run.started):
        if one.seed is None:
            without.append(one)
        else:
            found[one.seed].append(one)
    if not without:
        return found
    asked = mappings.seed_from == "number"
    if not asked and policies.missing_seeds == "refuse":
        raise UserError(
            f"{label}: {len(without)} of {len(members)} runs have no seed, the first {escape(without[0].run.path)!r}: name "
            "it with "
            "--seed-from, or choose --missing-seeds number or skip"
        )
    if not asked and policies.missing_seeds == "skip":
        notes.add(
            f"{label}: {len(without)} of {len(members)} runs have no seed and are left out", left_out=True
        )
        return found
    free = (seed for seed in range(len(members) + len(found)) if seed not in set(found))
    for one, seed in zip(without, free, strict=False):
        found[seed] = [one]
    notes.add(f"{label}: {len(without)} of {len(members)} runs are numbered in the order of their start")
    return found


def _table(
    same: Sequence[Named],
    mappings: Mappings,
    policies: Policies,
    known: frozenset[str],
    where: str,
    notes: Notes,
) -> Table:
    """All metrics of one seed; runs of one seed are parts of one training, the later resuming the earlier."""
    if len(same) > 1 and (fields := clashing(same, mappings.no_method) + _numbering(same, mappings)):
        raise UserError(_clash(same, fields, mappings, where))
    if (
        len(same) > 1
        and policies.duplicates == "refuse"
        and (told := counting_column([one.run for one in same]))
    ):
        raise UserError(
            f"{where} is there {len(same)} times, with another number in {escape(told)} each: say "
            f"--step-from {quoted(told)} where it counts steps, or name it in --method-from too where it tells methods apart"
        )
    if len(same) > 1 and policies.duplicates in ("refuse", "mean"):
        paths = ", ".join(escape(repr(one.run.path)) for one in same[:3])
        raise UserError(
            f"{where} is there {len(same)} times ({paths}): {_seeds_in_paths(same)}a method may be missing from its name "
            "(--method-from), or choose which counts where they overlap with --duplicates first or last"
        )
    parts: dict[str, list[Series]] = defaultdict(list)
    for one in same:
        for name, series in chosen_series(one.run, mappings, known).items():
            parts[name].append(series)
    table: Table = {}
    for name, found in parts.items():
        joined = found[0]
        if len(found) > 1:
            joined = (np.concatenate([steps for steps, _ in found]), np.concatenate([v for _, v in found]))
        if not np.isfinite(joined[0]).all():
            raise UserError(
                f"{where}: {escape(name)} has steps that are no numbers: choose others with --step-from"
            )
        (steps, values), lost = ordered(joined, policies.duplicates, f"{where}, {escape(name)}")
        if lost:
            kept = {"mean": "their mean is"}.get(policies.duplicates, f"the {policies.duplicates} is")
            notes.add(f"{where}: {escape(name)} has {lost} repeated steps; {kept} kept")
        if policies.first_step is not None:
            keep = steps >= policies.first_step
            steps, values = steps[keep], values[keep]
        table[name] = steps, values
    return table


def _seeds_in_paths(same: Sequence[Named]) -> str:
    """The option that reads the seeds which the paths of runs of one recorded seed tell apart; empty where they do not."""
    found = {match[1] for one in same if (match := SEED_IN_PATH.search(one.run.path))}
    said = shlex.quote(f"re:{SEED_IN_PATH.pattern}")
    return f"the paths say other seeds (--seed-from {said}), " if len(found) == len(same) else ""


def _numbering(same: Sequence[Named], mappings: Mappings) -> list[str]:
    """Of final values the columns that number the rows of one seed from 0 or 1 on, each as often, as folds are: no results."""
    found = []
    for name in same[0].run.series if all(one.run.final for one in same) else ():
        values = [value for one in same if name in one.run.series for value in one.run.series[name][1]]
        counts, each = np.unique(values, return_counts=True)
        whole = len(counts) > 1 and counts[0] in (0, 1) and (np.diff(counts) == 1).all()
        if whole and len(values) == len(same) and len(set(each)) == 1 and name not in mappings.no_method:
            found.append(name)
    return found


def _clash(same: Sequence[Named], fields: Sequence[str], mappings: Mappings, where: str) -> str:
    """What to say of runs of one method and seed that differ in recorded fields: they are no repeats of one training."""
    listed = ",".join(map(escape, fields))

    def of(run: LoggedRun, field: str) -> str:
        return escape(f"{run.series[field][1][0]:g}" if field in run.series else run.fields.get(field, ""))

    some = "; ".join(
        f"{escape(field)}: {', '.join(list(dict.fromkeys(of(one.run, field) for one in same))[:4])}"
        for field in fields[:4]
    )

    def with_them(source: str | None, usual: Sequence[str]) -> str:
        keyed = source if source is not None and not source.startswith(("=", "re:")) else None
        own = keyed or next((key for key in usual if key in same[0].run.fields), None)
        return shlex.quote(f"{own},{listed}" if own else listed)

    measured = [{name for name in one.run.series if not is_parameter(name)} for one in same]
    metrics = "" if set.intersection(*measured) else "one of their metrics alone with --metric, "
    nuisances = " ".join(f"--nuisance {quoted(field)}" for field in fields)
    steps = f"the steps with --step-from {listed}, " if same[0].run.final and len(fields) == 1 else ""
    return (
        f"{where} is there {len(same)} times, and these differ in {', '.join(map(escape, fields))} ({some}): "
        f"{_seeds_in_paths(same)}say what that is, {metrics}{steps}of the method with --method-from "
        f"{with_them(mappings.method_from, METHOD_KEYS)}, the workload with --workload-from "
        f"{with_them(mappings.workload_from, WORKLOAD_KEYS)}, the seed with --seed-from "
        f"{with_them(mappings.seed_from, SEED_KEYS)}, or none of these with {nuisances}"
    )


def _method(
    workload: str, method: str, members: Sequence[Named], tables: Mapping[int, Table], mappings: Mappings
) -> ImportedMethod:
    names = list(dict.fromkeys(name for table in tables.values() for name in table))
    if not names:
        raise UserError(f"{escape(method)}: nothing that was logged is a metric; name one with --metric")
    if wanted := list(mappings.renamed.values()):
        names = [name for name in wanted if name in names]
    every = [table[name][0] for table in tables.values() for name in names if name in table]
    steps = np.unique(np.concatenate(every))
    if not len(steps) or len(steps) > MAX_EPOCHS or len(steps) * len(tables) * len(names) > MAX_VALUES:
        raise UserError(
            f"{escape(method)}: {len(steps)} steps of {len(tables)} seeds are too few or too many to compare"
        )
    labels = dict.fromkeys(axis_label(one.run, mappings) for one in members)
    axes = {axis.quantity: axis for axis in (Axis.called(label, steps.tolist()) for label in labels)}
    if len(axes) > 1:
        raise UserError(
            f"{escape(method)}: some seeds count in {' and some in '.join(sorted(axis.plural for axis in axes.values()))}: "
            "choose one count for all with --step-from"
        )
    nothing = np.full(len(steps), ABSENT)

    def curves(name: str) -> Curves:
        rows = [place(*table[name], steps) if name in table else nothing for table in tables.values()]
        return unmeasured_before_the_first(np.array(rows))

    return ImportedMethod(
        method=method,
        workload=workload,
        identity=members[0].identity,
        seeds=tuple(tables),
        curves={name: curves(name) for name in names},
        metrics=tuple(_metric(name, mappings, members) for name in names),
        axis=axes.popitem()[1],
        files=tuple(dict.fromkeys(path for one in members for path in one.run.files)),
        numbered=any(one.run.numbered for one in members),
        folds=mappings.folds,
    )


def _metric(name: str, mappings: Mappings, members: Sequence[Named]) -> Metric:
    """What is declared of a metric, else what its format or its name says."""
    metric = Metric.known(name, mappings.better.get(name), mappings.units.get(name))
    logged = next((c.logged for c in mappings.choices if c.name == name), name)
    unit = next((one.run.units[logged] for one in members if logged in one.run.units), None)
    if unit is not None and name not in mappings.units:
        metric = replace(metric, unit=unit, unit_by="source")
    source = next((one.run.better[logged] for one in members if logged in one.run.better), None)
    if source is None or metric.better_by == "declared":
        return metric
    return replace(metric, better=source, better_by="source")
