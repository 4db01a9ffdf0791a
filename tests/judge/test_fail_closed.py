"""What cannot be told is refused: constants, seeds that blew up, and p-values that are no numbers decide nothing."""

import json
import math
import warnings
from pathlib import Path

import numpy as np
import pytest
from made_up import arm, curves
from verdicts import verdict

import amrobust
from amrobust import Claim
from amrobust.judge.compare import compare
from amrobust.judge.family import holm
from amrobust.judge.rules import Evidence, Selection
from amrobust.judge.samples import Refused

TABLES = Path(__file__).resolve().parents[1] / "corpus" / "tables"
INPUTS = [
    ("same_constant", "test_acc"),
    ("blowup", "loss"),
    ("ppl_blowup", "val_ppl"),
    ("finite_diverged", "train_loss"),
]


def read(name, metric, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        return amrobust.compare(TABLES / f"{name}.csv", metric=metric, **options)


@pytest.mark.parametrize(("name", "metric"), INPUTS)
def test_a_stuck_or_diverged_method_is_neither_supported_nor_refuted_from_rounding_or_nan(name, metric):
    for one in read(name, metric).verdicts:
        assert one.outcome in ("inconclusive", "not assessable"), one.sentence
        assert one.p is None or math.isfinite(one.p)
        assert "nan" not in one.sentence


def test_equal_constants_of_unequal_numbers_of_seeds_are_refused_and_win_as_often_as_they_lose():
    found = read("same_constant", "test_acc")
    assert {one.outcome for one in found.verdicts} == {"not assessable"}
    (compared,) = found.data.groups
    assert {summary.final_mean.estimate for summary in compared.summaries} == {0.1}
    assert compared.pairs[0].winning.estimate == 0.5


@pytest.mark.parametrize("form", ["table", "json", "csv", "latex", "markdown", "html"])
@pytest.mark.parametrize(("name", "metric"), INPUTS)
def test_every_format_shows_them(name, metric, form):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text = read(name, metric).render(form)
    assert text
    if form == "json":
        json.loads(text, parse_constant=pytest.fail)


@pytest.mark.parametrize("power", [-600, -300, 300, 600])
def test_another_unit_changes_no_verdict(power):
    rng = np.random.default_rng(3)
    a, b = rng.normal(1, 1, (8, 6)), rng.normal(1.5, 3, (8, 6))

    def judged(factor):
        arms = [arm("msgd", np.ldexp(a, factor)), arm("am1", np.ldexp(b, factor))]
        (compared,) = compare(arms).groups
        return [(one.outcome, one.p, one.p_adjusted) for one in compared.verdicts]

    for found, expected in zip(judged(power), judged(0), strict=True):
        assert found[0] == expected[0]
        assert found[1:] == pytest.approx(expected[1:], rel=1e-9)


def test_a_p_that_is_no_number_counts_in_its_family_as_one_that_was_refused():
    assert holm([0.04, math.nan, 0.001]) == holm([0.04, None, 0.001]) == pytest.approx([0.08, None, 0.003])
    assert holm([math.nan, math.inf, -math.inf]) == [None] * 3


@pytest.mark.parametrize("p", [math.nan, math.inf])
def test_evidence_without_a_finite_p_is_refused(p):
    with pytest.raises(Refused, match="not a finite number"):
        Evidence(Claim("better mean", "am1", "msgd"), p=p)


def test_a_composite_with_a_part_that_has_no_variance_is_refused(rng):
    stuck = [arm("msgd", np.full((10, 3), 0.1)), arm("am1", np.full((20, 3), 0.1))]
    parts = (Claim("better mean", "am1", "msgd"), Claim("less spread", "am1", "msgd"))
    found = verdict(compare(stuck, claims=[Claim("composite", "am1", "msgd", parts=parts)]), "composite")
    assert (found.outcome, found.p) == ("not assessable", None)
    assert "no error to judge a difference by" in found.sentence


def test_of_pairs_no_verdict_stands_beside_an_interval_that_contains_one(rng):
    """Two data sets whose p, at the pooled level, was 0.02 beside [0.60, 2.41] and [0.0075, 83679]."""
    first = (
        [-2.1238566565110943, 0.9088963770115431, 1.1778099251989522, 0.37732035962384194, 1.2199093887849927,
         0.04551840355154831, 1.0407653770065954, -0.2953500476605222, 0.17963157378201125, -0.28514365531504987],
        [-2.0215725443446138, 0.8945704415674143, 1.065936779974408, 0.20731937289990127, 1.1775678350843277,
         0.16628360304550352, 0.9437303909737923, -0.30473622828198493, 0.3163308226164614, -0.28264515510249555],
    )  # fmt: skip
    second = (
        [-0.08984787142449135, -0.3640110823247991, 0.12636016422142388, 1.374986873399008],
        [0.12906502955789548, 0.112179782721195, 0.1266665741130567, 0.6684050029589264],
    )
    outcomes = []
    for new, base in (first, second):
        runs = amrobust.Runs.from_arrays({"base": base, "new": new}, metric="accuracy", unit="%", paired=True)
        found = amrobust.compare(
            runs, baseline="base", claims=[Claim("less spread", "new", "base")]
        ).verdicts[0]
        assert (found.p <= 0.05) == (not found.interval.low <= 1 <= found.interval.high)
        outcomes.append(found.outcome)
    assert outcomes == ["refuted", "inconclusive"]


def test_survivors_of_a_finite_blow_up_are_still_ranked(rng):
    good, blown = curves(rng, 10, 5), curves(rng, 10, 5)
    blown[3, -1] = -1e300
    (compared,) = compare([arm("msgd", good), arm("am1", blown)], Selection(baseline="msgd")).groups
    worse = blown.copy()
    worse[3, -1] = good.min() - 100
    (expected,) = compare([arm("msgd", good), arm("am1", worse)], Selection(baseline="msgd")).groups
    assert compared.pairs[0].winning == expected.pairs[0].winning


@pytest.mark.parametrize(
    ("others", "reason"),
    [
        (np.zeros(9), "all seeds but one gave the same values"),
        (np.arange(9.0), "one seed is so far from the others that the spread rests on it alone"),
    ],
)
def test_a_spread_that_rests_on_one_seed_is_refused_for_what_that_seed_is(rng, others, reason):
    blown = np.append(others, 1e100)[:, None]
    refused_spread(rng, blown, reason)


def test_a_spread_that_is_nearly_rounding_is_refused_as_that(rng):
    refused_spread(rng, 1e15 + rng.normal(0, 2, (8, 1)), "little more than the rounding of their values")


@pytest.mark.parametrize("value", [1e302, -1.7e308])
def test_a_value_that_cannot_be_computed_with_is_a_diverged_run(rng, value):
    good, blown = curves(rng, 8, 5), curves(rng, 8, 5)
    blown[3, -1] = value
    diverged = blown.copy()
    diverged[3, -1] = np.inf
    for selection in (Selection(), Selection(complete_cases=True)):
        (found,), (expected,) = (
            compare([arm("msgd", good), arm("am1", x)], selection).groups for x in (blown, diverged)
        )
        assert found.verdicts == expected.verdicts
        assert found.summaries[1].diverged == 1


def refused_spread(rng, values, reason):
    (compared,) = compare([arm("msgd", rng.normal(0, 1, (10, 1))), arm("am1", values)]).groups
    found = next(one for one in compared.verdicts if one.claim.kind == "less spread")
    assert found.outcome == "not assessable"
    assert reason in found.sentence


def test_beside_a_method_that_blew_up_the_others_show_their_spread():
    text = read("finite_diverged", "train_loss").render("table")
    (row,) = (line for line in text.splitlines() if line.startswith("a "))
    assert "0.57 ± 0.22" in row
    assert "3.08 × 10¹⁰⁰" in text
