"""``diverges less`` counts all seeds, whatever else no number can be given of."""

import numpy as np
import pytest
from made_up import arm, curves

import amrobust
from amrobust import Claim, stats
from amrobust.judge.compare import compare
from amrobust.report import FORMATS, render

CLAIM = Claim("diverges less", "b", "a")


def diverging(rng, method, n, lost, **changes):
    values = curves(rng, n, 6)
    values[:lost, 3:] = np.nan
    return arm(method, values, **changes)


def verdict(arms, claim=CLAIM, **options):
    return compare(arms, claims=[claim], **options).groups[0].verdicts[0]


@pytest.mark.parametrize(
    ("lost", "outcome"), [((9, 1), "supported"), ((1, 9), "refuted"), ((5, 4), "inconclusive")]
)
def test_it_is_the_exact_test_of_all_seeds(rng, lost, outcome):
    found = verdict([diverging(rng, "a", 10, lost[0]), diverging(rng, "b", 12, lost[1])])
    wanted = stats.divergence_difference(lost[1], 12, lost[0], 10)
    assert (found.p, found.interval) == (wanted.p, wanted)
    assert found.outcome == outcome
    assert "fewer seeds of b diverge than of a: difference of rates" in found.sentence


def test_a_bound_on_what_still_counts_as_converged_is_counted_too(rng):
    a, b = arm("a", curves(rng, 8, 5)), arm("b", curves(rng, 8, 5))
    a = arm("a", a.curves["test_accuracy"], diverged=tuple(range(7)))
    assert verdict([a, b]).interval.estimate == -7 / 8


def test_the_seeds_that_would_settle_it_give_the_power(rng):
    found = verdict([diverging(rng, "a", 10, 5), diverging(rng, "b", 10, 2)])
    n = found.required_seeds
    draws = rng.binomial(n, [[0.5, 0.2]] * 300)
    power = np.mean([stats.divergence_difference(x, n, y, n, level=None).p <= 0.05 for x, y in draws])
    assert 0.72 < power < 0.88
    assert verdict([diverging(rng, "a", 10, 2), diverging(rng, "b", 10, 2)]).required_seeds is None


def test_seeds_that_are_not_independent_are_not_compared(rng):
    paired = [diverging(rng, name, 8, lost, pairing="p") for name, lost in (("a", 6), ("b", 0))]
    assert "share their seeds" in verdict(paired).sentence
    x0s = tuple(f"x{k}" for k in range(4) for _ in range(2))
    crossed = [diverging(rng, name, 8, lost, x0s=x0s) for name, lost in (("a", 6), ("b", 0))]
    assert "several x0" in verdict(crossed).sentence
    phase = verdict(
        [diverging(rng, "a", 8, 6), diverging(rng, "b", 8, 0)],
        Claim("diverges less", "b", "a", epochs=(1, 2)),
    )
    assert phase.outcome == "not assessable"


def test_where_not_even_all_against_none_would_show_it_says_how_many_seeds_it_takes(rng):
    others = [Claim("better mean", "b", "a", epochs=(k, k)) for k in range(1, 7)]
    arms = [diverging(rng, "a", 4, 4), diverging(rng, "b", 4, 0)]
    (compared,) = compare(arms, claims=[CLAIM, *others]).groups
    assert compared.verdicts[0].outcome == "not assessable"
    assert compared.verdicts[0].required_seeds == 5


def test_every_format_prints_it(rng):
    runs = {"sgd": rng.normal(90, 1, (10, 5)), "adam": rng.normal(90, 1, (10, 5))}
    runs["sgd"][:8, 3:] = np.nan
    found = amrobust.compare(runs, metric="accuracy:higher", claims=[Claim("diverges less", "adam", "sgd")])
    for form in FORMATS:
        text = render(found.data, form).replace("\n", " ")
        assert "diverges less" in text
        assert "0.8" in text, form
