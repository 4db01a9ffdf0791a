"""Spread: the jackknife against an explicit loop, Bonett re-derived, and what may never change an answer."""

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from amrobust import stats
from amrobust.stats.calibration.conditions import autoregressive
from amrobust.stats.jackknife import SpreadContrast
from amrobust.stats.studentised import StudentisedPermutation


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def log_spread(curves):
    curves = curves[:, None] if curves.ndim == 1 else curves
    return math.log(np.mean([np.std(column, ddof=1) for column in curves.T]))


def pseudo_values(x):
    n = len(x)
    return np.array([n * log_spread(x) - (n - 1) * log_spread(np.delete(x, i, axis=0)) for i in range(n)])


shapes = pytest.mark.parametrize("epochs", [None, 1, 12], ids=["values", "one epoch", "curves"])


def sample(rng, n, epochs, scale=1.0):
    return scale * rng.standard_normal(n if epochs is None else (n, epochs))


def p_by_hand(a, b, ratio, *, paired):
    """The p-value of a ratio from the definition: pseudo-values by deletion; of independent samples each scaled to the level
    pooled at that ratio.
    """
    x, y = pseudo_values(a), pseudo_values(b)
    if paired:
        return scipy.stats.ttest_rel(x - math.log(ratio), y).pvalue
    level_a, level_b = math.exp(log_spread(a)) / ratio, math.exp(log_spread(b))
    weight_a, weight_b = 1 / len(a), 1 / len(b)
    pooled = math.sqrt((weight_a * level_a**2 + weight_b * level_b**2) / (weight_a + weight_b))
    x_scaled = x.mean() + (x - x.mean()) * level_a / pooled
    y_scaled = y.mean() + (y - y.mean()) * level_b / pooled
    return scipy.stats.ttest_ind(x_scaled - math.log(ratio), y_scaled, equal_var=False).pvalue


class TestSpreadRatio:
    @shapes
    @pytest.mark.parametrize("sizes", [(9, 9), (7, 15)])
    def test_independent_samples_by_an_explicit_loop_and_scipys_welch_t(self, rng, epochs, sizes):
        a, b = sample(rng, sizes[0], epochs, 2.0), sample(rng, sizes[1], epochs)
        found = stats.spread_ratio(a, b, level=0.9, construction="jackknife")
        assert found.p == pytest.approx(p_by_hand(a, b, 1.0, paired=False))
        for end in (found.low, found.high):
            assert p_by_hand(a, b, end, paired=False) == pytest.approx(0.1, rel=1e-6)
        assert found.low < found.details["jackknife"] < found.high
        assert found.estimate == pytest.approx(math.exp(log_spread(a) - log_spread(b)))
        assert found.n == sizes

    @shapes
    def test_pairs_by_an_explicit_loop_and_scipys_paired_t(self, rng, epochs):
        a = sample(rng, 11, epochs)
        b = 0.8 * a + sample(rng, 11, epochs)
        found = stats.spread_ratio(a, b, paired=True)
        assert found.p == pytest.approx(p_by_hand(a, b, 1.0, paired=True))
        for end in (found.low, found.high):
            assert p_by_hand(a, b, end, paired=True) == pytest.approx(0.05, rel=1e-6)
        assert found.paired
        assert found.n == (11,)
        if epochs is None:
            assert found.details["correlation"] == pytest.approx(np.corrcoef(a, b)[0, 1])

    @shapes
    def test_its_standard_error_is_the_plain_jackknifes(self, rng, epochs):
        a, b = sample(rng, 9, epochs, 2.0), sample(rng, 12, epochs)
        expected = scipy.stats.ttest_ind(pseudo_values(a), pseudo_values(b), equal_var=False)
        found = stats.spread_ratio(a, b)
        assert found.df == pytest.approx(expected.df)
        assert math.log(found.details["jackknife"]) / found.se == pytest.approx(expected.statistic)

    @pytest.mark.parametrize("construction", ["jackknife", "permutation"])
    def test_a_ratio_of_two_is_covered_as_often_as_one(self, rng, construction):
        a, b = sample(rng, 8, None), sample(rng, 8, None)
        one, two = (stats.spread_ratio(x, b, construction=construction) for x in (a, 2 * a))
        assert (two.low, two.high) == pytest.approx((2 * one.low, 2 * one.high), rel=2e-3)

    @settings(max_examples=60, deadline=None)
    @given(seed=st.integers(0, 10_000), level=st.floats(0.5, 0.999), paired=st.booleans())
    def test_the_p_value_is_the_inversion_of_the_interval(self, seed, level, paired):
        rng = np.random.default_rng(seed)
        a, b = sample(rng, 8, 3, 1.5), sample(rng, 8, 3)
        found = stats.spread_ratio(a, b, paired=paired, level=level)
        assert (found.p < 1 - level) == (not found.low <= 1 <= found.high)

    @settings(max_examples=60, deadline=None)
    @given(
        seed=st.integers(0, 10_000),
        shift=st.floats(-1e3, 1e3),
        scale=st.floats(0.1, 10),
        paired=st.booleans(),
        order=st.permutations(range(6)),
    )
    def test_shift_scale_order_and_exchange(self, seed, shift, scale, paired, order):
        rng = np.random.default_rng(seed)
        a, b = sample(rng, 6, 2), rng.exponential(size=(6, 2))
        found = stats.spread_ratio(a, b, paired=paired)
        moved = stats.spread_ratio(scale * a + shift, scale * b - shift, paired=paired)
        shuffled = stats.spread_ratio(a[order], b[order], paired=paired)
        exchanged = stats.spread_ratio(b, a, paired=paired)
        for other in (moved, shuffled):
            assert (other.low, other.high, other.p) == pytest.approx(
                (found.low, found.high, found.p), rel=1e-6
            )
        assert (1 / exchanged.high, 1 / exchanged.low) == pytest.approx((found.low, found.high), rel=1e-6)
        assert exchanged.p == pytest.approx(found.p, rel=1e-6)

    def test_an_offset_of_a_million_costs_no_digits(self, rng):
        a, b = sample(rng, 10, 20, 1e-3), sample(rng, 10, 20, 2e-3)
        near, far = stats.spread_ratio(a, b), stats.spread_ratio(a + 1e6, b + 1e6)
        assert far.low == pytest.approx(near.low, rel=1e-5)

    def test_unequal_shapes_are_said_with_both_kurtoses(self, rng):
        flat, spiky = rng.uniform(-1, 1, 20), np.append(rng.normal(0, 0.1, 19), 5.0)
        warnings = stats.spread_ratio(flat, spiky).warnings
        warning = next(c for c in warnings if c.kind == "unequal-shapes")
        assert f"{stats.kurtosis(spiky):.2g}" in warning.message


