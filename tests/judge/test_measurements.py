"""Several measurements of the same weights: each judged by itself, held against the usual one, or beside it as a method."""

import dataclasses
import re

import numpy as np
import pytest
from made_up import arm, curves

from amrobust import Claim
from amrobust.errors import UserError
from amrobust.judge.compare import compare
from amrobust.judge.rules import Selection
from amrobust.report import FORMATS, render
from amrobust.runs.workload import Workload


def measured(arm, measurement):
    setting = Workload(arm.workload).also([("measured", measurement)])
    return dataclasses.replace(arm, workload=setting.label, setting=setting, measurement=measurement)


@pytest.fixture
def arms(rng):
    """II varies less as it is usually measured, and as much as the baseline otherwise."""
    of = {
        "msgd": (1.0, 0.5),
        "am1[m=5]/II": (0.3, 0.5),
    }
    return [
        found
        for name, (usual, other) in of.items()
        for found in (
            arm(name, curves(rng, 20, 12, std=usual), training=name),
            measured(arm(name, curves(rng, 20, 12, std=other), training=name), "recomputed"),
        )
    ]


def outcomes(compared):
    return {
        verdict.claim.kind: (verdict.outcome, verdict.p_adjusted, verdict.family_size)
        for verdict in compared.verdicts
    }


def test_each_measurement_is_a_judgement_and_a_family_of_its_own(arms):
    both = compare(arms).groups
    alone = compare([each for each in arms if each.measurement is None]).groups
    assert [compared.workload for compared in both] == ["digits", "digits[measured=recomputed]"]
    assert [compared.measurement for compared in both] == [None, "recomputed"]
    assert outcomes(both[0]) == outcomes(alone[0])
    assert {size for _, _, size in outcomes(both[1]).values()} == {3}
    assert both[0].also_measured == ("recomputed",)


def test_a_verdict_that_another_measurement_changes_says_so_in_every_format(arms):
    usual, other = compare(arms).groups
    (verdict,) = (each for each in usual.verdicts if each.claim.kind == "less Avg. STD")
    (note,) = (each for each in verdict.warnings if each.kind == "measurement-decides")
    assert verdict.outcome == "supported"
    assert "With running batch-norm statistics the claim is supported (ratio 0." in note.message
    assert "with recomputed batch-norm statistics inconclusive (ratio" in note.message
    (same,) = (each for each in usual.verdicts if each.claim.kind == "better mean")
    assert not any(each.kind == "measurement-decides" for each in same.warnings)
    (back,) = (each for each in other.verdicts if each.claim.kind == "less Avg. STD")
    assert any(each.kind == "measurement-decides" for each in back.warnings)
    for form in FORMATS:
        text = render(compare(arms), form)
        assert "the same weights are measured" in " ".join(text.replace("\\n", " ").split())


def test_verdicts_are_matched_by_all_that_a_claim_says(arms, rng):
    """Composites of two methods, and phases of one claim, each have their own counterpart in the other measurement."""
    third = arm("am1[m=5]/I", curves(rng, 20, 12), training="am1[m=5]/I")
    arms = [*arms, third, measured(third, "recomputed")]

    def composite(method):
        parts = tuple(Claim(kind, method, "msgd") for kind in ("less spread", "less Avg. STD"))
        return Claim("composite", method, "msgd", parts=parts)

    phases = [Claim("less Avg. STD", "am1[m=5]/II", "msgd", epochs=phase) for phase in ((1, 6), (7, 12))]
    claims = [composite("am1[m=5]/I"), composite("am1[m=5]/II"), *phases]
    usual, other = compare(arms, Selection(baseline="msgd"), claims=claims).groups
    for here, there in zip(usual.verdicts, other.verdicts, strict=True):
        notes = [note for note in here.warnings if note.kind == "measurement-decides"]
        assert len(notes) == (here.outcome != there.outcome)
        assert all(f"the claim is {here.outcome}" in note.message for note in notes)
    assert [verdict.outcome for verdict in usual.verdicts][1:] == ["supported"] * 3


def test_trainings_of_another_length_are_no_other_measurement_of_the_same_weights(rng, arms):
    shorter = [
        found
        for name in ("sgd", "adam")
        for found in (
            arm(name, curves(rng, 20, 6)),
            measured(arm(name, curves(rng, 20, 6)), "recomputed"),
        )
    ]
    groups = compare([*arms, *shorter]).groups
    assert [compared.epochs for compared in groups] == [12, 6, 12, 6]
    assert [compared.also_measured for compared in groups] == [("recomputed",)] * 2 + [()] * 2


def test_one_measurement_can_be_chosen(arms):
    for which, workload in (("usual", "digits"), ("recomputed", "digits[measured=recomputed]")):
        (compared,) = compare(arms, Selection(measured=which)).groups
        assert compared.workload == workload
        assert not any(
            note.kind == "measurement-decides" for each in compared.verdicts for note in each.warnings
        )
    with pytest.raises(UserError, match="nothing here was measured as 'ema': choose one of"):
        compare(arms, Selection(measured="ema"))


