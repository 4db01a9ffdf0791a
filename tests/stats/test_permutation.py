"""Permutation tests against brute-force enumeration, and their smallest p-values."""

from itertools import product
from math import comb

import numpy as np
import pytest

from amrobust import stats
from amrobust.stats.permutation import EXACT_UP_TO


@pytest.fixture
def rng():
    return np.random.default_rng(3)


@pytest.mark.parametrize("epochs", [1, 5])
def test_swaps_by_brute_force(rng, epochs):
    a = rng.standard_normal((6, epochs))
    b = a + rng.standard_normal((6, epochs))
    x, y = a - a.mean(axis=0), b - b.mean(axis=0)

    def statistic(first, second):
        return abs(np.log(stats.avg_std(first)) - np.log(stats.avg_std(second)))

    every = []
    for swap in product([False, True], repeat=6):
        mask = np.array(swap)[:, None]
        every.append(statistic(np.where(mask, y, x), np.where(mask, x, y)))
    expected = np.mean(np.array(every) >= statistic(a, b) - 1e-12)
    found = stats.swaps_within_pairs(a, b)
    assert found.p == pytest.approx(expected)
    assert found.paired
    assert bool(found.warnings) == (epochs > 1)


@pytest.mark.parametrize("n", [4, 5, 6])
def test_the_smallest_p_is_attained_by_the_most_extreme_samples(n):
    narrow, wide = 1e-3 * np.arange(n), np.geomspace(1.0, 100.0, n)
    found = stats.swaps_within_pairs(narrow, wide)
    assert found.p == found.smallest_p == 2 / 2**n
    assert stats.smallest_permutation_p(n, n) == pytest.approx(2 / comb(2 * n, n))
    assert stats.smallest_permutation_p(n, n + 1) == pytest.approx(1 / comb(2 * n + 1, n))


def test_beyond_enumeration_p_is_sampled_with_its_error(rng):
    a, b = rng.standard_normal(20), rng.standard_normal(20)
    assert EXACT_UP_TO < 2**20
    found = stats.swaps_within_pairs(a, b, resamples=999, seed=1)
    assert found.details["exact"] == 0
    assert found.p * 1000 == pytest.approx(round(found.p * 1000))
    assert found.details["monte_carlo_se"] > 0
    assert found.smallest_p == 1 / 1000
    again = stats.swaps_within_pairs(a, b, resamples=999, seed=1)
    assert again.p == found.p


def test_exchanging_the_samples_changes_nothing(rng):
    a, b = rng.standard_normal((6, 3)), 2 * rng.standard_normal((6, 3))
    assert stats.swaps_within_pairs(a, b).p == pytest.approx(stats.swaps_within_pairs(b, a).p)


def test_constant_samples_are_refused():
    with pytest.raises(stats.CannotEstimate, match="zero"):
        stats.swaps_within_pairs(np.ones(6), np.arange(6.0))
