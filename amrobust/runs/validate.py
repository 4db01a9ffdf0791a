"""A manifest read back: every field checked for presence, type and bounds before anything uses it."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import fields
from itertools import pairwise
from typing import Any, get_args

from amrobust.errors import UserError
from amrobust.runs.axis import Axis
from amrobust.runs.entries import (
    MAX_SEED,
    UPDATE,
    Broken,
    OutOfReach,
    a_boolean,
    a_digest,
    a_duration,
    a_mapping,
    a_name,
    a_number,
    a_scalar,
    a_sequence,
    a_table,
    a_text,
    an_integer,
    entry,
    optional,
    sealed,
)
from amrobust.runs.facts import RunFacts, code_digest
from amrobust.runs.files import shown
from amrobust.runs.manifest import (
    RECORD_VERSION,
    SCHEMA_VERSION,
    CurvesFile,
    Manifest,
    Plan,
    SeedRecord,
    SeedState,
    Session,
    Source,
    base_identity,
    identity,
)
from amrobust.runs.metric import Direction, KnownBy, Metric
from amrobust.runs.migrate import to_current
from amrobust.runs.seeds import LEAST, MOST, seed_of
from amrobust.runs.spec import STREAMS, Spec
from amrobust.runs.tuning_record import a_tuning, check_chosen

MAX_EPOCHS = 1_000_000
MAX_VALUES = 250_000_000
"""Values in one run, 2 GB of them: a million seeds of 50 points, two outputs and two metrics fit."""
INDEX_COLUMNS = ("seed", "output", "epoch")

CURVES_NAME = re.compile(r"curves-[0-9a-f]{12}\.parquet")


def parse_manifest(data: bytes) -> Manifest:
    """The manifest in ``data``. Raises Broken, naming the field that is wrong."""
    top, version = sealed(data, SCHEMA_VERSION, "manifest")
    try:
        top = to_current(top, version)
    except (LookupError, TypeError, ValueError, AttributeError):
        raise Broken(f"its manifest is not of schema version {version}, as it says") from None
    record = entry(top, "record_version", an_integer(1))
    if record > RECORD_VERSION:
        raise OutOfReach(
            f"it was recorded in version {record}, and this amrobust reads up to {RECORD_VERSION}", UPDATE
        )
    manifest = Manifest(
        record_version=record,
        identity=entry(top, "identity", a_digest),
        spec=entry(top, "spec", _spec),
        facts=entry(top, "facts", _facts),
        seeds=entry(top, "seeds", _seeds),
        plans=entry(top, "plans", a_sequence(_plan)),
        provenance=entry(top, "provenance", a_sequence(_session)),
        curves=entry(top, "curves", optional(_curves)),
        tuning=entry(top, "tuning", optional(a_tuning)),
    )
    _check_whole(manifest)
    return manifest


def most_curves_bytes(facts: RunFacts, seeds: int) -> int:
    """More than the curves file of so many seeds can have: uncompressed columns twice, and room for names."""
    rows = seeds * len(facts.outputs) * facts.epochs
    names = sum(map(len, facts.outputs)) + sum(len(metric.name) for metric in facts.metrics)
    return 1_000_000 + 2 * rows * (16 + 8 * len(facts.metrics)) + 1_000 * names


def _check_whole(manifest: Manifest) -> None:
    """What fields say about each other."""
    facts, complete = manifest.facts, len(manifest.complete)
    made_of = manifest.spec, facts, manifest.record_version
    # Of most runs they are the same, and the first is quicker.
    if manifest.identity != base_identity(*made_of) and manifest.identity != identity(*made_of):
        raise Broken("its identity is not that of its spec: the manifest was changed by hand")
    known = {None, *(code_digest(session.code) for session in manifest.provenance)}
    if not known.issuperset({record.code for record in manifest.seeds.values()}):
        raise Broken("its manifest has a seed that was made by code that no session in it had")
    if manifest.tuning is not None:
        check_chosen(manifest.spec.hyperparameters, manifest.tuning)
    if set(facts.methods) != set(facts.outputs) or set(facts.first_output_epoch) != set(facts.outputs):
        raise Broken("its manifest does not name a method and a first epoch for every output")
    if complete * len(facts.outputs) * facts.epochs * len(facts.metrics) > MAX_VALUES:
        raise Broken(f"its manifest announces more than {MAX_VALUES:,} values")
    if (complete > 0) != (manifest.curves is not None):
        raise Broken("its manifest names complete seeds without a curves file, or the reverse")
    if manifest.curves is not None and manifest.curves.bytes > most_curves_bytes(facts, complete):
        raise Broken(
            f"its manifest announces a curves file of {manifest.curves.bytes:,} bytes, which is too many"
        )


def _spec(value: Any, where: str) -> Spec:
    table = a_table(value, where)
    unknown = set(table) - {field.name for field in fields(Spec)}
    if unknown:
        raise Broken(f"the spec in its manifest has an unknown field {shown(min(unknown))!r}")
    return Spec(
        workload=entry(table, "workload", a_name),
        workload_params=entry(table, "workload_params", a_mapping(a_scalar)),
        optimizer=entry(table, "optimizer", a_name),
        hyperparameters=entry(table, "hyperparameters", a_mapping(a_scalar)),
        root_seed=entry(table, "root_seed", an_integer(0, most=None)),
        x0_index=entry(table, "x0_index", an_integer(0, most=None)),
        paired=entry(table, "paired", a_boolean),
        vary=optional(_stream)(table.get("vary"), "vary"),
    )


def _stream(value: Any, where: str) -> str:
    name = a_name(value, where)
    if name not in STREAMS:
        raise Broken(f"the random stream in its manifest is {shown(name)!r}, none of {', '.join(STREAMS)}")
    return name


def _facts(value: Any, where: str) -> RunFacts:
    table = a_table(value, where)
    facts = RunFacts(
        x0_digest=entry(table, "x0_digest", optional(a_digest)),
        data_digest=entry(table, "data_digest", optional(a_digest)),
        outputs=entry(table, "outputs", a_sequence(a_name)),
        methods=entry(table, "methods", a_mapping(a_name)),
        metrics=entry(table, "metrics", a_sequence(_metric)),
        epochs=entry(table, "epochs", an_integer(1, MAX_EPOCHS)),
        steps_per_epoch=entry(table, "steps_per_epoch", optional(an_integer(1))),
        first_output_epoch=entry(table, "first_output_epoch", a_mapping(an_integer(1))),
        workload_label=entry(table, "workload_label", a_name),
        versions=entry(table, "versions", a_mapping(a_text)),
        device=entry(table, "device", a_text),
        data_note=optional(a_text)(table.get("data_note"), "data_note"),
        backend=optional(a_text)(table.get("backend"), "backend"),
        code=optional(a_mapping(a_text))(table.get("code"), "code"),
        axis=optional(_axis)(table.get("axis"), "axis"),
    )
    if len(facts.coordinates.values) != facts.epochs:
        raise Broken("its manifest does not have a coordinate for every column of its curves")
    for names, what in ((facts.outputs, "output"), ([metric.name for metric in facts.metrics], "metric")):
        if not names or len(set(names)) != len(names):
            raise Broken(f"its manifest names no {what}, or one twice")
    return facts


def _metric(value: Any, where: str) -> Metric:
    table = a_table(value, where)
    name, better = entry(table, "name", a_name), entry(table, "better", optional(a_text))
    ways = [entry(table, key, a_text) for key in ("better_by", "unit_by")]
    if better not in (None, *get_args(Direction)) or name in INDEX_COLUMNS:
        raise Broken(f"the metric {shown(name)!r} in its manifest has no known direction, or a reserved name")
    if not set(ways) <= set(get_args(KnownBy)):
        raise Broken(
            f"of the metric {shown(name)!r} its manifest does not say how direction and unit are known"
        )
    return Metric(name, better, entry(table, "unit", a_text), *ways)  # type: ignore[arg-type]


def _axis(value: Any, where: str) -> Axis:
    table = a_table(value, where)
    axis = Axis(
        entry(table, "name", a_name),
        entry(table, "unit", a_text),
        entry(table, "values", a_sequence(a_number)),
    )
    if any(before >= after for before, after in pairwise(axis.values)):
        raise Broken("the axis in its manifest does not increase")
    return axis


def _seeds(value: Any, where: str) -> dict[int, SeedRecord]:
    seeds = {}
    for key, item in a_table(value, where).items():
        seed = _seed(key)
        record = a_table(item, f"seed {key}")
        state: SeedState = record.get("state")  # type: ignore[assignment]
        if state not in get_args(SeedState):
            raise Broken(f"seed {key} in its manifest has no known state")
        seeds[seed] = SeedRecord(
            state=state,
            diverged=entry(record, "diverged", a_boolean),
            wall_seconds=entry(record, "wall_seconds", a_duration),
            error=entry(record, "error", optional(a_text)),
            stack=an_integer(1, MAX_SEED)(record.get("stack", 1), "stack"),
            code=optional(a_digest)(record.get("code"), "code"),
            declared=""
            if record.get("declared") == ""
            else optional(a_digest)(record.get("declared"), "declared"),
        )
    return seeds


def _seed(key: str) -> int:
    """The seed that a manifest writes as ``key``: the very text that this seed is printed as, so that none is there twice."""
    with suppress(UserError):
        if str(seed := seed_of(key)) == key:
            return seed
    raise Broken(f"its manifest names {shown(key[:20])!r}, which is not how a seed is written")


def _plan(value: Any, where: str) -> Plan:
    table = a_table(value, where)
    return Plan(
        seeds=entry(table, "seeds", a_sequence(an_integer(LEAST, MOST))),
        when=entry(table, "when", a_text),
        complete_before=entry(table, "complete_before", an_integer(0, MAX_SEED)),
        extends=entry(table, "extends", a_boolean),
    )


def _session(value: Any, where: str) -> Session:
    table = a_table(value, where)
    return Session(
        when=entry(table, "when", a_text),
        executor=entry(table, "executor", a_text),
        jobs=entry(table, "jobs", optional(an_integer(1))),
        device=entry(table, "device", a_text),
        versions=entry(table, "versions", a_mapping(a_text)),
        platform=entry(table, "platform", a_text),
        cpu_count=entry(table, "cpu_count", an_integer(0)),
        git_revision=entry(table, "git_revision", optional(a_text)),
        git_dirty=entry(table, "git_dirty", optional(a_boolean)),
        seeds=entry(table, "seeds", an_integer(0, MAX_SEED)),
        wall_seconds=entry(table, "wall_seconds", a_duration),
        # Of the first schema version, in which every run was trained here.
        source=entry({"source": None} | table, "source", optional(_source)),
        backend=optional(a_text)(table.get("backend"), "backend"),
        batching=optional(_batching)(table.get("batching"), "batching"),
        stacks=a_sequence(a_sequence(an_integer(0, MAX_SEED - 1)))(table.get("stacks", []), "stacks"),
        company=_company(table.get("company", {}), "company"),
        code=optional(a_mapping(a_text))(table.get("code"), "code"),
    )


def _company(value: Any, where: str) -> dict[str, tuple[int, ...]]:
    seeds_of = a_sequence(an_integer(0, MAX_SEED - 1))
    return {a_digest(key, where): seeds_of(item, where) for key, item in a_table(value, where).items()}


def _batching(value: Any, where: str) -> str:
    if value not in ("none", "stack"):
        raise Broken(f"{where} in its manifest is neither none nor stack")
    return str(value)


def _source(value: Any, where: str) -> Source:
    table = a_table(value, where)
    return Source(
        form=entry(table, "form", a_text),
        command=entry(table, "command", a_text),
        path=entry(table, "path", a_text),
        files=entry(table, "files", an_integer(0)),
        sha256=entry(table, "sha256", optional(a_digest)),
        notes=entry(table, "notes", a_sequence(a_text)),
    )


def _curves(value: Any, where: str) -> CurvesFile:
    table = a_table(value, where)
    name, sha256 = entry(table, "file", a_name), entry(table, "sha256", a_digest)
    if not CURVES_NAME.fullmatch(name) or name != f"curves-{sha256[:12]}.parquet":
        raise Broken(
            "the curves file in its manifest is not named curves-<12 hex digits of its digest>.parquet"
        )
    return CurvesFile(name, sha256, entry(table, "bytes", an_integer(1)))
