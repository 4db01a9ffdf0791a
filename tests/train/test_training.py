"""Training: the same numbers wherever and with whomever a seed trains; divergence and failure stay with their seed."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pytest
import torch

from amrobust.errors import UserError
from amrobust.runs.manifest import Layout
from amrobust.train import convex, executors, network, pools, training
from amrobust.train.executors import make_executor, train_seeds
from amrobust.train.heartbeat import Board
from amrobust.train.layout import plan_layout
from amrobust.train.prepare import describe, make_spec
from amrobust.train.stacking import trainer
from amrobust.train.streams import seed_sequence
from amrobust.train.training import train_unit
from amrobust.train.unit import Place, SeedOutcome

SHORT = {"epochs": 2, "lr_drops": 1}


def curves_of(outcomes):
    return {
        outcome.seed: {(o, m): curve for o, metrics in outcome.curves.items() for m, curve in metrics.items()}
        for outcome in outcomes
    }


def assert_equal(one, other):
    assert one.keys() == other.keys()
    for seed in one:
        for key, curve in one[seed].items():
            assert np.array_equal(curve, other[seed][key], equal_nan=True), (seed, key)


@pytest.fixture(scope="module")
def processes():
    """Two workers, started where more threads are asked for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "3")
        executor = make_executor("processes", 2)
        yield executor
        executor.stop()


class TestDigits:
    @pytest.mark.parametrize("blocks", [((0,), (1,), (2,)), ((0, 2), (1,))])
    def test_local_and_processes_give_the_same_bits_in_the_same_layout(self, processes, blocks):
        spec = make_spec("digits", "am1", SHORT)
        local = curves_of(train_seeds(spec, [0, 1, 2], executor="local", layout=Layout("stack", blocks)))
        reverse = Layout("stack", blocks[::-1])
        spread = curves_of(train_seeds(spec, [2, 1, 0], executor=processes, layout=reverse))
        assert_equal(local, spread)
        alone = curves_of(train_seeds(spec, [1], executor="local"))
        assert_equal(alone, {1: local[1]})

    def test_seeds_of_a_block_that_nobody_asked_for_are_not_given_back(self):
        layout = Layout("stack", ((0, 1), (2, 3)))
        spec = make_spec("digits", "sgd", {"epochs": 1, "lr_drops": 0, "model": "mlp"})
        whole = curves_of(train_seeds(spec, range(4), executor="local", layout=layout))
        assert_equal({3: whole[3]}, curves_of(train_seeds(spec, [3], executor="local", layout=layout)))

    @pytest.mark.parametrize(
        "optimizer", ["sgd", "msgd", "omsgd", "cm", "aggmo", "qhm", "hybrid", "am1", "am2"]
    )
    def test_every_optimizer_learns(self, optimizer):
        (outcome,) = train_seeds(
            make_spec("digits", optimizer, {"epochs": 4, "lr_drops": 1}), [0], executor="local"
        )
        facts = describe(make_spec("digits", optimizer, {"epochs": 4, "lr_drops": 1}))
        assert tuple(outcome.curves) == facts.outputs
        output = outcome.curves[facts.usual_outputs[-1]]
        assert output["test_accuracy"][-1] > 50
        assert output["train_loss"].shape == (4,)
        assert not outcome.diverged

    def test_options_share_the_training_batches_loss_and_nothing_else(self):
        (outcome,) = train_seeds(make_spec("digits", "am1", SHORT), [0], executor="local")
        one, two = outcome.curves["I"], outcome.curves["II"]
        assert np.array_equal(one["train_batch_loss"], two["train_batch_loss"])
        assert not np.array_equal(one["test_loss"], two["test_loss"])

    def test_evaluation_touches_neither_statistics_nor_random_numbers(self):
        model = network.network_at_x0(make_spec("digits", "sgd"))
        data = network.load(make_spec("digits", "sgd"), network.CPU, torch.float32)
        before = {name: value.clone() for name, value in model.state_dict().items()}
        state = torch.get_rng_state()
        first, again = (network.evaluate(model, data.test_images, data.test_labels) for _ in range(2))
        assert again[:2] == first[:2]
        assert (again.right == first.right).all()
        assert torch.equal(torch.get_rng_state(), state)
        assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())

    def test_a_seed_that_diverges_is_nan_from_there_on_and_stops_early(self):
        spec = make_spec("digits", "sgd", {"epochs": 5}, {"lr": 1e18})
        (outcome,) = train_seeds(spec, [0], executor="local")
        assert outcome.diverged
        assert outcome.error is None
        assert all(np.isnan(curve[-1]) for curve in outcome.curves["I"].values())

    def test_it_trains_on_one_thread_and_puts_the_number_back(self, monkeypatch):
        seen, before = [], torch.get_num_threads()

        def watched(*arguments):
            seen.append(torch.get_num_threads())
            return train_unit(*arguments)

        monkeypatch.setattr(executors, "train_unit", watched)
        torch.set_num_threads(3)
        try:
            list(train_seeds(make_spec("digits", "sgd", {"epochs": 1, "lr_drops": 0}), [0], executor="local"))
            assert torch.get_num_threads() == 3
        finally:
            torch.set_num_threads(before)
        assert seen == [1]


