"""The spread on the distribution of test examples: against sums over all pairs, and against truths that were drawn from."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amrobust import stats
from amrobust.stats.distribution import OnDistribution, _Contrast


def drawn(rng, seeds, examples, sd, heavy=False):
    """Seeds of expected accuracies of this STD on examples of different difficulty, each right by chance."""
    easy = rng.beta(9.5, 0.5, examples)
    quality = rng.standard_t(5, seeds) / np.sqrt(5 / 3) if heavy else rng.normal(size=seeds)
    room = easy * (1 - easy)
    return rng.random((seeds, examples)) < np.clip(easy + sd * quality[:, None] * room / room.mean(), 0, 1)


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def test_it_is_the_mean_covariance_over_pairs_of_different_examples(rng):
    c = drawn(rng, 6, 9, 0.1).astype(float)
    found = OnDistribution.of(c)
    pairs = [np.cov(c[:, x], c[:, y])[0, 1] for x, y in itertools.permutations(range(9), 2)]
    assert found.covariance == pytest.approx(np.mean(pairs), abs=1e-15)
    assert found.total == pytest.approx(c.mean(axis=1).var(ddof=1))
    n = 9
    jordan = (n**2 * found.total - c.var(axis=0, ddof=1).sum()) / (n * (n - 1))
    assert found.covariance == pytest.approx(jordan, abs=1e-15)


def test_without_a_seed_it_is_that_of_the_others(rng):
    c = drawn(rng, 7, 40, 0.05)
    found = OnDistribution.of(c)
    for seed, without in enumerate(found.without):
        assert without == pytest.approx(OnDistribution.of(np.delete(c, seed, axis=0)).covariance, abs=1e-15)


@pytest.mark.parametrize("sd", [0.0, 0.01, 0.03])
def test_it_is_unbiased_for_the_variance_of_the_expected_accuracy(rng, sd):
    found = []
    for _ in range(1500):
        easy = rng.uniform(0.3, 0.7, 50)
        right = rng.random((5, 50)) < easy + sd * rng.normal(size=(5, 1))
        found.append(OnDistribution.of(right).covariance)
    assert np.mean(found) == pytest.approx(sd**2, abs=4 * np.std(found) / np.sqrt(len(found)))


@pytest.mark.parametrize(
    ("seeds", "sd", "heavy"), [(5, 0.0, False), (10, 0.02, False), (20, 0.005, False), (10, 0.01, True)]
)
def test_its_interval_holds_the_truth_in_at_least_90_percent_of_studies(rng, seeds, sd, heavy):
    found = [stats.spread_on_distribution(drawn(rng, seeds, 300, sd, heavy)) for _ in range(500)]
    assert np.mean([each.low <= sd <= each.high for each in found]) > 0.9


def test_where_seeds_do_not_differ_the_interval_begins_at_zero(rng):
    found = [stats.spread_on_distribution(drawn(rng, 10, 300, 0.0)) for _ in range(300)]
    assert np.mean([each.low == 0 for each in found]) > 0.94


@pytest.mark.parametrize(
    ("seeds", "sd", "heavy"), [(5, 0.02, False), (10, 0.0, False), (10, 0.02, False), (20, 0.02, True)]
)
def test_equal_spreads_are_rejected_in_at_most_about_5_percent_of_studies(rng, seeds, sd, heavy):
    rejected = 0
    for _ in range(500):
        a, b = (OnDistribution.of(drawn(rng, seeds, 300, sd, heavy)) for _ in "ab")
        rejected += _Contrast(a, b, False).p(1.0) <= 0.05
    assert rejected / 500 < 0.08


def test_a_larger_spread_is_found_where_the_test_set_hides_it_from_nobody(rng):
    a, b = drawn(rng, 20, 5000, 0.005), drawn(rng, 20, 5000, 0.03)
    found = stats.ratio_on_distribution(a, b)
    assert found.p < 0.001
    assert found.low < 1 / 6 < found.high < 1


@given(st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=40, deadline=None)
def test_the_interval_excludes_equality_exactly_where_the_test_rejects_it(seed, paired):
    rng = np.random.default_rng(seed)
    a, b = drawn(rng, 6, 200, 0.01), drawn(rng, 6, 200, 0.05)
    try:
        found = stats.ratio_on_distribution(a, b, paired=paired, level=0.9)
    except stats.CannotEstimate:
        return
    assert (found.p <= 0.1) == (not found.low <= 1 <= found.high)
    assert 0 <= found.low <= found.high


def test_pairs_whose_differences_do_not_vary_are_refused(rng):
    c = drawn(rng, 8, 100, 0.03)
    with pytest.raises(stats.CannotEstimate, match="no error to judge them by"):
        stats.ratio_on_distribution(c, c, paired=True)


def test_the_order_of_seeds_and_of_examples_says_nothing(rng):
    c, other = drawn(rng, 8, 100, 0.03), drawn(rng, 8, 100, 0.03)
    one = stats.ratio_on_distribution(c, other)
    again = stats.ratio_on_distribution(c[::-1], other[:, ::-1])
    assert (again.estimate, again.p) == pytest.approx((one.estimate, one.p))


def test_the_numbers_are_in_the_unit_that_is_asked_for(rng):
    c = drawn(rng, 8, 100, 0.05)
    share, percent = stats.spread_on_distribution(c), stats.spread_on_distribution(c, unit=100)
    assert percent.estimate == pytest.approx(100 * share.estimate)
    assert percent.details["total"] == pytest.approx(100 * c.mean(axis=1).std(ddof=1))
    assert percent.details["total"] ** 2 == pytest.approx(
        percent.details["covariance"] + percent.details["test set"] ** 2
    )


@pytest.mark.parametrize(
    ("correct", "why"),
    [
        (np.ones((3, 5)), "3 seeds are too few"),
        (np.ones((5, 1)), "two test examples"),
        (np.ones((5, 9)), "no spread"),
        (np.tile([[1, 0], [0, 1]], (3, 1)), "no spread"),
    ],
)
def test_what_says_nothing_is_refused(correct, why):
    with pytest.raises(stats.CannotEstimate, match=why):
        stats.spread_on_distribution(correct)
    with pytest.raises(stats.CannotEstimate, match=why):
        stats.ratio_on_distribution(correct, correct)
