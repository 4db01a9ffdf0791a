"""Grids: many runs on one executor, each as it would be alone; what fails stops nothing else."""

import threading
import time

import numpy as np
import pytest
from made_up_runs import Trainer, curve, describe, outcome, spec

from amrobust.errors import UserError
from amrobust.runs.store import open_runs
from amrobust.train.engine import SPARE, execute, failures, train_runs
from amrobust.train.execution import Interrupted
from amrobust.train.executors import make_executor
from amrobust.train.prepare import make_spec
from amrobust.train.reporter import Silent

SPECS = [spec(hyperparameters={"lr": lr, "m": m}) for lr in (0.1, 0.2) for m in (3, 5)]


class Threads:
    """An executor of ``count`` whose blocks the made-up trainer "trains"; counts the runs that are under way."""

    name, jobs, where = "threads", None, "two threads"

    def __init__(self, count):
        self.count, self.stops = count, 0

    def stop(self):
        self.stops += 1


class Heard(Silent):
    def __init__(self):
        self.said = []

    def planned(self, runs, seeds, where):
        self.said.append(("planned", runs, seeds, where))

    def started(self, run, wanted, kept):
        self.said.append(("started", wanted, kept))

    def seed_done(self, run, outcome):
        self.said.append(("seed", run, outcome.seed))

    def run_done(self, row):
        self.said.append(("done", row.path.name, row.error))


def grid(tmp_path, trainer=None, specs=SPECS, seeds=3, executor=None, **options):
    return train_runs(
        specs,
        range(seeds),
        tmp_path,
        executor or Threads(2),
        train=trainer or Trainer(),
        describe=describe,
        **options,
    )


@pytest.mark.parametrize("count", [1, 2])
def test_every_run_gets_every_seed_and_its_row_in_the_order_asked_for(tmp_path, count):
    executor = Threads(count)
    rows = grid(tmp_path, executor=executor)
    assert [row.spec for row in rows] == SPECS
    assert {(row.complete, row.trained, row.error) for row in rows} == {(3, 3, None)}
    found = {run.path: run for run in open_runs([tmp_path])[0]}
    assert set(found) == {row.path for row in rows}
    values = np.array([curve(seed, "II", "test_accuracy")[-1] for seed in range(3)])
    final = next(final for final in rows[0].finals if final.output == "II")
    assert final.mean == pytest.approx(values.mean(), rel=1e-15)
    assert final.std == pytest.approx(values.std(ddof=1), rel=1e-12)
    assert executor.stops >= 1


def test_what_is_there_is_kept_and_equal_specs_are_one_run(tmp_path):
    grid(tmp_path, specs=SPECS[:1], seeds=2)
    trainer, heard = Trainer(), Heard()
    rows = grid(tmp_path, trainer, specs=[*SPECS[:2], SPECS[0]], reporter=heard)
    assert len(rows) == 2
    assert sorted(trainer.asked) == [0, 1, 2, 2]
    assert heard.said[0] == ("planned", 2, 3, "two threads")
    assert ("started", 3, 2) in heard.said
    again = Trainer()
    assert {row.trained for row in grid(tmp_path, again)[:2]} == {0}


def test_a_failed_seed_is_told_and_stops_no_other_run(tmp_path):
    def trains(made, seeds, *, executor, jobs):
        for seed in seeds:
            broken = made == SPECS[1] and seed == 1
            yield outcome(seed, curves={}, error="no room") if broken else outcome(seed)

    heard = Heard()
    rows = grid(tmp_path, trains, reporter=heard)
    assert [row.complete for row in rows] == [3, 2, 3, 3]
    assert "no room" in rows[1].error
    assert rows[1].finals == ()
    assert "no room" in failures(rows)
    assert failures(rows[:1]) is None
    assert sum(said[0] == "done" for said in heard.said) == 4
    assert [row.error for row in grid(tmp_path)] == [None] * 4


