"""The parameters of steps that all workloads share: schedules, warmup, clipping and accumulation."""

import numpy as np
import pytest
import torch
from made_up_data import put_fashion, put_ptb

from amrobust import rules, workloads
from amrobust.errors import UserError
from amrobust.rules import schedules
from amrobust.train.convex import train_block
from amrobust.train.network import network_at_x0, train_seed
from amrobust.train.prepare import describe, make_spec
from amrobust.train.stacking.trainer import train_stack
from amrobust.train.training import train_unit
from amrobust.workloads import data, rates

SHORT = {"epochs": 3, "lr_drops": 0, "model": "mlp", "batch_size": 100}
STEPS = 3 * 12


class Recording(torch.optim.SGD):
    """Keeps the learning rate of every step."""

    seen: list[float] = []  # noqa: RUF012

    def step(self, closure=None):
        self.seen.append(self.param_groups[0]["lr"])
        return super().step(closure)


@pytest.fixture
def seen(monkeypatch):
    """The learning rates that torch's SGD steps with."""
    Recording.seen = []
    monkeypatch.setattr(torch.optim, "SGD", Recording)
    return Recording.seen


@pytest.fixture
def small_data(tmp_path, monkeypatch):
    put_fashion(tmp_path, train=120, test=60)
    put_ptb(tmp_path)
    monkeypatch.setenv(data.ENVIRONMENT, str(tmp_path))


