"""Every reader of bytes that come from outside, as a function that must end well or in a clean error; and valid inputs.

A clean error is a UserError, a RunError or a Broken: anything else is a fault of the reader.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import foreign
from fuzz_logs import database, imported, in_folder, inside, one_file, parquet_sample, read_as
from made_up_runs import Trainer, describe, outcome, spec
from made_up_tunings import tuning
from strangers import seal

from amrobust.errors import AmrobustError
from amrobust.runs import execute
from amrobust.runs.entries import Broken

CLEAN = (AmrobustError, Broken)
REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Target:
    """A reader: ``read(data, scratch)`` reads ``data``, for which it may write files in the folder ``scratch``."""

    read: Callable[[bytes, Path], object]
    samples: Callable[[Path], list[bytes]]
    """Valid inputs, made in a folder of their own."""
    tokens: tuple[str, ...] = ()
    """Words of the format, which mutations put in."""
    structured: bool = False
    """Whether inputs are JSON, mutated as such too."""


def attempt(target: Target, data: bytes, scratch: Path) -> bool:
    """Whether ``data`` was read; False after a clean error."""
    try:
        target.read(data, scratch)
    except CLEAN:
        return False
    return True


def from_file(name: str, reader: Callable[[Path], object]) -> Callable[[bytes, Path], object]:
    """``reader`` on a file called ``name`` that holds the bytes."""

    def read(data: bytes, scratch: Path) -> object:
        path = scratch / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return reader(path)

    return read


# --- runs


@cache
def _run(scratch: Path):
    return execute(spec(), range(3), scratch / "sample", train=Trainer(), describe=describe, tuning=tuning())


def _manifest(data: bytes, scratch: Path) -> object:
    from amrobust.runs.load import command_of
    from amrobust.runs.validate import parse_manifest

    found = parse_manifest(data)
    assert parse_manifest(found.to_json()) == found
    return command_of(found)


def _sealed_manifest(data: bytes, scratch: Path) -> object:
    """As a stranger would write it: the checksum fits, and the identity where there is enough to make it from."""
    from amrobust.runs.manifest import identity
    from amrobust.runs.validate import _facts, _spec

    try:
        content = json.loads(data)
        if isinstance(content, dict):
            with suppress(Broken, LookupError):
                content["identity"] = identity(_spec(content["spec"], ""), _facts(content["facts"], ""))
            seal(scratch / "sealed.json", content)
            data = (scratch / "sealed.json").read_bytes()
    except (ValueError, RecursionError):
        pass
    return _manifest(data, scratch)


def _tuning(data: bytes, scratch: Path) -> object:
    """As a stranger would write it: with a checksum that fits."""
    from amrobust.experiments.spec import content_digest
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


def _tuning_sample(scratch: Path) -> list[bytes]:
    from amrobust.runs.tuning_record import TunedMethod, TuningFile, write_tuning

    methods = (
        TunedMethod("am1", {"lr": 0.1, "m": 5}, tuning()),
        TunedMethod("sgd", {"lr": 0.1}, tuning((1.0,), searched={})),
    )
    write_tuning(scratch / "t.json", TuningFile("digits", {"epochs": 4}, methods))
    return [(scratch / "t.json").read_bytes()]


def _index(data: bytes, scratch: Path) -> object:
    from amrobust.runs.summary import INDEX, Index

    path = _run(scratch).path
    (path.parent / INDEX).write_bytes(data)
    try:
        found = Index.read(path.parent)
        return found.get(path)
    finally:
        (path.parent / INDEX).unlink()


def _index_sample(scratch: Path) -> list[bytes]:
    from amrobust.runs import summary

    path = _run(scratch).path
    index = summary.Index(path.parent, {})
    index.get(path)
    return [json.dumps({"version": summary.INDEX_VERSION, "runs": index.current}).encode()]


def _curves(data: bytes, scratch: Path) -> object:
    from amrobust.runs.curves import decode

    return decode(data, (0, 1, 2), describe(spec()))


def _curves_samples(scratch: Path) -> list[bytes]:
    from amrobust.runs.curves import encode

    facts = describe(spec())
    return [
        encode({seed: outcome(seed).curves for seed in seeds}, replace(facts, outputs=outputs))
        for seeds in ((0, 1, 2), (0, 1))
        for outputs in (facts.outputs, facts.outputs[:1])
    ]


def _checkpoint(data: bytes, scratch: Path) -> object:
    import hashlib

    from amrobust.experiments.checkpoint import Checkpoint

    checkpoint = Checkpoint(scratch / "seed-0.pt", "key")
    checkpoint.path.write_bytes(hashlib.sha256(data).hexdigest().encode() + b"\n" + data)
    return checkpoint.load()


def _checkpoint_samples(scratch: Path) -> list[bytes]:
    import torch

    buffer = io.BytesIO()
    torch.save({"key": "key", "state": {"x": torch.ones(3), "texts": ["a"], "number": 1.5}}, buffer)
    return [buffer.getvalue()]


# --- what users write down


def _analysis(path: Path) -> object:
    from amrobust.claims.analysis import load_analysis
    from amrobust.experiments import make_spec

    analysis = load_analysis(str(path))
    return [
        make_spec(
            analysis.workload, training.optimizer, setting.workload_params, training.hyperparameters,
            root_seed=analysis.root_seed,
        )
        for setting in analysis.settings
        for training in analysis.trainings
    ]  # fmt: skip


def _claims(path: Path) -> object:
    from amrobust.claims.declared import load_claims

    return load_claims(path)


CLAIMS = b"""
metric = "test_accuracy"
baseline = "msgd"
question = "Is it?"
[[claims]]
kind = "less Avg. STD"
method = "am1[m=5]/II"
epochs = [1, 3]
[[claims]]
kind = "equivalent mean"
method = "am1[m=5]/II"
margin = 0.5
[[claims]]
kind = "trend"
methods = ["a", "b", "c"]
rising = true
[[claims]]
kind = "composite"
method = "a"
[[claims.parts]]
kind = "less spread"
[[claims.parts]]
kind = "better mean"
"""


def _tables(path: Path) -> object:
    from amrobust.claims.published import judge_tables, load_tables
    from amrobust.report import render

    return render(judge_tables(load_tables(path), margin=0.5), "table")


TABLES = b"""
[one]
metric = "test accuracy"
unit = "percent"
seeds = 5
epochs = 90
[[one.rows]]
method = "M-SGD"
final_mean = 71.2
final_std = 0.12
avg_std = 0.4
[[one.rows]]
method = "AM1-SGD"
option = "II"
m = 5
n = 6
final_mean = 71.3
final_std = 0.08
"""


def _selection(data: bytes, scratch: Path) -> object:
    """A method as it is typed after --opt, and a workload's parameters after --param."""
    from amrobust.cli.requests import NAMED, specs_asked

    text, *params = data.decode("utf-8", "surrogateescape").split("\n")
    made = []
    for workload in ("digits", "logistic"):
        asked = {"opts": (text,), "params": params, "workload": workload, **dict.fromkeys(NAMED)}
        found = specs_asked({**asked, "root_seed": 0, "x0": 0, "x0s": 1, "paired": False, "vary": None})
        json.dumps([spec.to_dict() for spec in found], allow_nan=False)
        made.append(found)
    return made


