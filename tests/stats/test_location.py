"""Means against scipy and statsmodels; Levene against scipy."""

import numpy as np
import pytest
import scipy.stats
from statsmodels.stats.weightstats import ttost_ind, ttost_paired

from amrobust import stats


@pytest.fixture
def pair():
    rng = np.random.default_rng(5)
    a = rng.normal(1.0, 2.0, 12)
    return a, 0.5 * a + rng.normal(0, 1, 12)


class TestMeans:
    def test_interval_is_scipys(self, pair):
        found = stats.mean_interval(pair[0], level=0.9)
        expected = scipy.stats.t.interval(0.9, 11, pair[0].mean(), scipy.stats.sem(pair[0]))
        assert (found.low, found.high) == pytest.approx(expected)

    @pytest.mark.parametrize("paired", [False, True])
    def test_difference_is_scipys(self, pair, paired):
        found = stats.mean_difference(*pair, paired=paired, level=0.9)
        test = scipy.stats.ttest_rel(*pair) if paired else scipy.stats.ttest_ind(*pair, equal_var=False)
        assert found.p == pytest.approx(test.pvalue)
        assert (found.low, found.high) == pytest.approx(tuple(test.confidence_interval(0.9)))
        assert found.estimate == pytest.approx(pair[0].mean() - pair[1].mean())

    @pytest.mark.parametrize("paired", [False, True])
    @pytest.mark.parametrize("margin", [0.2, 1.0, 3.0])
    def test_equivalence_is_statsmodels(self, pair, paired, margin):
        found = stats.equivalence(*pair, margin, paired=paired)
        test, options = (ttost_paired, {}) if paired else (ttost_ind, {"usevar": "unequal"})
        assert found.p == pytest.approx(test(*pair, -margin, margin, **options)[0])

    @pytest.mark.parametrize("margin", [0.3, 0.8, 2.5])
    def test_equivalence_at_alpha_is_its_interval_within_the_margin(self, pair, margin):
        found = stats.equivalence(*pair, margin, level=0.9)
        assert (found.p < 0.05) == (-margin < found.low and found.high < margin)

    @pytest.mark.parametrize("better", ["higher", "lower"])
    def test_non_inferiority_is_scipys_one_sided_test_of_the_shifted_sample(self, pair, better):
        a, b = pair
        found = stats.non_inferiority(a, b, 0.7, better=better)
        shift, side = (0.7, "greater") if better == "higher" else (-0.7, "less")
        expected = scipy.stats.ttest_ind(a + shift, b, equal_var=False, alternative=side)
        assert found.p == pytest.approx(expected.pvalue)

    def test_values_without_any_variation_are_refused(self):
        with pytest.raises(stats.CannotEstimate, match="vary"):
            stats.mean_difference(np.ones(5), np.zeros(5))


class TestLevene:
    @pytest.mark.parametrize("centre", ["median", "mean", "trimmed"])
    @pytest.mark.parametrize("n", [9, 10, 25])
    def test_final_values_are_scipys(self, centre, n):
        a, b = np.random.default_rng(n).standard_normal((2, n))
        found = stats.levene(a, b, centre=centre)
        expected = scipy.stats.levene(a, b, center=centre)
        assert found.p == pytest.approx(expected.pvalue)
        assert found.test == f"Levene ({centre})"
        assert found.centre == centre

    def test_curves_give_one_number_a_seed(self):
        rng = np.random.default_rng(0)
        a, b = rng.standard_normal((8, 30)), rng.standard_normal((8, 30))
        z = [abs(x - x.mean(axis=0)).mean(axis=1) for x in (a, b)]
        found = stats.levene(a, b, centre="mean")
        assert found.p == pytest.approx(scipy.stats.f_oneway(*z).pvalue)
        assert {warning.kind for warning in found.warnings} == {"levene-power", "levene-on-curves"}

    def test_the_zero_that_a_median_leaves_is_not_counted(self):
        curves = np.array([[1.0, 5.0], [2.0, 4.0], [4.0, 3.0], [8.0, 2.0], [16.0, 1.0]])
        z = stats.absolute_deviations(curves, "median")
        # Medians 4 and 3 are both the third seed's: it has no epoch left.
        assert z.tolist() == [2.5, 1.5, 0.0, 2.5, 7.0]

    def test_pairs_get_the_paired_t_on_deviations_and_are_named_so(self):
        rng = np.random.default_rng(2)
        a = rng.standard_normal((9, 6))
        b = a + rng.standard_normal((9, 6))
        z = [abs(x - x.mean(axis=0)).mean(axis=1) for x in (a, b)]
        found = stats.levene(a, b, centre="mean", paired=True)
        assert found.p == pytest.approx(scipy.stats.ttest_rel(*z).pvalue)
        assert found.test == "paired t on deviations (mean)"
        assert found.paired


class TestSeedsToSettle:
    def test_it_is_the_sample_size_of_a_t_test(self):
        """Two groups, standardised difference 0.8, α = 0.05, power 0.8: 26 a group (statsmodels)."""
        from statsmodels.stats.power import TTestIndPower

        n = 10
        rng = np.random.default_rng(1)
        x = rng.standard_normal(n)
        x = (x - x.mean()) / x.std(ddof=1)
        found = stats.mean_difference(x + 0.8, x)
        expected = TTestIndPower().solve_power(0.8, power=0.8, alpha=0.05)
        assert stats.required_seeds(found) == pytest.approx(expected, abs=1.5)

    def test_more_for_smaller_effects_and_none_at_the_border(self):
        rng = np.random.default_rng(1)
        x, y = rng.standard_normal((2, 10))
        close, far = stats.spread_ratio(1.2 * x, y), stats.spread_ratio(2.5 * x, y)
        assert stats.required_seeds(close) > stats.required_seeds(far)
        balanced = x - x.mean()
        assert stats.required_seeds(stats.mean_difference(balanced, -balanced)) is None

    def test_a_margin_asks_for_the_distance_to_its_border(self):
        rng = np.random.default_rng(1)
        x, y = rng.standard_normal((2, 10))
        y = y - y.mean() + x.mean()
        wide, narrow = (stats.equivalence(x, y, margin) for margin in (1.0, 0.5))
        assert stats.required_seeds(narrow, margin=0.5) > stats.required_seeds(wide, margin=1.0)
