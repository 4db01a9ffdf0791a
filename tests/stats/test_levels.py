"""Scales, and spread at matched mean."""

import numpy as np
import pytest

from amrobust import stats


def test_scales_are_those_of_scipy_and_keep_diverged_values():
    from scipy.special import logit

    x = np.array([[10.0, 99.0], [np.nan, 50.0]])
    np.testing.assert_allclose(stats.to_scale(x, "logit", top=100), logit(x / 100))
    np.testing.assert_allclose(stats.to_scale(x, "log"), np.log(x))
    assert stats.to_scale(x, "none") is x
    assert np.isposinf(stats.to_scale([1.0, np.inf], "log")[1])


@pytest.mark.parametrize(("x", "scale"), [([0.0, 0.5], "logit"), ([1.0, 0.5], "logit"), ([0.0, 2.0], "log")])
def test_values_at_a_bound_have_no_scale(x, scale):
    with pytest.raises(stats.CannotEstimate, match="scale needs"):
        stats.to_scale(x, scale)


def test_a_faster_method_with_the_same_spread_at_every_level_is_no_steadier():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(400, 1))

    def method(speed):
        mean = 100 * (1 - np.exp(-speed * np.arange(1, 60) / 10))
        return mean + noise * (100 - mean) / 10  # STD falls with the distance to the ceiling

    slow, fast = method(1.0), method(2.0)
    assert stats.avg_std(fast) / stats.avg_std(slow) < 0.6
    assert stats.spread_at_matched_level(fast, slow).ratio == pytest.approx(1, abs=0.02)
    assert stats.spread_at_matched_level(-fast, -slow).ratio == pytest.approx(1, abs=0.02)


def test_methods_without_a_common_level_are_refused():
    curves = np.random.default_rng(0).normal(size=(5, 4)).cumsum(axis=1)
    with pytest.raises(stats.CannotEstimate, match="no range"):
        stats.spread_at_matched_level(curves, curves + 1e3)
