"""What a run's manifest says: the spec, its facts, every seed's state, plans, provenance, and the curves file.

A manifest that is read is converted to these very classes, their types and bounds checked (:mod:`amrobust.runs.validate`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache
from typing import Annotated, Any, Literal

from msgspec import Meta

from amrobust.runs.axis import MAX_EPOCHS, Axis
from amrobust.runs.axis import epochs as epochs_axis
from amrobust.runs.code import source_digest
from amrobust.runs.metric import Metric
from amrobust.runs.seeds import MAX_SEED
from amrobust.runs.spec import Spec, content_digest
from amrobust.runs.tuning import Tuning
from amrobust.runs.validators import (
    Digest,
    DigestOrNone,
    Name,
    NotNegative,
    OwnSeed,
    Positive,
    Seconds,
    Seed,
    SeedCount,
    Text,
)

SCHEMA_VERSION = 6
"""Version of the manifest's form; a reader refuses a later one, and ``migrate`` brings an earlier one up to it."""

RECORD_VERSION = 1
"""Version of what is recorded; part of a run's identity, so that runs of different versions are never mixed up."""

SeedState = Literal["planned", "running", "complete", "failed"]
Batching = Literal["auto", "none", "stack"]
Block = tuple[int, ...]


@dataclass(frozen=True)
class RunMetadata:
    """What a spec amounts to before it is trained, recorded with the run: its x0, data, outputs, metrics and lengths."""

    x0_digest: Digest | None
    """SHA-256 of the starting point (of seed 0's where it varies); None where the training was not amrobust's own."""
    data_digest: Digest | None
    outputs: tuple[Name, ...]
    methods: Mapping[Name, Name]
    """The method's name for each output."""
    metrics: tuple[Metric, ...]
    """The primary metric first. None as long as only a training can say which there are, and no seed is complete."""
    epochs: Annotated[int, Meta(ge=1, le=MAX_EPOCHS)]
    steps_per_epoch: Positive | None
    first_output_epoch: Mapping[Name, Positive]
    """For each output the first epoch at whose end it differs from x0."""
    workload_label: Name
    """The workload with its parameters that differ from the defaults, epochs and data apart, and what alone varies."""
    versions: Mapping[Name, Text]
    device: Text
    data_note: Text | None = None
    """What a reader must know about the data: that they are not the publisher's bytes, where that is so."""
    backend: Text | None = None
    """The array library that computes a convex problem; None where torch trains a network."""
    code: Mapping[Name, Text] | None = None
    """Digests of the code of others (:mod:`amrobust.train.code`), empty where it has none; None where not known."""
    axis: Axis | None = None
    """Where the curves were measured, one for all seeds; None for the epochs 1 to ``epochs``."""
    measured: Mapping[Name, tuple[Name, Name]] = field(default_factory=dict)
    """By its key each of ``outputs`` that is another measurement of the same weights: the output, and the measurement."""

    def called(self, output: str) -> str:
        """What an output is called in a list: its method's name, and the measurement where it is not the usual one."""
        name, (_, measurement) = self.methods[output], self.measured.get(output, ("", ""))
        return f"{name}, {measurement}" if measurement else name

    @property
    def usual_outputs(self) -> tuple[str, ...]:
        """The outputs as they are usually measured."""
        return tuple(output for output in self.outputs if output not in self.measured)

    @property
    def coordinates(self) -> Axis:
        """The axis, spelled out."""
        return self.axis or epochs_axis(self.epochs)


@dataclass(frozen=True)
class SeedRecord:
    """How far one seed is.

    "running" means handed to workers: by a process that still holds the run's lock, or by one that was killed.
    """

    state: SeedState
    diverged: bool = False
    wall_seconds: Seconds = 0.0
    error: Text | None = None
    stack: Annotated[int, Meta(ge=1, le=MAX_SEED)] = 1
    """How many seeds were trained together with it, itself included."""
    measuring_seconds: Seconds = 0.0
    """Of its wall time what other measurements than the usual one took."""
    code: Digest | None = None
    """The digest of the session's code that made it; None where that was not recorded, and where it is nobody else's."""
    declared: DigestOrNone | None = None
    """The digest of the analysis' declaration that it was trained under, "" where it was under none; None: not recorded."""


