"""Claims that say nothing, or what no number could decide, are refused where they are made."""

import math
from dataclasses import replace

import pytest
from made_up import arm, curves

from amrobust import Claim
from amrobust.errors import UserError
from amrobust.judge.compare import compare

TWO, SWEEP = ("b", "a"), ("a", "b", "c")


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        (("less spraed", *TWO), r"did you mean 'less spread'\?"),
        (("less spread", "a", "a"), "holds 'a' against itself"),
        (("less Avg. STD", "a", "a"), "against itself"),
        (("better mean", "a", "a"), "against itself"),
        (("equivalent mean", "a", "a", 0.5), "against itself"),
        (("lower wall time", "a", "a"), "against itself"),
        (("better after", "a", "b"), "is about one method"),
        (("exceedance bound", "a", "b"), "is about one method"),
        (("equivalent mean", *TWO), "needs a margin"),
        (("non-inferior", *TWO), "needs a margin"),
        (("less spread", *TWO, 0.5), "takes no margin"),
        *((("equivalent mean", *TWO, margin), "a margin is a number above 0")
          for margin in (math.nan, math.inf, 0.0, -1.0, 1e308, 10**400, "0.5", True)),
    ],
)  # fmt: skip
def test_a_claim_that_says_nothing_is_refused(claim, message):
    with pytest.raises(UserError, match=message):
        Claim(*claim)


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        ((), "at least three methods"),
        (("a", "b"), "at least three methods"),
        (("a", "b", "a"), "names a twice"),
        (("a", "b", "c", "b"), "names b twice"),
    ],
)
def test_a_sweep_is_over_three_different_methods(methods, message):
    for kind, margin in (("trend", None), ("equivalent across the sweep", 0.5)):
        with pytest.raises(UserError, match=message):
            Claim(kind, "a", "b", margin, methods=methods)


def test_a_method_that_a_form_and_a_name_both_stand_for_is_named_twice(rng):
    arms = [arm(f"am1[m={m}]/II", curves(rng, 6, 8)) for m in (1, 3, 5)]
    claim = Claim("trend", "a", "a", methods=("am1[m=*]/II", "am1[m=3]/II"))
    with pytest.raises(UserError, match="twice"):
        compare(arms, claims=[claim])


def test_two_names_of_one_method_are_one(rng):
    arms = [arm("msgd", curves(rng, 6, 8)), arm("am1[m=5]/II", curves(rng, 6, 8), optimizer="am1")]
    with pytest.raises(UserError, match=r"holds 'am1\[m=5\]/II' against itself"):
        compare(arms, claims=[Claim("less spread", "am1", "am1[m=5]/II")])


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (Claim("better mean", *TWO),),
        (Claim("better mean", *TWO), Claim("less spread", "c", "a")),
        (Claim("better mean", *TWO), Claim("exceedance bound", "b", "b", bound=(1.0, 0.1))),
        (Claim("better mean", *TWO), Claim("trend", *TWO, methods=SWEEP)),
    ],
)
def test_a_composite_claim_has_two_parts_about_its_own_methods(parts):
    with pytest.raises(UserError, match="part"):
        Claim("composite", *TWO, parts=parts)


@pytest.mark.parametrize(
    "fields",
    [
        {"bound": (math.nan, 0.1)},
        {"bound": (math.inf, 0.1)},
        {"bound": (1.0, math.nan)},
        {"bound": (1.0, 0.0)},
        {"bound": (1.0, 1.0)},
        {"bound": (1.0, 1e-320)},
        {"deviation": math.nan},
        {},
    ],
)
def test_a_bound_is_a_finite_threshold_and_a_probability(fields):
    with pytest.raises(UserError):
        Claim("exceedance bound", "a", "a", **fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"epochs": (0, 3)}, {"epochs": (3, 1)}, {"epochs": (1.5, 3)}, {"epochs": (1,)}, {"phase": (math.nan, 0.5)},
        {"phase": (0.5, 0.5)}, {"phase": (0.5, 1.5)}, {"epochs": (1, 3), "phase": (0.0, 0.5)}, {"rising": True},
        {"bound": (1.0, 0.1)},
    ],
)  # fmt: skip
def test_a_phase_is_epochs_or_shares_of_the_training(fields):
    with pytest.raises(UserError):
        Claim("better mean", *TWO, **fields)


def test_a_change_is_somewhere_within_the_training():
    for fields in ({}, {"phase": (0.2, 0.4)}, {"phase": (1.0, 1.0)}, {"phase": (math.nan, math.nan)}):
        with pytest.raises(UserError):
            Claim("better after", "a", "a", **fields)


def test_a_claim_stays_one_when_it_is_changed():
    with pytest.raises(UserError, match="against itself"):
        replace(Claim("less spread", *TWO), method="a")
