"""Permutation tests against brute-force enumeration, and their smallest p-values."""

from itertools import combinations, product
from math import comb

import numpy as np
import pytest

from amrobust import stats
from amrobust.stats.permutation import EXACT_UP_TO


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def deviations(x):
    d = np.sort(abs(x - np.median(x)))
    return d[1:] if len(x) % 2 else d


@pytest.mark.parametrize(("n_a", "n_b"), [(5, 5), (6, 6), (5, 6), (4, 7)])
def test_final_values_by_brute_force(rng, n_a, n_b):
    a, b = rng.standard_normal(n_a) * 2, rng.standard_normal(n_b)
    d_a, d_b = deviations(a), deviations(b)
    pooled = np.concatenate([d_a, d_b])
    observed = abs(d_a.mean() - d_b.mean())
    count = 0
    for chosen in combinations(range(len(pooled)), len(d_a)):
        rest = [i for i in range(len(pooled)) if i not in chosen]
        count += abs(pooled[list(chosen)].mean() - pooled[rest].mean()) >= observed - 1e-12
    found = stats.permutation_spread(a, b)
    assert found.p == pytest.approx(count / comb(len(pooled), len(d_a)))
    assert found.details["exact"] == 1


def test_curves_by_brute_force(rng):
    a, b = rng.standard_normal((4, 6)) * 1.5, rng.standard_normal((5, 6))
    pooled = np.concatenate([a - a.mean(axis=0), b - b.mean(axis=0)])

    def statistic(first, second):
        return abs(np.log(stats.avg_std(first)) - np.log(stats.avg_std(second)))

    every = [
        statistic(pooled[list(chosen)], pooled[[i for i in range(9) if i not in chosen]])
        for chosen in combinations(range(9), 4)
    ]
    expected = np.mean(np.array(every) >= statistic(a, b) - 1e-12)
    found = stats.permutation_spread(a, b)
    assert found.p == pytest.approx(expected)
    assert [warning.kind for warning in found.warnings] == ["approximate-permutation"]


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
    found = stats.permutation_spread(a, b, paired=True)
    assert found.p == pytest.approx(expected)
    assert found.paired


@pytest.mark.parametrize("n", [4, 5, 6])
def test_the_smallest_p_is_attained_by_the_most_extreme_samples(n):
    narrow, wide = np.linspace(-1e-3, 1e-3, n), np.linspace(-5, 5, n) + 0.1
    found = stats.permutation_spread(narrow, wide)
    assert found.p == pytest.approx(found.smallest_p)
    kept = n - n % 2
    assert found.smallest_p == pytest.approx(2 / comb(2 * kept, kept))
    assert stats.smallest_permutation_p(n, n, paired=True) == 2 / 2**n


def test_beyond_enumeration_p_is_sampled_with_its_error(rng):
    a, b = rng.standard_normal(20), rng.standard_normal(20)
    assert comb(40, 20) > EXACT_UP_TO
    found = stats.permutation_spread(a, b, resamples=999, seed=1)
    assert found.details["exact"] == 0
    assert found.p * 1000 == pytest.approx(round(found.p * 1000))
    assert found.details["monte_carlo_se"] > 0
    assert found.smallest_p == 1 / 1000
    again = stats.permutation_spread(a, b, resamples=999, seed=1)
    assert again.p == found.p


def test_exchanging_the_samples_changes_nothing(rng):
    a, b = rng.standard_normal((6, 3)), 2 * rng.standard_normal((6, 3))
    assert stats.permutation_spread(a, b).p == pytest.approx(stats.permutation_spread(b, a).p)


def test_constant_samples_are_refused():
    with pytest.raises(stats.CannotEstimate, match="zero"):
        stats.permutation_spread(np.ones(6), np.arange(6.0))
