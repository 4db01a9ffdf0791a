"""Every seed's final value is in the figure, as a point or within a shape."""

from collections.abc import Callable
from xml.etree import ElementTree

import numpy as np
from svg_texts import texts

from amrobust.judge.comparison import Comparison, GroupComparison
from amrobust.report.figures.finals import draw_strip, final_rows, final_values_figure
from amrobust.report.style import new_figure, styles

Judged = Callable[..., GroupComparison]


def marks(svg: str) -> int:
    """Points drawn as repeated marks."""
    return sum(node.tag.endswith("}use") for node in ElementTree.fromstring(svg).iter())


def test_a_point_a_seed(judged: Judged) -> None:
    counts = []
    for seeds in (10, 30):
        compared = judged(("msgd", "sgd"), seeds=seeds, epochs=3)
        (drawing,) = final_values_figure(compared, styles(Comparison((compared,))))
        ticks = sum(text.replace(".", "").isdecimal() for text in texts(drawing.svg))
        counts.append(marks(drawing.svg) - ticks)
    assert counts == [2 * 10, 2 * 30]


def test_equal_values_stand_beside_each_other(judged: Judged) -> None:
    compared = judged(("msgd",), seeds=12, epochs=3)
    compared.arms[0].curves["test_accuracy"][:, -1] = [97.0] * 11 + [98.0]
    (drawing,) = final_values_figure(compared, styles(Comparison((compared,))))
    places = {
        (node.get("x"), node.get("y"))
        for node in ElementTree.fromstring(drawing.svg).iter()
        if node.tag.endswith("}use")
    }
    assert len({y for x, y in places}) >= 11


def test_many_seeds_are_a_shape_with_their_outermost_as_points(judged: Judged) -> None:
    compared = judged(("msgd", "sgd"), seeds=2_000, epochs=2)
    (drawing,) = final_values_figure(compared, styles(Comparison((compared,))))
    assert marks(drawing.svg) < 100
    assert "drawn as a shape" in drawing.caption
    assert len(drawing.svg) < 200_000


def test_diverged_seeds_are_counted(judged: Judged) -> None:
    compared = judged(("msgd", "sgd"), diverged=("sgd",))
    (drawing,) = final_values_figure(compared, styles(Comparison((compared,))))
    assert "2 diverged" in texts(drawing.svg)
    assert [row.values.size for row in final_rows(compared)] == [20, 18]


def test_the_mean_s_interval_hides_no_seed(judged: Judged) -> None:
    compared = judged(("msgd", "sgd"), seeds=30, epochs=3)
    figure = new_figure(2.0)
    axes = figure.subplots()
    draw_strip(axes, final_rows(compared), compared, styles(Comparison((compared,))))
    seeds = [line for line in axes.lines if line.get_linestyle() == "None"]
    bars = [line for line in axes.lines if line.get_linestyle() != "None" and line.get_color() == "#000000"]
    assert len(bars) == 4
    for row, points in enumerate(seeds):
        below = [bar for bar in bars if round(float(np.mean(bar.get_ydata()))) == row]
        assert max(points.get_ydata()) < min(min(bar.get_ydata()) for bar in below)
