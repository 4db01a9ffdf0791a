"""Executors that several runs share: a worker's death costs nobody else's seeds, and stopping tells all who wait."""

import multiprocessing
import os
import signal
import sys
import threading
import time
from dataclasses import replace
from unittest.mock import ANY

import pytest

from amrobust.errors import UserError
from amrobust.train import finished, training
from amrobust.train.cluster import Cluster
from amrobust.train.executors import make_executor
from amrobust.train.prepare import make_spec
from amrobust.train.unit import Place

PLACE = Place()


def in_thread(function):
    caught = []

    def run():
        try:
            caught.append(function())
        except BaseException as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, caught


def of_a_pool(name):
    try:
        return make_executor(name).name
    except UserError as error:
        return str(error)


def test_in_a_worker_of_a_pool_which_may_start_no_processes_the_executor_is_the_local_one():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        here, elsewhere = pool.map(of_a_pool, ["local", "processes"])
    assert here == "local"
    assert "use the executor 'local'" in elsewhere


def test_names_and_numbers_of_workers():
    local, processes = make_executor("local"), make_executor("processes", 3)
    assert (local.count, local.where) == (1, "this process")
    assert (processes.count, processes.where, processes.jobs) == (3, "3 processes", 3)
    with pytest.raises(UserError, match="processes, local"):
        make_executor("cloud")
    with pytest.raises(UserError, match="jobs = 0"):
        make_executor("processes", 0)
    with pytest.raises(UserError, match="jobs = 3: the local executor trains in this process"):
        make_executor("local", 3)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_runs_that_share_workers_get_all_their_seeds_when_a_worker_is_killed():
    executor = make_executor("processes", 2)
    specs = [make_spec("logistic", opt, {"iterations": 100}) for opt in ("sgd", "msgd")]
    blocks = [(seed,) for seed in range(40)]
    seen = threading.Event()

    def train(spec):
        found = []
        for outcome in executor.train(spec, blocks, PLACE):
            found.append(outcome)
            seen.set()
        return found

    running = [in_thread(lambda spec=spec: train(spec)) for spec in specs]
    assert seen.wait(240)
    os.kill(next(iter(executor._pool._processes)), signal.SIGKILL)
    for thread, _ in running:
        thread.join(240)
    executor.stop()
    for _, (found,) in running:
        assert sorted(outcome.seed for outcome in found) == list(range(40))
        assert all(outcome.error is None for outcome in found)


def test_stopping_tells_everybody_who_waits():
    executor = make_executor("processes", 1)
    spec = make_spec("digits", "sgd", {"epochs": 50})
    running = [in_thread(lambda: list(executor.train(spec, [(0,), (1,)], PLACE))) for _ in range(2)]
    deadline = time.monotonic() + 240
    while executor._pool is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    executor.stop()
    for thread, caught in running:
        thread.join(240)
        assert isinstance(caught[0], KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        list(executor.train(spec, [(0,)], PLACE))


def test_closing_drops_what_has_not_begun_and_leaves_the_workers_to_others():
    executor = make_executor("processes", 1)
    spec = make_spec("logistic", "sgd", {"iterations": 20})
    outcomes = executor.train(spec, [(seed,) for seed in range(50)], PLACE)
    assert next(outcomes).error is None
    outcomes.close()
    assert [outcome.seed for outcome in executor.train(spec, [(7,)], PLACE)] == [7]
    executor.stop()


def test_without_ray_the_error_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"pip install 'amrobust\[ray\]'"):
        make_executor("ray")


@pytest.mark.parametrize(
    ("name", "cluster", "reason"),
    [
        (
            "local",
            Cluster("10.0.0.1:6379"),
            "--address: the local executor has no use for it",
        ),
        (
            "processes",
            Cluster(gpus_per_task=1, max_retries=2),
            "--gpus-per-task, --max-retries: the processes executor has no use for it",
        ),
        ("ray", Cluster(gpus_per_task=1.5), "neither a share of one GPU nor a whole number"),
        ("ray", Cluster(gpus_per_task=float("nan")), "neither a share"),
        ("ray", Cluster(max_retries=-1), "not at least 0"),
    ],
)
def test_what_an_executor_has_no_use_for_is_refused(name, cluster, reason):
    with pytest.raises(UserError, match=reason):
        make_executor(name, cluster=cluster)


class TestFinishedBlocks:
    SPEC = make_spec("logistic", "am1", {"iterations": 20})

    def kept(self, directory):
        """The outcomes of a block that were kept in ``directory``."""
        outcomes = training.train_unit(self.SPEC, (2, 5), PLACE)
        finished.keep(self.SPEC, outcomes, directory)
        return outcomes

    def test_they_come_back_with_every_bit_and_are_not_trained_again(self, tmp_path, monkeypatch):
        outcomes = self.kept(tmp_path)
        monkeypatch.setattr(training, "_train", None)
        found = training.train_unit(self.SPEC, (2, 5), Place(checkpoints=tmp_path))
        assert found == [replace(outcome, curves=ANY) for outcome in outcomes]
        for there, outcome in zip(found, outcomes, strict=True):
            for output, metrics in outcome.curves.items():
                for name, curve in metrics.items():
                    assert there.curves[output][name].tobytes() == curve.tobytes()

    def test_only_the_same_block_of_the_same_spec_is_taken_up(self, tmp_path):
        self.kept(tmp_path)
        assert finished.take_up(self.SPEC, (2, 3, 5), tmp_path) is None
        assert finished.take_up(replace(self.SPEC, root_seed=1), (2, 5), tmp_path) is None
        assert finished.take_up(self.SPEC, (2, 5), tmp_path / "elsewhere") is None

    def test_a_damaged_one_is_trained_again(self, tmp_path):
        outcomes = self.kept(tmp_path)
        (path,) = tmp_path.iterdir()
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        found = training.train_unit(self.SPEC, (2, 5), Place(checkpoints=tmp_path))
        assert [outcome.error for outcome in found] == [None, None]
        assert found[0].wall_seconds != outcomes[0].wall_seconds

    def test_clearing_leaves_what_others_keep_there(self, tmp_path):
        directory = tmp_path / "checkpoints"
        self.kept(directory)
        (directory / f".tmp-{finished.PREFIX}0-1.pt").touch()
        (directory / f"{finished.TOKEN_PREFIX}abc").touch()
        (directory / "seed-1.pt").touch()
        finished.clear(directory)
        assert [path.name for path in directory.iterdir()] == ["seed-1.pt"]
        (directory / "seed-1.pt").unlink()
        finished.clear(directory)
        assert not directory.exists()
