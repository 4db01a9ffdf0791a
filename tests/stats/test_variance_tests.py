"""The classical variance tests against scipy and by hand."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from amrobust import stats
from amrobust.stats import bartlett, f_test, fligner, pitman_morgan

RNG = np.random.default_rng(8)
A, B = 2 * RNG.standard_normal(9), RNG.standard_normal(12)


def test_f_by_scipys_distribution():
    found = f_test(A, B)
    ratio = A.var(ddof=1) / B.var(ddof=1)
    assert found.estimate == pytest.approx(np.sqrt(ratio))
    assert found.p == pytest.approx(2 * scipy.stats.f.sf(ratio, 8, 11))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 9999), level=st.floats(0.5, 0.99))
def test_f_is_the_inversion_of_its_interval(seed, level):
    rng = np.random.default_rng(seed)
    found = f_test(1.5 * rng.standard_normal(7), rng.standard_normal(9), level=level)
    assert (found.p < 1 - level) == (not found.low <= 1 <= found.high)


def test_published_tables_final_spreads_are_not_established():
    """Two samples of 20 with STDs 0.17 and 0.15, as in the paper's Table 1: F = 1.28, p = 0.59."""
    x = RNG.standard_normal(20)
    x = (x - x.mean()) / x.std(ddof=1)
    found = f_test(0.17 * x, 0.15 * x)
    assert found.estimate**2 == pytest.approx(1.28, abs=0.005)
    assert found.p == pytest.approx(0.59, abs=0.005)


@pytest.mark.parametrize(
    ("ours", "theirs"), [(bartlett, scipy.stats.bartlett), (fligner, scipy.stats.fligner)]
)
def test_bartlett_and_fligner_are_scipys(ours, theirs):
    assert ours(A, B).p == pytest.approx(theirs(A, B).pvalue)


def test_an_offset_costs_bartlett_no_digits():
    assert bartlett(A + 1e6, B + 1e6).p == pytest.approx(scipy.stats.bartlett(A, B).pvalue, rel=1e-6)


def test_fligner_cannot_reject_at_five_seeds():
    assert fligner(RNG.standard_normal(5), RNG.standard_normal(5)).smallest_p > 0.05
    assert fligner(RNG.standard_normal(10), RNG.standard_normal(10)).smallest_p < 0.05


def test_pitman_morgan_is_the_t_test_of_the_variance_ratio_in_pairs():
    """The textbook form: t = (F − 1)·√(n − 2) / (2·√(F·(1 − r²))) with n − 2 degrees of freedom."""
    x = RNG.standard_normal(15)
    y = 0.5 * x + RNG.standard_normal(15)
    ratio, r = x.var(ddof=1) / y.var(ddof=1), np.corrcoef(x, y)[0, 1]
    t = (ratio - 1) * np.sqrt(13) / (2 * np.sqrt(ratio * (1 - r**2)))
    assert pitman_morgan(x, y).p == pytest.approx(2 * scipy.stats.t.sf(abs(t), 13))


@pytest.mark.parametrize("test", [f_test, bartlett, fligner, pitman_morgan])
def test_constant_samples_and_curves_are_refused(test):
    with pytest.raises(stats.CannotEstimate, match="zero"):
        test(np.ones(6), np.arange(6.0))
    with pytest.raises(stats.CannotEstimate, match="one number per seed"):
        test(np.ones((6, 2)), np.ones((6, 2)))
