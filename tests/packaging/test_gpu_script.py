"""benchmarks/gpu.sh at toy size on the CPU: every part measures something, and what does not fit is skipped and said."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "gpu.sh"

pytestmark = pytest.mark.slow


def ran(*arguments, folder=None):
    environment = os.environ | {"PYTHON": sys.executable, "CUDA_VISIBLE_DEVICES": ""} | (folder or {})
    return subprocess.run(
        ["bash", SCRIPT, *arguments], capture_output=True, text=True, env=environment, check=False
    )


def test_every_part_measures_something(tmp_path):
    done = ran("--toy", "--seconds", "500", folder={"OUT": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "gpu.json").read_text())
    assert {name: part["state"] for name, part in found["parts"].items()} == dict.fromkeys(
        ("steps", "seeds", "images", "table1"), "done"
    )
    measured = {name: part["measured"] for name, part in found["parts"].items()}
    assert {row["form"] for row in measured["steps"]} >= {"torch Nesterov fused", "AM1 fused"}
    assert {(row["seeds"], row["way"]) for row in measured["seeds"]} >= {(1, "one stack"), (4, "one stack")}
    assert all(row["rate"] > 0 for row in measured["seeds"])
    assert all(0 < row["share_of_matrix_rate"] < 2 for row in measured["images"])
    (verdicts,) = (row["text"] for row in measured["table1"] if row.get("command") == "compare")
    assert "measured=recomputed" in verdicts
    assert (tmp_path / "table1.csv").stat().st_size > 1_000
    assert done.stdout == (tmp_path / "gpu.txt").read_text() + "\n"
    assert {path.name for path in tmp_path.iterdir()} == {"gpu.json", "gpu.txt", "table1.csv"}


def test_what_does_not_fit_is_skipped_and_said(tmp_path):
    done = ran(tmp_path, "--toy", "--seconds", "4")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(": skipped: ") == 4


def test_without_a_device_it_says_what_can_be_run(tmp_path):
    done = ran(tmp_path)
    assert done.returncode == 1
    assert "there is no CUDA device here: --toy" in done.stderr
