"""Quantiles and exceedance with exact bands, and the bounds that are claimed."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from svg_texts import texts

from amrobust.judge.claim import Claim
from amrobust.judge.comparison import Comparison, GroupComparison
from amrobust.report.figures.tails import exceedances, quantiles
from amrobust.report.style import styles
from amrobust.runs.metric import Metric

Judged = Callable[..., GroupComparison]
TWO = ("msgd", "sgd")


def look(compared: GroupComparison):
    return styles(Comparison((compared,)))


def test_a_panel_a_method_with_the_name_of_its_band(judged: Judged) -> None:
    compared = replace(judged(TWO), alpha=0.1)
    (one,), (other,) = (draw(compared, look(compared)) for draw in (quantiles, exceedances))
    assert "90 % for the whole distribution" in one.caption
    assert "exact 90 % interval at each value" in other.caption
    assert "end below" in other.caption


def test_losses_are_worse_above(judged: Judged) -> None:
    compared = judged(TWO)
    loss = Metric("loss", "lower")
    arms = tuple(
        replace(arm, curves={"loss": 100 - arm.curves["test_accuracy"]}, metrics={"loss": loss})
        for arm in compared.arms
    )
    compared = replace(compared, arms=arms, metric=loss)
    assert "end above" in exceedances(compared, look(compared))[0].caption


def test_bounds_are_marked_on_a_scale_that_holds_them(judged: Judged) -> None:
    compared = judged(TWO)
    plain = exceedances(compared, look(compared))[0]
    verdict = replace(
        compared.verdicts[0], claim=Claim("exceedance bound", "sgd", "sgd", bound=(90.0, 0.001))
    )
    compared = replace(compared, verdicts=(verdict,))
    (drawing,) = exceedances(compared, look(compared))
    assert "Diamonds: the bounds" in drawing.caption
    assert "sgd, bound 90" in drawing.alt
    assert "0.001" in texts(drawing.svg)
    assert "0.001" not in texts(plain.svg)


def test_diverged_runs_are_said_to_lie_beyond(judged: Judged) -> None:
    compared = judged(TWO, diverged=("sgd",))
    assert "Diverged runs are worse than any value" in quantiles(compared, look(compared))[0].caption


def test_seeds_of_several_x0_have_no_exact_band(judged: Judged) -> None:
    compared = judged(TWO, seeds=6)
    compared = replace(compared, arms=tuple(replace(a, x0s=("a", "b") * 3) for a in compared.arms))
    assert quantiles(compared, look(compared)) == exceedances(compared, look(compared)) == []


def test_equal_values_are_drawn_too(judged: Judged) -> None:
    compared = judged(("msgd",), seeds=5, epochs=2)
    compared.arms[0].curves["test_accuracy"][:] = 97.0
    for draw in (quantiles, exceedances):
        (drawing,) = draw(compared, look(compared))
        assert "nan" not in drawing.svg.lower().split("<metadata>")[-1]
    assert np.isfinite(compared.arms[0].curves["test_accuracy"]).all()
