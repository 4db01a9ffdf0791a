"""Statistics from printed rows against scipy on samples that have exactly these summaries."""

import numpy as np
import pytest
import scipy.stats

from amrobust import stats
from amrobust.stats import f_test
from amrobust.stats.published import (
    Summary,
    effective_df,
    equivalence_from_summary,
    mean_difference_from_summary,
    spread_ratio_from_summary,
)

A, B = Summary(94.68, 0.18, 20), Summary(94.71, 0.17, 12)


def sample(row):
    """Numbers with exactly this mean and STD."""
    x = np.random.default_rng(row.n).standard_normal(row.n)
    return row.mean + row.std * (x - x.mean()) / x.std(ddof=1)


def test_means_are_welchs_on_the_samples_themselves():
    found, expected = mean_difference_from_summary(A, B), stats.mean_difference(sample(A), sample(B))
    assert (found.p, found.low, found.high, found.df) == pytest.approx(
        (expected.p, expected.low, expected.high, expected.df)
    )
    assert found.p == pytest.approx(
        scipy.stats.ttest_ind_from_stats(A.mean, A.std, A.n, B.mean, B.std, B.n, equal_var=False).pvalue
    )


def test_equivalence_is_tost_on_the_samples_themselves():
    found, expected = equivalence_from_summary(A, B, 0.2), stats.equivalence(sample(A), sample(B), 0.2)
    assert (found.p, found.low, found.high) == pytest.approx((expected.p, expected.low, expected.high))


def test_spreads_are_f_on_the_samples_themselves():
    found, expected = spread_ratio_from_summary(A, B), f_test(sample(A), sample(B))
    assert (found.estimate, found.p, found.low, found.high) == pytest.approx(
        (expected.estimate, expected.p, expected.low, expected.high)
    )


def test_kurtosis_3_is_normal_and_more_makes_p_larger():
    assert effective_df(20, 3.0) == pytest.approx(19)
    details = spread_ratio_from_summary(Summary(0, 0.3, 20), Summary(0, 0.15, 20)).details
    assert details["p at kurtosis 3"] < details["p at kurtosis 6"] < details["p at kurtosis 9"]


def test_the_effective_degrees_of_freedom_are_those_of_the_variance_of_s_squared():
    """Laplace seeds have kurtosis 6: 2σ⁴/var(s²) by simulation."""
    rng = np.random.default_rng(0)
    s2 = rng.laplace(size=(200_000, 10)).var(axis=1, ddof=1)
    assert 2 * s2.mean() ** 2 / s2.var() == pytest.approx(effective_df(10, 6.0), rel=0.05)


def test_rounding_gives_a_range_of_p():
    printed = Summary(0, 0.2, 20, half_unit=0.05), Summary(0, 0.1, 20, half_unit=0.05)
    details = spread_ratio_from_summary(*printed).details
    corner = f_test(sample(Summary(0, 0.25, 20)), sample(Summary(1, 0.05, 20)))
    assert details["smallest p by rounding"] == pytest.approx(corner.p)
    assert details["largest p by rounding"] == 1.0
    exact = spread_ratio_from_summary(Summary(0, 0.2, 20), Summary(0, 0.1, 20))
    assert exact.details["smallest p by rounding"] == exact.details["largest p by rounding"] == exact.p


@pytest.mark.parametrize("row", [Summary(1, 0.1, 3), Summary(1, 0.0, 9), Summary(float("nan"), 0.1, 9)])
def test_rows_that_allow_nothing_are_refused(row):
    for function in (mean_difference_from_summary, spread_ratio_from_summary):
        with pytest.raises(stats.CannotEstimate):
            function(row, A)
