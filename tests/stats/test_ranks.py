"""Comparisons by rank: scipy's own tests, exact cases, and diverged seeds as the worst of all."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from amrobust import stats


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def test_brunner_munzel_is_scipys(rng):
    a, b = rng.normal(0.5, 1, 12), rng.normal(0, 3, 9)
    found = stats.chance_of_winning(a, b, better="higher")
    expected = scipy.stats.brunnermunzel(a, b)
    assert found.p == pytest.approx(expected.pvalue)
    assert found.estimate == pytest.approx((a[:, None] > b).mean())
    assert found.low < found.estimate < found.high


def test_mann_whitney_is_scipys(rng):
    a, b = rng.normal(1, 1, 7), rng.normal(0, 1, 6)
    found = stats.mann_whitney(a, b, better="lower")
    assert found.p == pytest.approx(scipy.stats.mannwhitneyu(a, b, method="exact").pvalue)
    assert found.estimate == pytest.approx((a[:, None] < b).mean())
    assert found.smallest_p == pytest.approx(2 / 1716)


def test_samples_that_do_not_overlap_have_the_exact_p_and_no_interval():
    found = stats.chance_of_winning([5.0, 6, 7, 8], [1.0, 2, 3, 4], better="higher")
    assert (found.test, found.estimate, found.low) == ("Mann-Whitney", 1.0, None)
    assert found.p == pytest.approx(2 / 70)


def test_a_diverged_seed_loses_against_all_others_and_ties_with_its_like():
    a, b = [1.0, np.nan, 2.0, 3.0], [0.5, np.inf, 4.0, 5.0]
    found = stats.chance_of_winning(a, b, better="lower")
    wins = [[x < y for y in (0.5, 9, 4, 5)] for x in (1, 2, 3)]
    assert found.estimate == pytest.approx((np.sum(wins) + 0.5) / 16)


def test_pairs_are_judged_by_the_sign_test():
    a, b = np.arange(8.0) + 1, np.arange(8.0)
    found = stats.chance_of_winning(a, b, better="higher", paired=True)
    assert found.p == pytest.approx(2 / 2**8)
    assert (found.estimate, found.high) == (1.0, 1.0)
    assert found.smallest_p == found.p
    with pytest.raises(stats.CannotEstimate, match="tie"):
        stats.chance_of_winning(a, a, better="higher", paired=True)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 1000), better=st.sampled_from(["higher", "lower"]))
def test_exchanging_the_methods_mirrors_the_chance(seed, better):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 6, 7).astype(float), rng.integers(0, 6, 9).astype(float)
    one, other = stats.chance_of_winning(a, b, better=better), stats.chance_of_winning(b, a, better=better)
    assert one.estimate == pytest.approx(1 - other.estimate)
    assert one.p == pytest.approx(other.p)


def test_too_few_seeds_are_refused():
    with pytest.raises(stats.CannotEstimate, match="too few"):
        stats.chance_of_winning([1.0, 2, 3], [1.0, 2, 3, 4], better="higher")
