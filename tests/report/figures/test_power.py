"""Where the study stands is what the standard errors that it found say."""

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from svg_texts import collisions, texts

from amrobust.judge.comparison import Comparison, GroupComparison
from amrobust.report.figures.power import power_figure
from amrobust.report.style import styles
from amrobust.stats import power_at_seeds

Judged = Callable[..., GroupComparison]


def with_errors(compared: GroupComparison, se: float = 0.3) -> GroupComparison:
    verdicts = tuple(
        replace(v, interval=replace(v.interval, se=se, df=38.0))
        for v in compared.verdicts
        if v.interval is not None
    )
    return replace(compared, verdicts=verdicts)


def drawn(compared: GroupComparison):
    return power_figure(compared, styles(Comparison((compared,))))


def test_the_caption_has_the_power_at_the_study_s_own_seeds(judged: Judged) -> None:
    compared = with_errors(judged(("msgd", "sgd")))
    (drawing,) = drawn(compared)
    result = compared.verdicts[1].interval
    power = power_at_seeds(result, 20, effect=math.log(2), alpha=0.05 / 3)
    assert f"{100 * power:.0f}\u00a0% (ratio 2)" in drawing.caption
    assert "one of 3 claims" in drawing.caption
    assert {"Final STD", "Avg. STD", "Final mean", "Seeds per method"} <= set(texts(drawing.svg))


def test_equivalence_has_its_margin(judged: Judged) -> None:
    compared = with_errors(judged(("msgd", "sgd"), kinds=("equivalent mean",), margin=0.5))
    (drawing,) = drawn(compared)
    assert {"Equal means", "margin 0.5 pp"} <= set(texts(drawing.svg))


def test_the_legend_of_four_panels_stays_in_the_figure(judged: Judged) -> None:
    kinds = ("less spread", "less Avg. STD", "better mean", "equivalent mean")
    (drawing,) = drawn(with_errors(judged(("msgd", "sgd"), kinds=kinds, margin=0.5)))
    assert collisions(drawing.svg) == []


def test_a_difference_is_in_stds_of_the_seeds(judged: Judged) -> None:
    compared = with_errors(judged(("msgd", "sgd"), kinds=("better mean",)), se=math.sqrt(2 / 20))
    (drawing,) = drawn(compared)
    power = power_at_seeds(compared.verdicts[0].interval, 20, effect=1.0, alpha=0.05)
    assert f"{100 * power:.0f}\u00a0% (difference of 1 STD)" in drawing.caption


@pytest.mark.parametrize("seeds", [4, 5, 100, 3_000])
def test_every_number_of_seeds_has_its_place(judged: Judged, seeds: int) -> None:
    compared = with_errors(judged(("msgd", "sgd"), seeds=20, epochs=3))
    verdicts = tuple(replace(v, interval=replace(v.interval, n=(seeds, seeds))) for v in compared.verdicts)
    (drawing,) = drawn(replace(compared, verdicts=verdicts))
    assert f"n = {seeds}" in drawing.caption


def test_no_standard_error_no_figure(judged: Judged) -> None:
    assert drawn(judged(("msgd", "sgd"))) == []
    assert drawn(judged(("msgd",))) == []
