"""Figures with a row for each method or claim."""

import pytest

from amrobust.report.figures.rows import row_plot


def test_a_long_heading_runs_across_the_figure_and_leaves_the_plots_their_width() -> None:
    heading = "logistic[V=350.0,iterations=100,record_every=10,sigma=0.1]"
    long = row_plot([heading, "am1", "sgd"], headings=[0], plots=2)
    short = row_plot(["digits", "am1", "sgd"], headings=[0], plots=2)
    assert [a.get_position().bounds for a in long.axes] == [a.get_position().bounds for a in short.axes]
    (text,) = long.figure.texts
    assert text.get_text() == heading
    height = long.figure.transFigure.transform(text.get_position())[1]
    assert height == pytest.approx(long.axes[0].transData.transform((0, 0))[1])
    assert [label.get_text() for label in long.axes[0].get_yticklabels()] == ["", "am1", "sgd"]
