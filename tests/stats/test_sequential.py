"""Planned looks: published boundaries, and the error rate they add up to."""

import math

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from amrobust import stats
from amrobust.stats.sequential import check_looks


@pytest.mark.parametrize(
    "boundaries",
    [
        # Lan-DeMets with the O'Brien-Fleming function, two-sided 0.05, equally spaced looks, as printed by the
        # standard software for group sequential trials.
        [4.3326, 2.9631, 2.3590, 2.0141],
        [4.8769, 3.3569, 2.6803, 2.2898, 2.0310],
    ],
)
def test_published_boundaries(boundaries):
    looks = stats.obrien_fleming_looks(range(1, len(boundaries) + 1))
    assert [float(norm.isf(look.alpha / 2)) for look in looks] == pytest.approx(boundaries, abs=1e-3)
    assert looks[-1].spent == pytest.approx(0.05)


def test_one_look_spends_everything():
    (look,) = stats.obrien_fleming_looks([20], 0.01)
    assert look == stats.Look(20, pytest.approx(0.01), pytest.approx(0.01))


def test_the_errors_of_all_looks_add_up():
    rng = np.random.default_rng(3)
    looks = stats.obrien_fleming_looks([5, 10, 15, 20])
    sums = rng.standard_normal((200_000, 20)).cumsum(axis=1)
    rejected = np.zeros(len(sums), bool)
    for look in looks:
        z = sums[:, look.seeds - 1] / np.sqrt(look.seeds)
        rejected |= 2 * norm.sf(np.abs(z)) <= look.alpha
    assert rejected.mean() == pytest.approx(0.05, abs=0.002)


@pytest.mark.parametrize(
    ("seeds", "alpha"), [([], 0.05), ([5, 5], 0.05), ([10, 5], 0.05), ([0, 5], 0.05), ([5], 0)]
)
def test_what_is_no_plan_is_refused(seeds, alpha):
    with pytest.raises(stats.CannotEstimate):
        stats.obrien_fleming_looks(seeds, alpha)


@pytest.mark.parametrize(
    ("seeds", "alpha"),
    [
        ([8, 120], 0.05),
        ([5, 80], 0.05),
        ([60, 120], 0.01),
        ([5, 10, 20], 0.05),
        ([40, 50, 100], 0.1),
        ([5, 10, 15, 20], 0.05),
        ([20, 30, 31, 60, 100], 0.05),
    ],
)
def test_the_nominal_levels_spend_what_the_multivariate_normal_says(seeds, alpha):
    looks = stats.obrien_fleming_looks(seeds, alpha)
    shares = np.array(seeds) / seeds[-1]
    boundaries = norm.isf([look.alpha / 2 for look in looks])
    correlation = np.sqrt(np.minimum.outer(shares, shares) / np.maximum.outer(shares, shares))
    spent = 4 * norm.sf(norm.isf(alpha / 4) / np.sqrt(shares))
    assert [look.spent for look in looks] == pytest.approx(spent, rel=1e-9)
    assert looks[0].alpha == pytest.approx(spent[0], rel=1e-6)
    for k in range(2, len(seeds) + 1):
        edges = boundaries[:k]
        stays = multivariate_normal(np.zeros(k), correlation[:k, :k]).cdf(edges, lower_limit=-edges)
        assert 1 - stays == pytest.approx(spent[k - 1], abs=3e-5)


@pytest.mark.parametrize(
    ("seeds", "alpha"),
    [
        ([5, 10], math.nan),
        ([5, 10], 1e-17),
        ([5, 10], 1.0),
        ([5.5, 10], 0.05),
        ([True, 10], 0.05),
        ([5, 10**20], 0.05),
        ([999_998, 999_999, 1_000_000], 0.05),
        (range(1, 1000), 0.05),
    ],
)
def test_looks_that_cannot_be_computed_are_refused(seeds, alpha):
    with pytest.raises(stats.CannotEstimate):
        stats.obrien_fleming_looks(seeds, alpha)


@pytest.mark.parametrize(("seeds", "first"), [((8, 120), 12), ((5, 80), 8)])
def test_a_first_look_at_which_nothing_can_be_settled_is_named_with_the_first_that_could(seeds, first):
    with pytest.raises(stats.CannotEstimate, match=f"plan it at {first} seeds"):
        check_looks(seeds, 0.05)
    check_looks((first, seeds[-1]), 0.05)
    with pytest.raises(stats.CannotEstimate):
        check_looks((first - 1, seeds[-1]), 0.05)
