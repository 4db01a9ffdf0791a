"""Claims about a sweep: trends, turning points, and means that stay equivalent."""

import numpy as np
import pytest
from made_up import arm, curves

from amrobust.errors import UserError
from amrobust.judge.compare import compare
from amrobust.judge.judgement import Claim

NAMES = [f"am1[m={m}]/II" for m in (1, 3, 5, 10)]


def swept(rng, stds, seeds=12, **changes):
    return [
        arm(name, curves(rng, seeds, 20, std=std), averaging=m, **changes)
        for name, m, std in zip(NAMES, (1, 3, 5, 10), stds, strict=True)
    ]


def judged(arms, kind, **fields):
    claim = Claim(kind, NAMES[0], NAMES[-1], methods=tuple(NAMES), **fields)
    (judgement,) = compare(arms, claims=[claim]).judgements
    return judgement.verdicts[0]


def test_a_falling_spread_supports_the_claim_and_refutes_its_opposite(rng):
    arms = swept(rng, (3.0, 2.0, 1.4, 0.8))
    found = judged(arms, "trend")
    assert " a doubling [" in found.sentence
    assert found.outcome == "supported"
    assert found.interval.high < 1
    assert found.second_opinion.test.startswith("permutation of a trend")
    assert "falls with m" in found.sentence
    assert judged(arms, "trend", rising=True).outcome == "refuted"


def test_no_trend_is_inconclusive(rng):
    assert judged(swept(rng, (1.0, 1.0, 1.0, 1.0)), "trend").outcome == "inconclusive"


def test_a_u_shape_is_said_with_its_turning_point(rng):
    found = judged(swept(rng, (4.0, 1.0, 1.0, 4.0), seeds=20), "trend")
    (caution,) = [c for c in found.cautions if c.kind == "turning-point"]
    assert "m in 3, 5" in caution.message


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"averaging": None}, "amortization length"), ({"pairing": "root seed 0"}, "share their seeds")],
)
def test_what_is_no_sweep_cannot_be_judged(rng, change, reason):
    arms = swept(rng, (1.0, 1.0, 1.0, 1.0))
    from dataclasses import replace

    found = judged([replace(a, **change) for a in arms], "trend")
    assert found.outcome == "cannot be judged"
    assert reason in found.sentence


def test_means_are_stable_when_all_pairs_are_equivalent(rng):
    arms = swept(rng, (0.5, 0.5, 0.5, 0.5), seeds=20)
    assert judged(arms, "stable over", margin=2.0).outcome == "supported"
    far = [*arms[:-1], arm(NAMES[-1], curves(rng, 20, 20, mean=80.0, std=0.5), averaging=10)]
    found = judged(far, "stable over", margin=2.0)
    assert found.outcome == "refuted"
    assert abs(found.interval.estimate) == pytest.approx(10, abs=1)


def test_one_diverged_seed_forbids_the_sweep(rng):
    arms = swept(rng, (1.0, 1.0, 1.0, 1.0))
    values = np.array(arms[1].curves["test_accuracy"])
    values[0, 5:] = np.nan
    found = judged([arms[0], arm(NAMES[1], values, averaging=3), *arms[2:]], "trend")
    assert found.outcome == "cannot be judged"
    assert "diverged" in found.sentence


def test_an_asterisk_stands_for_all_methods_of_a_form_in_order(rng):
    arms = swept(rng, (3.0, 2.0, 1.4, 0.8))
    arms = [arms[2], arm("am1[m=5]/I", arms[0].curves["test_accuracy"]), arms[3], arms[0], arms[1]]
    (judgement,) = compare(arms, claims=[Claim("trend", "am1", "am1", methods=("am1[m=*]/II",))]).judgements
    claim = judgement.verdicts[0].claim
    assert claim.methods == tuple(NAMES)
    assert (claim.method, claim.baseline) == (NAMES[0], NAMES[-1])


def test_an_asterisk_that_stands_for_too_few_is_an_error(rng):
    with pytest.raises(UserError, match="at least 3 methods"):
        compare(swept(rng, (1.0, 1.0, 1.0, 1.0)), claims=[Claim("trend", "a", "a", methods=("am2[m=*]/II",))])
