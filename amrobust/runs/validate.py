"""A manifest read back: every field checked for presence, type and bounds before anything uses it."""

from __future__ import annotations

import json
import math
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar, get_args

from amrobust.experiments.facts import RunFacts
from amrobust.experiments.spec import Spec, content_digest
from amrobust.experiments.variation import STREAMS
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
    identity,
)
from amrobust.runs.migrate import to_current

MAX_SEED = 1_000_000
MAX_EPOCHS = 1_000_000
MAX_VALUES = 250_000_000
"""Values in one run, 2 GB of them: a million seeds of 50 points, two outputs and two metrics fit."""
MAX_TEXT = 10_000
MAX_INTEGER = 2**63 - 1
MAX_JSON_ITEMS = 20_000_000
"""Items of a manifest's lists and objects, together: a million seeds have five each."""
INDEX_COLUMNS = ("seed", "output", "epoch")
UPDATE = "a later version of amrobust made it: update to read it"

_DIGEST = re.compile(r"[0-9a-f]{64}")
CURVES_NAME = re.compile(r"curves-[0-9a-f]{12}\.parquet")
_SEED = re.compile(r"0|[1-9][0-9]{0,6}")

T = TypeVar("T")


class Broken(Exception):
    """What is wrong with a run on disk, in words that complete "<run>: ..."."""

    remedy = "'amrobust check --repair {run}' sets it aside, and its command makes it again"
    """What to do; ``{run}`` stands for where it is."""

    def remedy_for(self, path: Path) -> str:
        """What to do about the run in ``path``."""
        return self.remedy.replace("{run}", shlex.quote(str(path)))


