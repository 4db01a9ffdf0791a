"""What a comparison may be asked for: error rates, margins, looks and final values that make sense."""

import itertools
import math
from dataclasses import replace

import pytest
from made_up import arm, curves
from verdicts import verdict

from amrobust import Claim, stats
from amrobust.errors import UserError
from amrobust.judge.compare import compare
from amrobust.judge.kinds.spread import seeds_for
from amrobust.judge.rules import Rules, Selection
from amrobust.judge.tails import tails
from amrobust.stats.limits import LEAST_TAIL


@pytest.mark.parametrize(
    "fields",
    [
        *({"alpha": alpha} for alpha in (math.nan, math.inf, 0.0, -0.05, 0.51, 1e-17, 1e-320, "0.05", True)),
        *({"practical_ratio": ratio} for ratio in (math.nan, math.inf, 0.0, -0.9, 1.1)),
        *({"final": final} for final in ("mean:0", "mean:-1", "mean:", "mean:1.5", "best", "mean:" + "9" * 5000, 5)),
        *({"looks": looks} for looks in ((5, 5), (10, 5), (0, 5), (5.5, 10), (True, 5), (8, 120), (5, 80), (5, 10**30))),
    ],
)  # fmt: skip
def test_rules_that_nothing_can_be_judged_by_are_refused(fields):
    with pytest.raises(UserError):
        Rules(**fields)
    with pytest.raises(UserError):
        replace(Rules(), **fields)


@pytest.mark.parametrize("margin", [math.nan, math.inf, 0.0, -1.0, 1e308, "0.5"])
def test_a_margin_is_a_finite_number_above_0(margin):
    with pytest.raises(UserError, match="margin"):
        Selection(margin=margin)


def test_the_share_of_a_look_may_be_less_than_an_error_rate_that_is_asked_for(rng):
    looks = (5, 30)
    arms = [arm(name, curves(rng, 5, 8)) for name in ("msgd", "sgd")]
    (compared,) = compare(arms, rules=Rules(looks=looks)).groups
    assert compared.look.alpha == pytest.approx(8e-8, rel=0.05)
    assert all(v.outcome == "inconclusive" for v in compared.verdicts)


def test_a_family_over_which_alpha_is_too_small_cannot_be_judged(rng):
    arms = [arm(name, curves(rng, 8, 8)) for name in ("msgd", "sgd")]
    found = verdict(compare(arms, rules=Rules(alpha=1e-12)), "less spread")
    assert found.outcome == "not assessable"
    assert "alpha over the family of 3 claims" in found.sentence
    assert verdict(compare(arms, rules=Rules(alpha=1e-11)), "less spread").outcome == "inconclusive"


@pytest.mark.parametrize("final", ["mean:9", "mean:99", "mean:999999999"])
def test_more_final_epochs_than_there_are_is_one_line(rng, final):
    arms = [arm(name, curves(rng, 8, 8)) for name in ("msgd", "sgd")]
    with pytest.raises(UserError, match="and there are 8"):
        compare(arms, rules=Rules(final=final))
    with pytest.raises(UserError, match="and there are 8"):
        tails(arms, final=final)


@pytest.mark.parametrize(
    "fields",
    [
        *({"level": level} for level in (math.nan, 0.5, 0.0, 1.0, 1.5, 1 - 1e-17)),
        *({"thresholds": [threshold]} for threshold in (math.nan, math.inf)),
        *({"quantiles": [q]} for q in (math.nan, 0.0, 1.0, 90)),
    ],
)
def test_tails_that_cannot_be_are_refused_and_not_printed_row_by_row(rng, fields):
    with pytest.raises(UserError):
        tails([arm("sgd", curves(rng, 8, 8))], **fields)


def test_a_bound_too_near_to_0_is_refused_before_its_seeds_are_counted(rng):
    found = compare(
        [arm("am1", curves(rng, 8, 8))], claims=[Claim("exceedance bound", "am1", "am1", bound=(1.0, 1e-12))]
    )
    assert verdict(found, "exceedance bound").required_seeds == pytest.approx(3e12, rel=0.01)


def test_the_seeds_that_a_label_test_takes_are_bounded():
    for threshold, paired in itertools.product((0.05, 1e-6, LEAST_TAIL), (False, True)):
        n = seeds_for(threshold, paired)
        assert stats.smallest_permutation_p(n, n, paired=paired) <= threshold
        assert n == 4 or stats.smallest_permutation_p(n - 1, n - 1, paired=paired) > threshold
    assert seeds_for(0.0, False) is not None  # It falls below what a float can hold.
    assert seeds_for(-1.0, False) is None
