"""The exact test of two rates against scipy, a loop over tables and an optimiser; its interval against its p and the truth."""

import math

import numpy as np
import pytest
import scipy.stats
from scipy.optimize import minimize_scalar

from amrobust import stats
from amrobust.stats import rates


@pytest.mark.parametrize(
    "table", [(7, 15, 1, 15), (0, 5, 5, 5), (3, 20, 9, 18), (2, 8, 0, 12), (56, 70, 48, 80)]
)
def test_p_is_that_of_scipys_barnard(table):
    x, n, y, m = table
    found = stats.divergence_difference(*table)
    wanted = scipy.stats.barnard_exact([[x, y], [n - x, m - y]], pooled=True, n=256)
    assert (
        wanted.pvalue * (1 - 1e-4) <= found.p <= wanted.pvalue * 1.002
    )  # Its optimiser may miss the largest a little.
    assert found.estimate == x / n - y / m
    assert found.test == "exact unconditional score test"


@pytest.mark.parametrize("delta", [-0.9, -0.3, 0.0, 0.12, 0.6, 1.0])
@pytest.mark.parametrize("table", [(0, 6, 0, 9), (6, 6, 0, 9), (3, 6, 2, 9), (0, 6, 9, 9), (1, 30, 4, 25)])
def test_the_most_likely_rates_are_those_of_an_optimiser(table, delta):
    x, n, y, m = table

    def loss(second):
        return -scipy.stats.binom.logpmf(x, n, second + delta) - scipy.stats.binom.logpmf(y, m, second)

    low, high = max(0.0, -delta), min(1.0, 1 - delta)
    first, second = rates.most_likely(np.asarray(float(x)), n, np.asarray(float(y)), m, delta)
    assert float(first - second) == pytest.approx(delta)
    if high > low:
        best = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-10})
        at = np.clip(float(second), low + 1e-12, high - 1e-12)
        assert loss(at) <= best.fun + 1e-6


def test_p_of_a_difference_is_that_of_a_loop_over_tables():
    n, m, delta, observed = 6, 5, 0.25, (5, 1)
    z = {(x, y): abs(float(rates.score(x, n, y, m, delta))) for x in range(n + 1) for y in range(m + 1)}
    largest = 0.0
    for second in np.linspace(0, 1 - delta, 501):
        chance = sum(
            scipy.stats.binom.pmf(x, n, second + delta) * scipy.stats.binom.pmf(y, m, second)
            for (x, y), found in z.items()
            if found >= z[observed] - 1e-12
        )
        largest = max(largest, chance)
    assert rates._Tables(n, m).p(*observed, delta) == pytest.approx(largest)


def test_every_interval_agrees_with_its_p_and_they_hold_their_level_exactly():
    """Of all tables of 7 and 6 seeds: the probability under given rates is a sum, and nothing is simulated."""
    n, m, alpha = 7, 6, 0.1
    found = {}
    for x in range(n + 1):
        for y in range(m + 1):
            one = stats.divergence_difference(x, n, y, m, level=1 - alpha)
            assert (one.p <= alpha) == (not one.low <= 0 <= one.high)
            assert one.low <= one.estimate <= one.high
            other = stats.divergence_difference(y, m, x, n, level=1 - alpha)
            assert (other.low, other.high) == pytest.approx((-one.high, -one.low), abs=1e-6)
            found[x, y] = one
    for first, second in (
        (0.0, 0.0),
        (0.1, 0.1),
        (0.5, 0.5),
        (0.9, 0.2),
        (0.3, 0.35),
        (0.02, 0.6),
        (1.0, 0.4),
    ):
        chance = {
            (x, y): scipy.stats.binom.pmf(x, n, first) * scipy.stats.binom.pmf(y, m, second) for x, y in found
        }
        missed = sum(
            chance[k] for k, r in found.items() if not r.low - 1e-6 <= first - second <= r.high + 1e-6
        )
        assert missed <= alpha + 1e-6
        if first == second:
            assert sum(chance[k] for k, r in found.items() if r.p <= alpha) <= alpha + 1e-6


def test_many_seeds_are_held_against_the_normal_distribution():
    """Newcombe (1998), Table II, case (a), method 5 (Mee): 56/70 against 48/80 gives 0.0533 to 0.3377."""
    found = stats.divergence_difference(300, 1000, 250, 1000)
    z = 0.05 / math.sqrt(2 * 0.275 * 0.725 / 1000)
    assert found.test == "score test"
    assert found.p == pytest.approx(2 * scipy.stats.norm.sf(z))
    assert rates.normal_p(300, 1000, 250, 1000, found.low) == pytest.approx(0.05, abs=1e-3)
    assert rates.normal_p(300, 1000, 250, 1000, found.high) == pytest.approx(0.05, abs=1e-3)

    def p(delta):
        return rates.normal_p(56, 70, 48, 80, delta)

    assert rates._accepted(p, 0.2, p(0.0), 0.05) == pytest.approx((0.0533, 0.3377), abs=5e-5)


def test_the_smallest_p_is_that_of_all_against_none():
    assert (
        stats.divergence_difference(2, 5, 1, 5).smallest_p
        == stats.divergence_difference(0, 5, 5, 5).p
        == 2**-9
    )
    assert stats.divergence_difference(2, 5, 1, 5, level=None).low is None


@pytest.mark.parametrize("table", [(6, 5, 0, 5), (-1, 5, 0, 5), (0, 0, 0, 5)])
def test_what_is_no_share_is_refused(table):
    with pytest.raises(stats.CannotEstimate, match="is no proportion"):
        stats.divergence_difference(*table)