def _spec_file(path: Path) -> object:
    from amrobust.experiments.requests import load_request

    return load_request(path)


SPEC = b"""
workload = "digits"
seeds = 5
methods = [{ opt = "msgd" }, { opt = "am1", m = [3, 5] }]
[grid]
batch_size = [16, 32]
"""


def _counts(data: bytes, scratch: Path) -> object:
    from amrobust.cli.parameters import parse_counts

    return parse_counts(data.decode("utf-8", "surrogateescape"))


# --- data sets


def _libsvm(path: Path) -> object:
    from amrobust.workloads.samples import _libsvm

    return _libsvm(str(path), str(path), path.stat().st_size)


def _idx(data: bytes, scratch: Path) -> object:
    from amrobust.workloads.formats import idx

    return [idx.parse(data, "x", axes) for axes in (1, 3)]


def _cifar(data: bytes, scratch: Path) -> object:
    from amrobust.workloads.formats import cifar

    return cifar.parse(data, "x", 1, 10), cifar.parse(data, "x", 2, 100)


def _words(data: bytes, scratch: Path) -> object:
    from amrobust.workloads.formats import text

    return text.parse([("x", data)])


NUMBERS = ("nan", "inf", "1e999", "-1", "0", "99999999999999999999", "1_0", "0x1", "١")

