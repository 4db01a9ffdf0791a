"""Spreads against a ratio: p is that of the borders, the interval agrees with it, and every format has the claims."""

import math

import numpy as np
import pytest
from made_up import arm, curves

import amrobust
from amrobust import Claim, stats
from amrobust.errors import UserError
from amrobust.judge.compare import compare
from amrobust.judge.declared import load_claims
from amrobust.judge.rules import Rules
from amrobust.report import FORMATS, render
from amrobust.report.figures.equivalence import equivalence
from amrobust.report.figures.forest import forest
from amrobust.report.style import styles

PAIR = ("b", "a")
COMPARABLE = ("comparable spread", "comparable Avg. STD")
NO_MORE = ("no more spread", "no more Avg. STD")


def two(rng, n=10, ratio=1.0, epochs=12, **changes):
    return [
        arm("a", curves(rng, n, epochs), **changes),
        arm("b", curves(rng, n, epochs, std=ratio), **changes),
    ]


def verdict(arms, claim, **rules):
    return compare(arms, claims=[claim], rules=Rules(**rules)).groups[0].verdicts[0]


def samples(arms, kind):
    values = [each.curves["test_accuracy"] for each in (arms[1], arms[0])]
    return values if "Avg." in kind else [each[:, -1] for each in values]


@pytest.mark.parametrize("kind", COMPARABLE + NO_MORE)
@pytest.mark.parametrize("paired", [False, True])
def test_p_is_half_of_that_of_the_rescaled_samples(rng, kind, paired):
    """Dividing a sample by the border makes the border the null that every spread ratio is tested for."""
    arms = two(rng, pairing="p" if paired else None)
    a, b = samples(arms, kind)
    for margin in (1.3, 2.5, 6.0):
        found = verdict(arms, Claim(kind, *PAIR, margin))
        borders = (1 / margin, margin) if kind in COMPARABLE else (margin,)
        p = {r: stats.spread_ratio(a / r, b, paired=paired, level=None, alpha=0.1).p for r in borders}
        centre = found.interval.details["jackknife"]
        against = [r for r in borders if (r > 1) == (centre >= r)]
        assert found.p == pytest.approx((p[against[0]] if against else max(p.values())) / 2)
        whole = stats.spread_ratio(a, b, paired=paired, level=0.9, alpha=0.1)
        assert (found.interval.low, found.interval.high) == pytest.approx((whole.low, whole.high), rel=2e-2)
        assert found.interval.level == 0.9
        assert found.interval.estimate == whole.estimate


@pytest.mark.parametrize(
    ("kind", "ratio", "outcome"),
    [
        ("comparable spread", 1.0, "supported"), ("comparable spread", 20.0, "refuted"), ("comparable spread", 0.05, "refuted"),
        ("comparable Avg. STD", 1.0, "supported"), ("comparable Avg. STD", 3.0, "inconclusive"),
        ("no more spread", 0.05, "supported"), ("no more spread", 20.0, "refuted"),
        ("no more Avg. STD", 0.05, "supported"), ("no more Avg. STD", 20.0, "refuted"),
    ],
)  # fmt: skip
def test_verdicts(rng, kind, ratio, outcome):
    found = verdict(two(rng, 30, ratio), Claim(kind, *PAIR, 3.0))
    assert found.outcome == outcome
    assert found.practically_significant is None
    name = "against" if outcome == "supported" else "beyond"
    assert outcome == "inconclusive" or found.test.test == f"studentised permutation {name} the margin"


def test_seeds_that_would_settle_it_are_those_of_the_nearer_border(rng):
    arms = two(rng, 6, 1.1)
    found = verdict(arms, Claim("no more Avg. STD", *PAIR, 1.5))
    wanted = stats.required_seeds(
        stats.spread_ratio(*(each * scale for each, scale in zip(samples(arms, "Avg."), (1 / 1.5, 1), strict=True))),
        alpha=0.1,
    )  # fmt: skip
    assert found.outcome == "inconclusive"
    assert found.required_seeds == wanted


def test_x0s_are_the_unit_where_there_are_several(rng):
    x0s = tuple(f"x{k}" for k in range(5) for _ in range(6))
    arms = two(rng, 30, 1.0, x0s=x0s)
    found = verdict(arms, Claim("comparable Avg. STD", *PAIR, 2.0))
    whole = stats.spread_ratio_over_x0s(*(v for s in samples(arms, "Avg.") for v in (s, x0s)), level=0.9)
    assert (found.interval.low, found.interval.high) == (whole.low, whole.high)
    t = (abs(math.log(whole.estimate)) - math.log(2)) / whole.se
    assert found.p == pytest.approx(stats.spread.t_two_sided(t, 4) / 2)
    assert "x0s" in found.test.test
    assert verdict(arms, Claim("comparable spread", *PAIR, 2.0), test="levene").outcome == "not assessable"


