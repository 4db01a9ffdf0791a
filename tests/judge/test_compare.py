"""Grouping, families and verdicts of a whole comparison."""

import dataclasses
import statistics

import numpy as np
import pytest
from made_up import arm, curves
from statsmodels.stats.multitest import multipletests
from verdicts import kinds, verdict

from amrobust import Claim, stats
from amrobust.errors import UserError
from amrobust.judge.compare import compare
from amrobust.judge.rules import Rules, Selection
from amrobust.judge.words import roughly
from amrobust.runs.code import CodeVersion
from amrobust.runs.metric import Metric


class TestDefaultClaims:
    def test_a_clear_difference_of_spread_is_supported_and_the_reverse_claim_refuted(self, wide, narrow):
        forward = compare([wide, narrow])
        assert verdict(forward, "less Avg. STD").outcome == "supported"
        assert verdict(forward, "less spread").outcome == "supported"
        backward = compare([wide, narrow], Selection(baseline="am1"))
        assert verdict(backward, "less Avg. STD").outcome == "refuted"

    def test_the_numbers_are_those_of_the_statistics_at_the_level_of_holms_step(self, wide, narrow):
        comparison = compare([wide, narrow])
        found = verdict(comparison, "less Avg. STD")
        assert found.interval.level in (1 - 0.05 / 3, 1 - 0.05 / 2, 0.95)
        expected = stats.spread_ratio(
            narrow.curves["test_accuracy"],
            wide.curves["test_accuracy"],
            level=found.interval.level,
            alpha=0.05 / 3,
        )
        assert found.outcome == "supported"
        assert found.family_size == 3
        assert dataclasses.replace(found.interval, warnings=()) == dataclasses.replace(expected, warnings=())

    def test_holm_covers_every_claim_of_every_group(self, wide, narrow, rng):
        others = [
            arm("msgd", curves(rng, 20, 10), workload="logistic", data_digest="e" * 64),
            arm("sgd", curves(rng, 20, 10), workload="logistic", data_digest="e" * 64),
        ]
        comparison = compare([wide, narrow, *others])
        verdicts = [v for compared in comparison.groups for v in compared.verdicts]
        assert [v.family_size for v in verdicts] == [6] * 6
        expected = multipletests([v.p for v in verdicts], method="holm")[1]
        assert [v.p_adjusted for v in verdicts] == pytest.approx(list(expected))

    def test_all_pairs(self, wide, narrow, rng):
        third = arm("sgd", curves(rng, 20, 30))
        pairs = {
            (v.claim.method, v.claim.baseline)
            for v in compare([narrow, wide, third], Selection(pairs="all")).groups[0].verdicts
        }
        assert pairs == {("am1[m=5]/II", "msgd"), ("sgd", "msgd"), ("sgd", "am1[m=5]/II")}

    def test_msgd_is_the_baseline_unless_another_is_named(self, wide, narrow):
        assert compare([narrow, wide]).groups[0].baseline == "msgd"
        assert compare([narrow, wide], Selection(baseline="am1[m=5]/II")).groups[0].baseline == "am1[m=5]/II"

    def test_one_epoch_has_no_avg_std_claim(self, rng):
        comparison = compare([arm("a", rng.normal(size=(9, 1))), arm("b", rng.normal(size=(9, 1)))])
        assert {v.claim.kind for v in comparison.groups[0].verdicts} == {"better mean", "less spread"}


