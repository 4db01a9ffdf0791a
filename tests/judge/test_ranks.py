"""``ranks better`` ranks all seeds, diverged ones as the worst: one that diverged does not silence a study."""

import numpy as np
import pytest
from made_up import arm, curves

import amrobust
from amrobust import Claim, stats
from amrobust.judge.compare import compare
from amrobust.judge.planning import Study, power_at
from amrobust.judge.rules import Rules, Selection
from amrobust.judge.simulated import BASELINE, METHOD, Assumed
from amrobust.report import FORMATS, render

CLAIM = Claim("ranks better", "b", "a")


def ending(rng, method, n, shift, lost=0, **changes):
    values = curves(rng, n, 6) + shift
    values[:lost, 3:] = np.nan
    return arm(method, values, **changes)


def finals(one):
    return one.curves["test_accuracy"][:, -1]


def verdict(arms, claim=CLAIM, **options):
    return compare(arms, claims=[claim], **options).groups[0].verdicts[0]


@pytest.mark.parametrize(("shift", "outcome"), [(4.0, "supported"), (-4.0, "refuted"), (0.0, "inconclusive")])
@pytest.mark.parametrize("paired", [False, True])
def test_it_is_the_permutation_of_ranks_of_all_seeds(rng, shift, outcome, paired):
    fields = {"pairing": "shared"} if paired else {}
    a, b = ending(rng, "a", 10, 0.0, lost=1, **fields), ending(rng, "b", 10, shift, lost=1, **fields)
    found = verdict([a, b])
    wanted = stats.chance_of_winning(finals(b), finals(a), better="higher", paired=paired)
    assert (found.p, found.interval) == (wanted.p, wanted)
    assert found.outcome == outcome
    assert "diverged runs being the worst: probability of superiority" in found.sentence


def test_a_diverged_seed_leaves_ranks_where_there_is_no_mean(rng):
    """Unasked, ranks take the place of the mean in the pairs in which a seed diverged, and there alone."""
    arms = [ending(rng, "a", 10, 0.0), ending(rng, "b", 10, 5.0, lost=1), ending(rng, "c", 10, 0.0)]
    found = compare(arms, Selection(baseline="a")).groups[0].verdicts
    kinds = {(v.claim.method, v.claim.kind): v.outcome for v in found}
    assert kinds["b", "ranks better"] in ("supported", "inconclusive")
    assert verdict(arms[:2]).outcome == "supported"
    assert ("b", "better mean") not in kinds
    assert ("c", "better mean") in kinds
    kept = compare(arms, Selection(baseline="a", complete_cases=True)).groups[0].verdicts
    assert {v.claim.kind for v in kept} == {"better mean", "less spread", "less Avg. STD"}


@pytest.mark.parametrize(
    ("value", "reason"), [(np.nan, "all seeds of both diverged"), (90.0, "end at the same value")]
)
def test_where_all_seeds_tie_it_is_not_assessable(value, reason):
    """Curves differ, so that the seeds are no copies; their ends do not."""
    values = curves(np.random.default_rng(3), 20, 6)
    values[:, -1] = value
    found = verdict([arm("a", values[:10]), arm("b", values[10:])])
    assert found.outcome == "not assessable"
    assert reason in found.sentence
    assert found.required_seeds is None


def test_more_seeds_are_asked_for_where_their_labels_cannot_reach_the_level(rng):
    found = verdict([ending(rng, "a", 4, 0.0), ending(rng, "b", 4, 9.0)], rules=Rules(alpha=0.01))
    assert found.outcome == "not assessable"
    assert found.required_seeds == 5
    pairs = [ending(rng, name, 5, 0.0, pairing="shared") for name in "ab"]
    assert verdict(pairs).required_seeds == 6


@pytest.mark.parametrize(
    ("changes", "claim", "reason"),
    [
        ({"x0s": ("x",) * 5 + ("y",) * 5, "x0_digest": "xy"}, CLAIM, "several x0"),
        ({}, Claim("ranks better", "b", "a", epochs=(1, 2)), "of final values"),
    ],
)
def test_what_has_no_ranks_says_so(rng, changes, claim, reason):
    found = verdict([ending(rng, "a", 10, 0.0, **changes), ending(rng, "b", 10, 0.0, **changes)], claim)
    assert found.outcome == "not assessable"
    assert reason in found.sentence


def test_the_seeds_that_would_settle_it_give_the_power():
    rng = np.random.default_rng(2)
    found = verdict([ending(rng, "a", 10, 0.0), ending(rng, "b", 10, 0.7)])
    assert found.would_be == "supported"
    n, pi = found.required_seeds, found.interval.estimate
    assumed = Assumed(difference=float(np.sqrt(2) * _normal_quantile(pi)))
    power = power_at(
        Study(Claim("ranks better", METHOD, BASELINE), assumed.sources(), assumed.metric, Rules()),
        n,
        replications=300,
    )
    assert 0.65 < power.power < 0.95
    assert found.seed_range.low < n


def _normal_quantile(p):
    from scipy.stats import norm

    return norm.ppf(p)


def test_every_format_prints_it(rng):
    runs = {"a": curves(rng, 9, 5), "b": curves(rng, 9, 5)}
    runs["b"][0, 2:] = np.nan
    found = amrobust.compare(runs, metric="accuracy:higher", baseline="a")
    for form in FORMATS:
        assert "ranks better" in render(found.data, form).replace("\n", " "), form