def test_another_test_of_spread_has_no_form_for_a_margin_and_says_so(rng):
    arms, claim = two(rng), Claim("comparable spread", *PAIR, 3.0)
    own = verdict(arms, claim)
    for test in ("levene", "bonett", "f"):
        found = verdict(arms, claim, test=test)
        assert (found.p, found.interval) == (own.p, own.interval)
        assert [note for note in found.warnings if note.kind == "no-margin" and test in note.message]
    for test in ("auto", "jackknife", "permutation"):
        assert "no-margin" not in {note.kind for note in verdict(arms, claim, test=test).warnings}
    few = verdict(two(rng, 4), claim, test="permutation", alpha=0.01)
    assert few.outcome == "not assessable"
    assert "0.0143" in few.sentence


def test_a_phase_is_that_of_avg_std_alone(rng):
    arms = two(rng)
    phase = verdict(arms, Claim("comparable Avg. STD", *PAIR, 2.0, epochs=(3, 8)))
    a, b = (values[:, 2:8] for values in samples(arms, "Avg."))
    assert phase.interval.estimate == stats.spread_ratio(a, b).estimate
    assert "in epochs 3 to 8" in phase.sentence
    refused = verdict(arms, Claim("no more spread", *PAIR, 2.0, epochs=(3, 8)))
    assert "claim no more Avg. STD over these epochs" in refused.sentence


def test_a_bootstrap_interval_can_be_asked_for(rng):
    found = verdict(two(rng, 20), Claim("comparable Avg. STD", *PAIR, 3.0), interval="bootstrap-t")
    assert found.interval.bootstrap is not None
    assert found.interval.level == 0.9
    assert found.outcome == "supported"


@pytest.mark.parametrize("margin", [1, 1.0, 0.5, 0.0, -2.0, math.nan, math.inf, "1.5", True])
def test_a_margin_that_is_no_ratio_above_1_is_refused(margin):
    with pytest.raises(UserError, match=r"is a ratio of spreads, a number above 1 such as 1\.5"):
        Claim("comparable spread", *PAIR, margin)


def test_a_ratio_is_not_held_against_the_range_of_the_values(rng):
    compared = compare(two(rng), claims=[Claim("comparable spread", *PAIR, 1e6)]).groups[0]
    assert "margin-beyond-range" not in {note.kind for note in compared.warnings}


def test_figures_show_the_ratio_and_not_as_a_difference(rng):
    found = compare(two(rng), claims=[Claim(kind, *PAIR, 1.7) for kind in COMPARABLE + NO_MORE])
    (compared,) = found.groups
    look = styles(found)
    assert equivalence(compared, look) == []
    (drawing,) = forest([compared], look)
    assert "Final STD, ratio" in drawing.svg
    assert "Dashed in grey: the margin" in drawing.caption


def test_claims_files_and_every_format_have_them(rng, tmp_path):
    file = tmp_path / "claims.toml"
    file.write_text(
        "".join(
            f'[[claims]]\nkind = "{kind}"\nmargin = 1.5\nmethod = "adam"\nbaseline = "sgd"\n'
            for kind in COMPARABLE + NO_MORE
        )
    )
    runs = {"sgd": rng.normal(90, 1, (9, 12)), "adam": rng.normal(90, 1, (9, 12))}
    found = amrobust.compare(runs, metric="accuracy:higher", claims=load_claims(file).claims)
    words = "spread within ×1.5", "Avg. STD within ×1.5", "spread < ×1.5", "Avg. STD < ×1.5"
    for form in FORMATS:
        text = render(found.data, form, verbose=True).replace("\n", " ")
        for kind, said in zip(COMPARABLE + NO_MORE, words, strict=True):
            latex = said.replace("×", r"$\times$").replace("<", r"\textless{}")
            assert any(each in text for each in (kind, said, said.replace("<", "&lt;"), latex)), (form, said)


@pytest.mark.parametrize(("kind", "paired"), [("no more Avg. STD", False), ("no more spread", True)])
def test_at_the_border_it_is_supported_hardly_more_often_than_the_level(kind, paired):
    rng = np.random.default_rng(12)
    supported = 0
    for _ in range(300):
        arms = two(rng, 6, 1.5, pairing="p" if paired else None)
        supported += verdict(arms, Claim(kind, *PAIR, 1.5)).outcome == "supported"
    assert supported / 300 < 0.08