def test_a_run_that_cannot_be_written_stops_no_other(tmp_path):
    blocked = execute(
        SPECS[0], range(1), tmp_path / "elsewhere", train=Trainer(), describe=describe
    ).path.name
    (tmp_path / blocked).write_text("")
    rows = grid(tmp_path)
    assert [row.complete for row in rows] == [0, 3, 3, 3]
    assert rows[0].path is None
    assert "--runs-dir" in rows[0].error


def test_a_damaged_run_is_named_and_stops_no_other(tmp_path):
    first, *_ = grid(tmp_path)
    (first.path / "manifest.json").write_text("{}")
    rows = grid(tmp_path)
    assert "check --repair" in rows[0].error
    assert [row.error for row in rows[1:]] == [None] * 3


def test_a_diverged_seed_has_no_final_mean(tmp_path):
    def diverging(seed):
        made = outcome(seed)
        made.curves["II"]["test_accuracy"][-1] = np.nan
        return made

    (row,) = grid(tmp_path, Trainer({1: diverging}), specs=SPECS[:1])
    assert row.diverged == 1
    means = {final.output: final.mean for final in row.finals}
    assert means["II"] is None
    assert means["I"] is not None


def test_bad_data_are_the_users_and_end_the_grid(tmp_path):
    def unreadable(made):
        if made == SPECS[2]:
            raise UserError("no such data")
        return describe(made)

    with pytest.raises(UserError, match="no such data"):
        train_runs(SPECS, range(2), tmp_path, Threads(2), train=Trainer(), describe=unreadable)


@pytest.mark.parametrize(("workers", "bound"), [(2, 2 + SPARE), (1000, 3)])
def test_no_more_runs_are_under_way_than_keep_the_workers_busy_or_files_can_be_open(
    tmp_path, monkeypatch, workers, bound
):
    if bound == 3:
        monkeypatch.setattr("amrobust.train.engine.MOST_UNDER_WAY", bound)
    lock, now, most = threading.Lock(), 0, 0

    def trains(made, seeds, *, executor, jobs):
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.02)
        yield from map(outcome, seeds)
        with lock:
            now -= 1

    many = [spec(hyperparameters={"lr": lr / 100, "m": 5}) for lr in range(1, 21)]
    grid(tmp_path, trains, specs=many, executor=Threads(workers))
    assert 1 < most <= bound


@pytest.mark.parametrize("count", [1, 2])
def test_ctrl_c_stops_all_and_keeps_what_is_finished(tmp_path, count):
    class Stopping(Threads):
        stopped = threading.Event()

        def stop(self):
            self.stopped.set()

    executor = Stopping(count)

    def trains(made, seeds, *, executor, jobs):
        yield outcome(0)
        if made == SPECS[0]:
            raise KeyboardInterrupt
        Stopping.stopped.wait(240)
        raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="0 of 4 runs are done") as caught:
        grid(tmp_path, trains, executor=executor)
    assert caught.value.exit_status == 130
    found, problems = open_runs([tmp_path])
    assert not problems
    assert {run.manifest.complete for run in found} == {(0,)}
    assert all(not run.manifest.in_state("running") for run in found)
    Stopping.stopped.clear()


def test_a_grid_gives_bit_for_bit_what_its_runs_give_alone(tmp_path):
    specs = [make_spec("logistic", opt, {"iterations": 40}) for opt in ("sgd", "msgd", "am1")]
    grid = train_runs(specs, range(70), tmp_path / "grid", make_executor("processes", 2))
    assert failures(grid) is None
    for row in grid:
        alone = execute(row.spec, range(70), tmp_path / "alone", executor="local")
        ((run,), _) = open_runs([row.path])
        assert run.manifest.complete == tuple(range(70))
        assert run.manifest.provenance[0].executor == "processes"
        for output, metrics in run.curves().items():
            for metric, values in metrics.items():
                assert np.array_equal(values, alone.curves()[output][metric])
