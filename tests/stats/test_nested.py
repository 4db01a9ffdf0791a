"""Several x0: components against statsmodels' mixed model, coverage, and tests whose unit is the starting point."""

import numpy as np
import pytest
import scipy.stats

from amrobust import stats


@pytest.fixture
def rng():
    return np.random.default_rng(17)


def crossed(rng, k, n, x0_std=1.0, seed_std=1.0):
    labels = np.repeat(np.arange(k), n)
    return rng.normal(0, x0_std, k)[labels] + rng.normal(0, seed_std, k * n), labels


def test_balanced_components_are_those_of_the_mixed_model(rng):
    import pandas as pd
    import statsmodels.formula.api as smf

    values, labels = crossed(rng, 12, 8)
    fitted = smf.mixedlm("y ~ 1", pd.DataFrame({"y": values}), groups=labels).fit(reml=True)
    found = stats.variance_components(values, labels)
    assert found.x0.estimate == pytest.approx(np.sqrt(fitted.cov_re.iloc[0, 0]), rel=1e-3)
    assert found.seed.estimate == pytest.approx(np.sqrt(fitted.scale), rel=1e-3)
    assert found.x0.p == pytest.approx(scipy.stats.f_oneway(*values.reshape(12, 8)).pvalue)


def test_intervals_cover(rng):
    hits = np.zeros(3)
    for _ in range(800):
        found = stats.variance_components(*crossed(rng, 6, 5, 0.7, 1.3))
        truth = (0.7, 1.3, 0.49 / (0.49 + 1.69))
        hits += [
            r.low <= t <= r.high for r, t in zip((found.x0, found.seed, found.share), truth, strict=True)
        ]
    assert (hits / 800 > 0.92).all()


def test_no_difference_between_x0s_gives_a_lower_end_of_zero(rng):
    found = stats.variance_components(*crossed(rng, 5, 6, x0_std=0.0))
    assert found.x0.low == 0


def test_means_are_compared_by_the_paired_t_over_x0s(rng):
    a, labels = crossed(rng, 5, 6)
    b = rng.normal(0, 1, 30)
    found = stats.mean_difference_over_x0s(a, labels, b, labels)
    expected = scipy.stats.ttest_rel(a.reshape(5, 6).mean(axis=1), b.reshape(5, 6).mean(axis=1))
    assert found.p == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert found.n == (5,)


def test_differences_that_vary_from_x0_to_x0_do_not_reject_too_often(rng):
    rejected = {"over x0s": 0, "ignoring x0": 0}
    for _ in range(500):
        (a, labels), (b, _) = crossed(rng, 4, 10, 1.0), crossed(rng, 4, 10, 1.0)
        rejected["over x0s"] += stats.mean_difference_over_x0s(a, labels, b, labels).p <= 0.05
        rejected["ignoring x0"] += stats.mean_difference(a, b).p <= 0.05
    assert rejected["over x0s"] <= 40
    assert rejected["ignoring x0"] >= 100


def test_spreads_are_compared_within_x0s(rng):
    a, labels = crossed(rng, 6, 12, 5.0, 1.0)
    b, _ = crossed(rng, 6, 12, 5.0, 3.0)
    found = stats.spread_ratio_over_x0s(a, labels, b, labels)
    assert found.low < 1 / 3 < found.high < 1
    logs = [
        jackknifed_log_std(x) - jackknifed_log_std(y)
        for x, y in zip(a.reshape(6, 12), b.reshape(6, 12), strict=True)
    ]
    assert found.estimate == pytest.approx(np.exp(np.mean(logs)))
    expected = scipy.stats.ttest_1samp(logs, 0)
    assert found.p == pytest.approx(expected.pvalue)
    assert np.log([found.low, found.high]) == pytest.approx(expected.confidence_interval(0.95))


def jackknifed_log_std(x):
    n = len(x)
    without = [np.log(np.std(np.delete(x, i), ddof=1)) for i in range(n)]
    return n * np.log(np.std(x, ddof=1)) - (n - 1) * np.mean(without)


def test_an_estimate_lies_in_its_interval(rng):
    """Few seeds at many x0s: the bias of a log spread would be larger than the interval is wide."""
    a, labels = crossed(rng, 40, 5, 1.0)
    found = stats.avg_std_over_x0s(np.stack([a, a + rng.normal(size=a.shape)], axis=1), labels)
    assert found.low < found.estimate < found.high


def test_what_cannot_be_generalised_is_refused(rng):
    a, labels = crossed(rng, 2, 6)
    for call in (
        lambda: stats.variance_components(a, labels),
        lambda: stats.mean_difference_over_x0s(a, labels, a + 1, labels),
        lambda: stats.spread_ratio_over_x0s(a, labels, a, labels),
    ):
        with pytest.raises(stats.CannotEstimate, match="starting points"):
            call()
    b, three = crossed(rng, 3, 4)
    with pytest.raises(stats.CannotEstimate, match="same starting points"):
        stats.mean_difference_over_x0s(b, three, b, three + 1)
