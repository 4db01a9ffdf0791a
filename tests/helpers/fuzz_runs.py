"""Readers of what amrobust itself writes, for the fuzz targets: manifests, curves, tunings, the index, checkpoints."""

from __future__ import annotations

import io
import json
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

from made_up_runs import Trainer, describe, outcome, spec
from made_up_tunings import tuning
from strangers import seal

from amrobust.runs.validators import CorruptRun
from amrobust.train.engine import execute


@cache
def run(scratch: Path):
    return execute(spec(), range(3), scratch / "sample", train=Trainer(), describe=describe, tuning=tuning())


def manifest(data: bytes, scratch: Path) -> object:
    from amrobust.runs.provenance import command_of
    from amrobust.runs.validate import parse_manifest

    found = parse_manifest(data)
    assert parse_manifest(found.to_json()) == found
    return command_of(found)


def sealed_manifest(data: bytes, scratch: Path) -> object:
    """As a stranger would write it: the checksum fits, and the identity where there is enough to make it from."""
    from amrobust.runs.manifest import RunMetadata, identity
    from amrobust.runs.spec import Spec
    from amrobust.runs.validators import converted

    try:
        content = json.loads(data)
        if isinstance(content, dict):
            with suppress(CorruptRun, LookupError):
                of = (
                    converted(content["spec"], Spec, "spec"),
                    converted(content["facts"], RunMetadata, "facts"),
                )
                content["identity"] = identity(*of)
            seal(scratch / "sealed.json", content)
            data = (scratch / "sealed.json").read_bytes()
    except (ValueError, RecursionError):
        pass
    return manifest(data, scratch)


def tuning_file(data: bytes, scratch: Path) -> object:
    """As a stranger would write it: with a checksum that fits."""
    from amrobust.runs.spec import content_digest
    from amrobust.runs.tuning_record import read_tuning, write_tuning

    path = scratch / "tuning.json"
    try:
        content = json.loads(data)
        if isinstance(content, dict):
            content = {key: value for key, value in content.items() if key != "checksum"}
            data = json.dumps(content | {"checksum": content_digest(content)}).encode()
    except (ValueError, RecursionError):
        pass
    path.write_bytes(data)
    found = read_tuning(path)
    write_tuning(path, found)
    assert read_tuning(path) == found
    return [method.tuning.at_edge for method in found.methods]


def tuning_file_sample(scratch: Path) -> list[bytes]:
    from amrobust.runs.tuning_record import TunedMethod, TuningFile, write_tuning

    methods = (
        TunedMethod("am1", {"lr": 0.1, "m": 5}, tuning()),
        TunedMethod("sgd", {"lr": 0.1}, tuning((1.0,), searched={})),
    )
    write_tuning(scratch / "t.json", TuningFile("digits", {"epochs": 4}, methods))
    return [(scratch / "t.json").read_bytes()]


def index(data: bytes, scratch: Path) -> object:
    from amrobust.runs.summary import INDEX, Index

    path = run(scratch).path
    (path.parent / INDEX).write_bytes(data)
    try:
        found = Index.read(path.parent)
        return found.get(path)
    finally:
        (path.parent / INDEX).unlink()


def index_sample(scratch: Path) -> list[bytes]:
    from amrobust.runs import summary

    path = run(scratch).path
    index = summary.Index(path.parent, {})
    index.get(path)
    return [json.dumps({"version": summary.INDEX_VERSION, "runs": index.current}).encode()]


def curves(data: bytes, scratch: Path) -> object:
    from amrobust.runs.curves import decode

    return decode(data, (0, 1, 2), describe(spec()))


def curves_samples(scratch: Path) -> list[bytes]:
    from amrobust.runs.curves import encode

    facts = describe(spec())
    return [
        encode({seed: outcome(seed).curves for seed in seeds}, replace(facts, outputs=outputs))
        for seeds in ((0, 1, 2), (0, 1))
        for outputs in (facts.outputs, facts.outputs[:1])
    ]


def checkpoint(data: bytes, scratch: Path) -> object:
    import hashlib

    from amrobust.train.checkpoint import Checkpoint

    checkpoint = Checkpoint(scratch / "seed-0.pt", "key")
    checkpoint.path.write_bytes(hashlib.sha256(data).hexdigest().encode() + b"\n" + data)
    return checkpoint.load()


def checkpoint_samples(scratch: Path) -> list[bytes]:
    import torch

    buffer = io.BytesIO()
    torch.save({"key": "key", "state": {"x": torch.ones(3), "texts": ["a"], "number": 1.5}}, buffer)
    return [buffer.getvalue()]
