"""Runs that share a stack: recorded, resumed bit for bit, and independent of each other in everything else."""

import json

import numpy as np
import pytest

from amrobust.runs.check import check_runs
from amrobust.runs.lock import locked
from amrobust.runs.store import open_runs
from amrobust.train import finished, training
from amrobust.train.engine import execute, train_runs
from amrobust.train.execution import Execution, Interrupted
from amrobust.train.executors import make_executor
from amrobust.train.prepare import make_spec
from amrobust.train.reporter import Silent
from amrobust.train.stacking import trainer


def spec(optimizer, **hyperparameters):
    params = {"epochs": 1, "lr_drops": 0, "model": "mlp", "batch_size": 128}
    return make_spec("digits", optimizer, params, hyperparameters)


SPECS = AM1, AM2, _ = [spec("am1"), spec("am2"), spec("msgd")]


def grid(directory, specs=SPECS, seeds=3, executor="local", **options):
    return train_runs(specs, range(seeds), directory, make_executor(executor), **options)


def runs(directory):
    """Runs by their optimizer."""
    found, problems = open_runs([directory])
    assert not problems
    return {run.spec.optimizer: run for run in found}


def curves(directory):
    return {
        (name, seed, output, metric): values[row]
        for name, run in runs(directory).items()
        for output, metrics in run.curves().items()
        for metric, values in metrics.items()
        for row, seed in enumerate(run.manifest.complete)
    }


def bits(directory):
    return {key: curve.tobytes() for key, curve in curves(directory).items()}


def assert_close(one, other):
    """As two layouts of the same seeds: rounding in float32, a step of training each batch."""
    assert one.keys() == other.keys()
    for key, curve in one.items():
        tolerance = 0.2 if key[3] == "test_accuracy" else 1e-4  # an example of 596 is 0.17 %
        np.testing.assert_allclose(curve, other[key], rtol=1e-4, atol=tolerance, err_msg=str(key))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    directory = tmp_path_factory.mktemp("whole")
    rows = grid(directory)
    assert [(row.complete, row.trained, row.error) for row in rows] == [(3, 3, None)] * 3
    return directory


class Stops(Silent):
    """Ctrl-C after a number of seeds."""

    def __init__(self, after):
        self.left = after

    def seed_done(self, run, outcome):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def test_each_run_records_whose_seeds_shared_the_stack(whole):
    found = runs(whole)
    everybody = {run.manifest.identity: (0, 1, 2) for run in found.values()}
    for run in found.values():
        (session,) = run.manifest.provenance
        assert (session.batching, session.stacks, session.company) == ("stack", ((0, 1, 2),), everybody)
        assert {record.stack for record in run.manifest.seeds.values()} == {9}
    assert all(finding.state == "sound" for finding in check_runs([whole]))


def test_they_are_what_the_reference_gives_to_rounding(whole, tmp_path):
    grid(tmp_path, batching="none")
    assert all(run.manifest.company == {} for run in runs(tmp_path).values())
    assert_close(curves(tmp_path), curves(whole))


def test_processes_give_the_same_bits_as_this_one(whole, tmp_path):
    executor = make_executor("processes", 1)
    train_runs(SPECS, range(3), tmp_path, executor)
    assert bits(tmp_path) == bits(whole)


@pytest.mark.parametrize("after", [1, 4, 8])
def test_an_interrupted_grid_goes_on_in_the_same_company(whole, tmp_path, after):
    with pytest.raises(Interrupted):
        grid(tmp_path, reporter=Stops(after))
    complete = sum(len(run.manifest.complete) for run in runs(tmp_path).values())
    assert 0 < complete < 9
    rows = grid(tmp_path)
    assert sum(row.trained for row in rows) == 9 - complete, "what was complete is dropped"
    assert bits(tmp_path) == bits(whole)


def test_a_finished_stack_is_kept_until_the_last_of_its_runs_has_its_seeds(whole, tmp_path, monkeypatch):
    class Keeps:
        """As a worker of a cluster that sees the directory."""

        name, jobs, where, count = "keeps", None, "here", 1

        def train(self, work, blocks, place):
            for block in blocks:
                found = training.train_unit(work, block, place)
                finished.keep(work, found, place.checkpoints)
                yield from found

        def stop(self):
            pass

    def dies_at_the_second(execution):
        ended.append(execution)
        if len(ended) == 2:
            raise KeyboardInterrupt
        end(execution)

    end, ended = Execution.end, []
    with monkeypatch.context() as patched:
        patched.setattr(Execution, "end", dies_at_the_second)
        with pytest.raises(Interrupted):
            train_runs(SPECS, range(3), tmp_path, Keeps())
    assert sorted(len(run.manifest.complete) for run in runs(tmp_path).values()) == [0, 3, 3]
    monkeypatch.setattr(training, "_train", lambda *_: pytest.fail("it was trained again"))
    train_runs(SPECS, range(3), tmp_path, Keeps())
    assert bits(tmp_path) == bits(whole)