class TestLogistic:
    SPEC = make_spec("logistic", "am1", {"iterations": 100, "record_every": 10})

    def test_a_seed_alone_is_the_seed_in_a_batch_to_rounding(self):
        together = curves_of(train_seeds(self.SPEC, range(5), executor="local"))
        for seed in range(5):
            (alone,) = curves_of(train_seeds(self.SPEC, [seed], executor="local")).values()
            for key, curve in alone.items():
                np.testing.assert_allclose(curve, together[seed][key], rtol=1e-11)

    def test_executors_agree(self, processes):
        layout = plan_layout(self.SPEC, range(3))
        local = curves_of(train_seeds(self.SPEC, range(3), executor="local"))
        assert_equal(local, curves_of(train_seeds(self.SPEC, range(3), executor=processes, layout=layout)))
        assert processes._pool.submit(torch.get_num_threads).result() == 1

    @pytest.mark.parametrize(
        "optimizer", ["sgd", "msgd", "omsgd", "cm", "aggmo", "qhm", "hybrid", "am1", "am2"]
    )
    def test_every_optimizer_descends(self, optimizer):
        spec = make_spec("logistic", optimizer, {"iterations": 200, "sigma": 0.1})
        facts = describe(spec)
        for outcome in train_seeds(spec, range(2), executor="local"):
            for output in facts.outputs:
                assert outcome.curves[output]["train_loss"][-1] < 0.3 < np.log(2)

    def test_without_noise_all_seeds_are_equal(self):
        spec = make_spec("logistic", "msgd", {"sigma": 0.0, "iterations": 40})
        one, other = train_seeds(spec, [0, 1], executor="local")
        assert np.array_equal(one.curves["I"]["train_loss"], other.curves["I"]["train_loss"])

    def test_m_1_is_nesterov(self):
        def curve(name, output, **hyperparameters):
            spec = make_spec("logistic", name, {"sigma": 0.0, "iterations": 60}, hyperparameters)
            (outcome,) = train_seeds(spec, [0], executor="local")
            return outcome.curves[output]["train_loss"]

        np.testing.assert_allclose(curve("am1", "I", m=1), curve("msgd", "I"), rtol=1e-10)
        np.testing.assert_allclose(curve("am1", "II", m=1), curve("omsgd", "II"), rtol=1e-10)

    def test_a_diverging_row_leaves_the_others_alone(self, monkeypatch):
        def noise(generator, steps, dimension, radius):
            drawn = np.zeros((steps, dimension))
            if generator.integers(2**31) == first_of[1]:
                drawn[3] = np.inf
            return drawn

        spec = make_spec("logistic", "am1", {"iterations": 40})
        first_of = [
            int(np.random.default_rng(seed_sequence(spec, "noise", s)).integers(2**31)) for s in range(3)
        ]
        monkeypatch.setattr(convex, "sphere_noise", noise)
        outcomes = convex.train_block(spec, [0, 1, 2])
        assert [outcome.diverged for outcome in outcomes] == [False, True, False]
        assert np.isfinite(outcomes[0].curves["II"]["train_loss"]).all()

    def test_the_output_point_is_x0_before_m_steps(self):
        spec = make_spec("logistic", "am1", {"iterations": 60, "record_every": 20}, {"m": 50})
        assert describe(spec).first_output_epoch == {"I": 1, "II": 3}


