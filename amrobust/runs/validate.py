"""A manifest read back: brought to the current form, its fields converted, and what they say about each other checked.

A change of the manifest's form raises ``SCHEMA_VERSION`` by one and adds the step from the version before it to ``STEPS``. What
is on disk stays as it is until its run is next committed, and is then written in the current form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields
from itertools import pairwise
from typing import Any

import msgspec

from amrobust.errors import UserError
from amrobust.runs.code import code_digest
from amrobust.runs.correct_file import MOST_BYTES, length
from amrobust.runs.files import escape
from amrobust.runs.manifest import (
    RECORD_VERSION,
    SCHEMA_VERSION,
    CorrectFile,
    CurvesFile,
    Manifest,
    Plan,
    RunMetadata,
    SeedRecord,
    Session,
    base_identity,
    identity,
)
from amrobust.runs.metric import INDEX_COLUMNS
from amrobust.runs.seeds import seed_of
from amrobust.runs.spec import MAX_TEXT, STREAMS, Spec
from amrobust.runs.tuning import Tuning
from amrobust.runs.tuning_record import check_chosen, check_tuning
from amrobust.runs.validators import (
    UPDATE,
    CorruptRun,
    Digest,
    Positive,
    UnreadableRun,
    check_parameters,
    checksummed,
    converted,
)
from amrobust.runs.values import MAX_VALUES

CURVES_NAME = re.compile(r"curves-[0-9a-f]{12}\.parquet")

Content = dict[str, Any]
Step = Callable[[Content], Content]


def _only_trained(content: Content) -> Content:
    """Version 2 says where imported seeds came from; before it every seed was trained, for which nothing is said."""
    return content


def _not_tuned(content: Content) -> Content:
    """Version 3 says how hyperparameters were chosen; before it nothing was recorded about that."""
    return content | {"tuning": None}


def _known_and_placed(content: Content) -> Content:
    """Version 4 says how a metric's direction and unit are known, and where curves were measured.

    Our own workloads always said the former, for others nothing was; the latter were the epochs from 1 on.
    """
    foreign = any(made.get("source") is not None for made in content["provenance"])
    by = "not recorded" if foreign else "workload"
    metrics = [
        {"name": name, "better": better, "unit": unit, "better_by": by, "unit_by": by}
        for name, better, unit in content["facts"]["metrics"]
    ]
    return content | {"facts": content["facts"] | {"metrics": metrics}}


def _declared(content: Content) -> Content:
    """Version 5 says which declaration a seed was trained under, identities cover code, and curves may have cells in which
    nothing was measured; before it neither was so.
    """
    return content


def _measured_once(content: Content) -> Content:
    """Version 6 says which outputs are other measurements of the same weights, and which test examples were right.

    Before it each output was measured in one way, and examples were not recorded.
    """
    return content | {"facts": content["facts"] | {"measured": {}}, "correct": None}


STEPS: Mapping[int, Step] = {
    1: _only_trained, 2: _not_tuned, 3: _known_and_placed, 4: _declared, 5: _measured_once,
}  # fmt: skip
"""For each earlier version, what turns the content of a manifest of that version into that of the next one.