@dataclass(frozen=True)
class Plan:
    """One request for seeds that the run did not have in its plan yet."""

    seeds: tuple[Seed, ...]
    when: Text
    """UTC, ISO 8601."""
    complete_before: SeedCount
    """Seeds that were complete when it was made."""
    extends: bool
    """Whether everything planned earlier had finished by then: a look at results was possible before this plan."""


EXEC = "exec"
"""As a source's form: amrobust ran a command for every seed, and read what it printed or wrote."""


@dataclass(frozen=True)
class Source:
    """Where curves come from that amrobust did not train."""

    form: Text
    """The importer's name, "recorder" or "exec"."""
    command: Text
    """The command that makes or imports them again; empty where there is none."""
    path: Text
    files: NotNegative
    """How many files they were read from."""
    sha256: Digest | None
    """Of the names and contents of these files."""
    notes: tuple[Text, ...] = ()
    """What was decided about them, a sentence each."""
    folds: Text | None = None
    """The field of which the seeds are the folds of a cross-validation, where they are."""


@dataclass(frozen=True)
class Session:
    """Provenance of one execution that trained, recorded or imported seeds: where it ran and on what."""

    when: Text
    executor: Text
    jobs: Positive | None
    device: Text
    versions: Mapping[Name, Text]
    platform: Text
    cpu_count: NotNegative
    git_revision: Text | None
    git_dirty: bool | None
    seeds: SeedCount = 0
    """Seeds that it finished."""
    wall_seconds: Seconds = 0.0
    source: Source | None = None
    backend: Text | None = None
    """The array library that computed a convex problem."""
    batching: Literal["none", "stack"] | None = None
    """None where that was not recorded yet."""
    stacks: tuple[tuple[OwnSeed, ...], ...] = ()
    """The seeds that it was to train together, a tuple a stack."""
    company: Mapping[Digest, tuple[OwnSeed, ...]] = field(default_factory=dict)
    """Seeds by the identity of their run, this one's among them, where several runs were trained as one stack."""
    code: Mapping[Name, Text] | None = None
    """Digests of the code of others, as in the facts; None where that was not recorded."""

    @property
    def place(self) -> str:
        """Device and backend, as they are shown."""
        return self.device if self.backend is None else f"{self.backend} on {self.device}"


@dataclass(frozen=True)
class Layout:
    """Seeds that were trained together: each block as one computation, a block of one seed as the reference trains it.

    The layout of a run is provenance. Seeds draw the same random numbers in every layout; their results differ by rounding,
    which training amplifies.
    """

    batching: Literal["none", "stack"] | None
    """None where a run was made before layouts were recorded."""
    blocks: tuple[Block, ...]
    note: str | None = None
    """Why seeds are not stacked although they were to be."""


@dataclass(frozen=True)
class CurvesFile:
    """Name, SHA-256 and length of the file that holds the curves of the complete seeds."""

    file: Name
    sha256: Digest
    bytes: Positive


@dataclass(frozen=True)
class CorrectFile:
    """Name, SHA-256 and length of the file that says which test examples were right (:mod:`amrobust.runs.correct_file`)."""

    file: Name
    sha256: Digest
    bytes: Positive
    metric: Name
    """The accuracy that it is of."""
    examples: Positive