class TestExecutors:
    def test_an_exception_stays_with_its_seed(self, monkeypatch):
        real = network.train_seed

        def broken(spec, seed, **options):
            if seed == 1:
                raise MemoryError("no room")
            return real(spec, seed, **options)

        monkeypatch.setattr(network, "train_seed", broken)
        spec = make_spec("digits", "sgd", {"epochs": 1, "lr_drops": 0})
        layout = Layout("none", ((0,), (1,), (2,)))
        found = train_seeds(spec, range(3), executor="local", layout=layout)
        outcomes = {outcome.seed: outcome for outcome in found}
        assert "MemoryError: no room" in outcomes[1].error
        assert not outcomes[1].curves
        assert outcomes[0].error is None
        assert outcomes[2].error is None

    def test_a_killed_worker_is_replaced_and_nothing_is_counted_twice(self):
        spec = make_spec("digits", "sgd", {"epochs": 4})
        iterator = train_seeds(spec, range(4), executor="processes", jobs=2)
        killed = threading.Thread(target=_kill_one_child_soon)
        killed.start()
        outcomes = list(iterator)
        killed.join()
        assert sorted(outcome.seed for outcome in outcomes) == [0, 1, 2, 3]
        assert all(outcome.error is None for outcome in outcomes)

    def test_stopping_a_pool_ends_its_workers_in_mid_training(self):
        spec = make_spec("digits", "sgd", {"epochs": 50})
        pool = pools.start_pool(1, Board())
        future = pool.submit(training.train_unit, spec, (0,))
        while not future.running():
            time.sleep(0.05)
        workers = list(pool._processes.values())
        pools.stop_pool(pool)
        # The pool's own thread reaps them too, and whoever comes second learns of an end a moment later.
        deadline = time.monotonic() + 240
        while any(worker.is_alive() for worker in workers):
            assert time.monotonic() < deadline
            time.sleep(0.05)

    @pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
    def test_workers_end_when_their_parent_is_killed(self):
        code = (
            "import multiprocessing, os, signal\n"
            "from amrobust.train import heartbeat, pools, training\n"
            "from amrobust.train.prepare import make_spec\n"
            "if __name__ == '__main__':\n"
            "    pool = pools.start_pool(1, heartbeat.Board())\n"
            "    spec = make_spec('digits', 'sgd', {'epochs': 1, 'lr_drops': 0})\n"
            "    pool.submit(training.train_unit, spec, (0,)).result()\n"
            "    print(*[p.pid for p in multiprocessing.active_children()], flush=True)\n"
            "    os.kill(os.getpid(), signal.SIGKILL)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=240, check=False
        )
        (worker,) = map(int, done.stdout.split())
        deadline = time.monotonic() + 240
        while _alive(worker):
            assert time.monotonic() < deadline, "the worker outlived its parent"
            time.sleep(0.05)

    def test_unknown_executors_and_no_jobs_are_refused(self):
        spec = make_spec("digits", "sgd")
        with pytest.raises(UserError, match="processes, local"):
            train_seeds(spec, [0], executor="cloud")
        with pytest.raises(UserError, match="jobs"):
            train_seeds(spec, [0], jobs=0)


class Pool:
    """A pool whose workers die of every block of more than ``most`` seeds."""

    def __init__(self, most, tried):
        self.most, self.tried, self._processes = most, tried, {}

    def submit(self, train, spec, block, place, slot):
        self.tried.append(block)
        future = Future()
        if len(block) > self.most:
            future.set_exception(BrokenProcessPool())
        else:
            future.set_result([SeedOutcome(seed, stack=len(block)) for seed in block])
        return future

    def shutdown(self, **options):
        pass