class TestMeans:
    @pytest.mark.parametrize(("better", "outcome"), [("higher", "supported"), ("lower", "refuted")])
    def test_better_follows_the_metrics_direction(self, rng, better, outcome):
        metric = {"test_accuracy": Metric("test_accuracy", better, "")}
        low, high = (
            arm(name, rng.normal(mean, 1, (20, 1)), metrics=metric) for name, mean in (("a", 0), ("b", 5))
        )
        assert verdict(compare([low, high]), "better mean").outcome == outcome

    @pytest.mark.parametrize(
        ("shift", "outcome"), [(0.0, "supported"), (2.0, "refuted"), (0.45, "inconclusive")]
    )
    def test_equivalence_needs_its_margin(self, rng, shift, outcome):
        noise = rng.normal(0, 0.2, (20, 1))
        noise -= noise.mean()
        pair = [arm("a", noise), arm("b", noise[::-1] + shift)]
        found = verdict(compare(pair, Selection(margin=0.5)), "equivalent mean")
        assert found.outcome == outcome

    @pytest.mark.parametrize(
        ("shift", "outcome"),
        [(3.0, "supported"), (0.0, "supported"), (-3.0, "refuted"), (-0.5, "inconclusive")],
    )
    def test_no_worse_than_looks_at_one_side_only(self, rng, shift, outcome):
        noise = rng.normal(0, 0.2, (20, 1))
        noise -= noise.mean()
        claim = Claim("non-inferior", "b", "a", margin=0.5)
        pair = [arm("a", noise), arm("b", noise[::-1] + shift)]
        assert verdict(compare(pair, claims=[claim]), "non-inferior").outcome == outcome

    def test_absence_of_significance_is_not_equivalence(self, rng):
        pair = [arm("a", rng.normal(0, 5, (5, 1))), arm("b", rng.normal(0, 5, (5, 1)))]
        assert verdict(compare(pair, Selection(margin=0.5)), "equivalent mean").outcome == "inconclusive"


class TestPairing:
    def test_two_outputs_of_one_training_are_paired(self, rng):
        base = curves(rng, 20, 30)
        one = arm("am1[m=5]/I", base, training="same", output="I")
        two = arm("am1[m=5]/II", base * 0.5 + rng.normal(0, 0.01, base.shape), training="same", output="II")
        for v in compare([one, two]).groups[0].verdicts:
            assert v.interval.paired

    def test_pairs_are_matched_by_seed_not_by_row(self, rng):
        base = rng.normal(size=(12, 6))
        a = arm("a", base, pairing="p")
        order = rng.permutation(12)
        other = 2 * base + rng.normal(0, 0.1, base.shape)
        b = arm("b", other[order], seeds=tuple(int(seed) for seed in order), pairing="p")
        shuffled = verdict(compare([a, b]), "less spread").interval
        straight = verdict(compare([a, arm("b", other, pairing="p")]), "less spread").interval
        assert shuffled.estimate == pytest.approx(straight.estimate)
        assert (shuffled.low, shuffled.high) == pytest.approx((straight.low, straight.high))

    def test_seeds_that_only_one_has_are_left_out_and_named(self, rng):
        base = rng.normal(size=(12, 6))
        a, b = arm("a", base, pairing="p"), arm("b", base[:9] + rng.normal(size=(9, 6)), pairing="p")
        found = verdict(compare([a, b]), "less spread")
        assert found.interval.n == (9,) or found.interval.n == (9, 9)
        assert "seeds-not-shared" in kinds(found)

    def test_independent_runs_are_not_paired_though_their_seeds_have_the_same_numbers(self, wide, narrow):
        assert not verdict(compare([wide, narrow]), "less spread").interval.paired


