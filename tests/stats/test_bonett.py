"""Bonett's and Bonett-Seier's ratios: published worked examples, inversion, and what may not change an answer."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amrobust import stats

X = [32, 39, 26, 35, 43, 27, 40, 37, 34, 29]
Y = [36, 44, 47, 42, 49, 39, 46, 31, 33, 48]
BEFORE = [21, 4, 9, 12, 35, 18, 10, 22, 24, 1, 6, 8, 13, 16, 19]
AFTER = [67, 28, 30, 28, 52, 40, 25, 37, 44, 10, 14, 20, 28, 40, 51]


def test_the_worked_examples_of_statpsych():
    """R's statpsych: the documented outputs of ci.ratio.sd2, ci.ratio.mad2 and ci.ratio.mad.ps."""
    sd = stats.pooled_kurtosis_ratio(X, Y)
    assert (sd.estimate, sd.low, sd.high) == pytest.approx((0.8854257, 0.486279, 1.728396), rel=2e-6)
    mad = stats.mad_ratio(X, Y)
    assert (mad.estimate, mad.low, mad.high) == pytest.approx((0.8679245, 0.4520879, 1.666253), rel=2e-6)
    pairs = stats.mad_ratio(AFTER, BEFORE, paired=True)
    assert (pairs.estimate, pairs.low, pairs.high) == pytest.approx((1.695238, 1.109176, 2.590961), rel=2e-6)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([(8, 8), (6, 15), (15, 6)]), st.booleans())
def test_p_is_below_the_error_rate_exactly_when_the_interval_excludes_one(seed, sizes, of_mads):
    rng = np.random.default_rng(seed)
    a, b = 2 * rng.normal(size=sizes[0]), rng.normal(size=sizes[1])
    found = (stats.mad_ratio if of_mads else stats.pooled_kurtosis_ratio)(a, b, level=0.8)
    assert (found.p < 0.2) == (not found.low <= 1 <= found.high)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.01, 100), st.floats(-1e3, 1e3), st.booleans())
def test_scale_goes_through_and_shift_and_order_do_not_matter(seed, scale, shift, of_mads):
    ratio = stats.mad_ratio if of_mads else stats.pooled_kurtosis_ratio
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=9), rng.normal(size=9)
    plain, moved = ratio(a, b), ratio(scale * rng.permutation(a) + shift, b - shift)
    for one, other in ((plain.estimate, moved.estimate), (plain.low, moved.low), (plain.high, moved.high)):
        assert other == pytest.approx(scale * one, rel=1e-5)


def test_swapping_the_samples_inverts_the_interval():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=7), rng.normal(size=12)
    for ratio in (stats.pooled_kurtosis_ratio, stats.mad_ratio):
        one, other = ratio(a, b), ratio(b, a)
        assert (other.low, other.high, other.p) == pytest.approx((1 / one.high, 1 / one.low, one.p), rel=1e-6)


def test_samples_without_spread_are_refused():
    for ratio in (stats.pooled_kurtosis_ratio, stats.mad_ratio):
        with pytest.raises(stats.CannotEstimate, match="zero"):
            ratio(np.ones(6), np.arange(6.0))
    with pytest.raises(stats.CannotEstimate, match="copies"):
        stats.mad_ratio(np.arange(6.0), np.arange(6.0), paired=True)