class TestBlocksThatAreTooLarge:
    LAYOUT = Layout("stack", (tuple(range(8)), (8, 9)))

    @pytest.mark.parametrize(("most", "stacks"), [(8, {8, 2}), (7, {4, 1}), (1, {1})])
    def test_a_block_whose_worker_dies_beside_others_and_alone_is_halved(self, monkeypatch, most, stacks):
        tried = []
        monkeypatch.setattr(executors, "start_pool", lambda workers, board: Pool(most, tried))
        spec = make_spec("digits", "sgd")
        outcomes = list(train_seeds(spec, range(10), jobs=1, layout=self.LAYOUT))
        assert sorted(outcome.seed for outcome in outcomes) == list(range(10))
        assert all(outcome.error is None for outcome in outcomes)
        assert {outcome.stack for outcome in outcomes} <= stacks | {2}
        if most < 8:
            assert tried.count(tuple(range(8))) == 3

    def test_seeds_whose_worker_always_dies_fail(self, monkeypatch):
        monkeypatch.setattr(executors, "start_pool", lambda workers, board: Pool(0, []))
        outcomes = list(train_seeds(make_spec("digits", "sgd"), range(10), jobs=1, layout=self.LAYOUT))
        assert len(outcomes) == 10
        assert all("died each time" in outcome.error for outcome in outcomes)

    def test_a_block_out_of_memory_is_split_until_it_fits(self, monkeypatch):
        tried = []

        def stack(entries, device, checkpoint):
            tried.append(len(entries))
            if len(entries) > 2:
                raise torch.OutOfMemoryError("no room")
            return [SeedOutcome(seed, stack=len(entries)) for _, seed in entries]

        monkeypatch.setattr(trainer, "train_stack", stack)
        outcomes = training.train_unit(make_spec("digits", "sgd"), range(8))
        assert [outcome.seed for outcome in outcomes] == list(range(8))
        assert tried == [8, 4, 2, 2, 4, 2, 2]

    def test_a_block_that_is_split_leaves_no_checkpoint(self, monkeypatch, tmp_path):
        def stack(entries, device, checkpoint):
            checkpoint.save({"epochs_done": 5})
            if len(entries) > 2:
                raise torch.OutOfMemoryError("no room")
            checkpoint.remove()
            return [SeedOutcome(seed, stack=len(entries)) for _, seed in entries]

        monkeypatch.setattr(trainer, "train_stack", stack)
        outcomes = training.train_unit(make_spec("digits", "sgd"), range(8), Place(checkpoints=tmp_path))
        assert [outcome.stack for outcome in outcomes] == [2] * 8
        assert not list(tmp_path.iterdir())

    def test_nor_does_one_whose_worker_died_while_it_wrote_its_checkpoint(self, monkeypatch, tmp_path):
        for name in ("seeds-0-7.pt", ".tmp-seeds-0-7.pt"):
            (tmp_path / name).write_bytes(b"what was written")
        monkeypatch.setattr(executors, "start_pool", lambda workers, board: Pool(7, []))
        spec, place = make_spec("digits", "sgd"), Place(checkpoints=tmp_path)
        outcomes = list(train_seeds(spec, range(10), jobs=1, layout=self.LAYOUT, place=place))
        assert {outcome.stack for outcome in outcomes} == {4, 2}
        assert not list(tmp_path.iterdir())

    def test_an_exception_of_one_seed_leaves_the_others_of_its_block_unharmed(self, monkeypatch):
        spec = make_spec("digits", "sgd", {"epochs": 1, "lr_drops": 0, "model": "mlp"})

        def failing(real):
            def generator(spec, seed):
                if seed == 2:
                    raise ValueError("this seed's data are broken")
                return real(spec, seed)

            return generator

        expected = curves_of(training.train_unit(spec, (0, 1)))
        for module in (network, trainer):
            monkeypatch.setattr(module, "order_generator", failing(network.order_generator))
        outcomes = {outcome.seed: outcome for outcome in training.train_unit(spec, range(5))}
        assert "this seed's data are broken" in outcomes[2].error
        assert [seed for seed in outcomes if outcomes[seed].error is None] == [0, 1, 3, 4]
        assert_equal(expected, {seed: curves_of([outcomes[seed]])[seed] for seed in (0, 1)})


def _kill_one_child_soon():
    """kill -9 the first worker that appears, once it has had time to start on a seed."""
    import multiprocessing

    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        children = multiprocessing.active_children()
        if children:
            time.sleep(1.0)
            os.kill(children[0].pid, signal.SIGKILL)
            return
        time.sleep(0.02)
    raise AssertionError("no worker appeared")


def _alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    if not Path("/proc/self/stat").exists():
        return True
    try:
        # A zombie that nobody has waited for is dead too.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:  # it has gone since
        return False
