"""A sweep's trend: least squares on jackknifed log spreads by hand, permutation null, turning points."""

import math

import numpy as np
import pytest

from amrobust import stats
from amrobust.stats.trend import _sum_of_signs


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def log_spread(x):
    return math.log(np.mean(np.std(x, axis=0, ddof=1)))


def test_the_slope_is_least_squares_on_the_jackknifed_log_spreads(rng):
    values = [1, 2, 8]
    samples = [rng.normal(0, 1 / v, (9, 6)) for v in values]
    means = []
    for x in samples:
        n = len(x)
        means.append(
            np.mean([n * log_spread(x) - (n - 1) * log_spread(np.delete(x, i, axis=0)) for i in range(n)])
        )
    slope = np.polyfit(np.log2(values), means, 1)[0]
    found = stats.spread_trend(samples, values)
    assert found.estimate == pytest.approx(math.exp(slope))
    assert found.low < found.estimate < found.high < 1
    assert found.p < 0.001


def test_the_p_value_is_the_inversion_of_the_interval(rng):
    samples = [rng.normal(0, 1, 8) for _ in range(4)]
    found = stats.spread_trend(samples, [1, 3, 5, 10])
    at_p = stats.spread_trend(samples, [1, 3, 5, 10], level=1 - found.p)
    assert min(abs(math.log(at_p.low)), abs(math.log(at_p.high))) == pytest.approx(0, abs=1e-9)


def test_reversing_the_sweep_inverts_the_ratio(rng):
    samples = [rng.normal(0, s, 8) for s in (1.0, 2.0, 3.0)]
    one = stats.spread_trend(samples, [1, 2, 4])
    other = stats.spread_trend(samples[::-1], [1, 2, 4])
    assert other.estimate == pytest.approx(1 / one.estimate)
    assert other.p == pytest.approx(one.p)


@pytest.mark.parametrize("test", [stats.permutation_trend, stats.jonckheere])
def test_second_opinions_find_a_strong_trend_and_hold_their_level(rng, test):
    strong = [rng.normal(0, s, 15) for s in (1.0, 3.0, 9.0)]
    assert test(strong, [1, 2, 4], resamples=499).p == pytest.approx(1 / 500)
    rejected = sum(
        test([rng.normal(0, 1, 8) for _ in range(3)], [1, 2, 4], resamples=99).p <= 0.05 for _ in range(300)
    )
    assert rejected <= 30


def test_jonckheeres_statistic_counts_pairs_with_and_without_ties(rng):
    for z in (rng.normal(size=40), rng.integers(0, 6, 40).astype(float)):
        labels = rng.integers(0, 4, 40)
        pairs = np.sign(z[:, None] - z) * np.sign(labels[:, None] - labels)
        assert _sum_of_signs(z, 4)(labels) == pairs.sum()


def test_jonckheere_is_fit_for_thousands_of_seeds(rng):
    samples = [rng.normal(0, s, 1000) for s in (1.0, 1.0, 1.1)]
    assert stats.jonckheere(samples, [1, 2, 4], resamples=199).p <= 0.05


def test_a_u_shaped_sweep_turns(rng):
    samples = [rng.normal(0, s, 30) for s in (4.0, 1.0, 0.9, 5.0)]
    found = stats.turning_point(samples, [1, 3, 5, 30])
    assert found.value in (3, 5)
    assert set(found.candidates) == {3, 5}
    assert found.falls_before
    assert found.rises_after


@pytest.mark.parametrize(
    ("samples", "values"),
    [
        ([np.arange(5.0)] * 2, [1, 2]),
        ([np.arange(5.0)] * 3, [1, 2, 2]),
        ([np.arange(5.0)] * 3, [1, 2, np.inf]),
        ([np.arange(5.0), np.arange(5.0), np.ones((5, 2))], [1, 2, 3]),
        ([np.arange(5.0), np.arange(5.0), np.ones(5)], [1, 2, 3]),
    ],
)
def test_what_is_no_sweep_is_refused(samples, values):
    with pytest.raises(stats.CannotEstimate):
        stats.spread_trend(samples, values)


def test_a_sweep_that_begins_with_0_is_judged_by_its_steps(rng):
    samples = [rng.normal(0, std, (9, 6)) for std in (1, 1.5, 2, 3)]
    steps = stats.spread_trend(samples, [0, 1e-4, 5e-4, 0.1])
    # Doublings are the steps of 1, 2, 4, 8: the same numbers, said to be of something else.
    doublings = stats.spread_trend(samples, [1, 2, 4, 8])
    assert (steps.estimate, steps.low, steps.high, steps.p) == (
        doublings.estimate,
        doublings.low,
        doublings.high,
        doublings.p,
    )
    assert steps.quantity == "ratio of Avg. STDs for each step of the sweep"
    assert doublings.quantity == "ratio of Avg. STDs for each doubling"
    second = stats.permutation_trend(samples, [-0.1, 0, 3, 100])
    assert second.p == stats.permutation_trend(samples, [1, 2, 4, 8]).p
    assert stats.turning_point(samples, [0, 1e-4, 5e-4, 0.1]).value == 0
