"""What a bootstrap interval says of its own worth is what the shipped calibration file measured."""

from importlib.resources import files

import numpy as np
import pandas as pd
import pytest

from amrobust import stats
from amrobust.stats.bootstrap import KINDS, NAMES
from amrobust.stats.coverage import coverage_sentence, measured_coverage, shortfall
from amrobust.stats.results import Bootstrap, Result

TABLE = pd.read_csv(files("amrobust.reference_runs") / "calibration" / "figures.csv")


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
    values = np.random.default_rng(0).normal(size=13)
    result = stats.bootstrap_interval(values, "std", resamples=499)
    assert {each.n for each in result.bootstrap.coverage} == {10}
    text = coverage_sentence(result)
    assert text.startswith("STD by bootstrap (percentile): ")
    assert "not measured at n = 13; at n = 10: " in text
    assert f"{100 * result.bootstrap.coverage[0].value:.0f} % (normal seeds)" in text
    assert "not measured" not in coverage_sentence(
        stats.bootstrap_interval(values[:10], "std", resamples=499)
    )


def test_samples_of_unequal_size_are_held_against_the_smaller():
    a, b = np.random.default_rng(0).normal(size=(2, 20))
    result = stats.bootstrap_contrast(a, b[:5], "std", kind="bootstrap-t", resamples=499)
    assert {each.n for each in result.bootstrap.coverage} == {5}
    assert "not measured at n = 20 and 5; at n = 5: " in coverage_sentence(result)
    paired = stats.bootstrap_contrast(a, b, "std", paired=True, kind="bootstrap-t", resamples=499)
    assert coverage_sentence(paired).startswith("Ratio of STDs of pairs by bootstrap-t: ")


def test_what_nobody_measured_says_so_and_is_a_warning():
    assert measured_coverage("ratio of costs", "bootstrap-t", (5,)) == ()
    result = Result("ratio of costs", "bootstrap-t", (5,), bootstrap=Bootstrap("bootstrap-t", 99, 0, 0))
    assert coverage_sentence(result) == "Ratio of costs by bootstrap-t: coverage not measured."
    assert shortfall(result)[0].message == coverage_sentence(result)


@pytest.mark.parametrize("kind", KINDS)
def test_a_warning_is_there_exactly_where_some_coverage_is_below_93_percent(kind):
    a = np.random.default_rng(0).normal(size=(20, 3))
    for statistic in ("mean", "std", "avg_std"):
        found = stats.bootstrap_interval(a, statistic, kind=kind, resamples=499)
        short = min(carried(found).values()) < 0.93
        assert [note.kind for note in found.warnings] == ["bootstrap-coverage"] * short
        if short:
            assert f"{100 * min(carried(found).values()):.0f}" in found.warnings[0].message


def test_avg_std_by_percentiles_covers_about_40_63_and_76_percent():
    """The figures of an independent simulation, to Monte Carlo error of both."""
    for n, share in ((5, 0.40), (10, 0.63), (20, 0.76)):
        assert rows("one Avg. STD", "bootstrap (percentile)", n)["AR(0.8) curves"] == pytest.approx(
            share, abs=0.05
        )
