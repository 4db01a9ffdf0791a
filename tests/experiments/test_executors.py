"""Executors that several runs share: a worker's death costs nobody else's seeds, and stopping tells all who wait."""

import os
import signal
import threading
import time

import pytest

from amrobust.errors import UserError
from amrobust.experiments import make_executor, make_spec
from amrobust.experiments.place import Place

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


def test_names_and_numbers_of_workers():
    local, processes = make_executor("local", 3), make_executor("processes", 3)
    assert (local.count, local.where) == (1, "this process")
    assert (processes.count, processes.where, processes.jobs) == (3, "3 processes", 3)
    with pytest.raises(UserError, match="processes, local"):
        make_executor("cloud")
    with pytest.raises(UserError, match="jobs = 0"):
        make_executor("processes", 0)


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
    assert seen.wait(60)
    os.kill(next(iter(executor._pool._processes)), signal.SIGKILL)
    for thread, _ in running:
        thread.join(120)
    executor.stop()
    for _, (found,) in running:
        assert sorted(outcome.seed for outcome in found) == list(range(40))
        assert all(outcome.error is None for outcome in found)


def test_stopping_tells_everybody_who_waits():
    executor = make_executor("processes", 1)
    spec = make_spec("digits", "sgd", {"epochs": 50})
    running = [in_thread(lambda: list(executor.train(spec, [(0,), (1,)], PLACE))) for _ in range(2)]
    deadline = time.monotonic() + 60
    while executor._pool is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    executor.stop()
    for thread, caught in running:
        thread.join(60)
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
