"""Every claim about a pair that has an estimate is in the interval plot, where its numbers are."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from svg_texts import texts

from amrobust.judge.claim import Claim
from amrobust.judge.comparison import Comparison, GroupComparison
from amrobust.report.figures.forest import forest, panels_of
from amrobust.report.style import styles

Judged = Callable[..., GroupComparison]


def drawn(*groups: GroupComparison):
    return forest(groups, styles(Comparison(groups)))


def test_a_panel_for_each_quantity_judged(judged: Judged) -> None:
    (drawing,) = drawn(judged(("msgd", "sgd", "am1"), kinds=("equivalent mean", "less Avg. STD"), margin=0.5))
    shown = texts(drawing.svg)
    assert {"Avg. STD, ratio", "Final mean, difference (pp)", "sgd", "am1"} <= set(shown)
    assert "Final STD, ratio" not in shown
    assert "with 97.5 % to 98.75 % intervals" in drawing.caption
    assert "the margin" in drawing.caption
    assert "nearer to 1 than 0.9" in drawing.caption


def test_a_panel_for_each_phase(judged: Judged) -> None:
    compared = judged(("msgd", "sgd"), kinds=("less Avg. STD",))
    verdict = compared.verdicts[0]
    phases = [replace(verdict, claim=replace(verdict.claim, epochs=e)) for e in ((1, 10), (11, 30))]
    compared = replace(compared, verdicts=(verdict, *phases))
    assert [panel.title for panel in panels_of([compared])] == [
        "Avg. STD, ratio", "Avg. STD, epochs 1–10, ratio", "Avg. STD, epochs 11–30, ratio",
    ]  # fmt: skip
    assert all(len(panel.verdicts) == 1 for panel in panels_of([compared]))


def test_a_composite_claim_shows_by_its_parts(judged: Judged) -> None:
    compared = judged(("msgd", "sgd"), kinds=("better mean", "less Avg. STD"))
    whole = replace(
        compared.verdicts[0],
        claim=Claim("composite", "sgd", "msgd", parts=tuple(v.claim for v in compared.verdicts)),
        interval=None,
        parts=compared.verdicts,
    )
    (drawing,) = drawn(replace(compared, verdicts=(whole,)))
    assert {"Avg. STD, ratio", "Final mean, difference (pp)"} <= set(texts(drawing.svg))


def test_a_single_panel_has_its_numbers_beside_it(judged: Judged) -> None:
    compared = judged(("msgd", "sgd"), kinds=("less spread",))
    result = compared.verdicts[0].interval
    (drawing,) = drawn(compared)
    assert f"{result.estimate:.2f} [{result.low:.2f}, {result.high:.2f}]" in texts(drawing.svg)


def test_several_groups_share_a_figure_of_ratios(judged: Judged) -> None:
    one = judged(("msgd", "sgd"))
    other = judged(("msgd", "sgd"), workload="logistic")
    (drawing,) = drawn(one, other)
    shown = texts(drawing.svg)
    assert {"digits", "logistic", "Final STD, ratio", "Avg. STD, ratio"} <= set(shown)
    assert not any("difference" in text for text in shown)
    means = [judged(("msgd", "sgd"), kinds=("better mean",), workload=name) for name in ("a", "b")]
    assert "Final mean, difference (pp)" in texts(drawn(*means)[0].svg)


def test_more_pairs_than_a_page_holds_go_on_in_another_figure(judged: Judged) -> None:
    compared = judged([f"m{k}" for k in range(60)], seeds=4, epochs=3)
    first, second = drawn(compared)
    assert "Continued" not in first.caption
    assert second.caption.endswith("(Continued.)")
    names = [set(texts(drawing.svg)) & {f"m{k}" for k in range(1, 60)} for drawing in (first, second)]
    assert len(names[0] | names[1]) == 59
    assert not names[0] & names[1]


def test_no_forest_without_estimates(judged: Judged) -> None:
    assert drawn(judged(("msgd", "sgd"), diverged=("msgd", "sgd"))) == []


@pytest.mark.parametrize(("low", "high"), [(0.0, float("inf")), (1e-9, 1e9), (0.001, 0.002)])
def test_intervals_without_end_are_drawn_to_the_edge(judged: Judged, low: float, high: float) -> None:
    compared = judged(("msgd", "sgd"), kinds=("less spread",))
    verdict = compared.verdicts[0]
    wide = replace(verdict, interval=replace(verdict.interval, low=low, high=high))
    (drawing,) = drawn(replace(compared, verdicts=(wide,)))
    assert "nan" not in drawing.svg.lower().split("<metadata>")[-1]
