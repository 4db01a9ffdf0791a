"""How far blocks are is heard from every executor while they train, and costs or risks nothing."""

import pickle

import pytest

from amrobust.errors import RunError
from amrobust.train import executors, heartbeat, reporter
from amrobust.train.engine import execute, train_runs
from amrobust.train.executors import make_executor
from amrobust.train.heartbeat import Board, Listener
from amrobust.train.prepare import make_spec
from amrobust.train.reporter import Silent
from amrobust.train.training import train_unit
from amrobust.train.unit import Place

PARAMS = {"epochs": 4, "lr_drops": 0, "model": "mlp"}
MLP = make_spec("digits", "am1", PARAMS)


@pytest.fixture
def chatty(monkeypatch):
    """Every message is told."""
    monkeypatch.setattr(heartbeat, "INTERVAL", 0.0)


class Heard(list):
    def __call__(self, seeds, share, seconds):
        self.append((seeds, share, seconds))


@pytest.mark.usefixtures("chatty")
@pytest.mark.parametrize(
    ("spec", "seeds"),
    [
        (MLP, (0,)),
        (MLP, (3, 5)),
        (make_spec("logistic", "am1", {"iterations": 40}), (0, 1, 2)),
    ],
    ids=["alone", "stack", "convex"],
)
def test_shares_rise_from_nothing_to_nearly_all_and_paces_are_of_the_whole(spec, seeds):
    heard = Heard()
    outcomes = train_unit(spec, seeds, Place(heard=heard))
    shares = [share for _, share, _ in heard]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert 0.85 < shares[-1] < 1
    assert len(shares) >= 40
    assert {block for block, _, _ in heard} == {seeds}
    whole = sum(outcome.wall_seconds for outcome in train_unit(spec, seeds, Place(heard=heard)))
    assert 0.2 < heard[-1][2] / whole < 5
    assert train_unit(spec, seeds, Place())[0].curves.keys() == outcomes[0].curves.keys()


def test_at_most_two_messages_a_second_are_told():
    heard = Heard()
    train_unit(make_spec("logistic", "sgd", {"iterations": 400}), (0,), Place(heard=heard))
    assert len(heard) < 20


@pytest.mark.usefixtures("chatty")
def test_what_goes_wrong_with_a_message_is_nothing_to_the_training():
    def breaks(seeds, share, seconds):
        raise OSError("no such terminal")

    (outcome,) = train_unit(MLP, (0,), Place(heard=Listener(breaks)))
    assert outcome.error is None


def test_another_process_has_no_listener():
    place = Place(heard=Listener(lambda *told: None))
    assert pickle.loads(pickle.dumps(place)).heard is None


class TestBoard:
    def test_what_is_written_for_a_block_that_was_given_up_is_not_its_successors(self):
        board = Board()
        heartbeat.work_for(board.cells)
        first = board.take()
        heartbeat.writer(first)((0,), 0.5, 10.0)
        assert board.read(first) == (0.5, 10.0)
        board.give_back(first)
        second = board.take()
        assert second[0] == first[0]
        heartbeat.writer(first)((0,), 0.75, 10.0)
        assert board.read(second) is None
        heartbeat.writer(second)((1,), 0.25, 8.0)
        assert board.read(second) == (0.25, 8.0)

    def test_without_a_slot_nothing_is_heard_and_nothing_breaks(self, monkeypatch):
        monkeypatch.setattr(heartbeat, "SLOTS", 1)
        board = Board()
        assert board.take() is not None
        assert board.take() is None
        assert heartbeat.writer(None) is None
        assert board.read(None) is None
        board.give_back(None)


@pytest.mark.usefixtures("chatty")
def test_a_worker_of_a_cluster_that_sees_the_directory_is_heard_through_it(tmp_path, monkeypatch):
    from amrobust.train import remote

    spec, seeds, heard = make_spec("logistic", "sgd", {"iterations": 20}), (2, 5), Heard()
    step = heartbeat.advanced

    def read_after_each(share):
        step(share)
        heartbeat.read_files([seeds, (7,)], tmp_path, heard)

    monkeypatch.setattr(heartbeat, "advanced", read_after_each)
    (tmp_path / "token").touch()
    origin = remote.Origin.of(spec)
    remote.train_task(spec, seeds, Place(checkpoints=tmp_path), tmp_path / "token", origin)
    assert {block for block, _, _ in heard} == {seeds}
    assert [share for _, share, _ in heard] == sorted(share for _, share, _ in heard)
    assert heard[-1][1] == pytest.approx(0.95)
    assert not heartbeat.file_of(seeds, tmp_path).exists()
    heard.clear()
    heartbeat.file_of(seeds, tmp_path).write_text("0.3 ")
    heartbeat.read_files([seeds], tmp_path, heard)
    remote.train_task(spec, seeds, Place(checkpoints=tmp_path), tmp_path / "no token", origin)
    assert heard == []


def test_where_there_is_no_room_for_a_board_nobody_is_heard_and_all_train(monkeypatch, tmp_path):
    import multiprocessing

    def full(*arguments):
        raise OSError(27, "File too large")

    monkeypatch.setattr(type(multiprocessing.get_context("spawn")), "RawArray", full)
    run = execute(make_spec("logistic", "sgd", {"iterations": 20}), range(2), tmp_path, jobs=1)
    assert run.manifest.complete == (0, 1)


class Advanced(Silent):
    def __init__(self):
        self.said, self.seeds = [], 0

    def advanced(self, trained, remaining):
        self.said.append((trained, remaining, self.seeds))

    def seed_done(self, run, outcome):
        self.seeds += 1


@pytest.fixture
def attentive(chatty, monkeypatch):
    """Whatever is told is heard at once."""
    monkeypatch.setattr(executors, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(reporter, "ADVANCED_SECONDS", 0.0)
    monkeypatch.setattr(reporter, "SHARE", 1.0)


@pytest.mark.usefixtures("attentive")
@pytest.mark.parametrize(("executor", "epochs"), [("local", 2), ("processes", 15)])
def test_of_a_stack_the_time_left_is_known_before_any_of_its_seeds_is_done(executor, epochs, tmp_path):
    spec = make_spec("digits", "am1", PARAMS | {"epochs": epochs})
    heard = Advanced()
    execute(spec, range(3), tmp_path, executor=executor, jobs=1, batching="stack", reporter=heard)
    early = [said for said in heard.said if said[2] == 0 and said[1] is not None]
    assert early
    assert all(0 < trained < 3 and remaining > 0 for trained, remaining, _ in early)
    assert heard.said[-1] == (3, 0.0, 3)


@pytest.mark.usefixtures("attentive")
def test_of_methods_in_one_stack_too(tmp_path):
    specs = [make_spec("digits", opt, PARAMS | {"epochs": 2}) for opt in ("am1", "msgd")]
    heard = Advanced()
    train_runs(specs, range(2), tmp_path, make_executor("local"), reporter=heard)
    assert any(0 < trained < 4 and remaining for trained, remaining, seeds in heard.said if seeds == 0)
    assert heard.said[-1] == (4, 0.0, 4)


def test_a_failed_seed_is_not_waited_for(tmp_path, monkeypatch):
    from amrobust.train import training

    monkeypatch.setattr(training, "_train", lambda *_: 1 / 0)
    heard = Advanced()
    with pytest.raises(RunError, match="ZeroDivisionError"):
        execute(MLP, range(2), tmp_path, executor="local", reporter=heard)
    assert heard.said[-1] == (2, 0.0, 2)