@dataclass(frozen=True)
class Manifest:
    """Everything about a run but its curves."""

    identity: str
    spec: Spec
    facts: RunMetadata
    seeds: Mapping[int, SeedRecord]
    plans: tuple[Plan, ...] = ()
    provenance: tuple[Session, ...] = ()
    curves: CurvesFile | None = None
    record_version: int = RECORD_VERSION
    tuning: Tuning | None = None
    """How the hyperparameters were chosen; None where that was not recorded. No part of the run's identity."""
    correct: CorrectFile | None = None

    @property
    def code(self) -> str | None:
        """The digest of the user's code that the identity covers; None where it covers none."""
        own = source_digest(self.facts.code)
        return own if own and self.identity == identity(self.spec, self.facts, self.record_version) else None

    @property
    def base(self) -> str:
        """The identity without the code: what the versions of one method have in common."""
        return base_identity(self.spec, self.facts, self.record_version)

    @property
    def complete(self) -> tuple[int, ...]:
        """Complete seeds, ascending: the rows of the curves."""
        return self.in_state("complete")

    @property
    def layout(self) -> Layout | None:
        """The layout of the last execution, with every stack of any; None where nothing was executed yet."""
        if not self.provenance:
            return None
        stacks = dict.fromkeys(stack for session in reversed(self.provenance) for stack in session.stacks)
        return Layout(self.provenance[-1].batching, tuple(stacks))

    @property
    def company(self) -> Mapping[str, tuple[int, ...]]:
        """That of the last execution; empty where it had none."""
        return self.provenance[-1].company if self.provenance else {}

    @property
    def wall_seconds(self) -> float:
        """Time spent training, all executions together."""
        return sum(session.wall_seconds for session in self.provenance)

    def in_state(self, state: SeedState) -> tuple[int, ...]:
        """Seeds in ``state``, ascending."""
        return tuple(sorted(seed for seed, record in self.seeds.items() if record.state == state))

    def planned(self, wanted: Iterable[int], when: str) -> Manifest:
        """This manifest with ``wanted`` seeds in its plan; itself where it has them all already."""
        new = [seed for seed in wanted if seed not in self.seeds]
        if not new:
            return self
        open_seeds = self.in_state("planned") + self.in_state("running")
        plan = Plan(tuple(wanted), when, len(self.complete), extends=bool(self.seeds) and not open_seeds)
        seeds = {**self.seeds, **{seed: SeedRecord("planned") for seed in new}}
        return replace(self, seeds=seeds, plans=(*self.plans, plan))

    @property
    def seed_plans(self) -> tuple[int, ...]:
        """Numbers of seeds asked for in order, an interrupted plan merged with the one that took it up."""
        seen: set[int] = set()
        totals: list[int] = []
        for plan in self.plans:
            seen.update(plan.seeds)
            if plan.extends or not totals:
                totals.append(len(seen))
            else:
                totals[-1] = len(seen)
        return tuple(totals)

    def to_json(self) -> bytes:
        """The manifest as indented JSON, sealed with the digest of its own content."""
        content: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "record_version": self.record_version,
            "identity": self.identity,
            "spec": self.spec.to_dict(),
            "facts": _entries(self.facts)
            | {
                "metrics": [_entries(metric) for metric in self.facts.metrics],
                "axis": self.facts.axis and _entries(self.facts.axis),
            },
            "tuning": None if self.tuning is None else asdict(self.tuning),
            "seeds": {str(seed): _entries(self.seeds[seed]) for seed in sorted(self.seeds)},
            "plans": [_entries(plan) for plan in self.plans],
            "provenance": [
                _entries(session) | {"source": session.source and _entries(session.source)}
                for session in self.provenance
            ],
            "wall_seconds": self.wall_seconds,
            "curves": self.curves and _entries(self.curves),
            "correct": self.correct and _entries(self.correct),
        }
        content["checksum"] = content_digest(content)
        return (json.dumps(content, indent=2, ensure_ascii=True, allow_nan=False) + "\n").encode()


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind))


def _entries(record: Any) -> dict[str, Any]:
    """The fields of a dataclass. Not asdict, which copies every value: a grid commits a hundred thousand manifests.

    Nor vars: of a field that was not there when it was read, the default is the class's.
    """
    return {name: getattr(record, name) for name in _names(record.__class__)}


def identity(spec: Spec, facts: RunMetadata, record_version: int = RECORD_VERSION) -> str:
    """SHA-256 of what makes two runs the same one: :func:`base_identity`, and the sources of the user's code.

    Where there are none, or they cannot be had, it is the former alone; so it is of every run that was recorded before
    identities covered code.
    """
    base, code = base_identity(spec, facts, record_version), source_digest(facts.code)
    return base if code is None else content_digest({"run": base, "code": code})


def base_identity(spec: Spec, facts: RunMetadata, record_version: int = RECORD_VERSION) -> str:
    """SHA-256 of the spec, the starting point, the data and the record version."""
    return content_digest(
        {
            "spec": spec.identity(),
            "x0": facts.x0_digest,
            "data": facts.data_digest,
            "record_version": record_version,
        }
    )
