"""``amrobust status``: what is finished, under way, failed and missing."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
from click.testing import CliRunner
from made_up_runs import Trainer, describe, spec

from amrobust import record
from amrobust.cli import main
from amrobust.errors import RunError
from amrobust.ingest.landing import seeds_of
from amrobust.runs.lock import LOCK, is_held
from amrobust.runs.manifest import SeedRecord
from amrobust.runs.store import commit
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
    seeds = {**run.manifest.seeds, 0: SeedRecord("running")}
    commit(run.path, replace(run.manifest, seeds=seeds), {1: seeds_of(run)[1]})
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(run.path / LOCK)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout.readline() == "held\n"
        assert is_held(run.path / LOCK)
        (row,), _ = progress_in([tmp_path])
        assert (row.running, row.handed_out, row.missing, row.state) == (0, 1, 0, "under way")
    finally:
        holder.communicate()
    assert not is_held(run.path / LOCK)


class TestWhatIsRecorded:
    def test_seeds_are_under_way_or_stopped(self, tmp_path):
        begun, run = (record(tmp_path, method="a", seed=seed, workload="w") for seed in range(2))
        for each in (begun, run):
            each.log(1, acc=0.5)
        run.stop(KeyboardInterrupt())
        (row,), _ = progress_in([tmp_path])
        assert (row.wanted, row.running, row.stopped, row.missing, row.state) == (2, 1, 1, 0, "under way")
        run = record(tmp_path, method="a", seed=1, workload="w", resume=True)
        run.log(2, acc=0.5)
        run.finish()
        assert "1/2       1        under way" in amrobust("status", tmp_path).stdout

    def test_only_stopped_ones_are_stopped(self, tmp_path):
        run = record(tmp_path, method="a", seed=0, workload="w")
        run.log(1, acc=0.5)
        run.stop(KeyboardInterrupt())
        assert "0 of 1 seeds are complete, 1 stopped" in amrobust("status", tmp_path).stdout
        assert progress_in([tmp_path])[0][0].state == "stopped"

    @pytest.mark.parametrize("value", [1e308, float("inf")])
    def test_a_diverged_seed_is_counted(self, tmp_path, value):
        for seed in range(3):
            with record(tmp_path, method="a", seed=seed, workload="w") as run:
                run.log(1, acc=value if seed == 1 else 0.5)
        assert "acc 0.5 ± 0, 1 diverged" in amrobust("status", tmp_path).stdout


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
            "handed_out": 0,
            "pending": 0,
            "failed": 0,
            "stopped": 0,
            "missing": 0,
        }
        assert data["runs"][0]["state"] == "finished"
        assert data["runs"][0]["outputs"]["msgd"]["final_std"] > 0

    def test_an_empty_directory_is_no_error_where_runs_are_asked_for(self, tmp_path):
        done = amrobust("status", "--opt", "msgd", *QUICK, "--runs-dir", tmp_path / "none")
        assert done.exit_code == 0
        assert "0 of 1 runs are finished" in done.stdout
        assert amrobust("status", "--runs-dir", tmp_path / "none").exit_code == 2
