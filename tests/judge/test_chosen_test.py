"""``--test NAME``: what decides instead of the jackknife, and where it cannot."""

import pytest
from made_up import arm, curves
from verdicts import kinds, verdict

from amrobust.errors import UserError
from amrobust.judge.compare import compare
from amrobust.judge.rules import Rules


class TestChosenTest:
    def test_levene_decides_with_the_interval_and_is_named(self, wide, narrow):
        found = verdict(compare([wide, narrow], rules=Rules(test="levene", centre="mean")), "less spread")
        assert "Levene" in found.test.test
        assert found.test.centre == "mean"
        assert found.p == max(found.test.p, found.interval.p)
        assert "Levene" in found.sentence

    def test_levene_where_all_pairs_are_paired_is_a_usage_error(self, rng):
        base = curves(rng, 9, 6)
        pair = [
            arm("am1/I", base, training="t"),
            arm("am1/II", base + rng.normal(size=base.shape), training="t"),
        ]
        with pytest.raises(UserError, match="leave --test out"):
            compare(pair, rules=Rules(test="levene"))

    @pytest.mark.parametrize("test", ["f", "bartlett", "fligner"])
    def test_variance_tests_judge_the_final_spread_and_leave_curves_to_what_decides(self, wide, narrow, test):
        comparison = compare([wide, narrow], rules=Rules(test=test))
        final = {"f": "F", "bartlett": "Bartlett", "fligner": "Fligner-Killeen"}[test]
        assert verdict(comparison, "less spread").test.test == final
        average = verdict(comparison, "less Avg. STD")
        assert average.test.test == "studentised permutation"
        assert "values-only" in kinds(average)

    def test_bonett_decides_the_final_spread_with_its_own_interval(self, rng, wide, narrow):
        comparison = compare([wide, narrow], rules=Rules(test="bonett"))
        spread = verdict(comparison, "less spread")
        assert spread.test is spread.interval
        assert spread.test.test == "Bonett, pooled kurtosis"
        average = verdict(comparison, "less Avg. STD")
        assert average.test.test == "studentised permutation"
        assert "values-only" in kinds(average)
        base = curves(rng, 9, 6)
        pair = [
            arm(f"am1/{o}", base * s, training="t")
            for o, s in (("I", 1), ("II", rng.normal(1, 0.1, base.shape)))
        ]
        paired = verdict(compare(pair, rules=Rules(test="bonett")), "less spread")
        assert paired.test.test == "jackknife of log STD"
        assert any("no form for pairs" in c.message for c in paired.warnings)

    @pytest.mark.parametrize("test", ["swap", "pitman-morgan"])
    def test_paired_tests_need_pairs(self, rng, wide, narrow, test):
        with pytest.raises(UserError, match="needs paired seeds"):
            compare([wide, narrow], rules=Rules(test=test))
        base = curves(rng, 12, 6)
        pair = [
            arm("am1/I", base, training="t"),
            arm("am1/II", base + rng.normal(size=base.shape), training="t"),
        ]
        found = verdict(compare(pair, rules=Rules(test=test)), "less spread")
        assert found.test.paired
        mixed = compare([*pair, arm("sgd", curves(rng, 12, 6))], rules=Rules(test=test))
        assert verdict(mixed, "less spread", "sgd").outcome == "not assessable"

    def test_unpaired_tests_on_some_paired_arms_become_the_paired_t_on_deviations(self, rng):
        base = curves(rng, 12, 6)
        pair = [
            arm("am1/I", base, training="t"),
            arm("am1/II", base + rng.normal(size=base.shape), training="t"),
        ]
        mixed = compare([*pair, arm("sgd", curves(rng, 12, 6))], rules=Rules(test="f"))
        found = verdict(mixed, "less spread", "am1/II")
        assert found.test.test == "paired t on deviations (median)"
        assert "paired-arms" in kinds(found)
        assert verdict(mixed, "less spread", "sgd").test.test == "F"

    def test_permutation_on_pairs_swaps_within_pairs(self, rng):
        base = curves(rng, 12, 6)
        pair = [
            arm("am1/I", base, training="t"),
            arm("am1/II", base + rng.normal(size=base.shape), training="t"),
        ]
        found = verdict(compare(pair, rules=Rules(test="permutation")), "less spread")
        assert found.test.paired
