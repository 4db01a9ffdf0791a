"""SLURM: jobs by submitit's own executors, and on a SLURM of one machine that is made of five programs."""

import json
import os
import signal
import subprocess
import sys
import time

import fake_slurm
import numpy as np
import pytest
from click.testing import CliRunner

from amrobust.cli import main
from amrobust.errors import UserError
from amrobust.runs.spec import Spec
from amrobust.runs.store import read_run
from amrobust.train import slurm_executor
from amrobust.train.cluster import Cluster
from amrobust.train.engine import execute
from amrobust.train.executors import make_executor
from amrobust.train.prepare import make_spec

os.environ.setdefault(slurm_executor.PREEMPT_SIGNAL, slurm_executor.SIGNAL)
pytest.importorskip("submitit", reason="needs amrobust[slurm]")
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

DEADLY = """
import os, torch

class Deadly(torch.optim.SGD):
    def __init__(self, params, lr):
        super().__init__(params, lr)

    def step(self, closure=None):
        os._exit(9)

class Faulty(Deadly):
    def step(self, closure=None):
        raise ValueError("no such thing")
"""


def logistic(iterations=20):
    return make_spec("logistic", "msgd", {"iterations": iterations})


def digits(epochs):
    return make_spec("digits", "msgd", {"epochs": epochs, "batch_size": 64, "lr_drops": 0})


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(slurm_executor, "POLL_SECONDS", 0.1)


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """The folder of a SLURM, whose programs are found."""
    import submitit

    folder = tmp_path / "cluster"
    folder.mkdir()
    monkeypatch.setenv("PATH", fake_slurm.install(folder))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deadly.py").write_text(DEADLY)
    monkeypatch.setattr(submitit.SlurmJob.watcher, "_delay_s", 1)
    yield folder
    for job in fake_slurm.jobs_in(folder):
        fake_slurm.scancel(folder / "jobs", job["id"])


def same(run, other):
    ours, theirs = (found.curves() for found in (run, other))
    return all(np.array_equal(ours[o][m], theirs[o][m], equal_nan=True) for o in theirs for m in theirs[o])


def wait_until(found, seconds=240):
    until = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < until
        time.sleep(0.05)
    return value