class OutOfReach(Broken):
    """Why a run cannot be used here and now although nothing says that it is damaged, and what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.remedy = remedy


def parse_manifest(data: bytes) -> Manifest:
    """The manifest in ``data``. Raises Broken, naming the field that is wrong."""
    top, version = _sealed(data)
    try:
        top = to_current(top, version)
    except (LookupError, TypeError, ValueError, AttributeError):
        raise Broken(f"its manifest is not of schema version {version}, as it says") from None
    record = _field(top, "record_version", _integer(1))
    if record > RECORD_VERSION:
        raise OutOfReach(
            f"it was recorded in version {record}, and this amrobust reads up to {RECORD_VERSION}", UPDATE
        )
    manifest = Manifest(
        record_version=record,
        identity=_field(top, "identity", _digest),
        spec=_field(top, "spec", _spec),
        facts=_field(top, "facts", _facts),
        seeds=_field(top, "seeds", _seeds),
        plans=_field(top, "plans", _sequence(_plan)),
        provenance=_field(top, "provenance", _sequence(_session)),
        curves=_field(top, "curves", _optional(_curves)),
    )
    _check_whole(manifest)
    return manifest


def _sealed(data: bytes) -> tuple[dict[str, Any], int]:
    """The JSON object in ``data`` and its schema version, once its checksum has been found to be right."""
    # Counted before anything is built: the text is the only part of a manifest whose size the file's length bounds.
    if sum(map(data.count, (b",", b"[", b"{"))) > MAX_JSON_ITEMS:
        raise Broken(f"its manifest has more than {MAX_JSON_ITEMS:,} items")
    try:
        top = _table(json.loads(data.decode(), parse_constant=_no_constant), "the manifest")
        found = content_digest({key: value for key, value in top.items() if key != "checksum"})
    except (ValueError, RecursionError) as error:
        raise Broken(f"its manifest is not valid JSON ({shown(error)})") from None
    version = _field(top, "schema_version", _integer(1))
    if version > SCHEMA_VERSION:
        raise OutOfReach(
            f"its manifest has schema version {version}, and this amrobust reads up to {SCHEMA_VERSION}",
            UPDATE,
        )
    if found != _field(top, "checksum", _digest):
        raise Broken("its manifest was changed by hand or damaged (its checksum does not match)")
    return top, version


def most_curves_bytes(facts: RunFacts, seeds: int) -> int:
    """More than the curves file of so many seeds can have: uncompressed columns twice, and room for names."""
    rows = seeds * len(facts.outputs) * facts.epochs
    names = sum(map(len, facts.outputs)) + sum(len(name) for name, _, _ in facts.metrics)
    return 1_000_000 + 2 * rows * (16 + 8 * len(facts.metrics)) + 1_000 * names


def _check_whole(manifest: Manifest) -> None:
    """What fields say about each other."""
    facts, complete = manifest.facts, len(manifest.complete)
    if manifest.identity != identity(manifest.spec, facts, manifest.record_version):
        raise Broken("its identity is not that of its spec: the manifest was changed by hand")
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


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _table(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Broken(f"{where} is not a JSON object")
    return value


def _field(table: Mapping[str, Any], name: str, check: Callable[[Any, str], T]) -> T:
    if name not in table:
        raise Broken(f"its manifest has no {name!r}")
    return check(table[name], name)


def _integer(least: int, most: int | None = MAX_INTEGER) -> Callable[[Any, str], int]:
    def check(value: Any, where: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise Broken(f"{where} in its manifest is not an integer of at least {least}")
        if most is not None and value > most:
            raise Broken(f"{where} in its manifest is above {most}")
        return value

    return check


def _seconds(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1e12:
        raise Broken(f"{where} in its manifest is not a duration in seconds")
    return float(value)


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise Broken(f"{where} in its manifest is not a text of at most {MAX_TEXT} characters")
    return value


def _name(value: Any, where: str) -> str:
    if not _text(value, where):
        raise Broken(f"{where} in its manifest is empty")
    return str(value)


def _digest(value: Any, where: str) -> str:
    if not _DIGEST.fullmatch(_text(value, where)):
        raise Broken(f"{where} in its manifest is not a SHA-256 digest")
    return str(value)


def _boolean(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise Broken(f"{where} in its manifest is neither true nor false")
    return value


def _scalar(value: Any, where: str) -> int | float | str | bool | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return _integer(-MAX_INTEGER)(value, where)
    if isinstance(value, float) and math.isfinite(value):
        return value
    return _text(value, where)


def _optional(check: Callable[[Any, str], T]) -> Callable[[Any, str], T | None]:
    return lambda value, where: None if value is None else check(value, where)


def _sequence(check: Callable[[Any, str], T]) -> Callable[[Any, str], tuple[T, ...]]:
    def each(value: Any, where: str) -> tuple[T, ...]:
        if not isinstance(value, list) or len(value) > MAX_SEED:
            raise Broken(f"{where} in its manifest is not a list")
        return tuple(check(item, where) for item in value)

    return each


def _mapping(check: Callable[[Any, str], T]) -> Callable[[Any, str], dict[str, T]]:
    return lambda value, where: {
        _name(key, where): check(item, where) for key, item in _table(value, where).items()
    }


def _spec(value: Any, where: str) -> Spec:
    table = _table(value, where)
    unknown = set(table) - {field.name for field in fields(Spec)}
    if unknown:
        raise Broken(f"the spec in its manifest has an unknown field {shown(min(unknown))!r}")
    return Spec(
        workload=_field(table, "workload", _name),
        workload_params=_field(table, "workload_params", _mapping(_scalar)),
        optimizer=_field(table, "optimizer", _name),
        hyperparameters=_field(table, "hyperparameters", _mapping(_scalar)),
        root_seed=_field(table, "root_seed", _integer(0, most=None)),
        x0_index=_field(table, "x0_index", _integer(0, most=None)),
        paired=_field(table, "paired", _boolean),
        vary=_optional(_stream)(table.get("vary"), "vary"),
    )


def _stream(value: Any, where: str) -> str:
    name = _name(value, where)
    if name not in STREAMS:
        raise Broken(f"the random stream in its manifest is {shown(name)!r}, none of {', '.join(STREAMS)}")
    return name


def _facts(value: Any, where: str) -> RunFacts:
    table = _table(value, where)
    facts = RunFacts(
        x0_digest=_field(table, "x0_digest", _optional(_digest)),
        data_digest=_field(table, "data_digest", _optional(_digest)),
        outputs=_field(table, "outputs", _sequence(_name)),
        methods=_field(table, "methods", _mapping(_name)),
        metrics=_field(table, "metrics", _sequence(_metric)),
        epochs=_field(table, "epochs", _integer(1, MAX_EPOCHS)),
        steps_per_epoch=_field(table, "steps_per_epoch", _optional(_integer(1))),
        first_output_epoch=_field(table, "first_output_epoch", _mapping(_integer(1))),
        workload_label=_field(table, "workload_label", _name),
        versions=_field(table, "versions", _mapping(_text)),
        device=_field(table, "device", _text),
        data_note=_optional(_text)(table.get("data_note"), "data_note"),
        backend=_optional(_text)(table.get("backend"), "backend"),
    )
    for names, what in ((facts.outputs, "output"), ([name for name, _, _ in facts.metrics], "metric")):
        if not names or len(set(names)) != len(names):
            raise Broken(f"its manifest names no {what}, or one twice")
    return facts


def _metric(value: Any, where: str) -> tuple[str, str, str]:
    if not isinstance(value, list) or len(value) != 3:
        raise Broken("a metric in its manifest is not [name, better, unit]")
    name, better, unit = _name(value[0], where), value[1], _text(value[2], where)
    if better not in ("higher", "lower") or name in INDEX_COLUMNS:
        raise Broken(f"the metric {shown(name)!r} in its manifest has no direction, or a reserved name")
    return name, better, unit


def _seeds(value: Any, where: str) -> dict[int, SeedRecord]:
    seeds = {}
    for key, item in _table(value, where).items():
        if not _SEED.fullmatch(key) or int(key) >= MAX_SEED:
            raise Broken(f"its manifest names a seed {shown(key[:20])!r}, not a number below {MAX_SEED:,}")
        record = _table(item, f"seed {key}")
        state: SeedState = record.get("state")  # type: ignore[assignment]
        if state not in get_args(SeedState):
            raise Broken(f"seed {key} in its manifest has no known state")
        seeds[int(key)] = SeedRecord(
            state=state,
            diverged=_field(record, "diverged", _boolean),
            wall_seconds=_field(record, "wall_seconds", _seconds),
            error=_field(record, "error", _optional(_text)),
            stack=_integer(1, MAX_SEED)(record.get("stack", 1), "stack"),
        )
    return seeds


def _plan(value: Any, where: str) -> Plan:
    table = _table(value, where)
    return Plan(
        seeds=_field(table, "seeds", _sequence(_integer(0, MAX_SEED - 1))),
        when=_field(table, "when", _text),
        complete_before=_field(table, "complete_before", _integer(0, MAX_SEED)),
        extends=_field(table, "extends", _boolean),
    )


def _session(value: Any, where: str) -> Session:
    table = _table(value, where)
    return Session(
        when=_field(table, "when", _text),
        executor=_field(table, "executor", _text),
        jobs=_field(table, "jobs", _optional(_integer(1))),
        device=_field(table, "device", _text),
        versions=_field(table, "versions", _mapping(_text)),
        platform=_field(table, "platform", _text),
        cpu_count=_field(table, "cpu_count", _integer(0)),
        git_revision=_field(table, "git_revision", _optional(_text)),
        git_dirty=_field(table, "git_dirty", _optional(_boolean)),
        seeds=_field(table, "seeds", _integer(0, MAX_SEED)),
        wall_seconds=_field(table, "wall_seconds", _seconds),
        # Of the first schema version, in which every run was trained here.
        source=_field({"source": None} | table, "source", _optional(_source)),
        backend=_optional(_text)(table.get("backend"), "backend"),
        batching=_optional(_batching)(table.get("batching"), "batching"),
        stacks=_sequence(_sequence(_integer(0, MAX_SEED - 1)))(table.get("stacks", []), "stacks"),
    )


def _batching(value: Any, where: str) -> str:
    if value not in ("none", "stack"):
        raise Broken(f"{where} in its manifest is neither none nor stack")
    return str(value)


def _source(value: Any, where: str) -> Source:
    table = _table(value, where)
    return Source(
        form=_field(table, "form", _text),
        command=_field(table, "command", _text),
        path=_field(table, "path", _text),
        files=_field(table, "files", _integer(0)),
        sha256=_field(table, "sha256", _optional(_digest)),
        notes=_field(table, "notes", _sequence(_text)),
    )


def _curves(value: Any, where: str) -> CurvesFile:
    table = _table(value, where)
    name, sha256 = _field(table, "file", _name), _field(table, "sha256", _digest)
    if not CURVES_NAME.fullmatch(name) or name != f"curves-{sha256[:12]}.parquet":
        raise Broken(
            "the curves file in its manifest is not named curves-<12 hex digits of its digest>.parquet"
        )
    return CurvesFile(name, sha256, _field(table, "bytes", _integer(1)))
