"""Every reader of bytes that come from outside, as a function that must end well or in a clean error; and valid inputs.

A clean error is a UserError, a RunError or a CorruptRun: anything else is a fault of the reader.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import foreign
import fuzz_inputs as inputs
import fuzz_runs as own
from fuzz_logs import (
    database,
    imported,
    in_folder,
    inside,
    one_array,
    one_file,
    parquet_sample,
    read_as,
    read_text,
)

from amrobust.errors import AmrobustError
from amrobust.runs.validators import CorruptRun

CLEAN = (AmrobustError, CorruptRun)
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


NUMBERS = ("nan", "inf", "1e999", "-1", "0", "99999999999999999999", "1_0", "0x1", "١")

TARGETS: dict[str, Target] = {
    "manifest": Target(own.manifest, lambda scratch: [(own.run(scratch).path / "manifest.json").read_bytes()], NUMBERS),
    "sealed-manifest": Target(
        own.sealed_manifest, lambda scratch: [(own.run(scratch).path / "manifest.json").read_bytes()],
        ("null", "true", "[]", "{}", "1e400", '"complete"', "../x", *NUMBERS), structured=True,
    ),
    "tuning": Target(
        own.tuning_file, own.tuning_file_sample,
        ("null", "[]", "{}", "1e400", '"higher"', "searched", *NUMBERS), structured=True
    ),
    "index": Target(own.index, own.index_sample, ("null", "[]", "{}", "../x"), structured=True),
    "curves": Target(own.curves, own.curves_samples, ("PAR1",)),
    "checkpoint": Target(own.checkpoint, own.checkpoint_samples, ("PK\x03\x04", "cos\nsystem\n")),
    "analysis": Target(
        from_file("a.toml", inputs.analysis),
        lambda _: [path.read_bytes() for path in sorted((REPOSITORY / "analyses").glob("*.toml"))],
        ("[[claims]]", "[[methods]]", "kind = ", "opt = ", "looks = ", "[", "]", "{", "= 1979-05-27", *NUMBERS),
    ),
    "claims": Target(
        from_file("c.toml", inputs.claims), lambda _: [inputs.CLAIMS], ("parts = ", "[[claims]]", "[", "{", *NUMBERS)
    ),
    "specs": Target(
        from_file("s.toml", inputs.spec_file), lambda _: [inputs.SPEC], ("opt", "grid", "x0s", "[", "{", *NUMBERS)
    ),
    "tables": Target(
        from_file("t.toml", inputs.tables), lambda _: [inputs.TABLES], ("rows", "seeds = ", "n = ", "[", "{", *NUMBERS)
    ),
    "selection": Target(
        inputs.selection,
        lambda _: [b"am1[m=5,lr=0.1]\nepochs=3", b"sgd", b"am2[momentum=0.5,0.9]\nsigma=2,3\niterations=40"],
        ("m=", "lr=", "momentum=", "weight_decay=", "\nepochs=", "\nsigma=", "\ndata=", "\nrecord_every=", *NUMBERS),
    ),
    "counts": Target(inputs.counts, lambda _: [b"5,10,20"], NUMBERS),
    "libsvm": Target(
        from_file("data.txt", inputs.libsvm), lambda _: [b"1 1:0.5 3:2 # c\n-1 2:1e3\n", b"+1 qid:3 1:1\n0 1:2\n"],
        (":", "#", "qid:", " 4294967295:1", " 100000000:1", *NUMBERS),
    ),
    "idx": Target(
        inputs.idx,
        lambda _: [struct.pack(">4B3I", 0, 0, 8, 3, 2, 2, 2) + bytes(8), struct.pack(">4BI", 0, 0, 8, 1, 5) + bytes(5)],
    ),
    "cifar": Target(inputs.cifar, lambda _: [bytes(3073 * 2), bytes(3074)]),
    "words": Target(inputs.words, lambda _: [b" a b <unk> c \n d e N \n"], ("\n", "\x85", "\u2028")),
    "csv": Target(
        from_file("results.csv", read_as("csv")), one_file(in_folder(lambda root: foreign.tidy_csv(root / "r.csv")), "*"),
        (",", ";", "\t", '"', "\n", "\r", "seed", "step", "method", "metric", "value", "\x00", *NUMBERS),
    ),
    "json": Target(
        from_file("results.json", read_as("json")), lambda _: [b'[{"method": "a", "seed": 0, "epoch": 1, "acc": 0.5}]'],
        ("null", "[]", "{}", "1e400", "NaN", "seed", "step", "value", *NUMBERS), structured=True,
    ),
    "parquet": Target(from_file("results.parquet", read_as("parquet")), parquet_sample, ("PAR1",)),
    "npz": Target(
        from_file("results.npz", read_as("npz")), one_file(in_folder(lambda root: foreign.npz(root / "r.npz")), "*"),
        ("PK\x03\x04", "'descr': '|O'", "'shape': (999999999,)"),
    ),
    "npy": Target(
        from_file("sgd_seed0.npy", read_as("npz")), lambda _: [one_array()], ("'descr': '|O'", "'shape': (999999999,)", "True"),
    ),
    "monitor": Target(
        from_file("ppo_seed0/monitor.csv", read_as("sb3")),
        lambda _: [b'#{"t_start": 1.5, "env_id": "A"}\nr,l,t\n-5,10,1\n-4,20,3\n'],
        ("#{", "}", "\n", ",", "t_start", "r,l,t", "1e400", *NUMBERS),
    ),
    "text": Target(
        from_file("sgd-seed0.log", read_text), lambda _: [b"start\nstep 1 val 0.5\rstep 2 val 0.4\nstep 3 val nan\n"],
        ("step ", " val ", "\n", "\r", "\x0b", "\u2028", *NUMBERS),
    ),
    "export": Target(
        from_file("export.csv", read_as("csv")),
        lambda _: [b'method,seed,step,value,better,unit,hyperparameters\na,0,1,2,lower,s,"{""lr"": 0.1}"\n'],
        (",", '"', "lower", "higher", "{", "[", "null", "1e400", "{}", *NUMBERS),
    ),
    "table-of-means": Target(
        from_file("t.csv", lambda path: inputs.tables(path, "accuracy")),
        lambda _: [b"method,mean,std,n\na,91.2,0.4,5\nb,92,0.1,5\n"],
        (",", "\n", '"', "mean", "std", "n", *NUMBERS),
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