def test_of_a_company_not_all_of_which_is_asked_for_the_rest_is_trained_without_it(whole, tmp_path):
    with pytest.raises(Interrupted):
        grid(tmp_path, reporter=Stops(1))
    left = next(run.spec for run in runs(tmp_path).values() if not run.manifest.complete)
    execute(left, range(3), tmp_path, executor="local")
    found = runs(tmp_path)[left.optimizer]
    assert found.manifest.company == {}
    assert {record.stack for record in found.manifest.seeds.values()} == {3}
    grid(tmp_path)
    assert_close(curves(tmp_path), curves(whole))
    mine = {key: value for key, value in bits(whole).items() if key[0] != left.optimizer}
    assert mine.items() <= bits(tmp_path).items(), "the others went on with it, and dropped what it gave"


def test_more_seeds_change_no_other_and_a_run_that_exists_joins_nobody(whole, tmp_path):
    grid(tmp_path, [AM1])
    grid(tmp_path)
    found = runs(tmp_path)
    assert found["am1"].manifest.company == {}
    assert found["am2"].manifest.company.keys() == {found[name].manifest.identity for name in ("am2", "msgd")}
    before = bits(tmp_path)
    grid(tmp_path, seeds=4)
    assert before.items() <= bits(tmp_path).items()
    assert {len(run.manifest.complete) for run in runs(tmp_path).values()} == {4}


def test_a_seed_that_fails_is_failed_in_its_run_alone(whole, tmp_path, monkeypatch):
    train_stack = trainer.train_stack

    def fails(entries, **options):
        if (AM2, 1) in entries:
            raise MemoryError("no room")
        return train_stack(entries, **options)

    monkeypatch.setattr(trainer, "train_stack", fails)
    monkeypatch.setattr("amrobust.train.network.train_seed", fails_alone)
    rows = {row.spec.optimizer: row for row in grid(tmp_path)}
    assert {name: (row.complete, row.trained) for name, row in rows.items()} == {
        "am1": (3, 3), "am2": (2, 2), "msgd": (3, 3),
    }  # fmt: skip
    assert "1 of 3 seeds failed (1): MemoryError: no room" in rows["am2"].error
    assert rows["am1"].error is None
    assert rows["msgd"].error is None
    monkeypatch.undo()
    kept = bits(tmp_path)
    grid(tmp_path)
    assert kept.items() <= bits(tmp_path).items()
    assert_close(curves(tmp_path), curves(whole))


def fails_alone(spec, seed, device):
    if (spec, seed) == (AM2, 1):
        raise MemoryError("no room")
    return trainer.train_stack([(spec, seed)], device=device)[0]


def test_a_method_that_diverges_harms_nobody(whole, tmp_path):
    grid(tmp_path, [AM1, spec("sgd", lr=1e30), AM2])
    found = runs(tmp_path)
    assert all(record.diverged for record in found["sgd"].manifest.seeds.values())
    assert not any(
        record.diverged for name in ("am1", "am2") for record in found[name].manifest.seeds.values()
    )
    mine, theirs = curves(tmp_path), curves(whole)
    assert_close(*({k: v for k, v in c.items() if k[0] in ("am1", "am2")} for c in (mine, theirs)))


def test_a_run_that_cannot_be_written_to_leaves_the_others_what_they_are(whole, tmp_path):
    name = runs(whole)["am2"].path.name
    (tmp_path / name).write_text("in the way")
    rows = {row.spec.optimizer: row for row in grid(tmp_path)}
    assert "cannot write to" in rows["am2"].error
    assert (rows["am1"].complete, rows["msgd"].complete) == (3, 3)
    (tmp_path / name).unlink()
    assert_close(curves(tmp_path), {k: v for k, v in curves(whole).items() if k[0] != "am2"})


def test_what_a_stranger_wrote_into_a_company_names_nothing_that_is_trained(whole, tmp_path):
    """A company is one of runs that are asked for: others that a manifest names are no reason to train anything."""
    from amrobust.runs.spec import content_digest

    with pytest.raises(Interrupted):
        grid(tmp_path, reporter=Stops(1))
    for run in runs(tmp_path).values():
        data = json.loads((run.path / "manifest.json").read_text())
        data.pop("checksum")
        data["provenance"][-1]["company"]["0" * 64] = [0]
        data["checksum"] = content_digest(data)
        (run.path / "manifest.json").write_text(json.dumps(data))
    rows = grid(tmp_path)
    assert {row.complete for row in rows} == {3}
    assert_close(curves(tmp_path), curves(whole))


def test_without_waiting_a_run_that_another_holds_is_left_to_it_and_the_others_train(tmp_path, whole):
    # Where a run's directory would be is known from another place.
    held = tmp_path / runs(whole)["am2"].path.name
    with locked(held, None):
        rows = grid(tmp_path, wait=False)
    assert [(row.complete, row.busy, row.error) for row in rows] == [
        (3, False, None),
        (0, True, None),
        (3, False, None),
    ]
    rows = grid(tmp_path, wait=False)
    assert [(row.complete, row.trained, row.busy) for row in rows] == [
        (3, 0, False),
        (3, 3, False),
        (3, 0, False),
    ]
