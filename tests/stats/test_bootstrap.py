"""The bootstrap of whole seeds against a naive loop over the same resamples, and against scipy."""

import numpy as np
import pytest
import scipy.stats

from amrobust import stats
from amrobust.stats.bootstrap import (
    STATISTICS,
    bootstrap_interval,
    resample_counts,
    resampled,
)

CURVES = np.random.default_rng(1).normal(90, [[3.0, 2.0, 1.0, 0.5]], size=(12, 4)) + 1e6

NAIVE = {
    "mean": lambda rows: rows[:, -1].mean(),
    "std": lambda rows: np.log(rows[:, -1].std(ddof=1)),
    "avg_std": lambda rows: np.log(rows.std(axis=0, ddof=1).mean()),
}


@pytest.mark.parametrize("statistic", STATISTICS)
def test_the_matrix_product_is_the_naive_loop_on_the_same_resamples(statistic):
    counts = resample_counts(12, 700, np.random.default_rng(0))
    assert (counts.sum(axis=1) == 12).all()
    fast = resampled(CURVES, counts, STATISTICS[statistic][0])
    slow = [NAIVE[statistic](np.repeat(CURVES, row.astype(int), axis=0)) for row in counts]
    np.testing.assert_allclose(fast, slow, rtol=1e-12, atol=1e-12)


def test_counts_are_those_of_drawing_with_replacement():
    drawn = np.random.default_rng(5).integers(4, size=(3, 4))
    expected = [np.bincount(row, minlength=4).tolist() for row in drawn]
    assert resample_counts(4, 3, np.random.default_rng(5)).tolist() == expected


@pytest.mark.parametrize("statistic", STATISTICS)
def test_percentiles_are_those_of_the_resamples(statistic):
    found = bootstrap_interval(CURVES, statistic, resamples=800, level=0.9, seed=3)
    counts = resample_counts(12, 800, np.random.default_rng(3))
    drawn = [NAIVE[statistic](np.repeat(CURVES, row.astype(int), axis=0)) for row in counts]
    low, high = np.quantile(drawn, [0.05, 0.95])
    if statistic != "mean":
        low, high = np.exp([low, high])
    assert (found.low, found.high) == pytest.approx((low, high))


@pytest.mark.parametrize(("kind", "method"), [("percentile", "percentile"), ("bca", "BCa")])
@pytest.mark.parametrize("statistic", ["mean", "std"])
def test_intervals_agree_with_scipys_to_monte_carlo_error(kind, method, statistic):
    values = CURVES[:, -1]
    function = np.mean if statistic == "mean" else lambda x, axis: np.std(x, axis=axis, ddof=1)
    theirs = scipy.stats.bootstrap(
        (values,),
        function,
        n_resamples=40_000,
        method=method,
        random_state=np.random.default_rng(2),
        vectorized=True,
    ).confidence_interval
    found = bootstrap_interval(CURVES, statistic, kind=kind, resamples=40_000)
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=0.02 * values.std())


def test_bootstrap_t_of_a_mean_is_studentised_by_the_standard_error():
    """For a mean the jackknife's standard error is s/√n of the resample: recomputed by hand."""
    found = bootstrap_interval(CURVES, "mean", kind="bootstrap-t", resamples=500, seed=4)
    counts = resample_counts(12, 500, np.random.default_rng(4))
    values = CURVES[:, -1]
    t = []
    for row in counts:
        rows = np.repeat(values, row.astype(int))
        t.append((rows.mean() - values.mean()) / (rows.std(ddof=1) / np.sqrt(12)))
    own = values.std(ddof=1) / np.sqrt(12)
    expected = values.mean() - np.quantile(t, [0.975, 0.025]) * own
    assert (found.low, found.high) == pytest.approx(tuple(expected))


@pytest.mark.parametrize("kind", ["percentile", "bca", "bootstrap-t"])
def test_intervals_of_a_spread_carry_their_coverage_and_those_of_a_mean_need_not(kind):
    assert not bootstrap_interval(CURVES, "mean", kind=kind, resamples=200).cautions
    (caution,) = bootstrap_interval(CURVES, "avg_std", kind=kind, resamples=200).cautions
    assert "%" in caution.message


def test_what_does_not_vary_is_refused():
    with pytest.raises(stats.CannotEstimate):
        bootstrap_interval(np.ones((6, 3)), "mean")


@pytest.mark.parametrize("paired", [False, True])
def test_the_difference_of_means_by_bootstrap_t_is_a_naive_loop(paired):
    rng = np.random.default_rng(8)
    a, b = rng.exponential(size=9), rng.exponential(size=9)
    found = stats.bootstrap_difference(a, b, paired=paired, resamples=300, level=0.9, seed=4)
    rng = np.random.default_rng(4)
    samples = [a - b] if paired else [a, b]
    counts = [resample_counts(9, 300, rng).astype(int) for _ in samples]
    t = []
    for row in range(300):
        drawn = [np.repeat(x, c[row]) for x, c in zip(samples, counts, strict=True)]
        difference = drawn[0].mean() - (0 if paired else drawn[1].mean())
        error = np.sqrt(sum(x.var(ddof=1) / 9 for x in drawn))
        t.append(abs(difference - (a - b).mean()) / error)
    se = np.sqrt(sum(x.var(ddof=1) / 9 for x in samples))
    assert found.high - found.estimate == pytest.approx(np.quantile(t, 0.9) * se)
    assert found.p == pytest.approx((1 + sum(np.array(t) >= abs((a - b).mean()) / se)) / 301)