class TestRefusals:
    def test_three_seeds_cannot_be_judged(self, rng):
        found = verdict(compare([arm("a", curves(rng, 3, 5)), arm("b", curves(rng, 9, 5))]), "less spread")
        assert found.outcome == "not assessable"
        assert found.required_seeds == 4
        assert found.p is None

    def test_fewer_are_described_without_intervals(self, rng):
        three, one = arm("a", values := curves(rng, 3, 5)), arm("b", single := curves(rng, 1, 5))
        first, second = compare([three, one]).groups[0].summaries
        assert first.final_mean.estimate == pytest.approx(statistics.mean(values[:, -1]))
        assert first.final_spread.estimate == pytest.approx(statistics.stdev(values[:, -1]))
        by_epoch = [statistics.stdev(values[:, epoch]) for epoch in range(5)]
        assert first.avg_std.estimate == pytest.approx(statistics.mean(by_epoch))
        assert {r.low for r in (first.final_mean, first.final_spread, first.avg_std)} == {None}
        assert second.final_mean.estimate == single[0, -1]
        assert (second.final_spread, second.avg_std) == (None, None)

    def test_zero_variance_cannot_be_judged(self, rng):
        found = verdict(
            compare([arm("a", np.full((9, 5), 97.0)), arm("b", curves(rng, 9, 5))]), "less spread"
        )
        assert found.outcome == "not assessable"

    def test_diverged_seeds_are_not_dropped_silently(self, wide, narrow):
        values = narrow.curves["test_accuracy"].copy()
        values[3, 10:] = np.nan
        lost = dataclasses.replace(narrow, curves={"test_accuracy": values})
        comparison = compare([wide, lost])
        outcomes = {v.claim.kind: v.outcome for v in comparison.groups[0].verdicts}
        assert outcomes.pop("ranks better") in ("supported", "refuted", "inconclusive")
        assert set(outcomes.values()) == {"not assessable"}
        summary = next(s for s in comparison.groups[0].summaries if s.method == lost.method)
        assert (summary.diverged, summary.final_spread, summary.avg_std) == (1, None, None)
        complete_cases = compare([wide, lost], Selection(complete_cases=True))
        found = verdict(complete_cases, "less Avg. STD")
        assert found.outcome == "supported"
        assert found.interval.n == (19, 20)
        assert "complete-cases" in kinds(found)

    def test_a_test_that_cannot_reach_the_familys_level_is_refused(self, rng):
        methods = [arm(name, curves(rng, 5, 6)) for name in "abcdefgh"]
        comparison = compare(methods, rules=Rules(test="permutation"))
        spread = [v for v in comparison.groups[0].verdicts if v.claim.kind == "less spread"]
        assert {v.outcome for v in spread} == {"not assessable"}
        assert all(v.required_seeds and v.required_seeds > 5 for v in spread)
        assert "family" in spread[0].sentence

    def test_different_x0_is_refused_unless_allowed(self, wide, narrow):
        moved = dataclasses.replace(narrow, x0_digest="1" * 64)
        with pytest.raises(UserError, match="--allow-different-x0"):
            compare([wide, moved])
        allowed = compare([wide, moved], Selection(allow_different_x0=True)).groups[0]
        assert "different-x0" in kinds(allowed)

    def test_seeds_of_several_versions_of_the_code_are_a_warning_that_names_seeds_and_files(
        self, wide, narrow
    ):
        old, new = {"mine.py": "a" * 64, "same.py": "c" * 64}, {"mine.py": "b" * 64, "same.py": "c" * 64}
        rest = tuple(range(2, len(wide.seeds)))
        mixed = dataclasses.replace(wide, code=(CodeVersion((0, 1), old), CodeVersion(rest, new)))
        alone = dataclasses.replace(narrow, code=(CodeVersion(narrow.seeds, new),))
        compared = compare([mixed, alone]).groups[0]
        (note,) = [c for c in compared.summaries[0].warnings if c.kind == "code-changed"]
        assert (
            "seeds 0-1 were made by another version of the code than the others (mine.py changed)"
            in note.message
        )
        assert not any(c.kind == "code-changed" for c in compared.summaries[1].warnings)
        assert "code-differs" not in kinds(compared)

    def test_methods_of_different_versions_of_one_file_are_a_warning(self, wide, narrow):
        old, new = {"mine.py": "a" * 64, "own.py": "c" * 64}, {"mine.py": "b" * 64, "other.py": "d" * 64}
        both = [
            dataclasses.replace(arm, code=(CodeVersion(arm.seeds, files),))
            for arm, files in ((wide, old), (narrow, new))
        ]
        (note,) = [c for c in compare(both).groups[0].warnings if c.kind == "code-differs"]
        assert "different versions of mine.py: " in note.message
        same = [dataclasses.replace(arm, code=(CodeVersion(arm.seeds, old),)) for arm in (wide, narrow)]
        assert not {"code-differs", "code-changed"} & kinds(compare(same).groups[0])

    def test_a_note_on_the_data_is_a_warning(self, wide, narrow):
        assert "unofficial-data" not in kinds(compare([wide, narrow]).groups[0])
        noted = [dataclasses.replace(one, facts={"data note": "rebuilt"}) for one in (wide, narrow)]
        compared = compare(noted).groups[0]
        assert "unofficial-data" in kinds(compared)
        assert any("rebuilt" in warning.message for warning in compared.warnings)

    def test_different_data_and_lengths_are_never_compared(self, wide, narrow, rng):
        other = dataclasses.replace(narrow, data_digest="e" * 64)
        with pytest.raises(UserError, match="at least two methods"):
            compare([wide, other])
        shorter = arm("sgd", curves(rng, 20, 12))
        comparison = compare([wide, narrow, shorter])
        assert len(comparison.groups) == 1
        assert any("sgd" in line for line in comparison.problems)

    def test_unknown_metric_and_baseline_name_the_known_ones(self, wide, narrow):
        with pytest.raises(UserError, match="test_accuracy"):
            compare([wide, narrow], Selection(metric="acuracy"))
        with pytest.raises(UserError, match="msgd"):
            compare([wide, narrow], Selection(baseline="adam"))

    def test_nothing_to_compare(self, wide):
        with pytest.raises(UserError, match="no runs"):
            compare([])

    def test_a_single_method_is_described_and_nothing_claimed(self, wide):
        (compared,) = compare([wide]).groups
        assert compared.verdicts == ()
        assert compared.question == "How much does msgd vary from seed to seed on digits, in test accuracy?"
        assert compared.summaries[0].avg_std.estimate > 0
        with pytest.raises(UserError, match="not among the methods"):
            compare([wide], claims=[Claim("less spread", "am1", "msgd")])


