"""Figures show what the tables say, in one look a method, and are the same bytes every time."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest

from amrobust.claims.judgement import Comparison, Judgement
from amrobust.report.drawing import BASELINE_COLOUR, labels, styles
from amrobust.report.figures import FIGURES, final_values_figure, mean_curves, std_curves, surviving
from amrobust.report.forest import forest

Judged = Callable[..., Judgement]


def texts(svg: str) -> list[str]:
    """The text elements of an SVG: they are text, not outlines, so that the report can search and embed them."""
    return [
        "".join(node.itertext()) for node in ElementTree.fromstring(svg).iter() if node.tag.endswith("}text")
    ]


def test_a_method_looks_the_same_everywhere_and_unlike_every_other(judged: Judged) -> None:
    methods = ("msgd", *(f"am1[m={m}]" for m in range(1, 18)))
    one = judged(methods, seeds=4, epochs=3)
    other = judged(methods[5:9], seeds=4, epochs=3, workload="logistic")
    look = styles(Comparison((one, other)))
    assert look["msgd"].colour == BASELINE_COLOUR
    assert len({(s.colour, s.dashes, s.marker) for s in look.values()}) == len(methods)
    assert styles(Comparison((one,))) == look


def test_neighbours_differ_without_colour(judged: Judged) -> None:
    look = list(styles(Comparison((judged(seeds=4, epochs=3),))).values())
    assert all(a.dashes != b.dashes and a.marker != b.marker for a, b in pairwise(look))


def test_long_names_are_shortened_and_stay_apart() -> None:
    names = [f"am1[{'x' * 60},lr={i}]/II" for i in (1, 2)] + [
        "y" * 30 + "a" + "z" * 30,
        "y" * 30 + "b" + "z" * 30,
    ]
    short = labels(names)
    assert len(set(short.values())) == 4
    assert max(map(len, short.values())) <= 34
    assert labels(["msgd"]) == {"msgd": "msgd"}


@pytest.mark.parametrize("name", list(FIGURES))
def test_figures_are_deterministic_and_undated(name: str, judged: Judged) -> None:
    def draw() -> list[str]:
        judgement = judged(seeds=5, epochs=6)
        return [drawing.svg for drawing in FIGURES[name](judgement, styles(Comparison((judgement,))))]

    first = draw()
    assert first == draw()
    assert "dc:date" not in first[0]


@pytest.mark.parametrize("count", [1, 2, 6, 17])
def test_every_method_is_named_in_every_figure(count: int, judged: Judged) -> None:
    methods = ("msgd", *(f"am1[m={m}]/II" for m in range(1, count)))
    judgement = judged(methods, seeds=4, epochs=4)
    look = styles(Comparison((judgement,)))
    for draw in FIGURES.values():
        shown = [text for drawing in draw(judgement, look) for text in texts(drawing.svg)]
        if count > 1 or draw is final_values_figure:
            assert set(methods) <= set(shown)


def test_names_are_text_and_not_mathematics(hostile: Comparison) -> None:
    (drawing,) = final_values_figure(hostile.judgements[0], styles(hostile))
    assert "$x^2$ `raw` *b* _i_ [l](u)" in texts(drawing.svg)
    assert "a|b<script>alert(1)</script>" in texts(drawing.svg)


def test_diverged_seeds_are_left_out_of_curves_and_counted(judged: Judged) -> None:
    judgement = judged(("msgd", "sgd"), diverged=("sgd",))
    assert surviving(judgement.arms[1], judgement).shape == (18, 30)
    look = styles(Comparison((judgement,)))
    assert "diverged seeds left out" in mean_curves(judgement, look)[0].caption
    assert "2 diverged" in texts(final_values_figure(judgement, look)[0].svg)


def test_a_method_of_which_every_seed_diverged_leaves_the_others_standing(judged: Judged) -> None:
    judgement = judged(("msgd", "sgd"), seeds=5, epochs=4)
    lost = replace(
        judgement.arms[1], curves={"test_accuracy": np.full((5, 4), np.nan)}, diverged=(0, 1, 2, 3, 4)
    )
    judgement = replace(judgement, arms=(judgement.arms[0], lost))
    look = styles(Comparison((judgement,)))
    for draw in FIGURES.values():
        assert len(draw(judgement, look)) == 1


def test_single_epochs_have_no_curves(judged: Judged) -> None:
    judgement = judged(("msgd", "sgd"), epochs=1, kinds=("less spread",))
    look = styles(Comparison((judgement,)))
    assert mean_curves(judgement, look) == std_curves(judgement, look) == []


def test_epochs_that_are_left_out_are_not_drawn(judged: Judged) -> None:
    judgement = replace(judged(("msgd", "sgd"), epochs=10), first_epoch=10)
    assert mean_curves(judgement, styles(Comparison((judgement,)))) == []


def test_the_forest_has_a_panel_for_each_quantity_judged(judged: Judged) -> None:
    judgement = judged(("msgd", "sgd", "am1"), kinds=("equivalent mean", "less Avg. STD"), margin=0.5)
    drawing = forest(judgement, styles(Comparison((judgement,))))
    assert drawing is not None
    shown = texts(drawing.svg)
    assert {"Avg. STD, ratio", "Final mean, difference (pp)", "sgd", "am1"} <= set(shown)
    assert "Final STD, ratio" not in shown
    assert "with intervals" in drawing.caption
    assert "margin" in drawing.caption


def test_no_forest_without_estimates(judged: Judged) -> None:
    judgement = judged(("msgd", "sgd"), diverged=("msgd", "sgd"))
    assert forest(judgement, styles(Comparison((judgement,)))) is None


def test_intervals_without_end_are_drawn_to_the_edge(judged: Judged) -> None:
    judgement = judged(("msgd", "sgd"), kinds=("less spread",))
    verdict = judgement.verdicts[0]
    assert verdict.interval is not None
    wide = replace(verdict, interval=replace(verdict.interval, low=0.0, high=float("inf")))
    drawing = forest(replace(judgement, verdicts=(wide,)), styles(Comparison((judgement,))))
    assert drawing is not None
    assert "nan" not in drawing.svg.lower().split("<metadata>")[-1]
