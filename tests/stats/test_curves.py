"""Spread along training: bands by explicit loops, and a family of epochs that keeps its error."""

from itertools import combinations

import numpy as np
import pytest

from amrobust import stats
from amrobust.stats.curves import std_band, when_spreads_differ


def test_the_band_is_each_epochs_own_jackknife_interval():
    curves = np.random.default_rng(0).normal(size=(9, 5)) + 1e6
    band = std_band(curves, level=0.9)
    for epoch in range(5):
        alone = stats.avg_std_interval(curves[:, epoch], level=0.9)
        assert (band.std[epoch], band.low[epoch], band.high[epoch]) == pytest.approx(
            (alone.estimate, alone.low, alone.high)
        )


def test_epochs_without_a_spread_have_no_interval():
    curves = np.random.default_rng(0).normal(size=(6, 3))
    curves[:, 1] = 5.0
    curves[:, 2] = [1, 1, 1, 1, 1, 2]
    band = std_band(curves)
    assert band.std[1] == 0
    assert np.isnan(band.low).tolist() == [False, True, True]


def test_adjusted_p_values_by_brute_force():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(4, 3)) * [3.0, 1.0, 1.0], rng.normal(size=(4, 3))
    x, y = a - a.mean(axis=0), b - b.mean(axis=0)
    pooled = np.concatenate([x, y])

    def ratios(first, second):
        return np.log(first.std(axis=0, ddof=1)) - np.log(second.std(axis=0, ddof=1))

    null = []
    for chosen in combinations(range(8), 4):
        rest = [i for i in range(8) if i not in chosen]
        null.append(ratios(pooled[list(chosen)], pooled[rest]))
    null = np.array(null)
    scale = null.std(axis=0)
    largest = abs(null / scale).max(axis=1)
    expected = [(largest >= t - 1e-9).mean() for t in abs(ratios(x, y) / scale)]
    found = when_spreads_differ(a, b)
    assert found.p_adjusted == pytest.approx(expected)
    assert found.log_ratio == pytest.approx(ratios(a, b))


def test_it_says_when():
    rng = np.random.default_rng(2)
    scale = np.where(np.arange(12) < 4, 6.0, 1.0)
    found = when_spreads_differ(scale * rng.normal(size=(20, 12)), rng.normal(size=(20, 12)), resamples=1999)
    assert found.epochs == (1, 2, 3, 4)


@pytest.mark.parametrize("paired", [False, True])
def test_no_epoch_is_named_more_often_than_alpha_when_none_differs(paired):
    rng = np.random.default_rng(3)
    named = 0
    for _ in range(300):
        common = rng.normal(size=(10, 15)) if paired else 0.0
        a, b = common + rng.normal(size=(10, 15)), common + rng.normal(size=(10, 15))
        named += bool(when_spreads_differ(a, b, paired=paired, resamples=299).epochs)
    assert named <= 30, "5 % of 300, and four standard errors"


def test_epochs_that_do_not_vary_are_passed_over_and_curves_that_never_do_refused():
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=(6, 3)), rng.normal(size=(6, 3))
    a[:, 1] = 2.0
    found = when_spreads_differ(a, b)
    assert np.isnan(found.p_adjusted).tolist() == [False, True, False]
    with pytest.raises(stats.CannotEstimate):
        when_spreads_differ(np.ones((6, 3)), b)


def test_copies_of_each_other_are_refused():
    curves = np.random.default_rng(0).normal(size=(6, 4))
    with pytest.raises(stats.CannotEstimate, match="copies"):
        when_spreads_differ(curves, curves + 1, paired=True)
