"""Mean curves and STDs along training."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from amrobust.judge.comparison import Comparison, GroupComparison
from amrobust.report.figures.curves import (
    draw_lines,
    mean_curves,
    mean_lines,
    std_curves,
    std_lines,
    surviving,
)
from amrobust.report.style import styles
from amrobust.runs.metric import Metric
from amrobust.stats import simultaneous_std_band

Judged = Callable[..., GroupComparison]
TWO = ("msgd", "sgd")


def look(compared: GroupComparison):
    return styles(Comparison((compared,)))


def test_lines_are_means_and_stds_with_their_bands(judged: Judged) -> None:
    compared = judged(TWO, seeds=6, epochs=5)
    curves = compared.arms[1].curves["test_accuracy"]
    mean, std = mean_lines(compared)[1], std_lines(compared)[1]
    assert mean.centre == pytest.approx(curves.mean(axis=0))
    assert mean.high - mean.centre == pytest.approx(curves.std(axis=0, ddof=1))
    assert std.centre == pytest.approx(curves.std(axis=0, ddof=1))
    band = simultaneous_std_band(curves)
    assert (std.low == band.low).all()
    assert (std.high == band.high).all()


def test_the_band_has_the_level_of_the_comparison(judged: Judged) -> None:
    compared = replace(judged(TWO, seeds=6, epochs=5), alpha=0.2)
    band = simultaneous_std_band(compared.arms[0].curves["test_accuracy"], level=0.8)
    assert (std_lines(compared)[0].low == band.low).all()
    caption = std_curves(compared, look(compared))[0].caption
    assert "Bands are descriptive: meant for 80 % at all epochs" in caption
    assert "at a nominal 95 % and n = 5 they held everywhere for" in caption
    assert "(losses, exp of AR(0.8) curves)" in caption


def test_few_seeds_and_several_x0_have_lines_without_a_band(judged: Judged) -> None:
    few = judged(TWO, seeds=3, epochs=5)
    crossed = judged(TWO, seeds=6, epochs=5)
    crossed = replace(crossed, arms=tuple(replace(arm, x0s=("a",) * 3 + ("b",) * 3) for arm in crossed.arms))
    for compared in (few, crossed):
        assert all(line.low is None for line in std_lines(compared))
        assert "Bands" not in std_curves(compared, look(compared))[0].caption


def test_diverged_seeds_are_left_out_of_curves_and_said_so(judged: Judged) -> None:
    compared = judged(TWO, diverged=("sgd",))
    assert surviving(compared.arms[1], compared).shape == (18, 30)
    assert "diverged seeds left out" in mean_curves(compared, look(compared))[0].caption


def test_up_to_four_means_share_a_plot_and_more_have_a_panel_each(judged: Judged) -> None:
    for count, together in ((4, True), (5, False)):
        compared = judged([f"m{k}" for k in range(count)], seeds=4, epochs=4)
        assert ("Each panel" not in mean_curves(compared, look(compared))[0].caption) is together


def test_single_epochs_and_epochs_left_out_are_not_drawn(judged: Judged) -> None:
    single = judged(TWO, epochs=1, kinds=("less spread",))
    late = replace(judged(TWO, epochs=10), first_epoch=10)
    for compared in (single, late):
        assert mean_curves(compared, look(compared)) == std_curves(compared, look(compared)) == []


def test_the_first_epochs_may_run_off_an_accuracy_s_axis_and_not_a_loss_s(judged: Judged) -> None:
    compared = judged(TWO, seeds=5, epochs=60)
    assert "run off it" in mean_curves(compared, look(compared))[0].caption
    loss = Metric("train_loss", "lower")
    epoch = np.arange(1, 61)
    arms = tuple(
        replace(
            arm,
            curves={"train_loss": 3 / epoch**2 * (1 + 0.1 * np.arange(5)[:, None])},
            metrics={"train_loss": loss},
        )
        for arm in compared.arms
    )
    falling = replace(compared, arms=arms, metric=loss)
    (drawing,) = mean_curves(falling, look(falling))
    assert "Logarithmic scale" in drawing.caption
    assert "run off" not in drawing.caption


def test_long_curves_are_thinned_and_keep_their_last_epoch(judged: Judged) -> None:
    from matplotlib.figure import Figure

    compared = judged(TWO, seeds=4, epochs=600)
    axes = Figure().add_subplot()
    draw_lines(axes, mean_lines(compared), look(compared))
    x, y = axes.lines[1].get_data()
    assert len(x) == 400
    assert (x[0], x[-1]) == (1, 600)
    assert y[-1] == compared.arms[1].curves["test_accuracy"][:, -1].mean()
