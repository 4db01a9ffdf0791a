"""Claims with a margin stand against it; others are not in the figure."""

from collections.abc import Callable
from dataclasses import replace

from svg_texts import texts

from amrobust.judge.claim import Claim
from amrobust.judge.comparison import Comparison, GroupComparison
from amrobust.report.figures.equivalence import equivalence
from amrobust.report.style import styles

Judged = Callable[..., GroupComparison]


def drawn(compared: GroupComparison):
    return equivalence(compared, styles(Comparison((compared,))))


def test_a_row_for_each_claim_with_a_margin(judged: Judged) -> None:
    compared = judged(("msgd", "sgd", "am1"), kinds=("equivalent mean", "less spread"), margin=0.5)
    (drawing,) = drawn(compared)
    shown = texts(drawing.svg)
    assert {"sgd", "am1", "Difference of means (pp)"} <= set(shown)
    assert "97.5 % intervals" in drawing.caption
    result = compared.verdicts[0].interval
    assert any(f"{result.estimate:+.2f}".replace("-", "−") in text for text in shown)


def test_what_has_no_margin_is_left_out(judged: Judged) -> None:
    assert drawn(judged(("msgd", "sgd"))) == []


def test_parts_of_composite_claims_and_sweeps_are_in_it(judged: Judged) -> None:
    compared = judged(("msgd", "sgd", "am1"), kinds=("equivalent mean",), margin=0.5)
    part, other = compared.verdicts
    whole = replace(
        part,
        claim=Claim("composite", "sgd", "msgd", parts=(part.claim, Claim("less spread", "sgd", "msgd"))),
        interval=None,
        parts=(part,),
    )
    stable = replace(
        other, claim=Claim("equivalent across the sweep", "msgd", "am1", 0.5, methods=("msgd", "sgd", "am1"))
    )
    (drawing,) = drawn(replace(compared, verdicts=(whole, stable)))
    assert {"sgd vs msgd", "msgd … am1"} <= set(texts(drawing.svg))
    assert "largest p" in drawing.caption


def test_no_worse_than_says_which_side_counts(judged: Judged) -> None:
    (drawing,) = drawn(judged(("msgd", "sgd"), kinds=("non-inferior",), margin=0.5))
    assert "only the worse side" in drawing.caption
