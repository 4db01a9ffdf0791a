"""Learning-rate schedules against torch's."""

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler

from amrobust.rules import schedules
from amrobust.workloads.digits import WORKLOAD as DIGITS


def torch_rates(make, epochs, values=None):
    """The rate of each epoch; ``values`` are what a plateau scheduler is shown after each."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.3)
    scheduler = make(optimizer)
    rates = []
    for epoch in range(epochs):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step() if values is None else scheduler.step(values[epoch])
    return rates


PAIRS = {
    "constant": (schedules.constant(0.3), lambda o: lr_scheduler.ConstantLR(o, factor=1.0)),
    "step": (schedules.step(0.3, 7, 5.0), lambda o: lr_scheduler.StepLR(o, 7, 0.2)),
    "multi_step": (
        schedules.multi_step(0.3, (5, 20, 21)),
        lambda o: lr_scheduler.MultiStepLR(o, [5, 20, 21], 0.1),
    ),
    "linear": (
        schedules.linear(0.3, 30, 0.03),
        lambda o: lr_scheduler.LinearLR(o, start_factor=1.0, end_factor=0.1, total_iters=30),
    ),
    "one_cycle": (
        schedules.one_cycle(0.3, 31),
        lambda o: lr_scheduler.OneCycleLR(o, 0.3, 31, cycle_momentum=False),
    ),
    "cosine": (
        schedules.cosine(0.3, 30, 0.01),
        lambda o: lr_scheduler.CosineAnnealingLR(o, 30, eta_min=0.01),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_a_schedule_is_torchs(name):
    ours, theirs = PAIRS[name]
    found = [ours(epoch) for epoch in range(31)]
    np.testing.assert_allclose(found, torch_rates(theirs, 31), rtol=1e-13)
    different = {"constant": 1, "step": 5, "multi_step": 4}
    assert len(set(found)) == different.get(name, 31)


def test_one_cycle_of_a_rise_of_one_step_begins_at_its_top():
    rate = schedules.one_cycle(1.0, 10, rise=0.1)
    assert rate(0) == 1.0
    assert rate(9) == pytest.approx(1 / 25 / 1e4)


def test_warmup_stable_decay_by_hand():
    rate = schedules.warmup(schedules.warmup_stable_decay(1.0, 10, decay=0.4, final=0.2), 2)
    found = [rate(step) for step in range(12)]
    np.testing.assert_allclose(found, [0.5, 1, 1, 1, 1, 1, 1, 0.8, 0.6, 0.4, 0.2, 0.2], rtol=1e-13)


def test_warmup_is_a_share_that_grows_by_equal_steps():
    rate = schedules.warmup(schedules.linear(0.3, 20), 4)
    np.testing.assert_allclose(
        [rate(t) for t in range(4)], [0.3 * (1 - t / 20) * (t + 1) / 4 for t in range(4)]
    )
    assert [rate(t) for t in range(4, 21)] == [schedules.linear(0.3, 20)(t) for t in range(4, 21)]


def test_cosine_stays_at_its_final_rate():
    rate = schedules.cosine(0.3, 30, 0.01)
    assert [rate(epoch) for epoch in (30, 31, 60)] == [0.01] * 3


@pytest.mark.parametrize("better", ["lower", "higher"])
@pytest.mark.parametrize("patience", [0, 3])
@pytest.mark.parametrize("threshold", [0.0, 0.05])
def test_a_plateau_is_torchs(better, patience, threshold):
    rng = np.random.default_rng(patience)
    values = 5 + np.cumsum(rng.normal(-0.05 if better == "lower" else 0.05, 0.2, 120))
    values[[10, 50]] = np.nan
    rule = schedules.Plateau(patience, 2.0, threshold, better, lowest=0.01)
    state, found = rule.start(0.3), []
    for value in values:
        found.append(state.lr)
        state = rule.observe(state, value)
    expected = torch_rates(
        lambda o: lr_scheduler.ReduceLROnPlateau(
            o, "min" if better == "lower" else "max", factor=0.5, patience=patience,
            threshold=threshold, min_lr=0.01, eps=0.0,
        ),
        len(values), values,
    )  # fmt: skip
    np.testing.assert_allclose(found, expected, rtol=1e-13)
    assert len(set(found)) > 3


def test_digits_divides_its_rate_by_ten_at_equal_distances():
    params = {"epochs": 30, "batch_size": 16, "lr_drops": 2}
    rates = [DIGITS.learning_rate(params, 0.1, epoch) for epoch in range(30)]
    assert rates == [0.1] * 10 + [0.1 / 10] * 10 + [0.1 / 100] * 10


@pytest.mark.parametrize(
    "make",
    [
        lambda: schedules.step(0.1, 0),
        lambda: schedules.step(0.1, 1, 0.0),
        lambda: schedules.multi_step(0.1, (1,), -1.0),
        lambda: schedules.cosine(0.1, 0),
        lambda: schedules.Plateau(patience=-1),
        lambda: schedules.Plateau(factor=1.0),
    ],
)
def test_nonsense_is_refused(make):
    with pytest.raises(ValueError, match=r"positive|more than 1|at least 0|1 or more"):
        make()
