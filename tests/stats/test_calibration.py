"""The calibration study itself: reproducible, complete, and able to fail."""

import numpy as np
import pytest

from amrobust import stats
from amrobust.stats import spread_ratio
from amrobust.stats.calibration import Cell, Effort, Figure, cells, measure, measure_all
from amrobust.stats.calibration.conditions import CURVES, VALUES
from amrobust.stats.calibration.rivals import RIVALS

QUICK = Effort(values=300, curves=60, slow=10)


def test_every_topic_is_measured_and_reproducible():
    first = {cell.topic: cell for cell in cells()}
    for cell in first.values():
        figures = measure(cell, QUICK)
        assert figures == measure(cell, QUICK)
        assert all(0 <= figure.low <= figure.value <= figure.high for figure in figures)


def test_another_root_draws_other_numbers():
    cell = Cell("final spread", "normal seeds", 10)
    assert measure(cell, QUICK) != measure(cell, QUICK, root=1)


def test_figures_do_not_depend_on_the_number_of_processes():
    chosen = [cell for cell in cells() if cell.topic == "trend"][:3]
    assert dict(measure_all(chosen, QUICK, jobs=2)) == dict(measure_all(chosen, QUICK))


def test_the_names_of_cells_differ():
    names = [cell.name for cell in cells()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", [*VALUES, *CURVES])
def test_conditions_have_equal_spread_at_every_replication(name):
    condition = VALUES.get(name) or CURVES[name]
    a, b = condition.draw(np.random.default_rng(0), 4_000, 10)
    stds = [x.reshape(-1, condition.epochs).std(axis=0).mean() for x in (a, b)]
    assert stds == pytest.approx([1, 1], rel=0.06)


@pytest.mark.parametrize("name", ["normal seeds", "t5 pairs, correlation 0.5", "AR(0.8) curves"])
def test_what_is_measured_is_what_decides(name):
    """The batched p-values are those that amrobust.stats.spread_ratio gives one by one."""
    condition = VALUES.get(name) or CURVES[name]
    a, b = condition.draw(np.random.default_rng(0), 5, 8)
    batched = RIVALS["what decides"].p(a, b, condition.paired, 0.0)
    single = [spread_ratio(x, y, paired=condition.paired).p for x, y in zip(a, b, strict=True)]
    assert batched == pytest.approx(single)


@pytest.mark.parametrize("name", ["t5 seeds", "normal pairs, correlation 0.5"])
@pytest.mark.parametrize(
    ("rival", "single"),
    [
        ("Bonett, kurtosis pooled at the ratio", stats.pooled_kurtosis_ratio),
        ("Bonett-Seier (MADs)", stats.mad_ratio),
    ],
)
def test_batched_rivals_are_the_public_functions(name, rival, single):
    condition = VALUES[name]
    if not RIVALS[rival].fits(condition):
        pytest.skip("made for independent samples")
    options = {"paired": True} if condition.paired else {}
    a, b = condition.draw(np.random.default_rng(0), 5, 8)
    expected = [single(x, y, **options).p for x, y in zip(a, b, strict=True)]
    assert RIVALS[rival].p(a, b, condition.paired, 0.0) == pytest.approx(expected)


def test_the_f_test_would_fail_its_band():
    figures = measure(Cell("final spread", "t5 seeds", 20), Effort(values=600, curves=10, slow=10))
    wrong = next(f for f in figures if f.construction == "F" and f.measure == "type I error")
    assert not wrong.outside
    banded = Figure(**{**vars(wrong), "band_low": 0.0, "band_high": 0.06})
    assert banded.outside