A step may meet content that a stranger made up: what it does not find as it expects raises LookupError, TypeError,
ValueError or AttributeError, and the fields that it leaves are checked afterwards like any other.
"""


class _Document(msgspec.Struct):
    """A manifest as JSON has it: none of its parts may be missing."""

    identity: Digest
    spec: Spec
    facts: RunMetadata
    seeds: dict[str, Any]
    plans: tuple[Plan, ...]
    provenance: tuple[Session, ...]
    curves: CurvesFile | None
    tuning: Tuning | None
    correct: CorrectFile | None


def parse_manifest(data: bytes) -> Manifest:
    """The manifest in ``data``. Raises CorruptRun, naming the field that is wrong."""
    top, version = checksummed(data, SCHEMA_VERSION, "manifest")
    try:
        for step in range(version, SCHEMA_VERSION):
            top = STEPS[step](top)
    except (LookupError, TypeError, ValueError, AttributeError):
        raise CorruptRun(f"its manifest is not of schema version {version}, as it says") from None
    record = converted(top.get("record_version"), Positive, "manifest", "record_version")
    if record > RECORD_VERSION:
        raise UnreadableRun(
            f"it was recorded in version {record}, and this amrobust reads up to {RECORD_VERSION}", UPDATE
        )
    found = converted(top, _Document, "manifest")
    if unknown := set(top["spec"]) - {field.name for field in fields(Spec)}:
        raise CorruptRun(f"the spec in its manifest has an unknown field {escape(min(unknown))!r}")
    manifest = Manifest(
        record_version=record,
        identity=found.identity,
        spec=found.spec,
        facts=found.facts,
        seeds={
            _seed(key): converted(each, SeedRecord, "manifest", f"seed {key[:40]}")
            for key, each in found.seeds.items()
        },
        plans=found.plans,
        provenance=found.provenance,
        curves=found.curves,
        tuning=found.tuning,
        correct=found.correct,
    )
    _check_spec(manifest.spec)
    _check_facts(manifest.facts)
    _check_whole(manifest)
    _check_correct(manifest)
    return manifest


def _seed(key: str) -> int:
    """The seed that a manifest writes as ``key``: the very text that this seed is printed as, so that none is there twice."""
    with suppress(UserError):
        if str(seed := seed_of(key)) == key:
            return seed
    raise CorruptRun(f"its manifest names {escape(key[:20])!r}, which is not how a seed is written")


def _check_spec(spec: Spec) -> None:
    check_parameters(spec.workload_params, "manifest", "spec.workload_params")
    check_parameters(spec.hyperparameters, "manifest", "spec.hyperparameters")
    for name in (spec.workload, spec.optimizer):
        if not 1 <= len(name) <= MAX_TEXT:
            raise CorruptRun(
                "the spec in its manifest has a workload or an optimizer whose name is empty or too long"
            )
    if spec.root_seed < 0 or spec.x0_index < 0:
        raise CorruptRun("the spec in its manifest has a root_seed or an x0_index below 0")
    if spec.vary is not None and spec.vary not in STREAMS:
        raise CorruptRun(
            f"the random stream in its manifest is {escape(spec.vary)[:40]!r}, none of {', '.join(STREAMS)}"
        )


def _check_facts(facts: RunMetadata) -> None:
    axis = facts.coordinates
    if len(axis.values) != facts.epochs:
        raise CorruptRun("its manifest does not have a coordinate for every column of its curves")
    if any(before >= after for before, after in pairwise(axis.values)):
        raise CorruptRun("the axis in its manifest does not increase")
    if not 1 <= len(axis.name) <= MAX_TEXT or len(axis.unit) > MAX_TEXT:
        raise CorruptRun("the axis in its manifest has a name or a unit that is empty or too long")
    for metric in facts.metrics:
        if (
            not 1 <= len(metric.name) <= MAX_TEXT
            or len(metric.unit) > MAX_TEXT
            or metric.name in INDEX_COLUMNS
        ):
            raise CorruptRun(
                f"the metric {escape(metric.name)[:40]!r} in its manifest has a reserved, empty or too long name, or "
                "such a unit"
            )
    for names, what in ((facts.outputs, "output"), ([metric.name for metric in facts.metrics], "metric")):
        if len(set(names)) != len(names):
            raise CorruptRun(f"its manifest names one {what} twice")
    if not facts.outputs:
        raise CorruptRun("its manifest names no output")
    if set(facts.methods) != set(facts.outputs) or set(facts.first_output_epoch) != set(facts.outputs):
        raise CorruptRun("its manifest does not name a method and a first epoch for every output")
    of = [facts.measured.get(output, (output, "")) for output in facts.outputs]
    if (
        len(set(of)) < len(of)
        or not set(facts.measured) <= set(facts.outputs)
        or not {output for output, _ in of} <= set(facts.usual_outputs)
    ):
        raise CorruptRun("its manifest does not say of which output each of its measurements is")


def _check_whole(manifest: Manifest) -> None:
    """What fields say about each other."""
    facts, complete = manifest.facts, len(manifest.complete)
    made_of = manifest.spec, facts, manifest.record_version
    # Of most runs they are the same, and the first is quicker.
    if manifest.identity != base_identity(*made_of) and manifest.identity != identity(*made_of):
        raise CorruptRun("its identity is not that of its spec: the manifest was changed by hand")
    known = {None, *(code_digest(session.code) for session in manifest.provenance)}
    if not known.issuperset({record.code for record in manifest.seeds.values()}):
        raise CorruptRun("its manifest has a seed that was made by code that no session in it had")
    if manifest.tuning is not None:
        check_tuning(manifest.tuning, "manifest", "tuning")
        check_chosen(manifest.spec.hyperparameters, manifest.tuning)
    if complete * len(facts.outputs) * facts.epochs * len(facts.metrics) > MAX_VALUES:
        raise CorruptRun(f"its manifest announces more than {MAX_VALUES:,} values")
    if complete and not facts.metrics:
        raise CorruptRun("its manifest names complete seeds and no metric")
    if (complete > 0) != (manifest.curves is not None):
        raise CorruptRun("its manifest names complete seeds without a curves file, or the reverse")
    if manifest.curves is None:
        return
    name = f"curves-{manifest.curves.sha256[:12]}.parquet"
    if manifest.curves.file != name:
        raise CorruptRun(
            f"the curves file in its manifest is {escape(manifest.curves.file)[:40]!r} and not named after its digest, {name}"
        )
    if manifest.curves.bytes > most_curves_bytes(facts, complete):
        raise CorruptRun(
            f"its manifest announces a curves file of {manifest.curves.bytes:,} bytes, which is too many"
        )


def _check_correct(manifest: Manifest) -> None:
    """That the file of correct examples is named after its digest, and can be this run's."""
    entry, facts = manifest.correct, manifest.facts
    if entry is None:
        return
    if entry.file != f"correct-{entry.sha256[:12]}.bits" or manifest.curves is None:
        raise CorruptRun(
            "its file of correct examples is not named after its digest, or has no curves beside it"
        )
    if entry.metric not in [metric.name for metric in facts.metrics]:
        raise CorruptRun(
            f"its file of correct examples is of {escape(entry.metric)[:40]!r}, which is no metric of it"
        )
    if entry.bytes != length(entry.examples, len(manifest.complete), facts) or entry.bytes > MOST_BYTES:
        raise CorruptRun(
            "its manifest announces a file of correct examples of another length than it can have"
        )


def most_curves_bytes(facts: RunMetadata, seeds: int) -> int:
    """More than the curves file of so many seeds can have: uncompressed columns twice, and room for names."""
    rows = seeds * len(facts.outputs) * facts.epochs
    names = sum(map(len, facts.outputs)) + sum(len(metric.name) for metric in facts.metrics)
    return 1_000_000 + 2 * rows * (16 + 8 * len(facts.metrics)) + 1_000 * names
