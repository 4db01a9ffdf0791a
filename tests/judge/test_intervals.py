"""``--interval NAME``: bootstrap intervals in place of the test's own, and verdicts that never contradict them."""

import numpy as np
import pytest
from made_up import arm, curves
from verdicts import kinds, verdict

from amrobust import Claim, stats
from amrobust.errors import UserError
from amrobust.judge.compare import compare
from amrobust.judge.rules import Rules, Selection
from amrobust.stats.bootstrap import KINDS


def judged(arms, kind, *, claims=None, margin=None, alpha=0.05):
    return compare(arms, Selection(margin=margin), Rules(interval=kind, alpha=alpha), claims=claims)


def shifted(rng, n, by, *, std=1.0):
    """Two methods whose final values are the same numbers, ``by`` apart and ``std`` times as spread."""
    values = rng.normal(size=(n, 1))
    values -= values.mean()
    return [arm("a", values), arm("b", std * values[::-1] + by)]


def skewed():
    """Two methods whose means t tells apart, and a bootstrap-t that sees their skewness does not."""
    values = np.random.default_rng(7).exponential(size=(20, 1))
    return [arm("a", values), arm("b", 0.05 * values[::-1] + 1.6)]


class TestWhatIsShown:
    @pytest.mark.parametrize("kind", KINDS)
    def test_summaries_and_estimates_are_those_of_the_statistics_at_their_levels(self, rng, kind):
        arms = [arm("a", curves(rng, 10, 6)), arm("b", curves(rng, 8, 6, std=0.3))]
        a, b = (one.curves["test_accuracy"] for one in arms)
        comparison = judged(arms, kind)
        (summary, _) = comparison.groups[0].summaries
        assert summary.final_mean == stats.bootstrap_interval(a[:, -1], "mean", kind=kind)
        assert summary.final_spread == stats.bootstrap_interval(a[:, -1], "std", kind=kind)
        assert summary.avg_std == stats.bootstrap_interval(a, "avg_std", kind=kind)
        for claim, statistic, values in (
            ("better mean", "mean", (b[:, -1], a[:, -1])),
            ("less spread", "std", (b[:, -1], a[:, -1])),
            ("less Avg. STD", "avg_std", (b, a)),
        ):
            found = verdict(comparison, claim).interval
            assert found.level >= 0.95
            assert found == stats.bootstrap_contrast(*values, statistic, kind=kind, level=found.level)

    def test_the_deciding_test_and_its_p_stay_and_its_own_interval_is_kept_beside(self, wide, narrow):
        usual, asked = compare([wide, narrow]), judged([wide, narrow], "bootstrap-t")
        for claim in ("better mean", "less spread", "less Avg. STD"):
            one, other = verdict(usual, claim), verdict(asked, claim)
            assert (one.p, one.p_adjusted, one.test) == (other.p, other.p_adjusted, other.test)
            assert other.test_interval == one.interval
            assert one.test_interval is None
            assert "interval by bootstrap-t" in other.sentence

    def test_pairs_are_drawn_as_pairs(self, rng):
        base = curves(rng, 12, 5)
        pair = [arm("a", base, pairing="p"), arm("b", 2 * base + rng.normal(size=base.shape), pairing="p")]
        a, b = (one.curves["test_accuracy"] for one in pair)
        found = verdict(judged(pair, "percentile"), "less Avg. STD").interval
        assert found == stats.bootstrap_contrast(b, a, "avg_std", paired=True, level=found.level)

    def test_against_a_margin_the_interval_is_at_twice_the_error(self, rng):
        found = verdict(judged(shifted(rng, 12, 0.1), "percentile", margin=2.0), "equivalent mean")
        assert found.interval.level == pytest.approx(1 - 2 * 0.05 / 2)
        assert found.outcome == "supported"


