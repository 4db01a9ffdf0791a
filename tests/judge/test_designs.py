"""How the study was laid out: several x0, planned looks, phases, scales, unequal lengths, costs, diverged seeds."""

from dataclasses import replace

import numpy as np
import pytest
from made_up import arm, curves

from amrobust import Claim
from amrobust.errors import UserError
from amrobust.judge.compare import compare
from amrobust.judge.rules import Rules, Selection
from amrobust.stats import obrien_fleming_looks


def verdict(comparison, kind):
    (compared,) = comparison.groups
    return next(v for v in compared.verdicts if v.claim.kind == kind)


def kinds(comparison):
    return {c.kind for compared in comparison.groups for c in compared.warnings}


class TestSeveralStartingPoints:
    @staticmethod
    def crossed(rng, method, std, k=5, n=6):
        values = np.concatenate([curves(rng, n, 10, mean=90 + rng.normal(), std=std) for _ in range(k)])
        x0s = tuple(f"x{i}" for i in range(k) for _ in range(n))
        return arm(method, values, x0s=x0s, x0_digest="+".join(dict.fromkeys(x0s)))

    def test_x0s_are_the_unit(self, rng):
        found = compare([self.crossed(rng, "msgd", 2.0), self.crossed(rng, "am1", 0.5)])
        spread = verdict(found, "less Avg. STD")
        assert spread.interval.n == (5,)
        assert spread.interval.unit == "starting points"
        assert spread.outcome == "supported"
        assert verdict(found, "better mean").interval.test == "t over x0s of mean differences"
        assert "x0s-are-the-unit" in kinds(found)
        assert "one-x0" not in kinds(found)
        (compared,) = found.groups
        assert compared.summaries[0].components.share.estimate > 0
        assert compared.summaries[0].final_spread.estimate == pytest.approx(2.0, rel=0.5)

    def test_an_open_claim_asks_for_starting_points(self, rng):
        found = compare([self.crossed(rng, "msgd", 1.0), self.crossed(rng, "am1", 0.9)])
        open_ = next(v for v in found.groups[0].verdicts if v.required_seeds)
        assert "starting points would settle it" in open_.sentence

    def test_tests_on_seeds_are_refused(self, rng):
        arms = [self.crossed(rng, "msgd", 1.0), self.crossed(rng, "am1", 1.0)]
        found = verdict(compare(arms, rules=Rules(test="levene")), "less spread")
        assert found.outcome == "not assessable"

    def test_two_starting_points_are_too_few(self, rng):
        arms = [self.crossed(rng, "msgd", 1.0, k=2), self.crossed(rng, "am1", 1.0, k=2)]
        assert verdict(compare(arms), "less spread").outcome == "not assessable"


class TestPlannedLooks:
    LOOKS = Rules(looks=(5, 10, 20))

    def test_claims_are_tested_at_the_looks_level(self, rng):
        arms = [
            arm("a", curves(rng, 10, 8), seed_plans=(5, 10)),
            arm("b", curves(rng, 10, 8), seed_plans=(5, 10)),
        ]
        found = compare(arms, rules=self.LOOKS)
        (compared,) = found.groups
        look = obrien_fleming_looks((5, 10, 20))[1]
        assert compared.look == look
        assert compared.verdicts[0].interval.level == pytest.approx(1 - look.alpha / 3)
        assert not any(c.kind == "seeds-added" for s in compared.summaries for c in s.warnings)

    def test_seeds_added_outside_the_plan_are_said(self, rng):
        arms = [arm("a", curves(rng, 10, 8), seed_plans=(4, 10)), arm("b", curves(rng, 10, 8))]
        (compared,) = compare(arms, rules=self.LOOKS).groups
        assert any(c.kind == "seeds-added" for c in compared.summaries[0].warnings)

    def test_runs_that_are_at_no_look_are_refused(self, rng):
        with pytest.raises(UserError, match="these runs have 7, 10"):
            compare([arm("a", curves(rng, 10, 8)), arm("b", curves(rng, 7, 8))], rules=self.LOOKS)