def driver(*arguments):
    """``amrobust run --opt msgd`` on the SLURM, as a process of its own."""
    program = [sys.executable, "-c", "from amrobust.cli import main; main()"]
    return subprocess.Popen(
        [*program, "run", "--opt", "msgd", "--executor", "slurm", *map(str, arguments)],
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("kind", ["debug", "local"])
def test_submitits_own_executors_give_the_numbers_of_this_process(kind, tmp_path):
    executor = slurm_executor.SlurmExecutor(2, Cluster(), kind)
    run = execute(logistic(), range(2), tmp_path / "there", executor=executor, batching="none")
    here = execute(logistic(), range(2), tmp_path / "here", executor="local", batching="none")
    assert same(run, here)
    assert run.manifest.provenance[-1].executor == "slurm"
    assert not [path for path in run.path.rglob("*") if path.suffix in (".pkl", ".sh")]


def test_an_array_of_jobs_a_run_with_the_options_of_sbatch(slurm, tmp_path):
    cluster = Cluster(gpus_per_task=2, slurm=(("partition", "gpu"), ("time", "30"), ("clusters", "big")))
    executor = slurm_executor.SlurmExecutor(2, cluster)
    run = execute(logistic(), range(3), tmp_path / "there", executor=executor, batching="none")
    assert same(run, execute(logistic(), range(3), tmp_path / "here", executor="local", batching="none"))
    completed = {f"100_{n}": "COMPLETED" for n in range(3)}
    wait_until(lambda: {job["id"]: job["state"] for job in fake_slurm.jobs_in(slurm)} == completed)
    options = json.loads((slurm / "jobs" / "100.options").read_text())
    assert options["array"] == "0-2%2"
    assert (options["partition"], options["time"], options["clusters"]) == ("gpu", "30", "big")
    assert (options["gpus-per-node"], options["signal"]) == ("2", "USR1@90")
    assert len(list((run.path / "slurm").glob("*_log.out"))) == 3


def test_a_job_that_is_preempted_goes_on_from_its_checkpoint(slurm, tmp_path):
    there = tmp_path / "there"
    process = driver("--epochs", 60, "-j", 1, "--batching", "stack", "--batch-size", 64, "--param", "lr_drops=0", "--seeds", 2,
                     "--runs-dir", there)  # fmt: skip
    wait_until(lambda: list(there.glob("*/checkpoints/seeds-0-1.pt")))
    (job,) = fake_slurm.jobs_in(slurm)
    fake_slurm.scancel(slurm / "jobs", job["id"], "--signal", "USR1")
    _, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    (job,) = wait_until(lambda: [job for job in fake_slurm.jobs_in(slurm) if job["state"] == "COMPLETED"])
    assert job["starts"] == 2
    (path,) = there.iterdir()
    here = execute(digits(epochs=60), range(2), tmp_path / "here", executor="local", batching="stack")
    assert same(read_run(path), here)
    (log,) = path.glob("slurm/*_log.out")
    assert "Requeued job" in log.read_text()


def test_status_tells_what_waits_in_the_queue(slurm, tmp_path):
    (slurm / "jobs" / "full").touch()
    process = driver("--workload", "logistic", "--iterations", 20, "--batching", "none", "--seeds", 3)
    wait_until(lambda: len(fake_slurm.jobs_in(slurm)) == 3)
    said = CliRunner().invoke(main, ["status", "--runs-dir", "runs"]).stdout
    assert "3 pending" in said
    assert "running," not in said
    (slurm / "jobs" / "full").unlink()
    _, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    assert "3 of 3 seeds are complete" in CliRunner().invoke(main, ["status", "--runs-dir", "runs"]).stdout


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_jobs_of_a_driver_that_ends_do_not_stay(kind, slurm, tmp_path):
    asked = ("--epochs", 100_000, "--batching", "none", "--seeds", 2)
    process = driver(*asked)
    wait_until(lambda: [job["state"] for job in fake_slurm.jobs_in(slurm)] == ["RUNNING"] * 2)
    process.send_signal(kind)
    process.communicate(timeout=240)
    if kind == signal.SIGKILL:
        # Whoever comes next cancels what nobody waits for, before it sends jobs of its own.
        assert [job["state"] for job in fake_slurm.jobs_in(slurm)] == ["RUNNING"] * 2
        process = driver(*asked)
        wait_until(lambda: len(fake_slurm.jobs_in(slurm)) == 4)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=240)
    assert [job["state"] for job in fake_slurm.jobs_in(slurm)] == ["CANCELLED"] * (
        4 if kind == signal.SIGKILL else 2
    )


def test_a_seed_whose_job_is_lost_each_time_fails_alone_and_an_exception_is_its_reason(slurm, tmp_path):
    params = digits(1).workload_params
    executor = slurm_executor.SlurmExecutor(2, Cluster(max_retries=0))
    (tmp_path / "run").mkdir()
    place = slurm_executor.Place(checkpoints=tmp_path / "run" / "checkpoints")
    found = list(executor.train(Spec("digits", params, "deadly:Deadly", {"lr": 0.1}), [(3, 4)], place))
    assert sorted(outcome.seed for outcome in found) == [3, 4]
    assert {outcome.error.partition(" (output: ")[0] for outcome in found} == {
        "its job was lost each time it was sent"
    }
    (found,) = executor.train(Spec("digits", params, "deadly:Faulty", {"lr": 0.1}), [(5,)], place)
    assert "ValueError: no such thing" in found.error


def test_what_cannot_be_meant_is_said(slurm, tmp_path, monkeypatch):
    with pytest.raises(UserError, match="SLURM gives a job whole GPUs"):
        make_executor("slurm", None, Cluster(gpus_per_task=0.5))
    with pytest.raises(UserError, match="--address: the slurm executor has no use for it"):
        make_executor("slurm", None, Cluster(address="a:1"))
    with pytest.raises(UserError, match="--slurm job_name: amrobust sets it itself"):
        make_executor("slurm", None, Cluster(slurm=(("job_name", "mine"),)))
    with pytest.raises(UserError, match="--slurm: the processes executor has no use for it"):
        make_executor("processes", None, Cluster(slurm=(("partition", "gpu"),)))
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UserError, match="there is no SLURM here"):
        make_executor("slurm")
