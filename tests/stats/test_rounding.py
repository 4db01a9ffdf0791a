"""What holds for every statistic: rounding is no variance, no power of two matters, and nothing comes to NaN or a warning."""

import math
import warnings
from functools import partial
from itertools import product

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from amrobust import stats
from amrobust.stats import Result
from amrobust.stats.published import Summary, mean_difference_from_summary, spread_ratio_from_summary
from amrobust.stats.samples import CannotEstimate, as_curves, varies, with_ties

SWEPT = (1.0, 3.0, 10.0)

TWO = {
    "Welch": stats.mean_difference,
    "TOST": partial(stats.equivalence, margin=1e-3),
    "bootstrap-t": partial(stats.bootstrap_difference, resamples=299),
    "jackknife": stats.spread_ratio,
    "Bonett": stats.pooled_kurtosis_ratio,
    "MADs": stats.mad_ratio,
    "Levene": stats.levene,
    "Levene, mean": partial(stats.levene, centre="mean"),
    "Levene, trimmed": partial(stats.levene, centre="trimmed"),
    "F": stats.f_test,
    "Bartlett": stats.bartlett,
    "Fligner": stats.fligner,
    "probability of superiority": partial(stats.chance_of_winning, better="lower"),
    "Mann-Whitney": partial(stats.mann_whitney, better="lower"),
}
"""Of two independent samples (seeds,)."""

PAIRED = {
    "paired t": partial(stats.mean_difference, paired=True),
    "paired bootstrap-t": partial(stats.bootstrap_difference, paired=True, resamples=299),
    "paired jackknife": partial(stats.spread_ratio, paired=True),
    "paired MADs": partial(stats.mad_ratio, paired=True),
    "swaps": partial(stats.swaps_within_pairs, resamples=299),
    "paired Levene": partial(stats.levene, paired=True),
    "Pitman-Morgan": stats.pitman_morgan,
    "ranks of pairs": partial(stats.chance_of_winning, better="lower", paired=True),
}

CURVES = {
    "jackknife of curves": stats.spread_ratio,
    "Levene on curves": stats.levene,
    "swaps of curves": partial(stats.swaps_within_pairs, resamples=299),
    "paired jackknife of curves": partial(stats.spread_ratio, paired=True),
}

DECIDE = [TWO["Welch"], TWO["TOST"], TWO["jackknife"], PAIRED["paired t"], PAIRED["paired jackknife"]]
BY_RANK = [TWO["probability of superiority"], TWO["Mann-Whitney"], TWO["Fligner"], PAIRED["ranks of pairs"]]
IN_UNITS = {"TOST"}
"""Have a margin in the values' own unit."""


