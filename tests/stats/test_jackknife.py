"""The ends of an interval are where the p-value crosses, whatever the first guess of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

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
def test_it_finds_what_bisection_finds(seed, paired, level):
    rng = np.random.default_rng(seed)
    n = rng.integers(4, 25)
    a = rng.standard_t(3, size=(n, 3)) * rng.lognormal(0, 3)
    b = rng.normal(size=(n if paired else rng.integers(4, 25), 3))
    contrast = SpreadContrast.of(a, b, paired=paired)
    se = float(contrast.error()[0])
    expected = bisected(lambda theta: float(contrast.p(theta)), float(contrast.centre), se, level)
    assert contrast.interval(level) == pytest.approx(expected, abs=1e-9 * max(se, 1))


@pytest.mark.parametrize("guess", [1e-3, 0.5, 1.0, 40.0])
def test_a_bad_guess_costs_time_alone(guess):
    low, high = inverted(lambda theta: float(2 * special.stdtr(7.0, -abs(theta - 3))), 3.0, guess, 0.95)
    half = special.stdtrit(7.0, 0.975)
    assert (low, high) == pytest.approx((3 - half, 3 + half), rel=1e-10)