def test_skewed_final_values_bring_bonetts_interval_along():
    rng = np.random.default_rng(2)

    def warned(draw, **options):
        found = [stats.spread_ratio(draw(20), draw(20), **options) for _ in range(60)]
        return [[c.message for c in r.warnings if c.kind == "skewed-seeds"] for r in found]

    assert np.mean([bool(c) for c in warned(lambda n: rng.exponential(size=n))]) > 0.8
    assert np.mean([bool(c) for c in warned(lambda n: rng.normal(size=n))]) < 0.1
    a, b = 3 * rng.exponential(size=20), rng.exponential(size=20)
    (note,) = [c for c in stats.spread_ratio(a, b).warnings if c.kind == "skewed-seeds"]
    bonett = stats.pooled_kurtosis_ratio(a, b)
    assert f"[{bonett.low:.3g}, {bonett.high:.3g}]" in note.message
    of_pairs = [c for found in warned(lambda n: rng.exponential(size=n), paired=True) for c in found]
    assert of_pairs
    # It has no form for pairs.
    assert not any("Bonett" in message for message in of_pairs)


def test_slow_curves_against_quick_ones_draw_a_warning_at_few_seeds():
    rng = np.random.default_rng(3)

    def kinds(n, slow, quick):
        a, b = (autoregressive(r)(rng, (1, n, 30))[0] for r in (slow, quick))
        return {c.kind for c in stats.spread_ratio(a, b).warnings}

    assert "unequal-autocorrelation" in kinds(10, 0.99, 0.3)
    assert "unequal-autocorrelation" not in kinds(10, 0.8, 0.3)
    assert "unequal-autocorrelation" not in kinds(10, 0.99, 0.98)
    assert "unequal-autocorrelation" not in kinds(20, 0.99, 0.3)


def test_an_avg_std_outside_its_interval_says_that_a_std_of_few_seeds_is_too_small():
    rng = np.random.default_rng(1)
    found = [stats.avg_std_interval(rng.normal(size=(5, 90))) for _ in range(30)]
    outside = [not r.low <= r.estimate <= r.high for r in found]
    assert 0 < sum(outside) < 30
    assert [any(c.kind == "few-seeds-bias" for c in r.warnings) for r in found] == outside
    (note,) = {c for r in found for c in r.warnings if c.kind == "few-seeds-bias"}
    assert "6% too small" in note.message


