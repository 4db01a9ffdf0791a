"""What holds of every figure: the same bytes each time, every method named, no text over another, names that are text."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from svg_texts import boxes, collisions, texts

from amrobust.judge.claim import Claim
from amrobust.judge.comparison import Comparison, GroupComparison
from amrobust.report.figures import FIGURES, forest
from amrobust.report.style import Drawing, labels, styles

Judged = Callable[..., GroupComparison]

SHAPES = {
    "one": ("msgd",),
    "two": ("msgd", "am1[m=5]/II"),
    "six": ("msgd", "sgd", "am1[m=5]/I", "am1[m=5]/II", "am2[m=5]/I", "am2[m=5]/II"),
    "sweep": ("msgd", *(f"{a}[m={m}]/{o}" for a, m, o in product(("am1", "am2"), (1, 5, 10, 20), ("I", "II")))),
    "forty": ("msgd", *(f"adamw[lr={lr:g},momentum={b:g}]" for lr in np.geomspace(1, 1e-4, 13) for b in (0.9, 0.95, 0.99))),
    "short": tuple(f"method[lr=0.{k:03}]" for k in range(40)),
    "long": ("msgd", "am1[lr=0.123456789012,m=5,momentum=0.987654321,weight_decay=0.00012345]/II", "y" * 150),
}  # fmt: skip


def every_figure(compared: GroupComparison) -> list[tuple[str, Drawing]]:
    look = styles(Comparison((compared,)))
    found = [("forest", drawing) for drawing in forest([compared], look)]
    return found + [(name, drawing) for name, draw in FIGURES.items() for drawing in draw(compared, look)]


def with_bounds(compared: GroupComparison) -> GroupComparison:
    """The first two methods' tails claimed to stay within three bounds each."""
    verdict = compared.verdicts[0]
    found = [
        replace(
            verdict, claim=Claim("exceedance bound", arm.method, arm.method, bound=(97.0 - k, 0.3 / (1 + k)))
        )
        for arm in compared.arms[:2]
        for k in range(3)
    ]
    return replace(compared, verdicts=(*compared.verdicts, *found))


@pytest.mark.parametrize(
    "shape",
    [pytest.param(shape, marks=pytest.mark.slow if len(SHAPES[shape]) == 40 else ()) for shape in SHAPES],
)
def test_no_text_lies_over_another_or_leaves_the_figure(shape: str, judged: Judged) -> None:
    kinds = ("equivalent mean", "less spread", "less Avg. STD")
    compared = judged(SHAPES[shape], seeds=6, epochs=12, kinds=kinds, margin=0.5)
    compared = with_bounds(compared) if compared.verdicts else compared
    for name, drawing in every_figure(compared):
        assert collisions(drawing.svg) == [], name


def test_collisions_are_seen(judged: Judged) -> None:
    (drawing,) = FIGURES["finals"](
        judged(("msgd", "sgd"), seeds=5, epochs=3), styles(Comparison((judged(("msgd", "sgd")),)))
    )
    moved = drawing.svg.replace(">sgd<", ">sgd sgd sgd sgd sgd sgd sgd sgd<")
    assert any("sgd sgd" in pair[0] for pair in collisions(moved))
    assert {box.text for box in boxes(drawing.svg)} >= {"msgd", "sgd"}


def test_figures_are_deterministic_and_undated(judged: Judged) -> None:
    def draw() -> list[str]:
        compared = judged(
            ("msgd", *SHAPES["sweep"][1:4]),
            seeds=5,
            epochs=6,
            kinds=("equivalent mean", "less spread"),
            margin=1.0,
        )
        return [drawing.svg for _, drawing in every_figure(compared)]

    first = draw()
    assert len(first) >= len(FIGURES) - 1
    assert first == draw()
    assert not any("dc:date" in svg for svg in first)


@pytest.mark.parametrize("shape", ["two", "six", "sweep"])
def test_every_method_is_named_in_every_figure_about_methods(shape: str, judged: Judged) -> None:
    compared = judged(SHAPES[shape], seeds=4, epochs=4)
    look = styles(Comparison((compared,)))
    for name in ("curves", "stds", "finals", "quantiles", "exceedances"):
        shown = [text for drawing in FIGURES[name](compared, look) for text in texts(drawing.svg)]
        assert set(labels(SHAPES[shape]).values()) <= set(shown), name


def test_every_figure_says_in_words_what_it_shows(judged: Judged) -> None:
    compared = judged(SHAPES["two"], seeds=5, epochs=4, kinds=("equivalent mean", "less spread"), margin=0.5)
    for name, drawing in every_figure(compared):
        assert len(drawing.alt) > 40, name
        assert any(character.isdigit() for character in drawing.alt), name
        assert drawing.caption.endswith((".", ")")), name


def test_names_are_text_and_not_mathematics(hostile: Comparison) -> None:
    compared = hostile.groups[0]
    for name, drawing in every_figure(compared):
        if name == "finals":
            assert "$x^2$ `raw` *b* _i_ [l](u)" in texts(drawing.svg), name
            assert "a|b<script>alert(1)</script>" in texts(drawing.svg), name


def test_diverged_methods_leave_the_others_standing(judged: Judged) -> None:
    compared = judged(("msgd", "sgd"), seeds=5, epochs=4)
    lost = replace(
        compared.arms[1], curves={"test_accuracy": np.full((5, 4), np.nan)}, diverged=(0, 1, 2, 3, 4)
    )
    compared = replace(compared, arms=(compared.arms[0], lost))
    look = styles(Comparison((compared,)))
    for name in ("curves", "stds", "finals", "quantiles", "exceedances"):
        assert len(FIGURES[name](compared, look)) == 1, name


def test_nothing_is_drawn_of_nothing(judged: Judged) -> None:
    compared = judged(("msgd", "sgd"), seeds=5, epochs=4, kinds=("less spread",))
    gone = tuple(
        replace(arm, curves={"test_accuracy": np.full((5, 4), np.inf)}, diverged=(0, 1, 2, 3, 4))
        for arm in compared.arms
    )
    compared = replace(compared, arms=gone, verdicts=())
    assert every_figure(compared) == []


def test_a_unit_is_text_too(judged: Judged) -> None:
    compared = judged(SHAPES["two"], seeds=6, epochs=5, kinds=("equivalent mean", "better mean"), margin=0.5)
    metric = replace(compared.metric, unit="\x1b[31m$x$<b>\u202e")
    arms = tuple(replace(arm, metrics={metric.name: metric}) for arm in compared.arms)
    for name, drawing in every_figure(replace(compared, metric=metric, arms=arms)):
        assert not {"\x1b", "\u202e"} & set(drawing.svg + drawing.caption + drawing.alt), name
        if name == "finals":
            assert any("\\x1b[31m$x$<b>\\u202e" in text for text in texts(drawing.svg))
