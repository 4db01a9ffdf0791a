"""The ends of an interval are where the p-value crosses, whatever the first guess; the outermost ones, if there are more."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from amrobust import stats
from amrobust.stats.jackknife import SpreadContrast, inverted


def bisected(p, centre, step, level):
    def end(side):
        inside, outside = centre, centre + side * step
        while p(outside) > 1 - level:
            inside, outside = outside, centre + 2 * (outside - centre)
        for _ in range(60):
            middle = 0.5 * (inside + outside)
            inside, outside = (middle, outside) if p(middle) > 1 - level else (inside, middle)
        return 0.5 * (inside + outside)

    return end(-1.0), end(1.0)


@given(st.integers(0, 10**6), st.booleans(), st.sampled_from([0.9, 0.95, 0.9998, 0.9999999]))
def test_it_holds_what_bisection_finds_and_ends_at_the_level(seed, paired, level):
    rng = np.random.default_rng(seed)
    n = rng.integers(4, 25)
    a = rng.standard_t(3, size=(n, 3)) * rng.lognormal(0, 3)
    b = rng.normal(size=(n if paired else rng.integers(4, 25), 3))
    contrast = SpreadContrast.of(a, b, paired=paired)
    se = float(contrast.error()[0])
    low, high = bisected(lambda theta: float(contrast.p(theta)), float(contrast.centre), se, level)
    ends = contrast.interval(level)
    close = 1e-9 * max(se, 1)
    assert ends[0] <= low + close
    assert ends[1] >= high - close
    assert contrast.p(np.array(ends)) == pytest.approx(1 - level, rel=1e-5)
    farther = np.linspace(0, 5 * (ends[1] - ends[0]), 200)[1:]
    assert (contrast.p(ends[0] - farther) < 1 - level).all()
    assert (contrast.p(ends[1] + farther) < 1 - level).all()


def test_where_p_rises_again_farther_out_the_interval_reaches_out_to_there():
    def p(theta):
        return np.maximum(np.exp(-np.abs(theta)), 0.5 * (np.abs(theta - 9) < 2))

    assert inverted(p, 0.0, 1.0, 0.95) == pytest.approx((np.log(0.05), 11.0), rel=1e-9)


@pytest.mark.parametrize("guess", [1e-3, 0.5, 1.0, 40.0])
def test_a_bad_guess_costs_time_alone(guess):
    low, high = inverted(lambda theta: 2 * special.stdtr(7.0, -np.abs(theta - 3)), 3.0, guess, 0.95)
    half = special.stdtrit(7.0, 0.975)
    assert (low, high) == pytest.approx((3 - half, 3 + half), rel=1e-8)


@pytest.mark.parametrize("level", [0.5, 0.95, 0.99, 0.9999])
def test_a_spread_that_is_the_same_without_whichever_seed_has_an_interval_against_another(level):
    """Its error is 0: far out, where the other's is next to nothing too, neither may vanish."""
    a, b = np.array([1.0, 2.0, 0.0, 0.0]), np.array([1.0, 2.0, 1.0, 2.0])
    found, back = stats.spread_ratio(a, b, level=level), stats.spread_ratio(b, a, level=level)
    assert (found.low, found.high) == pytest.approx((1 / back.high, 1 / back.low))
    assert found.low < found.estimate < found.high