class TestPhases:
    def test_a_claim_about_the_early_phase_sees_only_that(self, rng):
        early = np.where(np.arange(20) < 6, 0.2, 1.0)
        a, b = curves(rng, 15, 20), 90 + rng.normal(size=(15, 20)) * early
        claims = [
            Claim("less Avg. STD", "b", "a", epochs=(1, 6)),
            Claim("less Avg. STD", "b", "a", epochs=(7, 20)),
            Claim("better mean", "b", "a", epochs=(1, 3)),
        ]
        found = compare([arm("a", a), arm("b", b)], claims=claims).groups[0].verdicts
        assert [v.outcome for v in found[:2]] == ["supported", "inconclusive"]
        assert found[2].interval.estimate == pytest.approx(b[:, :3].mean() - a[:, :3].mean())
        assert "epochs 1 to 6" in found[0].sentence

    def test_a_phase_outside_the_judged_epochs_cannot_be_judged(self, rng):
        claims = [Claim("less Avg. STD", "b", "a", epochs=(5, 50))]
        found = compare([arm("a", curves(rng, 9, 8)), arm("b", curves(rng, 9, 8))], claims=claims)
        assert "epochs 5 to 50" in verdict(found, "less Avg. STD").sentence

    @pytest.mark.parametrize(
        ("phase", "epochs"),
        [((0, 0.3333), (1, 4)), ((0.5, 1), (7, 12)), ((0, 0.01), (1, 1)), ((0.99, 1), (12, 12))],
    )
    def test_a_phase_in_shares_becomes_epochs(self, rng, phase, epochs):
        claims = [Claim("better mean", "b", "a", phase=phase)]
        found = compare([arm("a", curves(rng, 9, 12)), arm("b", curves(rng, 9, 12))], claims=claims)
        assert verdict(found, "better mean").claim == Claim("better mean", "b", "a", epochs=epochs)

    def test_epochs_are_counted_from_the_first_of_training(self, rng):
        a, b = curves(rng, 9, 12), curves(rng, 9, 12)
        claims = [Claim("better mean", "b", "a", epochs=(4, 6))]
        arms = [arm("a", a, first_output_epoch=3), arm("b", b)]
        found = verdict(compare(arms, claims=claims), "better mean")
        assert found.interval.estimate == pytest.approx(b[:, 3:6].mean() - a[:, 3:6].mean())


class TestScalesAndLengths:
    def test_the_logit_scale_is_judged_and_named(self, rng):
        a, b = curves(rng, 9, 8), curves(rng, 9, 8)
        (compared,) = compare([arm("a", a), arm("b", b)], Selection(scale="logit")).groups
        assert compared.metric.name == "logit_test_accuracy"
        logit = [np.log(x[:, -1] / (100 - x[:, -1])) for x in (a, b)]
        found = next(v for v in compared.verdicts if v.claim.kind == "better mean")
        assert found.interval.estimate == pytest.approx(logit[1].mean() - logit[0].mean())

    def test_values_at_the_bound_are_refused_with_a_hint(self, rng):
        with pytest.raises(UserError, match="log scale"):
            compare([arm("a", np.full((5, 3), 100.0)), arm("b", curves(rng, 5, 3))], Selection(scale="logit"))

    def test_unequal_lengths_are_held_apart_or_cut(self, rng):
        arms = [arm("a", curves(rng, 9, 8)), arm("b", curves(rng, 9, 6))]
        with pytest.raises(UserError):
            compare(arms)
        found = compare(arms, Selection(lengths="common"))
        assert found.groups[0].epochs == 6
        assert "curves-cut" in kinds(found)


class TestCosts:
    def test_a_cheaper_method_is_found_by_its_wall_times(self, rng):
        arms = [
            arm(name, curves(rng, 8, 5), seconds=tuple(rng.lognormal(mean, 0.05, 8)))
            for name, mean in (("a", 1.0), ("b", 0.5))
        ]
        found = verdict(compare(arms, claims=[Claim("lower wall time", "b", "a")]), "lower wall time")
        assert found.outcome == "supported"
        assert found.interval.estimate == pytest.approx(np.exp(-0.5), rel=0.1)
        assert any(c.kind == "wall-time" for c in found.warnings)

    def test_unknown_costs_cannot_be_judged(self, rng):
        arms = [arm("a", curves(rng, 8, 5)), arm("b", curves(rng, 8, 5))]
        assert (
            verdict(compare(arms, claims=[Claim("lower wall time", "b", "a")]), "lower wall time").outcome
            == "not assessable"
        )


class TestBesideTheClaims:
    def test_diverged_seeds_are_compared_as_the_worst(self, rng):
        values = curves(rng, 10, 8)
        values[:3, 4:] = np.nan
        found = compare([arm("a", curves(rng, 10, 8)), arm("b", values)])
        (warning,) = [c for c in found.groups[0].warnings if c.kind == "diverged-seeds"]
        assert "+30 points" in warning.message
        (facts,) = found.groups[0].pairs
        assert facts.divergence.estimate == pytest.approx(0.3)
        assert facts.winning.estimate < 0.5

    def test_epochs_that_differ_are_counted_in_training(self, rng):
        a, b = rng.normal(size=(20, 12)), rng.normal(size=(20, 12))
        b[:, 4:6] *= 8
        arms = [arm("a", 90 + a, first_output_epoch=2), arm("b", 90 + b)]
        (compared,) = compare(arms).groups
        assert compared.pairs[0].epochs_that_differ == (5, 6)

    def test_low_power_is_said_where_nothing_was_found(self, rng):
        arms = [arm("a", curves(rng, 5, 2)), arm("b", curves(rng, 5, 2))]
        assert any(c.kind == "low-power" for c in verdict(compare(arms), "less spread").warnings)


def test_paired_facts_match_seeds(rng):
    values = curves(rng, 8, 6)
    better = arm("b", values + 1.0, pairing="p")
    base = replace(arm("a", values, pairing="p"), seeds=tuple(range(8)))
    (compared,) = compare([base, better]).groups
    assert compared.pairs[0].winning.test == "permutation of ranks within pairs"
    assert compared.pairs[0].winning.paired
    assert compared.pairs[0].winning.estimate > 0.9
