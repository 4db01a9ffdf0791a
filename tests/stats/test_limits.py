"""What no level, error rate, margin, threshold or count can be is refused by every statistic that takes one."""

import inspect
import math
import warnings

import numpy as np
import pytest

from amrobust import stats
from amrobust.stats.limits import LEAST_TAIL, check_count, check_level, check_margin, check_rate, is_number
from amrobust.stats.published import (
    Summary,
    equivalence_from_summary,
    mean_difference_from_summary,
    spread_ratio_from_summary,
)

RNG = np.random.default_rng(0)
FINALS, OTHERS = RNG.normal(90, 1, 12), RNG.normal(90, 3, 12)
CURVES, MORE = RNG.normal(90, 1, (12, 6)), RNG.normal(90, 3, (12, 6))
X0S = list("aaaabbbbcccc")
DIFFERENCE = stats.mean_difference(FINALS, OTHERS)

ARGUMENTS = {
    "x": FINALS, "a": FINALS, "b": OTHERS, "curves": CURVES, "x0": X0S, "x0_a": X0S, "x0_b": X0S, "margin": 1.0,
    "better": "higher", "worse": "low", "threshold": 89.0, "q": 0.5, "hits": 1, "diverged": 1, "n": 12, "diverged_a": 1,
    "n_a": 12, "diverged_b": 0, "n_b": 12, "samples": [CURVES, MORE, CURVES + RNG.normal(0, 1, (12, 6))],
    "values": [1.0, 2.0, 4.0], "difference": DIFFERENCE, "result": DIFFERENCE, "effect": 1.0, "share": 0.1, "bound": 0.3,
    "statistic": "std", "seeds": [5, 10],
}  # fmt: skip
OWN = {
    "avg_std_ratio_from_summary": {"a": Summary(90, 1, 10), "b": Summary(91, 2, 10)},
    "equivalence_from_summary": {"a": Summary(90, 1, 10), "b": Summary(91, 2, 10)},
    "mean_difference_from_summary": {"a": Summary(90, 1, 10), "b": Summary(91, 2, 10)},
    "spread_ratio_from_summary": {"a": Summary(90, 1, 10), "b": Summary(91, 2, 10)},
    "construction_for": {"n_a": 5, "n_b": 5, "epochs": 1, "paired": False, "alpha": 0.05},
    "when_spreads_differ": {"a": CURVES, "b": MORE},
    "generalised_pareto": {"x": RNG.exponential(1, 200), "threshold": 0.1, "worse": "high"},
    "ratio_of_costs": {"a": FINALS, "b": OTHERS},
    "spread_on_distribution": {"correct": RNG.random((8, 50)) < 0.8},
    "ratio_on_distribution": {"a": RNG.random((8, 50)) < 0.8, "b": RNG.random((8, 50)) < 0.8},
}
NONSENSE = {
    "level": (math.nan, math.inf, -0.5, 0.0, 1.0, 1.5, 1 - 1e-17, 1 - 1e-13, "0.95", True),
    "alpha": (math.nan, math.inf, -0.05, 0.0, 1.0, 1.5, 1e-17, 1e-320),
    "power": (math.nan, math.inf, 0.0, 1.0, 80),
    "margin": (math.nan, math.inf, -math.inf, -1.0, 0.0, 1e308, "1", True),
    "threshold": (math.nan, math.inf, -math.inf),
    "tested": (math.nan, math.inf, -1.5, 0.0, 1e308, "2", True),
    "q": (math.nan, 0.0, 1.0, 90, 1 - 1e-17),
    "bound": (math.nan, 0.0, 1.0, 1e-320),
    "effect": (math.nan, math.inf),
    "resamples": (0, -1, 10**12, 999.5, math.nan),
}
FUNCTIONS = [
    *(getattr(stats, name) for name in stats.__all__ if inspect.isfunction(getattr(stats, name))),
    mean_difference_from_summary,
    equivalence_from_summary,
    spread_ratio_from_summary,
]
CASES = [
    (function, name)
    for function in FUNCTIONS
    for name in inspect.signature(function).parameters
    if name in NONSENSE
]