class TestRefusals:
    @pytest.mark.parametrize(
        ("a", "needed"),
        [
            (np.ones(6), None),
            (np.array([1.0, 1, 1, 1, 1, 2]), None),
            (np.array([1.0, 2, 3]), 4),
            (np.array([1.0, 2, 3, np.nan]), None),
            (np.array([1.0, 2, 3, np.inf]), None),
            (np.ones((6, 0)), None),
            (np.ones((2, 3, 4)), None),
        ],
        ids=["constant", "all but one equal", "three seeds", "NaN", "inf", "no epochs", "three dimensions"],
    )
    def test_what_has_no_spread_is_refused_with_a_reason(self, a, needed):
        with pytest.raises(stats.CannotEstimate) as caught:
            stats.spread_ratio(a, np.arange(6.0))
        assert caught.value.reason
        assert caught.value.seeds_needed == needed

    def test_curves_of_unequal_length_and_unequal_pairs(self, rng):
        with pytest.raises(stats.CannotEstimate, match="epochs"):
            stats.spread_ratio(sample(rng, 6, 4), sample(rng, 6, 5))
        with pytest.raises(stats.CannotEstimate, match="equally many"):
            stats.spread_ratio(sample(rng, 6, 4), sample(rng, 7, 4), paired=True)

    def test_copies_up_to_scale_have_nothing_to_test(self, rng):
        a = rng.standard_normal(8)
        with pytest.raises(stats.CannotEstimate, match="copies"):
            stats.spread_ratio(a, a, paired=True)


class TestOneSpread:
    def test_bonett_re_derived(self, rng):
        x = rng.exponential(size=12) + 100
        n, z = 12, scipy.stats.norm.ppf(0.975)
        trimmed = scipy.stats.trim_mean(x, 1 / (2 * math.sqrt(n - 4)))
        gamma = n * ((x - trimmed) ** 4).sum() / ((x - x.mean()) ** 2).sum() ** 2
        c = n / (n - z)
        se = c * math.sqrt((gamma - (n - 3) / n) / (n - 1))
        expected = [math.sqrt(math.exp(math.log(c * x.var(ddof=1)) + sign * z * se)) for sign in (-1, 1)]
        found = stats.spread_interval(x)
        assert [found.low, found.high] == pytest.approx(expected)
        assert found.estimate == pytest.approx(x.std(ddof=1))

    def test_chi_square_by_scipys_quantiles(self, rng):
        x = rng.standard_normal(10)
        found = stats.chi_square_interval(x, level=0.9)
        variance = 9 * x.var(ddof=1) / scipy.stats.chi2.ppf([0.95, 0.05], 9)
        assert [found.low, found.high] == pytest.approx(np.sqrt(variance))

    def test_avg_std_is_the_papers_definition_and_its_interval_the_loops(self, rng):
        curves = sample(rng, 9, 7, 3.0)
        found = stats.avg_std_interval(curves)
        assert found.estimate == pytest.approx(np.mean([np.std(curves[:, t], ddof=1) for t in range(7)]))
        pseudo = pseudo_values(curves)
        expected = scipy.stats.t.interval(0.95, 8, pseudo.mean(), scipy.stats.sem(pseudo))
        assert [found.low, found.high] == pytest.approx(np.exp(expected))

    @pytest.mark.parametrize("interval", [stats.spread_interval, stats.chi_square_interval])
    def test_constant_values_have_no_interval(self, interval):
        with pytest.raises(stats.CannotEstimate, match="zero"):
            interval(np.full(8, 97.5))

    def test_bonett_needs_more_seeds_than_its_quantile(self, rng):
        with pytest.raises(stats.CannotEstimate) as caught:
            stats.spread_interval(rng.standard_normal(4), level=1 - 1e-6)
        assert caught.value.seeds_needed == 6


def test_kurtosis_is_scipys(rng):
    x = rng.exponential(size=30)
    assert stats.kurtosis(x) == pytest.approx(scipy.stats.kurtosis(x, fisher=False))


class TestFinalValues:
    CURVES = np.arange(12.0).reshape(3, 4)

    def test_last_and_mean_of_the_last(self):
        assert stats.final_values(self.CURVES).tolist() == [3, 7, 11]
        assert stats.final_values(self.CURVES, "mean:2").tolist() == [2.5, 6.5, 10.5]

    @pytest.mark.parametrize("final", ["best", "mean:0", "mean:5", "mean:x", "best:test", ""])
    def test_anything_else_is_refused(self, final):
        with pytest.raises(stats.CannotEstimate):
            stats.final_values(self.CURVES, final)


def test_type_one_error_of_what_decides_on_normal_seeds():
    """A quick look; tests/calibration measures it properly."""
    rng = np.random.default_rng(11)
    samples = rng.standard_normal((2000, 2, 8, 1))
    rejected = np.mean(
        [StudentisedPermutation.of(a, b, SpreadContrast.of(a, b), alpha=0.05).p() <= 0.05 for a, b in samples]
    )
    assert 0.025 < rejected < 0.065
