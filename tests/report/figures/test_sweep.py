"""A sweep shows mean and spread against the swept value, with what is not swept across it."""

from collections.abc import Callable

from svg_texts import texts

from amrobust.judge.comparison import Comparison, GroupComparison
from amrobust.report.figures.sweep import sweep_figures
from amrobust.report.style import styles
from amrobust.stats import Result

Judged = Callable[..., GroupComparison]
SWEEP = ("msgd", *(f"am1[m={m}]/{o}" for m in (1, 5, 10, 50) for o in ("I", "II")))


def drawn(compared: GroupComparison):
    return sweep_figures(compared, styles(Comparison((compared,))))


def test_a_line_a_series_and_one_across_for_the_rest(judged: Judged) -> None:
    (drawing,) = drawn(judged(SWEEP))
    shown = texts(drawing.svg)
    assert {"am1/I", "am1/II", "msgd", "m", "Avg. STD (%)", "Final mean of test accuracy (%)"} <= set(shown)
    assert {"1", "5", "10", "50"} <= set(shown)
    assert "lines across: msgd" in drawing.caption
    assert "am1/II: 1: 0." in drawing.alt


def test_a_method_far_from_the_series_is_named_at_the_edge_and_does_not_press_it_flat(judged: Judged) -> None:
    compared = judged(SWEEP)
    (near,) = drawn(compared)
    assert "Arrows" not in near.caption
    msgd = next(summary for summary in compared.summaries if summary.method == "msgd")
    low = Result("mean", "t", (20,), 12.5, 12.4, 12.6, 0.95)
    object.__setattr__(msgd, "final_mean", low)
    (far,) = drawn(compared)
    assert "↓ msgd: 12.5" in texts(far.svg)
    assert "Arrows name values beyond the axis" in far.caption
    assert "20" not in [text.removesuffix(".0") for text in texts(far.svg)]


def test_values_without_curves_have_their_final_spread(judged: Judged) -> None:
    compared = judged(SWEEP, epochs=1, kinds=("less spread",))
    for summary in compared.summaries:
        object.__setattr__(summary, "avg_std", None)
    (drawing,) = drawn(compared)
    assert "Final STD (%)" in texts(drawing.svg)


def test_a_grid_has_a_figure_for_each_hyperparameter_and_no_more_lines_than_colours(judged: Judged) -> None:
    grid = [
        f"adam[lr={lr},momentum={b}]" for lr in (1, 0.1, 0.01) for b in (0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9)
    ]
    found = drawn(judged(grid, seeds=4, epochs=3))
    assert [drawing.caption.split(" against ")[1].split(",")[0] for drawing in found] == [
        "lr",
        "lr",
        "momentum",
    ]


def test_close_values_do_not_all_have_a_label(judged: Judged) -> None:
    (drawing,) = drawn(judged([f"am1[m={m}]" for m in range(1, 41)], seeds=4, epochs=2))
    ticks = [text for text in texts(drawing.svg) if text.isdecimal()]
    assert {"1", "40"} <= set(ticks)
    assert len(ticks) < 2 * 14


def test_no_sweep_no_figure(judged: Judged) -> None:
    assert drawn(judged(("msgd", "am1[m=1]", "am1[m=5]"))) == []
