"""The studentised permutation against a plain loop over relabellings, and its interval against its p-values."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amrobust import stats
from amrobust.stats.jackknife import SpreadContrast
from amrobust.stats.spread import PERMUTATION, construction_for
from amrobust.stats.studentised import StudentisedPermutation


def p_by_hand(a, b, ratio=1.0):
    """p from its definition: t of the product on every relabelling of curves centred at medians, at the tested ratio."""
    theta, n_a, n_b = math.log(ratio), len(a), len(b)
    rows = np.concatenate(
        [
            (a - np.median(a, axis=0)) * math.sqrt(n_a / (n_a - 1)) / ratio,
            (b - np.median(b, axis=0)) * math.sqrt(n_b / (n_b - 1)),
        ]
    )

    def t(x, y, tested=0.0):
        contrast = SpreadContrast.of(x, y)
        return abs(float((contrast.centre - tested) / contrast.error(tested)[0]))

    observed, reached, total = t(a, b, theta), 1, 1
    for chosen in list(combinations(range(n_a + n_b), n_a))[1:]:
        rest = [row for row in range(n_a + n_b) if row not in chosen]
        if n_a == n_b and 0 not in chosen:
            continue
        total += 1
        reached += not t(rows[list(chosen)], rows[rest]) < observed * (1 - 1e-9)
    return reached / total


@pytest.mark.parametrize("sizes", [(4, 4), (5, 5), (4, 6), (6, 4)])
@pytest.mark.parametrize("epochs", [1, 7])
def test_p_is_that_of_a_loop_over_all_relabellings(sizes, epochs):
    rng = np.random.default_rng(5)
    for ratio in (1.0, 2.5):
        a, b = ratio * rng.normal(size=(sizes[0], epochs)), rng.normal(size=(sizes[1], epochs))
        found = stats.spread_ratio(a, b, construction="permutation")
        assert found.p == pytest.approx(p_by_hand(a, b), rel=1e-12)
        assert found.test == PERMUTATION
        assert found.smallest_p == stats.smallest_permutation_p(*sizes)


def test_its_ends_are_where_the_loops_p_crosses_the_level():
    rng = np.random.default_rng(6)
    a, b = 1.7 * rng.normal(size=(5, 4)), rng.normal(size=(5, 4))
    found = stats.spread_ratio(a, b, level=0.9, construction="permutation")
    for end, inwards in ((found.low, 1.01), (found.high, 1 / 1.01)):
        assert p_by_hand(a, b, end * inwards) > 0.1 >= p_by_hand(a, b, end / inwards)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    sizes=st.sampled_from([(4, 4), (5, 5), (5, 8), (10, 10), (7, 12)]),
    alpha=st.sampled_from([0.05, 0.05 / 3, 0.05 / 9, 0.3]),
    ratio=st.sampled_from([1.0, 1.5, 2.0, 3.0]),
    epochs=st.sampled_from([1, 5]),
)
def test_p_and_interval_never_disagree(seed, sizes, alpha, ratio, epochs):
    rng = np.random.default_rng(seed)
    a, b = ratio * rng.standard_t(5, (sizes[0], epochs)), rng.standard_t(5, (sizes[1], epochs))
    found = stats.spread_ratio(a, b, level=1 - alpha, construction="permutation")
    assert (found.p <= alpha) == (not found.low <= 1 <= found.high)
    assert found.low <= found.details["jackknife"] <= found.high


@pytest.mark.parametrize("tested", [0.4, 1.5, 3.0])
def test_p_of_another_ratio_is_that_of_the_loop_and_its_interval_agrees(tested):
    rng = np.random.default_rng(8)
    for _ in range(8):
        a, b = 1.7 * rng.normal(size=(5, 4)), rng.normal(size=(5, 4))
        found = stats.spread_ratio(a, b, level=0.9, construction="permutation", tested=tested)
        assert found.p == pytest.approx(p_by_hand(a, b, tested))
        assert (found.p <= 0.1) == (not found.low <= tested <= found.high)
        plain = stats.spread_ratio(a, b, level=0.9, construction="permutation")
        assert (found.low, found.high) == pytest.approx((plain.low, plain.high), rel=1e-2)


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    power=st.integers(-900, 900),
    sizes=st.sampled_from([(5, 5), (10, 10), (8, 12)]),
)
def test_scale_shift_order_and_exchange_change_nothing(seed, power, sizes):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(sizes[0], 3)), 1.4 * rng.exponential(size=(sizes[1], 3))
    found = stats.spread_ratio(a, b, construction="permutation")
    exchanged = stats.spread_ratio(b, a, construction="permutation")
    assert exchanged.p == found.p
    assert (1 / exchanged.high, 1 / exchanged.low) == pytest.approx((found.low, found.high), rel=2e-3)
    shuffled = stats.spread_ratio(
        a[rng.permutation(len(a))], b[rng.permutation(len(b))], construction="permutation"
    )
    scaled = stats.spread_ratio(np.ldexp(a, power), np.ldexp(b, power), construction="permutation")
    for other in (shuffled, scaled):
        assert other.p == found.p
        assert (other.low, other.high) == pytest.approx((found.low, found.high), rel=1e-6)


def test_where_no_relabelling_can_reject_the_interval_has_no_ends():
    a, b = np.random.default_rng(1).normal(size=(2, 5, 3))
    found = stats.spread_ratio(a, b, level=1 - 0.005, construction="permutation")
    assert (found.low, found.high) == (0, math.inf)


@pytest.mark.parametrize(
    ("case", "chosen"),
    [
        ((5, 5, 30, False, 0.05), "permutation"),
        ((5, 5, 30, False, 0.005), "jackknife"),
        ((5, 5, 1, False, 0.05), "jackknife"),
        ((5, 7, 1, False, 0.05), "permutation"),
        ((20, 20, 30, True, 0.05), "jackknife"),
        ((4, 4, 30, False, 0.05), "permutation"),
        ((4, 4, 30, False, 0.02), "jackknife"),
        ((500, 500, 20, False, 0.05), "permutation"),
        ((500, 500, 21, False, 0.05), "jackknife"),
    ],
)
def test_which_construction_decides_is_known_before_any_data(case, chosen):
    n_a, n_b, epochs, paired, alpha = case
    assert construction_for(n_a, n_b, epochs=epochs, paired=paired, alpha=alpha) == chosen
    if not paired:
        a, b = (
            np.random.default_rng(2).normal(size=(n_a, epochs)),
            np.random.default_rng(3).normal(size=(n_b, epochs)),
        )
        found = stats.spread_ratio(a, b, level=0.9, alpha=alpha)
        assert (found.test == PERMUTATION) == (chosen == "permutation")


def test_pairs_are_not_relabelled():
    a, b = np.random.default_rng(1).normal(size=(2, 6, 3))
    with pytest.raises(stats.CannotEstimate, match="pairs"):
        stats.spread_ratio(a, b, paired=True, construction="permutation")


def test_one_failing_seed_in_ten_rejects_a_true_null_hardly_more_often_than_the_level():
    """Where the jackknife, whose null is Student's, rejects in 15 % and more."""
    rng = np.random.default_rng(7)
    permuted = jackknifed = 0
    for _ in range(400):
        a, b = (rng.normal(size=(7, 1)) + 8 * (rng.random((7, 1)) < 0.1) for _ in range(2))
        contrast = SpreadContrast.of(a, b)
        permuted += StudentisedPermutation.of(a, b, contrast, alpha=0.05).p() <= 0.05
        jackknifed += contrast.p() <= 0.05
    assert permuted / 400 < 0.1 < jackknifed / 400