class TestWarnings:
    def test_facts_about_an_arm_reach_its_verdicts(self, rng, wide):
        special = arm(
            "am1[m=5]/II", curves(rng, 6, 30, std=0.5), averaging=5, steps_per_epoch=75, seed_plans=(3, 6)
        )
        found = verdict(compare([wide, special]), "less spread")
        assert {"few-seeds", "long-averaging", "seeds-added"} <= kinds(found)
        roomy = dataclasses.replace(special, steps_per_epoch=100, seed_plans=(6,))
        assert not {"long-averaging", "seeds-added"} & kinds(verdict(compare([wide, roomy]), "less spread"))

    @pytest.mark.parametrize(("steps", "hint"), [(75, "use m <= 3, or a smaller"), (20, "use a smaller")])
    def test_a_hint_about_m_leaves_the_method_and_option_one_averages_nothing(self, rng, wide, steps, hint):
        two = arm("am1[m=5]/II", curves(rng, 6, 30), averaging=5, steps_per_epoch=steps, output="II")
        one = arm("am1[m=5]/I", curves(rng, 6, 30), averaging=5, steps_per_epoch=steps, output="I")
        (note,) = (
            w for w in verdict(compare([wide, two]), "less spread").warnings if w.kind == "long-averaging"
        )
        assert note.hint.startswith(hint)
        assert "long-averaging" not in kinds(verdict(compare([wide, one]), "less spread"))

    def test_epochs_before_an_output_moved_are_left_out_for_all(self, rng, wide):
        late = arm("am1[m=200]/II", curves(rng, 20, 30), first_output_epoch=3)
        compared = compare([wide, late]).groups[0]
        assert compared.first_epoch == 3
        assert "epochs-left-out" in kinds(compared)
        kept = stats.avg_std(wide.curves["test_accuracy"][:, 2:])
        assert compared.summaries[0].avg_std.estimate == pytest.approx(kept)

    def test_an_output_that_never_moved_is_set_aside(self, rng, wide, narrow):
        stuck = arm("am1[m=9999]/II", curves(rng, 20, 30), first_output_epoch=31)
        comparison = compare([wide, narrow, stuck])
        assert [a.method for a in comparison.groups[0].arms] == ["msgd", "am1[m=5]/II"]
        assert any("still x0" in line for line in comparison.problems)

    def test_one_x0_is_said(self, wide, narrow):
        assert "one-x0" in kinds(compare([wide, narrow]).groups[0])
        unknown = [dataclasses.replace(a, x0_digest=None) for a in (wide, narrow)]
        assert "unknown-x0" in kinds(compare(unknown).groups[0])

    def test_early_means_that_differ_are_said(self, rng, wide):
        ahead = arm("sgd", curves(rng, 20, 30, mean=95))
        assert "levels-differ" in kinds(verdict(compare([wide, ahead]), "less Avg. STD"))

    def test_every_warning_has_a_hint(self, rng, wide):
        special = arm("am1[m=5]/II", curves(rng, 6, 30), averaging=5, steps_per_epoch=75, seed_plans=(3, 6))
        compared = compare([wide, special]).groups[0]
        found = [*compared.warnings, *(c for v in compared.verdicts for c in v.warnings)]
        assert found
        assert all(warning.message and warning.hint and warning.kind for warning in found)


