"""Comparisons by rank: scipy's own tests, exact cases, and diverged seeds as the worst of all."""

from itertools import combinations, product

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from amrobust import stats


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def t_by_hand(wins):
    """logit π̂ over its standard error, of a matrix of wins (1, ½, 0) of independent seeds."""
    n_a, n_b = wins.shape
    pi, variance = wins.mean(), wins.mean(axis=1).var(ddof=1) / n_a + wins.mean(axis=0).var(ddof=1) / n_b
    nearest = 1 / (2 * n_a * n_b)
    inner = min(max(pi, nearest), 1 - nearest)
    return np.log(inner / (1 - inner)) * inner * (1 - inner) / np.sqrt(max(variance, 2 * nearest**2))


def won(a, b):
    return (a[:, None] > b) + 0.5 * (a[:, None] == b)


@pytest.mark.parametrize("sizes", [(4, 4), (4, 6), (6, 5)])
@pytest.mark.parametrize("ties", [False, True])
def test_p_is_that_of_a_loop_over_all_relabellings(sizes, ties, rng):
    pooled = rng.normal(size=sum(sizes))
    pooled[: sizes[0]] += 0.8
    pooled = pooled.round() if ties else pooled
    found = stats.chance_of_winning(pooled[: sizes[0]], pooled[sizes[0] :], better="higher")
    every = []
    for chosen in combinations(range(len(pooled)), sizes[0]):
        a, b = pooled[list(chosen)], np.delete(pooled, chosen)
        every.append(abs(t_by_hand(won(a, b))))
    observed = abs(t_by_hand(won(pooled[: sizes[0]], pooled[sizes[0] :])))
    assert found.p == pytest.approx(np.mean(np.array(every) >= observed * (1 - 1e-9)))
    assert found.estimate == won(pooled[: sizes[0]], pooled[sizes[0] :]).mean()
    assert found.details["exact"] == 1


def test_the_variance_of_many_seeds_is_brunner_and_munzels(rng):
    a, b = rng.normal(0.1, 1, 250), rng.normal(0, 3, 200)
    found = stats.chance_of_winning(a, b, better="higher")
    expected = scipy.stats.brunnermunzel(a, b)
    pi = found.estimate
    t = (pi - 0.5) / (found.se * pi * (1 - pi))
    assert abs(t) == pytest.approx(abs(expected.statistic))
    assert found.test == "Brunner-Munzel"
    assert found.p == pytest.approx(expected.pvalue, rel=0.02), "on the logistic scale"
    pairs = stats.chance_of_winning(rng.normal(size=201), rng.normal(size=201), better="higher", paired=True)
    assert (pairs.test, pairs.df) == ("t of ranks of pairs", 200)


def test_mann_whitney_is_scipys(rng):
    a, b = rng.normal(1, 1, 7), rng.normal(0, 1, 6)
    found = stats.mann_whitney(a, b, better="lower")
    assert found.p == pytest.approx(scipy.stats.mannwhitneyu(a, b, method="exact").pvalue)
    assert found.estimate == pytest.approx((a[:, None] < b).mean())
    assert found.smallest_p == pytest.approx(2 / 1716)


def test_samples_that_do_not_overlap_have_the_smallest_p_and_an_interval_up_to_1():
    found = stats.chance_of_winning([5.0, 6, 7, 8, 9], [0.0, 1, 2, 3, 4], better="higher")
    assert found.p == pytest.approx(2 / 252)
    assert found.p == found.smallest_p
    assert 0.5 < found.low < found.estimate == found.high == 1.0


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000), n=st.integers(4, 9), paired=st.booleans(), ties=st.booleans(),
    shift=st.floats(-2, 2), level=st.sampled_from([0.5, 0.9, 0.95, 0.99]),
)  # fmt: skip
def test_the_interval_leaves_one_half_out_exactly_where_p_rejects_it(seed, n, paired, ties, shift, level):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(shift, 1, n), rng.normal(0, 2, n if paired else n + seed % 3)
    if ties:
        a, b = a.round(), b.round()
        a[0] = np.nan
    found = stats.chance_of_winning(a, b, better="higher", paired=paired, level=level)
    assert (found.p <= 1 - level) == (not found.low <= 0.5 <= found.high)
    assert found.low <= found.estimate <= found.high


