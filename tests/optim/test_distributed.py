"""Two processes over gloo: each check of ``two_processes`` passes in both."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

HELPERS = Path(__file__).parents[1] / "helpers"

pytestmark = pytest.mark.skipif(
    not (torch.distributed.is_available() and torch.distributed.is_gloo_available()),
    reason="torch without gloo",
)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    environment = os.environ | {"PYTHONPATH": str(HELPERS), "OMP_NUM_THREADS": "1"}
    processes = [
        subprocess.Popen(
            [sys.executable, str(HELPERS / "two_processes.py"), str(rank), str(folder)],
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for rank in range(2)
    ]
    try:
        errors = [process.communicate(timeout=240)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], "\n".join(errors)
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(2)]


EVERY = ["am1", "am2", "aggmo", "qhm", "hybrid"]
CHECKS = {
    "data_parallel": EVERY,
    "fully_sharded": EVERY,
    "fully_sharded_decoupled": ["am1"],
    "sharded_checkpoint": EVERY,
    "flat_sharded": ["am1", "qhm"],
    "common_seed": ["am2"],
}


@pytest.mark.parametrize("check", [f"{check}-{name}" for check, names in CHECKS.items() for name in names])
def test_training_in_two_processes_is_that_in_one(results, check):
    for result in results:
        assert not result[check], result[check]
