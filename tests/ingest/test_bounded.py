"""Small files that unpack to much, or never end, are refused in one line, within a bound on memory that the system keeps."""

import os
import subprocess
import sys
import zipfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

MOST_KB = 3_000_000
"""Virtual memory, of which the libraries that read Parquet reserve nearly half without touching it."""


def table(method, rows):
    seeds = pa.array(np.arange(rows) % 5)
    return pa.table(
        {
            "method": method,
            "seed": seeds,
            "epoch": pa.array(np.arange(rows) // 5),
            "acc": pa.array(np.zeros(rows)),
        }
    )


def sparse(path):
    with path.open("wb") as file:
        file.truncate(20_000_000_000)


def a_long_text_in_a_dictionary(path):
    rows = 200_000
    method = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array(["x" * 10_000_000]))
    pq.write_table(table(method, rows), path, compression="zstd")


def many_groups_of_rows(path):
    part = table(pa.array(["a"] * 1_000_000), 1_000_000)
    with pq.ParquetWriter(path, part.schema, compression="zstd") as writer:
        for _ in range(80):
            writer.write_table(part)


def a_list_in_a_cell(path):
    pq.write_table(
        pa.table({"method": ["a"], "acc": pa.array([np.zeros(50_000_000)])}), path, compression="zstd"
    )


def zeros_in_an_archive(path):
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (5, 200000000), }"
    content = b"\x93NUMPY\x01\x00v\x00" + header.ljust(117) + b"\n"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("sgd.npy", "w", force_zip64=True) as file,
    ):
        file.write(content)
        for _ in range(100):
            file.write(bytes(10_000_000))


def more_numbers_than_there_are(path):
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 5), }"
    path.write_bytes(b"\x93NUMPY\x01\x00v\x00" + header.ljust(117) + b"\n" + bytes(80))


def aliases(path):
    path.mkdir()
    names = "abcdefghijklmnopqrst"
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{name}: &{name} [{', '.join([f'*{last}'] * 9)}]" for last, name in pairwise(names)]
    (path / "hparams.yaml").write_text("\n".join(lines))
    (path / "metrics.csv").write_text("epoch,val_acc\n0,0.5\n1,0.6\n")


def depths(path):
    path.write_text('{"a":' * 100_000 + "1" + "}" * 100_000)


@pytest.mark.skipif(sys.platform != "linux", reason="ulimit -v")
@pytest.mark.parametrize(
    ("make", "name"),
    [
        (sparse, "a.csv"), (sparse, "a.json"), (sparse, "a.jsonl"), (sparse, "a.npy"), (sparse, "a.parquet"),
        (a_long_text_in_a_dictionary, "a.parquet"), (many_groups_of_rows, "a.parquet"), (a_list_in_a_cell, "a.parquet"),
        (zeros_in_an_archive, "a.npz"), (more_numbers_than_there_are, "a.npy"), (aliases, "logs"), (depths, "a.json"),
        (depths, "a.jsonl"),
    ],
)  # fmt: skip
def test_what_unpacks_to_more_than_memory_is_one_line(tmp_path: Path, make, name) -> None:
    make(tmp_path / name)
    command = [sys.executable, "-c", "from amrobust.cli import main; main()", "compare", str(tmp_path / name)]
    script = f'ulimit -v {MOST_KB}; exec "$@"'
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        ["bash", "-c", script, "bash", *command],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env=environment,
    )
    assert done.returncode == 2, done.stderr
    (line,) = (line for line in done.stderr.splitlines() if not line.startswith("read: "))
    assert line.startswith("Error: ")
    assert "unexpected" not in line
    assert "memory" not in line