def test_a_diverged_seed_loses_against_all_others_and_ties_with_its_like():
    a, b = [1.0, np.nan, 2.0, 3.0], [0.5, np.inf, 4.0, 5.0]
    found = stats.chance_of_winning(a, b, better="lower")
    wins = [[x < y for y in (0.5, 9, 4, 5)] for x in (1, 2, 3)]
    assert found.estimate == pytest.approx((np.sum(wins) + 0.5) / 16)


def test_p_of_pairs_is_that_of_a_loop_over_all_swaps(rng):
    shared = rng.normal(size=7)
    a, b = shared + 0.4 + 0.3 * rng.normal(size=7), shared + 0.3 * rng.normal(size=7)

    def t(x, y):
        wins = won(x, y)
        pi = wins.mean()
        inner = min(max(pi, 1 / 98), 97 / 98)
        variance = (wins.mean(axis=1) - (1 - wins).mean(axis=0)).var(ddof=1) / 7
        return abs(np.log(inner / (1 - inner))) * inner * (1 - inner) / np.sqrt(max(variance, 2 / 98**2))

    every = []
    for swaps in product([False, True], repeat=7):
        every.append(t(np.where(swaps, b, a), np.where(swaps, a, b)))
    found = stats.chance_of_winning(a, b, better="higher", paired=True)
    assert found.p == pytest.approx(np.mean(np.array(every) >= t(a, b) * (1 - 1e-9)))
    assert found.smallest_p == 2**-6
    with pytest.raises(stats.CannotEstimate, match="tie"):
        stats.chance_of_winning(np.ones(5), np.ones(5), better="higher", paired=True)
    with pytest.raises(stats.CannotEstimate, match="equally many"):
        stats.chance_of_winning(a, b[:5], better="higher", paired=True)


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize("n", [5, 20])
def test_the_order_of_seeds_a_shift_and_a_scale_change_nothing(n, paired, rng):
    a, b = rng.normal(0.5, 1, n), rng.normal(0, 2, n)
    one = stats.chance_of_winning(a, b, better="higher", paired=paired)
    order, other = rng.permutation(n), rng.permutation(n)
    moved = a[order], b[order if paired else other]
    for x, y in (moved, (2.0**40 * a, 2.0**40 * b), (a + 3, b + 3)):
        assert stats.chance_of_winning(x, y, better="higher", paired=paired).p == one.p
    turned = stats.chance_of_winning(-a, -b, better="lower", paired=paired)
    assert (turned.p, turned.low, turned.high) == (one.p, one.low, one.high)


@pytest.mark.parametrize("paired", [False, True])
def test_equal_methods_are_told_apart_in_at_most_6_percent_of_studies_whatever_their_spreads(paired):
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(600):
        a, b = 3 * rng.normal(size=10), rng.normal(size=10)
        a, b = (a + b, b + rng.normal(size=10)) if paired else (a, b)
        hits += stats.chance_of_winning(a, b, better="higher", paired=paired).p <= 0.05
    assert hits / 600 <= 0.075


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 1000), better=st.sampled_from(["higher", "lower"]))
def test_exchanging_the_methods_mirrors_the_chance(seed, better):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 6, 7).astype(float), rng.integers(0, 6, 9).astype(float)
    one, other = stats.chance_of_winning(a, b, better=better), stats.chance_of_winning(b, a, better=better)
    assert one.estimate == pytest.approx(1 - other.estimate)
    assert one.p == pytest.approx(other.p)
    assert (one.low, one.high) == pytest.approx((1 - other.high, 1 - other.low))


def test_too_few_seeds_are_refused():
    with pytest.raises(stats.CannotEstimate, match="too few"):
        stats.chance_of_winning([1.0, 2, 3], [1.0, 2, 3, 4], better="higher")
