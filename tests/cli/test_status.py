"""``amrobust status``: what is finished, under way, failed and missing."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner
from made_up_runs import Trainer, describe, spec

from amrobust.cli import main
from amrobust.errors import RunError
from amrobust.runs.lock import LOCK
from amrobust.train.engine import execute
from amrobust.train.progress import progress_in, progress_of
from amrobust.train.unit import SeedOutcome

HOLD = "import filelock, sys; lock = filelock.FileLock(sys.argv[1]).acquire(); print('held', flush=True); input()"
QUICK = ("--workload", "logistic", "--iterations", 20)


def amrobust(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def fail(seed):
    return SeedOutcome(seed, error="no room")


def test_every_state_of_what_is_asked_for(tmp_path):
    whole, part, new = (spec(hyperparameters={"lr": 0.1, "m": m}) for m in (1, 2, 3))
    execute(whole, range(5), tmp_path, train=Trainer(), describe=describe)
    execute(part, range(3), tmp_path, train=Trainer(), describe=describe)
    found, problems = progress_of([whole, part, new], 5, tmp_path)
    assert not problems
    assert [row.state for row in found] == ["finished", "to do", "to do"]
    assert [(row.complete, row.missing) for row in found] == [(5, 0), (3, 2), (0, 5)]
    assert [row.path is None for row in found] == [False, False, True]
    assert [name for name, _, _ in found[0].finals] == ["am1[m=1]/I", "am1[m=1]/II"]


def test_only_the_seeds_asked_for_count(tmp_path):
    execute(spec(), range(8), tmp_path, train=Trainer(), describe=describe)
    (row,), _ = progress_of([spec()], 2, tmp_path)
    assert (row.wanted, row.complete, row.state) == (2, 2, "finished")


def test_failures_are_told_from_what_is_missing(tmp_path):
    with pytest.raises(RunError):
        execute(spec(), range(4), tmp_path, train=Trainer(special={1: fail}), describe=describe)
    (row,), _ = progress_in([tmp_path])
    assert (row.complete, row.failed, row.missing) == (3, 1, 0)
    assert row.state == "failed"


def test_seeds_run_only_while_a_process_holds_the_run(tmp_path):
    run = execute(spec(), range(2), tmp_path, train=Trainer(), describe=describe)
    manifest = run.path / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"state": "complete"', '"state": "running"', 1))
    data = json.loads(manifest.read_text())
    (left,) = [seed for seed, record in data["seeds"].items() if record["state"] == "running"]
    assert left == "0"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(run.path / LOCK)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout.readline() == "held\n"
        from amrobust.train import progress

        assert progress._held(run.path)
    finally:
        holder.communicate()
    assert not progress._held(run.path)


class TestTheCommand:
    def test_it_shows_what_has_not_begun_too(self, tmp_path):
        assert amrobust("run", "--opt", "msgd", *QUICK, "--seeds", 3, "--runs-dir", tmp_path).exit_code == 0
        done = amrobust(
            "status", "--opt", "msgd", "--opt", "am1[m=5,10]", *QUICK, "--seeds", 4, "--runs-dir", tmp_path
        )
        assert done.exit_code == 0
        assert "0 of 3 runs are finished; 3 of 12 seeds are complete, 9 missing" in done.stdout
        found = [line.split()[0] for line in done.stdout.splitlines() if "to do" in line]
        assert found == ["msgd", "am1[m=5]/I", "am1[m=5]/II", "am1[m=10]/I", "am1[m=10]/II"]

    def test_without_a_request_it_shows_the_directory_as_json(self, tmp_path):
        amrobust("run", "--opt", "msgd", *QUICK, "--seeds", 3, "--runs-dir", tmp_path)
        data = json.loads(amrobust("status", "--runs-dir", tmp_path, "--format", "json").stdout)
        assert data["seeds"] == {
            "wanted": 3,
            "complete": 3,
            "running": 0,
            "pending": 0,
            "failed": 0,
            "missing": 0,
        }
        assert data["runs"][0]["state"] == "finished"
        assert data["runs"][0]["outputs"]["msgd"]["final_std"] > 0

    def test_an_empty_directory_is_no_error_where_runs_are_asked_for(self, tmp_path):
        done = amrobust("status", "--opt", "msgd", *QUICK, "--runs-dir", tmp_path / "none")
        assert done.exit_code == 0
        assert "0 of 1 runs are finished" in done.stdout
        assert amrobust("status", "--runs-dir", tmp_path / "none").exit_code == 2
