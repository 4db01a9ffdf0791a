"""Quantiles and exceedance with exact bands, and the bounds that are claimed."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from svg_texts import texts

from amrobust.judge.claim import Claim
from amrobust.judge.judgement import Comparison, Judgement
from amrobust.report.figures.tails import exceedances, quantiles
from amrobust.report.style import styles
from amrobust.runs.metric import Metric

Judged = Callable[..., Judgement]
TWO = ("msgd", "sgd")


def look(judgement: Judgement):
    return styles(Comparison((judgement,)))


def test_a_panel_a_method_with_the_name_of_its_band(judged: Judged) -> None:
    judgement = replace(judged(TWO), alpha=0.1)
    (one,), (other,) = (draw(judgement, look(judgement)) for draw in (quantiles, exceedances))
    assert "90 % for the whole distribution" in one.caption
    assert "exact 90 % interval at each value" in other.caption
    assert "end below" in other.caption


def test_losses_are_worse_above(judged: Judged) -> None:
    judgement = judged(TWO)
    loss = Metric("loss", "lower")
    arms = tuple(
        replace(arm, curves={"loss": 100 - arm.curves["test_accuracy"]}, metrics={"loss": loss})
        for arm in judgement.arms
    )
    judgement = replace(judgement, arms=arms, metric=loss)
    assert "end above" in exceedances(judgement, look(judgement))[0].caption


def test_bounds_are_marked_on_a_scale_that_holds_them(judged: Judged) -> None:
    judgement = judged(TWO)
    plain = exceedances(judgement, look(judgement))[0]
    verdict = replace(
        judgement.verdicts[0], claim=Claim("exceedance bound", "sgd", "sgd", bound=(90.0, 0.001))
    )
    judgement = replace(judgement, verdicts=(verdict,))
    (drawing,) = exceedances(judgement, look(judgement))
    assert "Diamonds: the bounds" in drawing.caption
    assert "sgd, bound 90" in drawing.alt
    assert "0.001" in texts(drawing.svg)
    assert "0.001" not in texts(plain.svg)


def test_diverged_runs_are_said_to_lie_beyond(judged: Judged) -> None:
    judgement = judged(TWO, diverged=("sgd",))
    assert "Diverged runs are worse than any value" in quantiles(judgement, look(judgement))[0].caption


def test_seeds_of_several_x0_have_no_exact_band(judged: Judged) -> None:
    judgement = judged(TWO, seeds=6)
    judgement = replace(judgement, arms=tuple(replace(a, x0s=("a", "b") * 3) for a in judgement.arms))
    assert quantiles(judgement, look(judgement)) == exceedances(judgement, look(judgement)) == []


def test_equal_values_are_drawn_too(judged: Judged) -> None:
    judgement = judged(("msgd",), seeds=5, epochs=2)
    judgement.arms[0].curves["test_accuracy"][:] = 97.0
    for draw in (quantiles, exceedances):
        (drawing,) = draw(judgement, look(judgement))
        assert "nan" not in drawing.svg.lower().split("<metadata>")[-1]
    assert np.isfinite(judgement.arms[0].curves["test_accuracy"]).all()