class TestComposite:
    """The paper's own claim: as accurate and less spread."""

    @staticmethod
    def judged(arms, *, margin=0.5, alpha=0.05, more=()):
        parts = (Claim("equivalent mean", "b", "a", margin), Claim("less Avg. STD", "b", "a"))
        claims = [Claim("composite", "b", "a", parts=parts), *more]
        return verdict(compare(arms, rules=Rules(alpha=alpha), claims=claims), "composite")

    def test_it_is_supported_when_all_parts_are_and_its_p_is_the_largest(self, rng):
        found = self.judged(
            [arm("a", curves(rng, 20, 30)), arm("b", curves(rng, 20, 30, std=0.3))], margin=1.5
        )
        assert found.outcome == "supported"
        assert found.p == max(part.p for part in found.parts)
        assert [part.outcome for part in found.parts] == ["supported", "supported"]
        assert " and " in found.sentence
        assert found.family_size == 1

    def test_it_is_one_member_of_the_family(self, rng):
        arms = [arm("a", curves(rng, 20, 30)), arm("b", curves(rng, 20, 30, std=0.3))]
        found = self.judged(arms, more=[Claim("less spread", "b", "a")])
        assert found.family_size == 2

    def test_it_is_refuted_when_a_part_is(self, rng):
        found = self.judged([arm("a", curves(rng, 20, 30, std=0.3)), arm("b", curves(rng, 20, 30))], margin=5)
        assert found.outcome == "refuted"
        assert [part.outcome for part in found.parts] == ["supported", "refuted"]

    def test_a_part_that_points_the_other_way_never_supports_it(self, rng):
        values = curves(rng, 20, 30)
        found = self.judged([arm("a", values), arm("b", curves(rng, 20, 30, std=1.01))], margin=5)
        assert found.outcome != "supported"

    def test_it_is_inconclusive_with_the_seeds_of_its_hardest_part(self, rng):
        a, b = curves(rng, 8, 30), curves(rng, 8, 30, std=0.3)
        b += a.mean(axis=0) - b.mean(axis=0) + 0.05
        found = self.judged([arm("a", a), arm("b", b)], margin=0.2)
        assert found.outcome == "inconclusive"
        open_parts = [part.required_seeds for part in found.parts if part.outcome == "inconclusive"]
        assert found.required_seeds == (None if None in open_parts else max(open_parts))

    def test_it_cannot_be_judged_where_a_part_cannot(self, rng):
        found = self.judged([arm("a", curves(rng, 20, 30)), arm("b", np.full((20, 30), 90.0))])
        assert found.outcome == "not assessable"
        assert "less Avg. STD" in found.sentence


class TestSentences:
    def test_an_inconclusive_verdict_ends_with_the_seeds_that_would_settle_it(self):
        values = np.array([-1.3, -0.9, -0.4, 0.1, 0.5, 2.0])[:, None]
        found = verdict(compare([arm("msgd", values), arm("sgd", 0.8 * values[::-1])]), "less spread")
        assert found.outcome == "inconclusive"
        assert found.required_seeds > 6
        assert f"about {roughly(found.required_seeds)} seeds" in found.sentence

    def test_a_sentence_holds_estimate_interval_and_both_p_values(self, wide, narrow):
        found = verdict(compare([wide, narrow]), "less Avg. STD")
        assert found.sentence.startswith("Supported")
        for number in (
            f"{found.interval.estimate:.3g}",
            f"{found.interval.low:.3g}",
            "Holm over 3",
            "p < 0.001",
        ):
            assert number in found.sentence

    def test_declared_claims_alone_make_the_family(self, wide, narrow):
        claims = [Claim("less Avg. STD", "am1", "msgd")]
        compared = compare([wide, narrow], claims=claims, question="Is it?").groups[0]
        assert [v.claim.method for v in compared.verdicts] == ["am1[m=5]/II"]
        assert compared.verdicts[0].family_size == 1
        assert compared.question == "Is it?"


def test_one_method_is_described_on_every_workload(rng):
    arms = [arm("a", curves(rng, 5, 3), workload=workload) for workload in ("w", "v")]
    found = compare(arms)
    assert [compared.workload for compared in found.groups] == ["w", "v"]
    assert not any(compared.verdicts for compared in found.groups)
    with pytest.raises(UserError, match="at least two methods on one workload"):
        compare([arms[0], arm("b", curves(rng, 5, 3), workload="v")])
