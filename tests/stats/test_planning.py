"""Power from the standard error that was found agrees with the noncentral t and with simulated studies."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import nct
from scipy.stats import t as student

from amrobust import stats
from amrobust.stats import CannotEstimate, Result
from amrobust.stats.planning import SeedRange, rates_left_open, truths


def difference(n, se=0.2**0.5):
    return Result("difference of means", "Welch t", (n, n), 0.1, se=se, df=2.0 * (n - 1))


@pytest.mark.parametrize("n", [5, 10, 20, 80])
@pytest.mark.parametrize("effect", [0.5, 1.0, 2.0])
def test_power_of_a_difference_is_near_the_noncentral_t(n, effect):
    df = 2 * (n - 1)
    exact = nct.sf(student.ppf(0.975, df), df, effect / np.sqrt(2 / n))
    assert stats.power_at_seeds(difference(10), n, effect=effect) == pytest.approx(exact, abs=0.05)
    assert stats.power_at_seeds(difference(10), n, effect=-effect) == pytest.approx(exact, abs=0.05)


@pytest.mark.parametrize("n", [10, 20, 40])
def test_power_of_equivalence_is_near_the_simulated_one(n):
    a, b = np.random.default_rng(0).normal(size=(2, 2_000, n))
    simulated = np.mean([stats.equivalence(x, y, 1.0).p <= 0.05 for x, y in zip(a, b, strict=True)])
    assert stats.power_at_seeds(difference(10), n, effect=0.0, margin=1.0) == pytest.approx(
        simulated, abs=0.04
    )


def test_nothing_is_equivalent_within_a_margin_that_noise_exceeds():
    assert stats.power_at_seeds(difference(10), 10, effect=0.0, margin=0.01) == 0


def test_without_noise_every_effect_is_found():
    assert stats.power_at_seeds(difference(10, se=0.0), 10, effect=0.1) == 1
    with pytest.raises(CannotEstimate):
        stats.power_at_seeds(difference(10, se=None), 10, effect=0.1)


@pytest.mark.parametrize("n", [5, 10])
@pytest.mark.parametrize(("ratio", "needed"), [(2.0, 21), (3.0, 11)])
def test_the_range_of_required_seeds_holds_the_true_number_in_four_of_five_pilots(n, ratio, needed):
    """The truth by simulation of the deciding test; the range by nothing but the pilot."""
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(200):
        a, b = ratio * rng.normal(size=n), rng.normal(size=n)
        found = stats.spread_ratio(a, b, construction="jackknife", level=None)
        seeds = SeedRange.over(
            [stats.required_seeds(replace(found, estimate=truth)) for truth in truths(found, ratio=True)]
        )
        held += seeds.low is not None and seeds.low <= needed and (seeds.high is None or needed <= seeds.high)
    assert 0.65 <= held / 200 <= 0.95


def test_truths_are_equally_probable_quantiles_of_t_around_the_estimate():
    found = difference(10, se=0.5)
    expected = 0.1 + 0.5 * student.ppf((np.arange(39) + 0.5) / 39, 18)
    assert truths(found, ratio=False) == pytest.approx(expected)
    as_ratio = truths(replace(found, estimate=2.0), ratio=True)
    assert np.log(as_ratio) == pytest.approx(np.log(2) + expected - 0.1)
    assert truths(replace(found, se=None), ratio=True) == [0.1]
    assert rates_left_open(0, 10)[19] == pytest.approx(0.0217, abs=1e-3), "the median of Beta(0.5, 10.5)"


def test_a_range_of_seeds_ends_at_the_10_and_90_percent_of_what_truths_need():
    assert SeedRange.over(range(101)) == SeedRange(10, 90)
    assert SeedRange.over([5, 6, None, None]) == SeedRange(5, None)
    assert SeedRange.over([None]) == SeedRange(None, None)
    assert SeedRange.of_all([SeedRange(5, 9), SeedRange(7, 8)]) == SeedRange(7, 9)
    assert SeedRange.of_all([SeedRange(5, 9), SeedRange(7, None)]) == SeedRange(7, None)