TARGETS: dict[str, Target] = {
    "manifest": Target(_manifest, lambda scratch: [(_run(scratch).path / "manifest.json").read_bytes()], NUMBERS),
    "sealed-manifest": Target(
        _sealed_manifest, lambda scratch: [(_run(scratch).path / "manifest.json").read_bytes()],
        ("null", "true", "[]", "{}", "1e400", '"complete"', "../x", *NUMBERS), structured=True,
    ),
    "tuning": Target(
        _tuning, _tuning_sample, ("null", "[]", "{}", "1e400", '"higher"', "searched", *NUMBERS), structured=True
    ),
    "index": Target(_index, _index_sample, ("null", "[]", "{}", "../x"), structured=True),
    "curves": Target(_curves, _curves_samples, ("PAR1",)),
    "checkpoint": Target(_checkpoint, _checkpoint_samples, ("PK\x03\x04", "cos\nsystem\n")),
    "analysis": Target(
        from_file("a.toml", _analysis),
        lambda _: [path.read_bytes() for path in sorted((REPOSITORY / "analyses").glob("*.toml"))],
        ("[[claims]]", "[[methods]]", "kind = ", "opt = ", "looks = ", "[", "]", "{", "= 1979-05-27", *NUMBERS),
    ),
    "claims": Target(from_file("c.toml", _claims), lambda _: [CLAIMS], ("parts = ", "[[claims]]", "[", "{", *NUMBERS)),
    "specs": Target(from_file("s.toml", _spec_file), lambda _: [SPEC], ("opt", "grid", "x0s", "[", "{", *NUMBERS)),
    "tables": Target(from_file("t.toml", _tables), lambda _: [TABLES], ("rows", "seeds = ", "n = ", "[", "{", *NUMBERS)),
    "selection": Target(
        _selection, lambda _: [b"am1[m=5,lr=0.1]\nepochs=3", b"sgd", b"am2[momentum=0.5,0.9]\nsigma=2,3\niterations=40"],
        ("m=", "lr=", "momentum=", "weight_decay=", "\nepochs=", "\nsigma=", "\ndata=", "\nrecord_every=", *NUMBERS),
    ),
    "counts": Target(_counts, lambda _: [b"5,10,20"], NUMBERS),
    "libsvm": Target(
        from_file("data.txt", _libsvm), lambda _: [b"1 1:0.5 3:2 # c\n-1 2:1e3\n", b"+1 qid:3 1:1\n0 1:2\n"],
        (":", "#", "qid:", " 4294967295:1", " 100000000:1", *NUMBERS),
    ),
    "idx": Target(
        _idx,
        lambda _: [struct.pack(">4B3I", 0, 0, 8, 3, 2, 2, 2) + bytes(8), struct.pack(">4BI", 0, 0, 8, 1, 5) + bytes(5)],
    ),
    "cifar": Target(_cifar, lambda _: [bytes(3073 * 2), bytes(3074)]),
    "words": Target(_words, lambda _: [b" a b <unk> c \n d e N \n"], ("\n", "\x85", "\u2028")),
    "csv": Target(
        from_file("results.csv", read_as("csv")), one_file(in_folder(lambda root: foreign.tidy_csv(root / "r.csv")), "*"),
        (",", ";", "\t", '"', "\n", "\r", "seed", "step", "method", "metric", "value", "\x00", *NUMBERS),
    ),
    "parquet": Target(from_file("results.parquet", read_as("parquet")), parquet_sample, ("PAR1",)),
    "npz": Target(
        from_file("results.npz", read_as("npz")), one_file(in_folder(lambda root: foreign.npz(root / "r.npz")), "*"),
        ("PK\x03\x04", "'descr': '|O'", "'shape': (999999999,)"),
    ),
    "tensorboard": Target(
        inside(in_folder(lambda root: foreign.tensorboard(root / "logs")), "events*", "tensorboard"),
        one_file(in_folder(lambda root: foreign.tensorboard(root / "logs")), "events*"),
    ),
    "wandb": Target(
        inside(in_folder(lambda root: foreign.wandb(root / "wandb")), "*.wandb", "wandb"),
        one_file(in_folder(lambda root: foreign.wandb(root / "wandb")), "*.wandb"),
    ),
    "sacred": Target(
        inside(in_folder(lambda root: foreign.sacred(root / "sacred")), "metrics.json", "sacred"),
        one_file(in_folder(lambda root: foreign.sacred(root / "sacred")), "metrics.json"),
        ("null", "[]", "{}", *NUMBERS), structured=True,
    ),
    "sacred-config": Target(
        inside(in_folder(lambda root: foreign.sacred(root / "sacred")), "config.json", "sacred"),
        one_file(in_folder(lambda root: foreign.sacred(root / "sacred")), "config.json"),
        ("null", "[]", "{}", *NUMBERS), structured=True,
    ),
    "mlflow-meta": Target(
        inside(in_folder(lambda root: foreign.mlflow_files(root / "mlruns")), "meta.yaml", "mlflow"),
        one_file(in_folder(lambda root: foreign.mlflow_files(root / "mlruns")), "meta.yaml"),
        ("&a", "*a", "!!python/object:os.system", "<<:", "- ", "{", "[", ": ", *NUMBERS),
    ),
    "mlflow-metric": Target(
        inside(in_folder(lambda root: foreign.mlflow_files(root / "mlruns")), "metrics/*", "mlflow"),
        one_file(in_folder(lambda root: foreign.mlflow_files(root / "mlruns")), "metrics/*"), NUMBERS,
    ),
    "mlflow-database": Target(
        database, one_file(in_folder(lambda root: foreign.mlflow_database(root / "mlflow.db")), "*"),
        ("SELECT", "CREATE TABLE", "metrics", "VIEW"),
    ),
    "lightning": Target(
        inside(in_folder(lambda root: foreign.lightning(root / "lightning_logs")), "metrics.csv", "lightning"),
        one_file(in_folder(lambda root: foreign.lightning(root / "lightning_logs")), "metrics.csv"),
        (",", "\n", '"', "epoch", "step", *NUMBERS),
    ),
    "lightning-hparams": Target(
        inside(in_folder(lambda root: foreign.lightning(root / "lightning_logs")), "hparams.yaml", "lightning"),
        one_file(in_folder(lambda root: foreign.lightning(root / "lightning_logs")), "hparams.yaml"),
        ("&a", "*a", "!!python/object:os.system", "{", "[", *NUMBERS),
    ),
    "detected": Target(from_file("something", imported), lambda _: [b"method,seed,step,value\na,0,1,2\n", b"PAR1", b"PK"]),
}  # fmt: skip