def test_together_they_are_methods_that_claims_can_name_and_pairs_of_one_training(arms):
    claims = [
        Claim("less Avg. STD", "msgd@recomputed", "msgd"),
        Claim("less Avg. STD", "am1[m=5]/II@recomputed", "msgd@recomputed"),
    ]
    (compared,) = compare(arms, Selection(measured="together"), claims=claims).groups
    assert compared.workload == "digits"
    assert compared.baseline == "msgd"
    assert set(compared.methods) == {
        "msgd", "msgd@recomputed", "am1[m=5]/II", "am1[m=5]/II@recomputed",
    }  # fmt: skip
    own, between = compared.verdicts
    assert own.outcome == "supported"
    assert own.interval.paired
    assert not between.interval.paired
    assert compared.identities["msgd@recomputed"].measurement == "recomputed"


def test_a_default_that_a_name_leaves_out_is_found_with_its_measurement(arms):
    held = [
        dataclasses.replace(
            each, identity=dataclasses.replace(each.identity, hyperparameters={"m": 5, "lr": 0.1})
        )
        for each in arms
    ]
    claims = [Claim("less spread", "am1[m=5,lr=0.1]/II@recomputed", "msgd")]
    (compared,) = compare(held, Selection(measured="together"), claims=claims).groups
    assert compared.verdicts[0].claim.method == "am1[m=5]/II@recomputed"


def test_declared_claims_are_asked_of_every_measurement(arms):
    claims = {"digits": [Claim("less Avg. STD", "am1[m=5]/II", "msgd")]}
    usual, other = compare(arms, Selection(baseline="msgd"), claims=claims).groups
    assert [compared.verdicts[0].outcome for compared in (usual, other)] == ["supported", "inconclusive"]


def test_a_method_that_was_not_measured_so_is_told_and_changes_nothing_of_the_usual_verdicts(arms):
    found = compare(arms[:3])
    assert [compared.measurement for compared in found.groups] == [None]
    assert found.groups[0].also_measured == ()
    assert found.problems == (
        "digits[measured=recomputed]: am1[m=5]/II was not measured so, and nothing is tested of the others",
    )


def test_a_script_stops_at_the_usual_measurement(arms):
    comparison = compare(arms)
    assert comparison.deciding == comparison.groups[:1]
    only = compare(arms, Selection(measured="recomputed"))
    assert only.deciding == only.groups


def test_the_measurement_is_read_back_from_a_workloads_label(rng):
    back = arm("msgd", curves(rng, 6, 4))
    back = dataclasses.replace(back, workload="digits[sigma=1,measured=recomputed]")
    assert back.measurement == "recomputed"
    assert back.setting.usually_measured.label == "digits[sigma=1]"


def test_an_at_in_a_name_that_is_no_measurement_stays_a_part_of_the_name(rng):
    arms = [arm(name, curves(rng, 6, 4)) for name in ("sgd@0.1", "sgd@0.2")]
    (compared,) = compare(arms, claims=[Claim("less spread", "sgd@0.2", "sgd@0.1")]).groups
    assert np.isfinite(compared.verdicts[0].p)


def test_composites_of_several_methods_are_held_against_their_own(arms, rng):
    third = arm("am1[m=5]/I", curves(rng, 20, 12, std=1.2), training="am1[m=5]/II")
    every = [*arms, third, measured(third, "recomputed")]

    def composite(method):
        parts = (Claim("less Avg. STD", method, "msgd"), Claim("equivalent mean", method, "msgd", margin=2.0))
        return Claim("composite", method, "msgd", parts=parts)

    claims = {"digits": [composite("am1[m=5]/I"), composite("am1[m=5]/II")]}
    usual, other = compare(every, Selection(baseline="msgd"), claims=claims).groups
    changed = [
        [note.kind == "measurement-decides" for note in v.warnings].count(True) for v in usual.verdicts
    ]
    assert [v.outcome for v in usual.verdicts] == ["inconclusive", "supported"]
    assert other.verdicts[1].outcome != "supported"
    assert changed == [usual.verdicts[0].outcome != other.verdicts[0].outcome, 1]


def test_the_headline_says_what_is_found_with_the_other_measurement(arms):
    text = render(compare(arms), "table")
    usual, other = text.split("digits[measured=recomputed]", 1)
    lines = [line for line in usual.splitlines() if line.startswith("supported")]
    assert len(lines) == 1
    assert re.search(
        r"variable over training \(Avg. STD ×0\.\d+ \[[^]]*\]\) \(inconclusive with recomputed batch-norm",
        lines[0],
    )
    assert " with recomputed" not in next(
        line for line in other.splitlines() if line.startswith("inconclusive")
    )
    same = [dataclasses.replace(each, curves=arms[0 if "msgd" in each.method else 2].curves) for each in arms]
    assert "×" in (kept := render(compare(same), "table"))
    assert "(also with recomputed batch-norm statistics)" in kept