def call(function, **given):
    parameters = inspect.signature(function).parameters
    arguments = ARGUMENTS | OWN.get(function.__name__, {}) | given
    known = {
        name: arguments[name]
        for name, parameter in parameters.items()
        if parameter.default is parameter.empty or name in given
    }
    return function(**known)


@pytest.mark.parametrize(("function", "name"), CASES, ids=lambda x: getattr(x, "__name__", x))
def test_every_statistic_refuses_what_no_such_number_can_be(function, name):
    call(function)  # With sensible numbers it says something.
    for value in NONSENSE[name]:
        with pytest.raises(stats.CannotEstimate):
            call(function, **{name: value})


def test_all_kinds_of_numbers_are_among_them():
    assert {name for _, name in CASES} == set(NONSENSE)
    assert len(CASES) > 50


def test_numbers_are_finite_and_no_truth_values():
    assert all(map(is_number, (1, 0.5, np.float32(2), np.int64(3))))
    assert not any(map(is_number, (True, math.nan, math.inf, 10**400, "1", None, np.float64("nan"))))


def test_a_margin_of_any_kind_of_number_is_held_against_the_largest_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind in (np.float16, np.float32, np.float64, np.int8, float, int):
            check_margin(kind(1))


def test_the_ends_are_allowed():
    check_level(1 - LEAST_TAIL)
    check_rate("alpha", LEAST_TAIL)
    check_rate("alpha", 0.5, 0.5)
    check_margin(1e100)
    check_count("n", np.int64(5), 5, 5)
    with pytest.raises(stats.CannotEstimate, match=r"alpha = 0\.51 is not between 0 and 0\.5"):
        check_rate("alpha", 0.51, 0.5)


@pytest.mark.parametrize("level", [0.5, 0.95, 1 - 1e-6, 1 - LEAST_TAIL])
def test_intervals_up_to_the_last_level_end_and_hold_their_estimate(level):
    for function in (stats.spread_ratio, stats.mean_difference):
        result = function(FINALS, OTHERS, level=level)
        assert result.low <= result.estimate <= result.high
        assert math.isfinite(result.high)


def test_an_interval_without_an_end_is_refused_and_not_looked_for_for_ever():
    from amrobust.stats.jackknife import inverted

    with pytest.raises(stats.CannotEstimate, match="no end"):
        inverted(np.ones_like, 0.0, 1.0, 0.95)
    with pytest.raises(stats.CannotEstimate, match="no end"):
        inverted(lambda theta: np.exp(-np.abs(theta)), 0.0, 0.0, 0.95)
    with pytest.raises(stats.CannotEstimate, match="no p-value"):
        inverted(lambda theta: np.full_like(theta, np.nan), 0.0, 1.0, 0.95)


@pytest.mark.parametrize(
    "function",
    [
        stats.spread_interval, stats.mean_interval, stats.chi_square_interval, stats.avg_std_interval,
        lambda x: stats.mean_difference(x, np.arange(8.0)), lambda x: stats.levene(np.arange(8.0), x),
        lambda x: stats.cvar(x, 0.5, worse="low", fewest_beyond=1), lambda x: stats.spread_ratio(x, np.arange(8.0)),
    ],
)  # fmt: skip
def test_what_lies_under_a_mask_is_missing_and_never_a_value(function):
    values = np.ma.masked_array(np.arange(8.0), mask=[0, 0, 1, 0, 0, 0, 0, 0])
    with pytest.raises(stats.CannotEstimate, match="masked, so missing"):
        function(values)
    whole = np.ma.masked_array(np.arange(8.0), mask=False)
    assert repr(function(whole)) == repr(function(np.arange(8.0)))
