"""Statistics from printed rows against scipy on samples that have exactly these summaries."""

import numpy as np
import pytest
import scipy.stats

from amrobust import stats
from amrobust.stats import f_test
from amrobust.stats.published import (
    Summary,
    avg_std_ratio_from_summary,
    effective_df,
    equivalence_from_summary,
    mean_difference_from_summary,
    mean_from_summary,
    spread_ratio_from_summary,
    std_from_summary,
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


@pytest.mark.parametrize("row", [Summary(1, 0.1, 1), Summary(1, 0.0, 9), Summary(float("nan"), 0.1, 9)])
def test_rows_that_allow_nothing_are_refused(row):
    for function in (mean_difference_from_summary, spread_ratio_from_summary):
        with pytest.raises(stats.CannotEstimate):
            function(row, A)


@pytest.mark.parametrize(
    ("method", "baseline", "ratio", "low", "high"),
    [
        (0.31, 1.00, 0.31, 0.20, 0.49), (0.59, 1.00, 0.59, 0.37, 0.94),
        (0.006, 0.034, 0.18, 0.11, 0.28), (0.014, 0.034, 0.41, 0.26, 0.65),
    ],
)  # fmt: skip
def test_printed_avg_stds_are_judged_as_of_perfectly_correlated_epochs(method, baseline, ratio, low, high):
    found = avg_std_ratio_from_summary(Summary(0, method, 20), Summary(0, baseline, 20))
    assert (found.estimate, found.low, found.high) == pytest.approx((ratio, low, high), abs=0.006)
    f = scipy.stats.f(19, 19)
    assert found.p == pytest.approx(2 * f.cdf((method / baseline) ** 2), rel=1e-9)
    assert (found.low, found.high) == pytest.approx(
        (method / baseline / f.ppf(0.975) ** 0.5, method / baseline * f.ppf(0.975) ** 0.5)
    )
    assert "perfectly correlated" in found.assumption
    assert found.details["p at kurtosis 9"] > found.p


@pytest.mark.parametrize("correlation", [0.0, 0.9, 1.0])
def test_no_correlation_of_epochs_is_worse_than_a_perfect_one(correlation):
    rng = np.random.default_rng(3)
    replications, seeds, epochs = 4_000, 5, 20

    def avg_stds():
        z = rng.standard_normal((replications, seeds, epochs))
        for epoch in range(1, epochs):
            z[:, :, epoch] = correlation * z[:, :, epoch - 1] + np.sqrt(1 - correlation**2) * z[:, :, epoch]
        return z.std(axis=1, ddof=1).mean(axis=1)

    rejected = np.mean([
        avg_std_ratio_from_summary(Summary(0, a, seeds), Summary(0, b, seeds)).p <= 0.05
        for a, b in zip(avg_stds(), avg_stds(), strict=True)
    ])  # fmt: skip
    # Four standard errors of 5 % in 4,000 replications are 1.4 %.
    assert rejected <= 0.064
    assert correlation < 1 or rejected >= 0.036


def test_two_seeds_allow_means_alone():
    a, b = Summary(75.71, 0.06, 2), Summary(72.78, 0.08, 3)
    expected = scipy.stats.ttest_ind_from_stats(75.71, 0.06, 2, 72.78, 0.08, 3, equal_var=False)
    assert mean_difference_from_summary(a, b).p == pytest.approx(expected.pvalue)
    for function in (spread_ratio_from_summary, avg_std_ratio_from_summary):
        with pytest.raises(stats.CannotEstimate, match="2 seeds are too few"):
            function(a, b)


def test_intervals_of_one_row_are_those_of_a_sample_with_these_numbers():
    for found, expected in (
        (mean_from_summary(A), stats.mean_interval(sample(A))),
        (std_from_summary(A), stats.chi_square_interval(sample(A))),
    ):
        assert (found.estimate, found.low, found.high) == pytest.approx(
            (expected.estimate, expected.low, expected.high)
        )
    # By hand: t(0.975; 1) = 12.706, so 1 ± 12.706·0.2/√2; χ²(0.975; 1) = 5.0239 and χ²(0.025; 1) = 0.00098207.
    two = Summary(1, 0.2, 2)
    assert mean_from_summary(two).high == pytest.approx(2.7969, abs=1e-4)
    std = std_from_summary(two, "Avg. STD")
    assert (std.low, std.high) == pytest.approx((0.08923, 6.3821), rel=1e-4)
    assert (std.quantity, "perfectly correlated" in std.assumption) == ("Avg. STD", True)
    with pytest.raises(stats.CannotEstimate, match="a single seed is too few"):
        std_from_summary(Summary(1, 0.2, 1))
