"""Planned looks: published boundaries, and the error rate they add up to."""

import numpy as np
import pytest
from scipy.stats import norm

from amrobust import stats


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
