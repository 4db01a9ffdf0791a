"""Tails: the figures that statistics texts print, brute force, and both directions."""

import numpy as np
import pytest
import scipy.stats
from scipy.stats import binom, binomtest

from amrobust import stats
from amrobust.stats import tails


@pytest.mark.parametrize(("hits", "n"), [(0, 5), (1, 20), (7, 20), (20, 20)])
def test_proportions_are_scipys_exact_interval(hits, n):
    found = tails.proportion_interval(hits, n)
    expected = binomtest(hits, n).proportion_ci(0.95, method="exact")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize(("n", "percent"), [(5, 45), (10, 26), (20, 14)])
def test_no_exceedance_still_leaves_a_bound(n, percent):
    found = tails.exceedance(np.zeros(n), 1.0, worse="high", level=0.90)
    assert found.estimate == 0
    assert round(100 * found.high) == percent


def test_exceedances_in_both_directions_and_with_divergence():
    accuracies = np.array([97.0, 95.0, 90.0, np.nan])
    assert tails.exceedance(accuracies, 94.0, worse="low").estimate == 0.5
    losses = np.array([0.1, 0.2, np.inf, -np.inf])
    assert tails.exceedance(losses, 0.15, worse="high").estimate == 0.75


@pytest.mark.parametrize(("q", "n"), [(0.9, 29), (0.95, 59), (0.99, 299)])
def test_seeds_that_a_quantile_bound_takes(q, n):
    assert tails.seeds_for_quantile_bound(q) == n
    with pytest.raises(stats.CannotEstimate) as caught:
        tails.tail_quantile(np.arange(n - 1.0), q, worse="high")
    assert caught.value.seeds_needed == n
    assert tails.tail_quantile(np.arange(float(n)), q, worse="high").high == n - 1


def test_a_quantiles_bound_is_the_smallest_order_statistic_that_covers():
    n, q = 100, 0.9
    found = tails.tail_quantile(np.arange(1.0, n + 1), q, worse="high")
    ranks = [r for r in range(1, n + 1) if binom.cdf(r - 1, n, q) >= 0.95]
    assert found.high == ranks[0]
    assert found.estimate == 90
    mirrored = tails.tail_quantile(-np.arange(1.0, n + 1), q, worse="low")
    assert (mirrored.low, mirrored.estimate) == (-found.high, -found.estimate)


def test_a_quantiles_bound_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    truth = scipy.stats.expon.ppf(0.9)
    covered = np.mean(
        [tails.tail_quantile(rng.exponential(size=60), 0.9, worse="high").high >= truth for _ in range(2000)]
    )
    assert covered > 0.93


def test_the_distributions_band_has_massarts_width_and_holds():
    band = tails.distribution_band(np.arange(50.0), worse="high")
    assert band.high[10] - band.share[10] == pytest.approx(np.sqrt(np.log(40) / 100))
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(1000):
        band = tails.distribution_band(rng.random(30), worse="high")
        before = band.share - 1 / 30  # the empirical distribution just left of each value
        half = np.sqrt(np.log(40) / 60)
        held += bool(((band.values <= before + half) & (band.values >= band.share - half)).all())
    assert held >= 940


def test_cvar_is_the_mean_of_the_worst_share():
    values = np.arange(100.0)
    assert tails.cvar(values, 0.9, worse="high").estimate == np.mean(np.arange(90, 100))
    assert tails.cvar(values, 0.9, worse="low").estimate == np.mean(np.arange(10))
    with pytest.raises(stats.CannotEstimate) as caught:
        tails.cvar(values[:20], 0.9, worse="high")
    assert caught.value.seeds_needed == 50
    with pytest.raises(stats.CannotEstimate, match="diverged"):
        tails.cvar(np.append(values, np.nan), 0.9, worse="high")


def test_a_pareto_tail_gives_back_its_shape_and_needs_fifty_excesses():
    x = scipy.stats.genpareto.rvs(0.3, size=4000, random_state=3)
    found = tails.generalised_pareto(x, 0.0, worse="high")
    assert found.low < 0.3 < found.high
    mirrored = tails.generalised_pareto(-x, 0.0, worse="low")
    assert mirrored.estimate == pytest.approx(found.estimate)
    with pytest.raises(stats.CannotEstimate) as caught:
        tails.generalised_pareto(x[:40], 0.0, worse="high")
    assert caught.value.seeds_needed >= 50


def test_a_divergence_rate_is_a_share():
    assert tails.divergence_rate(2, 20).estimate == 0.1