class TestBothAreNeeded:
    """A verdict needs the test and the interval: neither alone decides, and a disagreement says so."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_no_decided_claim_has_an_interval_that_says_otherwise(self, kind):
        decided = disagreed = 0
        for seed in range(25):
            rng = np.random.default_rng(seed)
            n = int(rng.integers(4, 9))
            arms = [
                arm("a", rng.normal(size=(n, 4))),
                arm("b", rng.normal(rng.choice([0, 2]), rng.choice([0.1, 0.3, 1, 4]), (n, 4))),
            ]
            for found in judged(arms, kind).groups[0].verdicts:
                if found.interval is None:
                    assert found.outcome == "not assessable"
                    continue
                null = 0 if found.claim.kind == "better mean" else 1
                outside = not found.interval.low <= null <= found.interval.high
                if found.outcome in ("supported", "refuted"):
                    decided += 1
                    assert outside
                    assert found.p_adjusted <= 0.05
                    assert "interval-disagrees" not in kinds(found)
                elif outside or found.p_adjusted <= 0.05:
                    disagreed += 1
                    assert "interval-disagrees" in kinds(found)
        assert decided > 10
        assert disagreed > 0

    def test_a_test_that_rejects_without_the_interval_decides_nothing_and_the_warning_has_the_coverage(self):
        claims = [Claim("better mean", "b", "a")]
        arms = skewed()
        usual = verdict(compare(arms, claims=claims), "better mean")
        assert usual.outcome == "supported"
        found = verdict(judged(arms, "bootstrap-t", claims=claims), "better mean")
        assert found.interval.low < 0 < found.interval.high
        assert found.outcome == "inconclusive"
        (note,) = [note for note in found.warnings if note.kind == "interval-disagrees"]
        for text in ("Welch t", "supported", "inconclusive", "coverage of a nominal 95 %", "normal seeds"):
            assert text in note.message
        assert "do not say the same" in found.sentence
        assert found.required_seeds is None

    def test_a_composite_needs_the_intervals_of_all_its_parts(self):
        arms = skewed()
        parts = (Claim("better mean", "b", "a"), Claim("less spread", "b", "a"))
        claims = [Claim("composite", "b", "a", parts=parts)]
        assert verdict(compare(arms, claims=claims), "composite").outcome == "supported"
        found = verdict(judged(arms, "bootstrap-t", claims=claims), "composite")
        assert found.outcome == "inconclusive"
        assert "interval-disagrees" in kinds(found)

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize(
        ("claim", "by", "outcome"),
        [
            (Claim("equivalent mean", "b", "a", 1.0), 0.0, "supported"),
            (Claim("equivalent mean", "b", "a", 1.0), 3.0, "refuted"),
            (Claim("non-inferior", "b", "a", 1.0), 3.0, "supported"),
            (Claim("non-inferior", "b", "a", 1.0), -3.0, "refuted"),
            (Claim("non-inferior", "b", "a", 1.0), -1.0, "inconclusive"),
            (Claim("better mean", "b", "a"), -3.0, "refuted"),
        ],
    )
    def test_where_both_are_clear_claims_end_as_they_do_without(self, rng, kind, claim, by, outcome):
        found = verdict(judged(shifted(rng, 20, by), kind, claims=[claim]), claim.kind)
        assert found.outcome == outcome
        assert "interval-disagrees" not in kinds(found)


class TestRefusals:
    @pytest.mark.parametrize("kind", KINDS)
    def test_an_arm_without_variance_is_described_without_ends_and_says_why(self, rng, kind):
        arms = [arm("a", curves(rng, 8, 5)), arm("b", np.full((8, 5), 90.0))]
        comparison = judged(arms, kind)
        assert verdict(comparison, "less spread").outcome == "not assessable"
        summary = comparison.groups[0].summaries[1]
        for result in (summary.final_mean, summary.final_spread, summary.avg_std):
            assert (result.low, result.high) == (None, None)
            assert kinds(result) == {"no-interval"}
        assert summary.final_mean.estimate == 90.0

    def test_resamples_without_spread_are_a_refusal_that_says_what_to_do(self):
        arms = [arm("a", [[0.0], [0], [1], [2]]), arm("b", [[0.0], [1], [2], [4]])]
        assert verdict(compare(arms), "less spread").outcome == "inconclusive"
        found = verdict(judged(arms, "bootstrap-t"), "less spread")
        assert found.outcome == "not assessable"
        assert "of the resamples have no spread" in found.sentence
        assert "--interval test" in found.sentence

    def test_three_seeds_are_described_and_cannot_be_judged(self, rng):
        comparison = judged([arm("a", curves(rng, 3, 5)), arm("b", curves(rng, 8, 5))], "bca")
        assert {v.outcome for v in comparison.groups[0].verdicts} == {"not assessable"}
        assert comparison.groups[0].summaries[0].final_mean.low is None

    def test_seeds_of_several_x0_are_not_resampled_as_if_independent(self, rng):
        arms = [arm(name, curves(rng, 8, 5), x0s=("x", "y") * 4) for name in ("a", "b")]
        with pytest.raises(UserError, match="leave --interval out"):
            judged(arms, "percentile")

    def test_an_unknown_interval_is_named_with_the_known_ones(self):
        with pytest.raises(UserError, match="choose one of test, bootstrap-t, bca, percentile"):
            Rules(interval="basic")

    def test_claims_that_are_not_about_means_or_spreads_keep_their_own_interval(self, rng):
        claim = Claim("exceedance bound", "a", "a", bound=(80.0, 0.5))
        arms = [arm("a", curves(rng, 12, 5)), arm("b", curves(rng, 12, 5))]
        assert verdict(judged(arms, "bca", claims=[claim]), "exceedance bound").interval.bootstrap is None
