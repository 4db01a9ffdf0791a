"""Imported methods as run directories: seeds are added to what is there, and what is there is never changed."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np

from amrobust.errors import RunError, UserError
from amrobust.ingest.assemble import Gathered
from amrobust.ingest.imported import ImportedMethod
from amrobust.runs.axis import Axis, epochs
from amrobust.runs.curves import RunCurves, SeedCurves, along
from amrobust.runs.files import escape
from amrobust.runs.find import MANIFEST
from amrobust.runs.lock import locked
from amrobust.runs.manifest import Manifest, RunMetadata, SeedRecord, Source, identity
from amrobust.runs.method import Method
from amrobust.runs.metric import Metric
from amrobust.runs.provenance import now, session
from amrobust.runs.spec import Spec, Value
from amrobust.runs.store import Run, broken_line, commit, directory_name, read_run
from amrobust.runs.validators import CorruptRun
from amrobust.runs.values import absent

OUTPUT = "I"
"""The name of the output of a training that has a single one: its iterate."""


@dataclass(frozen=True)
class Landed:
    """One run directory after an import: how many seeds came to it, and how many it had already."""

    run: Run
    added: int
    kept: int


def land(
    gathered: Gathered,
    directory: Path,
    *,
    form: str,
    origin: Path | str,
    command: str,
    paired: bool = False,
    add: bool = False,
) -> list[Landed]:
    """Record ``gathered`` below ``directory``, a run a method and workload.

    A seed that is there with the same curves is kept as it is, and shows that the others belong to it; ``add`` says so where
    none is. Raises UserError where a seed is there with other curves, where seeds come unsaid to a run of which they hold none,
    or metrics or steps differ from those of the run; then nothing of that method is written. RunError where the disk cannot be
    written to.
    """
    return [
        _land(method, directory, _source(method, gathered.notes, form, origin, command), paired, add)
        for method in gathered.methods
    ]


def spec_of(method: Method, workload: str, hyperparameters: Mapping[str, Value], *, paired: bool) -> Spec:
    """The spec of a run made elsewhere: the method's full name is part of it wherever the optimizer's does not say all."""
    values = dict(hyperparameters)
    if method.name != method.optimizer:
        values["method"] = method.name
    return Spec(
        workload=workload,
        workload_params={},
        optimizer=method.optimizer,
        hyperparameters=values,
        paired=paired,
    )


def foreign_facts(
    method: str, workload: str, metrics: Sequence[Metric], axis: Axis, outputs: Sequence[str] = (OUTPUT,)
) -> RunMetadata:
    """The facts of a run whose training amrobust did not see; of several ``outputs`` each is a method, ``am1/II``.

    An output ``II@ema`` is another measurement of the same weights: a method under the name of its output.
    """
    of = {output: measurement_of(output) for output in outputs}
    several = len({name for name, _ in of.values()}) > 1
    return RunMetadata(
        x0_digest=None,
        data_digest=None,
        outputs=tuple(outputs),
        methods={output: f"{method}/{name}" if several else method for output, (name, _) in of.items()},
        metrics=tuple(metrics),
        epochs=len(axis.values),
        steps_per_epoch=None,
        first_output_epoch=dict.fromkeys(outputs, 1),
        workload_label=workload,
        versions={"amrobust": version("amrobust"), "python": platform.python_version()},
        device="not recorded",
        axis=None if axis == epochs(len(axis.values)) else axis,
        measured={output: (name, found) for output, (name, found) in of.items() if found is not None},
    )


def measurement_of(output: str) -> tuple[str, str | None]:
    """The output and the measurement of a key as :class:`amrobust.runs.measurement.Output` makes it.

    >>> measurement_of("II@ema"), measurement_of("I")
    (('II', 'ema'), ('I', None))
    """
    name, _, measurement = output.partition("@")
    return name, measurement or None


def _source(
    method: ImportedMethod, notes: Sequence[str], form: str, origin: Path | str, command: str
) -> Source:
    digest = hashlib.sha256()
    for file in method.files:
        digest.update(file.name.encode("utf-8", "surrogateescape") + b"\0")
        with file.open("rb") as content:
            digest.update(hashlib.file_digest(content, "sha256").digest())
    return Source(
        form,
        command,
        str(origin),
        len(method.files),
        digest.hexdigest() if method.files else None,
        tuple(notes),
        method.folds,
    )


def _land(method: ImportedMethod, directory: Path, source: Source, paired: bool, add: bool) -> Landed:
    spec = spec_of(method.identity, method.workload, method.identity.hyperparameters, paired=paired)
    facts = foreign_facts(method.method, method.workload, method.metrics, method.axis)
    key = identity(spec, facts)
    path = directory / directory_name(Manifest(key, spec, facts, {}))
    with locked(path, lambda: None):
        try:
            present = (
                read_run(path) if (path / MANIFEST).exists() else Run(path, Manifest(key, spec, facts, {}))
            )
            new: dict[int, SeedCurves] = {
                seed: {OUTPUT: {name: values[row] for name, values in method.curves.items()}}
                for row, seed in enumerate(method.seeds)
            }
            present, recorded, curves, axis = on_one_axis(present, new, method.axis)
            facts = foreign_facts(method.method, method.workload, method.metrics, axis)
            check_fit(present, facts)
            _check_same(path, recorded, curves)
        except CorruptRun as problem:
            raise RunError(broken_line(path, problem)) from None
        there = present.manifest.complete
        added = [seed for seed in method.seeds if seed not in set(there)]
        if there and len(added) == len(method.seeds) and not add:
            # Nothing but a name says that these are seeds of the same method.
            raise UserError(
                f"the run {escape(path.name)} has {len(there)} seeds of {escape(method.method)} already, "
                f"from {escape(origins(present.manifest))}, and these are others: two groups of one name never merge unsaid; "
                "if these are more seeds of it, say --add, else name them apart (--method-from =NAME, --workload-from =NAME)"
            )
        if added:
            merged = recorded | curves
            manifest = _with_seeds(present.manifest, added, set(method.diverged), source, facts)
            commit(path, manifest, merged)
        return Landed(read_run(path), len(added), len(method.seeds) - len(added))


def origins(manifest: Manifest) -> str:
    """Where the seeds of a run made elsewhere come from, as its provenance has it."""
    sources = [made.source for made in manifest.provenance if made.source is not None]
    return ", ".join(dict.fromkeys(source.path or f"the {source.form}" for source in sources))


def check_fit(run: Run, facts: RunMetadata) -> None:
    """Raises UserError where curves with ``facts`` cannot join the complete seeds of ``run``."""
    recorded = run.manifest.facts
    if not run.manifest.complete:
        return
    names, new = (
        ", ".join(
            f"{escape(m.name)} ({m.better or 'unknown which'} is better{f', {m.unit}' if m.unit else ''})"
            for m in found
        )
        for found in (recorded.metrics, facts.metrics)
    )
    if names != new:
        what = f"the metrics {names}, and these are {new}"
    elif not recorded.coordinates.same_as(facts.coordinates):
        what = f"values at {escape(recorded.coordinates.grid)}, and these are at {escape(facts.coordinates.grid)}"
    else:
        return
    raise UserError(
        f"the run {escape(run.path.name)} has {what}: read all files of the method from one folder at once, or where these are "
        "other trainings name the method or the workload apart"
    )


def on_one_axis(
    run: Run, curves: Mapping[int, SeedCurves], axis: Axis
) -> tuple[Run, dict[int, SeedCurves], dict[int, SeedCurves], Axis]:
    """The run, its recorded curves and the new ``curves`` along the coordinates of both, where they may be of one run.

    Else everything as it is, which :func:`check_fit` refuses.
    """
    recorded, there = seeds_of(run), run.manifest.facts.coordinates
    both = there.joined(axis) if recorded else None
    if both is None:
        return run, recorded, dict(curves), axis
    facts = replace(run.manifest.facts, epochs=len(both.values), axis=None if both.are_epochs else both)
    moved = replace(run, manifest=replace(run.manifest, facts=facts))
    return moved, along(both, recorded, there), along(both, curves, axis), both


def _check_same(path: Path, recorded: dict[int, SeedCurves], curves: dict[int, SeedCurves]) -> None:
    """Raises UserError where a recorded seed has other curves than those given."""
    for seed, there in recorded.items():
        for name, values in curves.get(seed, {}).get(OUTPUT, {}).items():
            same = np.array_equal(there[OUTPUT][name], values, equal_nan=True)
            if not same or (absent(there[OUTPUT][name]) != absent(values)).any():
                raise UserError(
                    f"seed {seed} is already in {escape(path.name)} with another {escape(name)}: use another --runs-dir, name "
                    "the workload apart, or delete that run's directory first"
                )


def seeds_of(run: Run) -> dict[int, SeedCurves]:
    """The curves of ``run`` by seed."""
    curves: RunCurves = run.curves()
    return {
        seed: {
            output: {name: values[row] for name, values in metrics.items()}
            for output, metrics in curves.items()
        }
        for row, seed in enumerate(run.manifest.complete)
    }


def _with_seeds(
    manifest: Manifest, added: Sequence[int], diverged: set[int], source: Source, facts: RunMetadata
) -> Manifest:
    # One import is one plan: what was asked for elsewhere, and when, is not known.
    planned = manifest.planned(added, now())
    records = {seed: SeedRecord("complete", diverged=seed in diverged) for seed in added}
    made = replace(session(facts, f"import from {source.form}", None), seeds=len(added), source=source)
    return replace(
        planned,
        facts=facts,
        seeds={**planned.seeds, **records},
        provenance=(*planned.provenance, made),
    )
