"""Power from the standard error that was found agrees with the noncentral t and with simulated studies."""

import numpy as np
import pytest
from scipy.stats import nct
from scipy.stats import t as student

from amrobust import stats
from amrobust.stats import CannotEstimate, Result
from amrobust.stats.power import Study, power_at


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
    simulated = power_at(Study("tost", margin=1.0), n, replications=4_000).power
    assert stats.power_at_seeds(difference(10), n, effect=0.0, margin=1.0) == pytest.approx(
        simulated, abs=0.04
    )


def test_nothing_is_equivalent_within_a_margin_that_noise_exceeds():
    assert stats.power_at_seeds(difference(10), 10, effect=0.0, margin=0.01) == 0


def test_without_noise_every_effect_is_found():
    assert stats.power_at_seeds(difference(10, se=0.0), 10, effect=0.1) == 1
    with pytest.raises(CannotEstimate):
        stats.power_at_seeds(difference(10, se=None), 10, effect=0.1)
