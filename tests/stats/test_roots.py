"""Brent's method against scipy's, to the last bit."""

import math

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import stdtr

from amrobust.stats.roots import brent

TIGHT = {"xtol": 1e-15, "rtol": 8 * float(np.finfo(float).eps)}

FUNCTIONS = {
    "smooth": (lambda x: math.cos(x) - x, 0.0, 1.0),
    "flat on one side": (lambda x: math.exp(20 * (x - 2)) - 1e-8, 0.0, 3.0),
    "steep": (lambda x: math.atan(1e6 * (x - 0.3)), -1.0, 4.0),
    "a jump": (lambda x: -1.0 if x < math.pi else 2.0, 0.0, 10.0),
    "log of p": (lambda x: math.log(2 * stdtr(7.3, -abs(x))) - math.log(0.05), 0.0, 40.0),
    "a root at the first end": (lambda x: x, 0.0, 1.0),
    "a root at the second end": (lambda x: x - 1, 0.0, 1.0),
    "downwards, from above": (lambda x: 2 - math.exp(x), 5.0, -5.0),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("tolerances", [TIGHT, {"xtol": 1e-3, "rtol": 1e-6}], ids=["tight", "loose"])
def test_it_ends_where_scipys_does_after_the_same_evaluations(name, tolerances):
    f, a, b = FUNCTIONS[name]
    ours, theirs = [], []
    found = brent(lambda x: ours.append(x) or f(x), a, b, **tolerances)
    expected = brentq(lambda x: theirs.append(x) or f(x), a, b, **tolerances)
    assert found == expected
    assert ours == theirs


def test_random_polynomials():
    rng = np.random.default_rng(0)
    for _ in range(200):
        cubic = np.poly1d(rng.normal(size=4))
        a, b = sorted(rng.normal(size=2) * 5)
        if cubic(a) * cubic(b) < 0:
            assert brent(cubic, a, b, **TIGHT) == brentq(cubic, a, b, **TIGHT)


@pytest.mark.parametrize("f", [lambda x: x**2 + 1, lambda x: math.nan])
def test_no_change_of_sign_is_refused(f):
    with pytest.raises(ValueError, match="different signs"):
        brent(f, -1.0, 1.0, **TIGHT)


def test_a_value_that_is_not_a_number_is_refused():
    with pytest.raises(ValueError, match="NaN"):
        brent(lambda x: x if abs(x) == 1 else math.nan, -1.0, 1.0, **TIGHT)
