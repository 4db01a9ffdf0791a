"""Reading curves starts no thread of Arrow's, which could still hold a Python buffer when the interpreter ends."""

import subprocess
import sys
from pathlib import Path

import pytest
from made_up_runs import Trainer, describe, spec

from amrobust.train.engine import execute

PROGRAM = """
import os, sys
from pathlib import Path
from amrobust.ingest.load import load_arms
import pyarrow.parquet
before = len(os.listdir("/proc/self/task"))
arms, problems = load_arms([Path(sys.argv[1])])
assert arms and not problems, problems
print(len(os.listdir("/proc/self/task")) - before)
"""


@pytest.mark.skipif(
    not Path("/proc/self/task").is_dir(), reason="counts a process's threads by Linux's /proc"
)
def test_no_thread_stays_behind(tmp_path):
    execute(spec(), range(4), tmp_path, train=Trainer(), describe=describe)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        capture_output=True, text=True, check=True, timeout=240,
    )  # fmt: skip
    assert int(done.stdout) == 0
