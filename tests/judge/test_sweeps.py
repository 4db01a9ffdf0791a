"""Claims about a sweep: trends, turning points, and means that stay equivalent."""

import numpy as np
import pytest
from made_up import arm, curves

from amrobust import Claim, stats
from amrobust.errors import UserError
from amrobust.judge.compare import compare
from amrobust.judge.named import find_arm
from amrobust.runs.method import Method

NAMES = [f"am1[m={m}]/II" for m in (1, 3, 5, 10)]


def swept(rng, stds, seeds=12, **changes):
    return [
        arm(name, curves(rng, seeds, 20, std=std), averaging=m, **changes)
        for name, m, std in zip(NAMES, (1, 3, 5, 10), stds, strict=True)
    ]


def judged(arms, kind, **fields):
    claim = Claim(kind, NAMES[0], NAMES[-1], methods=tuple(NAMES), **fields)
    (compared,) = compare(arms, claims=[claim]).groups
    return compared.verdicts[0]


def test_a_falling_spread_supports_the_claim_and_refutes_its_opposite(rng):
    arms = swept(rng, (3.0, 2.0, 1.4, 0.8))
    found = judged(arms, "trend")
    assert " a doubling [" in found.sentence
    assert found.outcome == "supported"
    assert found.interval.high < 1
    assert found.sensitivity_test.test.startswith("permutation of a trend")
    assert "falls as m grows, over am1[m=1]/II" in found.sentence
    assert judged(arms, "trend", rising=True).outcome == "refuted"


def test_no_trend_is_inconclusive(rng):
    assert judged(swept(rng, (1.0, 1.0, 1.0, 1.0)), "trend").outcome == "inconclusive"


def test_a_u_shape_is_said_with_its_turning_point(rng):
    found = judged(swept(rng, (4.0, 1.0, 1.0, 4.0), seeds=20), "trend")
    (warning,) = [c for c in found.warnings if c.kind == "turning-point"]
    assert "m in 3, 5" in warning.message


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"identity": Method("am1", {"m": 5})}, "these differ in none"),
        ({"pairing": "root seed 0"}, "share their seeds"),
    ],
)
def test_what_is_no_sweep_cannot_be_judged(rng, change, reason):
    arms = swept(rng, (1.0, 1.0, 1.0, 1.0))
    from dataclasses import replace

    found = judged([replace(a, **change) for a in arms], "trend")
    assert found.outcome == "not assessable"
    assert reason in found.sentence


def test_means_are_stable_when_all_pairs_are_equivalent(rng):
    arms = swept(rng, (0.5, 0.5, 0.5, 0.5), seeds=20)
    assert judged(arms, "equivalent across the sweep", margin=2.0).outcome == "supported"
    far = [*arms[:-1], arm(NAMES[-1], curves(rng, 20, 20, mean=80.0, std=0.5), averaging=10)]
    found = judged(far, "equivalent across the sweep", margin=2.0)
    assert found.outcome == "refuted"
    assert abs(found.interval.estimate) == pytest.approx(10, abs=1)


def test_one_diverged_seed_forbids_the_sweep(rng):
    arms = swept(rng, (1.0, 1.0, 1.0, 1.0))
    values = np.array(arms[1].curves["test_accuracy"])
    values[0, 5:] = np.nan
    found = judged([arms[0], arm(NAMES[1], values, averaging=3), *arms[2:]], "trend")
    assert found.outcome == "not assessable"
    assert "diverged" in found.sentence


def test_an_asterisk_stands_for_all_methods_of_a_form_in_order(rng):
    arms = swept(rng, (3.0, 2.0, 1.4, 0.8))
    arms = [arms[2], arm("am1[m=5]/I", arms[0].curves["test_accuracy"]), arms[3], arms[0], arms[1]]
    (compared,) = compare(arms, claims=[Claim("trend", "am1", "am1", methods=("am1[m=*]/II",))]).groups
    claim = compared.verdicts[0].claim
    assert claim.methods == tuple(NAMES)
    assert (claim.method, claim.baseline) == (NAMES[0], NAMES[-1])


def test_an_asterisk_that_stands_for_too_few_is_an_error(rng):
    with pytest.raises(UserError, match="at least 3 methods"):
        compare(swept(rng, (1.0, 1.0, 1.0, 1.0)), claims=[Claim("trend", "a", "a", methods=("am2[m=*]/II",))])


def over_lr(rng, stds=(0.4, 1.0, 2.5, 5.0), values=(0.01, 0.05, 0.1, 0.5), parameter="lr"):
    """Runs of SGD as amrobust records them: the name leaves a default, here the second value, out."""
    return [
        arm(
            "sgd" if place == 1 else f"sgd[{parameter}={value}]",
            curves(rng, 12, 20, std=std),
            identity=Method("sgd", {"wd": 0.0, parameter: value}, () if place == 1 else (parameter,)),
        )
        for place, (value, std) in enumerate(zip(values, stds, strict=True))
    ]


def judged_by_form(arms, *methods, **fields):
    (compared,) = compare(arms, claims=[Claim("trend", "a", "a", methods=methods, **fields)]).groups
    return compared.verdicts[0]


def test_a_trend_is_over_any_hyperparameter_and_finds_the_default_too(rng):
    arms = over_lr(rng)
    found = judged_by_form([arms[2], arms[0], arms[3], arms[1]], "sgd[lr=*]", rising=True)
    assert found.claim.methods == ("sgd[lr=0.01]", "sgd", "sgd[lr=0.1]", "sgd[lr=0.5]")
    assert found.claim.over == "lr"
    assert found.outcome == "supported"
    assert "rises as lr grows, over SGD (lr = 0.01), SGD, SGD (lr = 0.1), " in found.sentence
    data = [a.curves["test_accuracy"] for a in arms]
    oracle = stats.spread_trend(data, [0.01, 0.05, 0.1, 0.5])
    assert found.interval.estimate == oracle.estimate


def test_a_sweep_that_begins_with_0_is_judged_by_its_steps(rng):
    arms = over_lr(rng, values=(0.0, 0.5, 0.9, 0.99), parameter="momentum")
    found = judged_by_form(arms, "sgd[momentum=*]", rising=True)
    assert "as momentum grows" in found.sentence
    assert " a step of the sweep [" in found.sentence
    oracle = stats.spread_trend([a.curves["test_accuracy"] for a in arms], [1, 2, 4, 8])
    assert found.interval.estimate == oracle.estimate


def test_methods_that_differ_in_several_things_are_no_sweep_and_all_are_named(rng):
    arms = [arm(f"sgd[lr={lr},wd={wd}]", curves(rng, 8, 6)) for lr, wd in ((0.01, 0), (0.1, 0), (0.5, 1e-4))]
    found = judged_by_form(arms, *(a.method for a in arms))
    assert found.outcome == "not assessable"
    assert "these differ in lr, wd" in found.sentence


def test_words_have_no_trend(rng):
    arms = [arm(f"sgd[decay={word}]", curves(rng, 8, 6)) for word in ("cosine", "linear", "steps")]
    found = judged_by_form(arms, *(a.method for a in arms))
    assert found.outcome == "not assessable"
    assert "decay is cosine, linear, steps" in found.sentence


def test_a_method_is_found_by_what_its_name_tells(rng):
    arms = over_lr(rng)
    assert find_arm(arms, "sgd[lr=1e-2]") is arms[0]
    assert find_arm(arms, "sgd[lr=0.05]") is arms[1]
    with pytest.raises(UserError, match="not among the methods"):
        find_arm(arms, "sgd[lr=0.2]")
