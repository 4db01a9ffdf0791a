"""What a bootstrap interval says of its own worth is what the shipped calibration file measured."""

from importlib.resources import files

import numpy as np
import pandas as pd
import pytest

from amrobust import stats
from amrobust.stats.bootstrap import KINDS, NAMES
from amrobust.stats.coverage import coverage_sentence, measured_coverage

TABLE = pd.read_parquet(files("amrobust.reference_runs") / "calibration" / "figures.parquet")


def rows(topic, construction, n):
    found = TABLE.query(
        "topic == @topic and construction == @construction and measure == 'coverage' and n == @n"
    )
    return dict(zip(found.condition, found.value, strict=True))


def carried(result):
    return {each.condition: each.value for each in result.bootstrap.coverage}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [4, 5, 7, 10, 20])
def test_every_statistic_has_measured_figures_at_these_numbers_of_seeds(kind, n):
    a, b = np.random.default_rng(n).normal(size=(2, n, 3))
    name = NAMES[kind]
    for statistic, topic, ratio in (
        ("mean", "one mean", "difference of means"),
        ("std", "one spread", "ratio of STDs"),
        ("avg_std", "one Avg. STD", "ratio of Avg. STDs"),
    ):
        one = stats.bootstrap_interval(a, statistic, kind=kind, resamples=499)
        assert carried(one) == rows(topic, name, n) != {}
        for paired, more in ((False, ""), (True, ", pairs")):
            two = stats.bootstrap_contrast(a, b, statistic, paired=paired, kind=kind, resamples=499)
            assert carried(two) == rows(f"{ratio} by bootstrap{more}", name, n) != {}
            assert all(("pair" in condition) is paired for condition in carried(two))
            assert {each.n for each in two.bootstrap.coverage} == {n}


def test_numbers_of_seeds_between_are_said_not_to_be_measured_and_the_nearest_is_named():
    found = measured_coverage("STD", "bootstrap (percentile)", (13,))
    assert {each.n for each in found} == {10}
    text = coverage_sentence("STD", "bootstrap (percentile)", (13,), found)
    assert "not measured at n = 13; at n = 10: " in text
    assert f"{100 * found[0].value:.0f} % (normal seeds)" in text
    assert "not measured" not in coverage_sentence("STD", "bootstrap (percentile)", (10,), found)


def test_samples_of_unequal_size_are_held_against_the_smaller():
    found = measured_coverage("ratio of STDs", "bootstrap-t", (20, 5))
    assert {each.n for each in found} == {5}
    text = coverage_sentence("ratio of STDs", "bootstrap-t", (20, 5), found)
    assert "not measured at n = 20 and 5; at n = 5: " in text


def test_what_nobody_measured_says_so():
    assert measured_coverage("ratio of costs", "bootstrap-t", (5,)) == ()
    assert coverage_sentence("ratio of costs", "bootstrap-t", (5,), ()) == (
        "Ratio of costs by bootstrap-t: coverage not measured."
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_caution_is_there_exactly_where_some_coverage_is_below_93_percent(kind):
    a = np.random.default_rng(0).normal(size=(20, 3))
    for statistic in ("mean", "std", "avg_std"):
        found = stats.bootstrap_interval(a, statistic, kind=kind, resamples=499)
        short = min(carried(found).values()) < 0.93
        assert [note.kind for note in found.cautions] == ["bootstrap-coverage"] * short
        if short:
            assert f"{100 * min(carried(found).values()):.0f}" in found.cautions[0].message


def test_avg_std_by_percentiles_covers_about_40_63_and_76_percent():
    """The figures of an independent simulation, to Monte Carlo error of both."""
    for n, share in ((5, 0.40), (10, 0.63), (20, 0.76)):
        assert rows("one Avg. STD", "bootstrap (percentile)", n)["AR(0.8) curves"] == pytest.approx(
            share, abs=0.05
        )
