"""Which test examples were right: written, read back to the bit, and what is not what it says refused."""

import dataclasses

import numpy as np
import pytest

from amrobust.ingest.load import load_arms
from amrobust.runs import correct_file
from amrobust.runs.check import check_run
from amrobust.runs.correctness import SeedCorrectness
from amrobust.runs.store import read_run
from amrobust.runs.validators import CorruptRun
from amrobust.train.engine import execute
from amrobust.train.prepare import make_spec


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    spec = make_spec("digits", "msgd", {"epochs": 2, "batch_size": 128, "lr_drops": 0})
    return execute(spec, range(3), tmp_path_factory.mktemp("runs"), executor="local")


@pytest.fixture
def run(made, tmp_path):
    copy = tmp_path / made.path.name
    copy.mkdir()
    for file in made.path.iterdir():
        if file.is_file():
            (copy / file.name).write_bytes(file.read_bytes())
    return read_run(copy)


def test_the_bits_give_the_accuracies_of_the_curves(run):
    curves = run.curves()
    for output, found in run.correct().items():
        for row, seed in enumerate(run.manifest.complete):
            for epoch in range(2):
                right = found.shares([seed], [epoch + 1.0])
                assert right.shape == (1, 596)
                assert 100 * right.mean() == pytest.approx(curves[output]["test_accuracy"][row, epoch])


def test_what_is_written_is_read_back(run):
    facts, seeds = run.manifest.facts, run.manifest.complete
    entry, data = correct_file.encode(correct_file.by_seed(run.correct()), seeds, facts)
    assert (entry, data) == (run.manifest.correct, run.examples)


def test_a_part_of_the_seeds_may_be_known_and_a_part_of_the_epochs(run):
    facts, seeds = run.manifest.facts, run.manifest.complete
    one = SeedCorrectness.blank("test_accuracy", 596, facts.outputs, 2)
    right = np.arange(596) % 3 == 0
    one.enter("I", 1, right)
    entry, data = correct_file.encode({seeds[1]: one}, seeds, facts)
    found = correct_file.decode(data, entry, seeds, facts)["I"]
    assert found.known.tolist() == [[False, False], [False, True], [False, False]]
    assert (found.shares([seeds[1]], [2.0])[0] == right).all()
    assert found.shares([seeds[1]], [1.0]) is None
    assert found.shares(seeds, [2.0]) is None


def test_shares_go_by_the_names_of_seeds_whatever_was_left_out(run):
    found = run.correct()["I"]
    both = found.shares([2, 0], [1.0, 2.0])
    assert (both[1] == (found.shares([0], [1.0])[0] + found.shares([0], [2.0])[0]) / 2).all()
    assert found.shares([7], [1.0]) is None


def test_a_damaged_file_is_noticed(run):
    path = run.path / run.manifest.correct.file
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(CorruptRun, match="file of correct examples is damaged"):
        read_run(run.path)
    path.write_bytes(data[:-1])
    with pytest.raises(CorruptRun, match="cut off"):
        read_run(run.path)
    path.unlink()
    with pytest.raises(CorruptRun, match="file of correct examples is missing"):
        read_run(run.path)


def test_bits_that_give_other_accuracies_are_noticed(run):
    found = run.correct()
    wrong = {output: dataclasses.replace(each, bits=~each.bits) for output, each in found.items()}
    correct_file.check(found, run.curves())
    with pytest.raises(CorruptRun, match="other accuracies"):
        correct_file.check(wrong, run.curves())
    assert check_run(run.path).state == "sound"


def test_what_a_killed_process_left_is_removed_by_the_next_training(run):
    left = run.path / "correct-000000000000.bits"
    left.write_bytes(b"x")
    assert left.name in check_run(run.path).detail
    execute(run.spec, range(4), run.path.parent, executor="local")
    assert not left.exists()
    assert len(list(run.path.glob("correct-*.bits"))) == 1


def test_an_arm_of_a_run_carries_it(run):
    for arm in load_arms([run.path])[0]:
        assert arm.correct.examples == 596
        assert arm.correct.metric == "test_accuracy"


def test_a_file_that_would_be_too_long_is_not_written(run, monkeypatch):
    monkeypatch.setattr(correct_file, "MOST_BYTES", 100)
    found = correct_file.by_seed(run.correct())
    assert correct_file.encode(found, run.manifest.complete, run.manifest.facts) is None