def outcome(test, *samples):
    """The p-value, or None where the test refuses; warnings are errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        try:
            p = test(*samples).p
        except CannotEstimate:
            return None
    assert 0 <= p <= 1
    return p


def names(*tables):
    return pytest.mark.parametrize(
        "test", [pytest.param(test, id=name) for table in tables for name, test in table.items()]
    )


def scaled_names(*tables):
    return names(*({n: t for n, t in table.items() if n not in IN_UNITS} for table in tables))


@pytest.mark.parametrize("noise", [0, 1], ids=["to the last bit", "but for the last bit"])
@names(TWO)
def test_seeds_stuck_at_one_value_are_never_told_apart(test, noise):
    rng = np.random.default_rng(5)
    for value, (n_a, n_b) in product((0.1, 0.04, 1 / 3, 0.9123, 99.9), ((10, 20), (7, 11), (9, 9), (4, 30))):
        a, b = (value + noise * np.spacing(value) * rng.integers(-1, 2, n) for n in (n_a, n_b))
        found = outcome(test, a, b)
        assert found is None or found > 0.4 or test is TWO["TOST"]


@names(PAIRED)
def test_pairs_that_differ_by_rounding_alone_are_never_told_apart(test):
    rng = np.random.default_rng(6)
    for n, offset in product((5, 10, 20), (0.0, 1.0, 1e6)):
        a = offset + rng.normal(size=n)
        found = outcome(test, a, a + np.spacing(np.abs(a)) * rng.integers(-1, 2, n))
        assert found is None or found > 0.05


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e9])
@pytest.mark.parametrize("factor", [1.0, 3.0, 1e-7])
def test_copies_up_to_scale_have_no_ratio_at_any_offset(offset, factor):
    a = offset + np.random.default_rng(7).normal(size=(12, 3))
    with pytest.raises(CannotEstimate):
        stats.spread_ratio(a, factor * a, paired=True)


def test_two_values_in_equal_numbers_have_no_error_to_judge_a_spread_by():
    a, b = np.repeat([0.1, 0.9], 5), np.repeat([0.1, 0.3], 5)
    for refused in (
        lambda: stats.spread_ratio(a, b),
        lambda: stats.avg_std_interval(a),
        lambda: stats.spread_trend([a, b, a], SWEPT),
    ):
        with pytest.raises(CannotEstimate, match="without whichever seed"):
            refused()


def test_starting_points_that_gave_one_value_are_refused():
    labels = [*"a" * 5, *"b" * 6, *"c" * 8]
    stuck, noisy = np.full(19, 0.1), np.random.default_rng(7).normal(size=(19, 3))
    for refused in (
        lambda: stats.mean_over_x0s(stuck, labels),
        lambda: stats.variance_components(stuck, labels),
        lambda: stats.mean_difference_over_x0s(stuck, labels, stuck, labels),
        lambda: stats.mean_difference_over_x0s(noisy[:, 0], labels, noisy[:, 0] + 0.1, labels),
        lambda: stats.spread_ratio_over_x0s(noisy, labels, 3 * noisy + 1e3, labels),
    ):
        with pytest.raises(CannotEstimate):
            refused()


def test_the_mean_of_equal_values_is_that_value():
    for value, n in product((0.1, 0.7, 99.9), range(4, 31)):
        found = stats.mean_interval(np.full(n, value))
        assert (found.estimate, found.low, found.high) == (value, value, value)


def test_a_real_deviation_varies_however_small():
    rng = np.random.default_rng(8)
    a, b = rng.normal(size=8), 1 + rng.normal(size=11)
    for scale in (1e-200, 1e-300):
        found = stats.mean_difference(scale * a, scale * b)
        assert found.p == pytest.approx(scipy.stats.ttest_ind(a, b, equal_var=False).pvalue, rel=1e-9)
    tiny = 1 + np.array([0.0, 1, 2, 3, 4, 5]) * 1e-13
    assert stats.std(tiny) == pytest.approx(np.std(np.arange(6), ddof=1) * 1e-13, rel=1e-2)


@scaled_names(TWO, PAIRED)
@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), power=st.integers(-600, 600))
def test_a_power_of_two_changes_no_p(test, seed, power):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(1, 1, 8), rng.normal(1.5, 3, 8)
    expected = outcome(test, a, b)
    assert outcome(test, np.ldexp(a, power), np.ldexp(b, power)) == pytest.approx(expected, rel=1e-9)


@names(CURVES)
@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), power=st.integers(-600, 600))
def test_a_power_of_two_changes_no_p_of_curves(test, seed, power):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(1, 1, (6, 4)), rng.normal(1.5, 3, (6, 4))
    expected = outcome(test, a, b)
    assert outcome(test, np.ldexp(a, power), np.ldexp(b, power)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("power", [-600, -300, 300, 600])
def test_a_power_of_two_scales_what_is_estimated(power):
    rng = np.random.default_rng(9)
    values, curves, labels = rng.normal(3, 1, 24), rng.normal(3, 1, (8, 5)), list("abcd") * 6
    for interval, data in (
        (stats.mean_interval, values), (stats.spread_interval, values), (stats.chi_square_interval, values),
        (stats.avg_std_interval, curves), (partial(stats.bootstrap_interval, statistic="mean", resamples=99), curves),
        (partial(stats.bootstrap_interval, statistic="avg_std", resamples=99), curves),
        (partial(stats.mean_over_x0s, x0=labels), values),
        (partial(stats.avg_std_over_x0s, x0=labels), values[:, None] * [1, 2]),
        (lambda x: stats.variance_components(x, labels).seed, values),
        (lambda x: stats.mean_difference(x[::2], x[1::2]), values),
    ):  # fmt: skip
        found, moved = interval(data), interval(np.ldexp(data, power))
        expected = [np.ldexp(x, power) for x in (found.estimate, found.low, found.high)]
        assert [moved.estimate, moved.low, moved.high] == pytest.approx(expected, rel=1e-9)
    for band in (stats.std_band, partial(stats.simultaneous_std_band, resamples=99)):
        np.testing.assert_allclose(
            band(np.ldexp(curves, power)).high, np.ldexp(band(curves).high, power), rtol=1e-9
        )
    moved = stats.when_spreads_differ(np.ldexp(curves[:4], power), np.ldexp(2 * curves[4:], power))
    np.testing.assert_allclose(
        moved.p_adjusted, stats.when_spreads_differ(curves[:4], 2 * curves[4:]).p_adjusted
    )
    for trend in (stats.spread_trend, stats.permutation_trend, stats.jonckheere):
        samples = [values[:8], values[8:16], 2 * values[16:]]
        assert trend([np.ldexp(x, power) for x in samples], SWEPT).p == pytest.approx(
            trend(samples, SWEPT).p, rel=1e-9
        )


@scaled_names(TWO, PAIRED)
@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), shift=st.floats(-1e3, 1e3), order=st.permutations(range(7)))
def test_shift_and_order_change_no_p_and_exchange_gives_the_same(test, seed, shift, order):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=7), rng.exponential(2, size=7)
    expected = outcome(test, a, b)
    resampled = test in (TWO["bootstrap-t"], PAIRED["paired bootstrap-t"])
    assert outcome(test, a + shift, b + shift) == pytest.approx(expected, rel=1e-6)
    if not resampled:
        assert outcome(test, a[order], b[order]) == pytest.approx(expected, rel=1e-6)
        assert outcome(test, b, a) == pytest.approx(expected, rel=1e-6)


@names(TWO, PAIRED)
@pytest.mark.parametrize("far", [1e20, 1e100, 1e160, 1e300, -1e300])
@pytest.mark.parametrize("first", [0, 3])
def test_one_seed_far_off_ends_in_a_number_or_a_refusal(test, far, first):
    rng = np.random.default_rng(10)
    a, b = rng.normal(size=10), rng.normal(size=10)
    a[first] = far
    found = outcome(test, a, b), outcome(test, b, a)
    if test in DECIDE:
        assert all(p is None or p > 0.05 for p in found)
    if test in BY_RANK:
        a[first] = math.copysign(10, far)
        assert found == (outcome(test, a, b), outcome(test, b, a))


@names(TWO, PAIRED)
@pytest.mark.parametrize(
    "scales", [(1e300, 1e-300), (1e-300, 1.0), (1e300, 1.0), (1e300, 1e300), (1e-300, 1e-300)]
)
def test_samples_at_the_ends_of_the_numbers_neither_fail_nor_warn(test, scales):
    rng = np.random.default_rng(11)
    outcome(test, scales[0] * rng.normal(size=9), scales[1] * rng.normal(size=9))


@names(CURVES)
def test_epochs_of_any_magnitude_neither_fail_nor_warn(test):
    rng = np.random.default_rng(12)
    for scales in ((1e300, 1, 1e-300), (1, 1, 1e160), (1e-200, 1e-100, 1)):
        outcome(test, rng.normal(size=(7, 3)) * scales, rng.normal(size=(7, 3)) * scales)
        outcome(test, rng.normal(size=(7, 3)) * scales, rng.normal(size=(7, 3)))


def test_values_beyond_what_can_be_computed_with_are_refused():
    with pytest.raises(CannotEstimate, match="beyond 1e301"):
        as_curves([1.0, 2.0, 3.0, 1e308])


@pytest.mark.parametrize("epochs", [None, 4])
@settings(max_examples=60)
@given(
    seed=st.integers(0, 10**6), n=st.integers(4, 20), correlation=st.sampled_from([0.0, 0.5, 0.95, 0.999]),
    level=st.floats(0.5, 0.9999), heavy=st.booleans(),
)  # fmt: skip
def test_of_pairs_p_and_interval_say_the_same(epochs, seed, n, correlation, level, heavy):
    rng = np.random.default_rng(seed)
    shape = (n,) if epochs is None else (n, epochs)
    draw = partial(rng.standard_t, 3) if heavy else rng.standard_normal
    common = math.sqrt(correlation) * draw(size=shape)
    a, b = (common + math.sqrt(1 - correlation) * draw(size=shape) for _ in range(2))
    try:
        found = stats.spread_ratio(a, b, paired=True, level=level)
    except CannotEstimate:
        return
    assert found.low < found.details["jackknife"] < found.high
    assert (found.p < 1 - level) == (not found.low <= 1 <= found.high)
    half = scipy.stats.t.ppf(0.5 + level / 2, n - 1) * found.se
    assert math.log(found.high / found.low) == pytest.approx(2 * half, rel=1e-9)


def test_values_that_differ_by_rounding_tie_in_ranks():
    a, b = np.full(20, 0.1), np.full(20, np.nextafter(0.1, 1))
    found = stats.chance_of_winning(a, b, better="lower")
    assert (found.estimate, found.p, found.low, found.high) == (0.5, 1.0, 0.0, 1.0)
    with pytest.raises(CannotEstimate, match="tie"):
        stats.chance_of_winning(a, b, better="lower", paired=True)
    far = np.append(a, 1e300)
    assert stats.chance_of_winning(far, b, better="lower").estimate == pytest.approx(0.5 * 20 / 21)


def test_an_offset_breaks_no_ties_between_arrangements():
    a, b = np.array([0.0, 1, 2, 3, 4, 5]), np.array([0.0, 2, 1, 5, 3, 4])
    for offset in (0.0, 0.1, 1e6 / 3):
        assert stats.swaps_within_pairs(a + offset, b + offset / 3).p == 1
        assert stats.fligner(a + offset, b + offset / 3).p == pytest.approx(1)
        z = [a + offset, b + offset / 3, a - offset]
        assert stats.permutation_trend(z, SWEPT, resamples=199).p == 1
        assert stats.jonckheere(z, SWEPT, resamples=199).p == 1


def test_ties_are_found_up_to_rounding_and_no_farther():
    x = np.array([0.3, 0.1 + 0.2, 1.0, 1e-200, 2e-200, np.inf, np.inf, 0.3 + 1e-9])
    tied = with_ties(x)
    assert tied[0] == tied[1]
    assert len(set(tied.tolist())) == 6
    np.testing.assert_allclose(tied, x, rtol=1e-15)
    assert not varies(np.array([0.9123, np.nextafter(0.9123, 1)]))
    assert varies(np.array([1e-200, 2e-200]))
    assert not varies(np.array([1e-17, 2e-17]), size=1.0)


@pytest.mark.parametrize(
    "numbers", [{"p": math.nan}, {"p": math.inf}, {"estimate": math.nan}, {"high": math.nan}]
)
def test_no_result_holds_a_number_that_is_none(numbers):
    with pytest.raises(CannotEstimate, match="comes to no number"):
        Result("ratio of STDs", "a test", (5, 5), **numbers)


def test_a_printed_std_that_is_rounding_allows_no_test():
    stuck = Summary(0.1, np.std(np.full(20, 0.1), ddof=1), 20)
    with pytest.raises(CannotEstimate, match="allows no test"):
        mean_difference_from_summary(stuck, Summary(0.2, 0.01, 20))
    far = mean_difference_from_summary(Summary(1e300, 1e299, 9), Summary(0, 2e299, 9))
    assert far.p == pytest.approx(scipy.stats.ttest_ind_from_stats(10, 1, 9, 0, 2, 9, equal_var=False).pvalue)
    assert spread_ratio_from_summary(Summary(0, 1e200, 9), Summary(0, 1e-5, 9)).p < 1e-9


def test_a_tail_far_off_has_its_quantiles_and_means():
    values = np.append(np.random.default_rng(13).exponential(size=199), 1e300)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        assert stats.tail_quantile(values, 0.9, worse="high").high < 10
        assert stats.cvar(values, 0.9, worse="high").estimate == pytest.approx(1e300 / 20)
        assert stats.exceedance(values, 1e299, worse="high").estimate == 1 / 200