SCHEDULES = {
    "linear": schedules.linear(0.1, STEPS),
    "wsd": schedules.warmup_stable_decay(0.1, STEPS),
    "one-cycle": schedules.one_cycle(0.1, STEPS),
    "cosine": lambda step: schedules.cosine(0.1, 3)(step // 12),
    "constant": schedules.constant(0.1),
}


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("warmup", [0.0, 0.25])
def test_every_step_of_a_network_has_the_schedules_rate(seen, name, warmup):
    if warmup and name == "one-cycle":
        return
    train_seed(make_spec("digits", "sgd", {**SHORT, "schedule": name, "warmup": warmup}), 0)
    expected = schedules.warmup(SCHEDULES[name], warmup * STEPS)
    np.testing.assert_allclose(seen, [expected(step) for step in range(STEPS)], rtol=1e-12)


@pytest.mark.parametrize("batches", [{"batch_size": 20}, {"batch_size": 10, "accumulate": 2}])
def test_every_step_of_images_has_the_schedules_rate(seen, small_data, batches):
    params = {"epochs": 2, "schedule": "linear", "floor": 0.1, "warmup": 0.25, **batches}
    train_unit(make_spec("fashion-mnist", "sgd", params, {"lr": 0.01}), [0])
    expected = schedules.warmup(schedules.linear(0.01, 12, 0.001), 3)
    np.testing.assert_allclose(seen, [expected(step) for step in range(12)], rtol=1e-12)


def test_the_rate_of_a_window_of_words_falls_with_the_text(seen, small_data):
    params = {"epochs": 2, "batch_size": 4, "model": "small-lstm", "schedule": "linear"}
    (outcome,) = train_unit(make_spec("ptb", "sgd", params, {"lr": 1.0}), [0])
    assert outcome.error is None
    assert max(seen) <= 1.5
    halves = np.array_split(seen, 2)
    assert np.mean(halves[1]) < 0.6 * np.mean(halves[0])
    assert seen[-1] < 0.2


@pytest.mark.parametrize("name", ["linear", "wsd", "one-cycle", "cosine"])
def test_convex_iterations_have_the_schedules_rate(name):
    params = {"iterations": 40, "record_every": 40, "sigma": 0.0, "schedule": name, "floor": 0.0}
    of = make_spec("logistic", "cm", params, {"lr": 2.0})
    (outcome,) = train_block(of, [0])
    problem = workloads.get("logistic").problem(of.workload_params)
    rate = {
        "linear": schedules.linear(2.0, 40),
        "wsd": schedules.warmup_stable_decay(2.0, 40),
        "one-cycle": schedules.one_cycle(2.0, 40),
        "cosine": schedules.cosine(2.0, 40),
    }[name]
    rows = problem.signed_rows
    rule = rules.cm()
    state = rule.init(problem.centre)
    for k in range(40):
        gradient = -(rows / (1 + np.exp(rows @ state.x))[:, None]).mean(axis=0)
        state = rule.step(state, gradient, rate(k))
    expected = np.log1p(np.exp(-rows @ state.x)).mean()
    assert outcome.curves["I"]["train_loss"][-1] == pytest.approx(expected, rel=1e-9)


def test_accumulated_batches_are_one_large_batch():
    """m counts the optimizer's steps: AM1's cycles are those of the large batch."""
    large = make_spec("digits", "am1", {**SHORT, "batch_size": 80}, {"m": 3})
    small = make_spec(
        "digits", "am1", {**SHORT, "batch_size": 20, "accumulate": 4, "clip_norm": 1e9}, {"m": 3}
    )
    one, other = (train_seed(of, 0, dtype=torch.float64) for of in (large, small))
    for output in ("I", "II"):
        for metric in ("test_loss", "train_batch_loss"):
            assert other.curves[output][metric] == pytest.approx(one.curves[output][metric], rel=1e-8)


def test_accumulation_clipping_and_schedules_are_the_same_in_a_stack():
    params = {**SHORT, "batch_size": 50, "accumulate": 5, "clip_norm": 0.2, "schedule": "wsd", "warmup": 0.1}
    of = make_spec("digits", "am1", params)
    together = train_stack([(of, seed) for seed in range(2)], dtype=torch.float64)[1]
    alone = train_seed(of, 1, dtype=torch.float64)
    for output in ("I", "II"):
        for metric, curve in alone.curves[output].items():
            assert together.curves[output][metric] == pytest.approx(curve, rel=1e-7)


def test_clipping_of_images_bounds_the_first_step(small_data):
    params = {"epochs": 1, "batch_size": 120, "model": "small-cnn", "clip_norm": 0.01, "schedule": "constant"}
    of = make_spec("fashion-mnist", "sgd", params, {"lr": 1.0, "weight_decay": 0.0})
    from amrobust.train.images import ImageTraining

    training = ImageTraining(of, 0, torch.device("cpu"))
    start = [p.detach().clone() for p in network_at_x0(of).parameters()]
    training.train_epoch(0)
    moved = torch.cat([(p - q).flatten() for p, q in zip(training.model.parameters(), start, strict=True)])
    assert float(moved.detach().norm()) == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize(
    ("workload", "params", "message"),
    [
        ("digits", {"schedule": "cosin"}, "not one of constant, cosine, linear"),
        ("digits", {"warmup": 1.0}, "not a share"),
        ("digits", {"warmup": 0.1, "schedule": "one-cycle"}, "which has its own"),
        ("digits", {"floor": 0.1}, "floor = 0.1 is not of a schedule"),
        ("digits", {"cooldown": 0.5, "schedule": "linear"}, "cooldown = 0.5 is not of"),
        ("digits", {"accumulate": 0}, "an integer of at least 1"),
        ("digits", {"accumulate": 1000}, "at most the 75 batches"),
        ("digits", {"clip_norm": -1.0}, "a number above 0"),
        ("logistic", {"schedule": "step"}, "not one of constant, cosine"),
    ],
)
def test_what_makes_no_sense_is_refused(workload, params, message):
    with pytest.raises(UserError, match=message):
        describe(make_spec(workload, "sgd", params))


def test_a_theorem_has_its_own_rates():
    with pytest.raises(UserError, match="leave schedule out"):
        make_spec("logistic-ball", "am1g", {"schedule": "linear"}, {"theorem": 1})


@pytest.mark.parametrize("name", [*workloads.WORKLOADS])
def test_every_workload_has_them(name):
    known = workloads.parameters(workloads.get(name))
    assert {"schedule", *rates.RATE} <= known.keys()
    if workloads.get(name).kind in ("network", "image"):
        assert rates.GRADIENT.keys() <= known.keys()
