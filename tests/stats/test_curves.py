"""Spread along training: bands by explicit loops, and a family of epochs that keeps its error."""

from itertools import combinations

import numpy as np
import pytest

from amrobust import stats
from amrobust.stats import (
    simultaneous_std_band,
    std_band,
    when_spreads_differ,
)


def test_the_band_is_each_epochs_own_jackknife_interval():
    curves = np.random.default_rng(0).normal(size=(9, 5)) + 1e6
    band = std_band(curves, level=0.9)
    for epoch in range(5):
        alone = stats.avg_std_interval(curves[:, epoch], level=0.9)
        assert (band.std[epoch], band.low[epoch], band.high[epoch]) == pytest.approx(
            (alone.estimate, alone.low, alone.high)
        )


def test_epochs_without_a_spread_have_no_interval():
    curves = np.random.default_rng(0).normal(size=(6, 3))
    curves[:, 1] = 5.0
    curves[:, 2] = [1, 1, 1, 1, 1, 2]
    band = std_band(curves)
    assert band.std[1] == 0
    assert np.isnan(band.low).tolist() == [False, True, True]


def autocorrelated(rng, seeds, epochs, correlation=0.8):
    noise = rng.standard_normal((seeds, epochs))
    for epoch in range(1, epochs):
        noise[:, epoch] = correlation * noise[:, epoch - 1] + np.sqrt(1 - correlation**2) * noise[:, epoch]
    return noise


@pytest.mark.parametrize("seeds", [6, 60])
def test_the_simultaneous_band_is_wider_at_every_epoch_by_one_factor(seeds):
    curves = autocorrelated(np.random.default_rng(0), seeds, 15)
    alone, together = std_band(curves), simultaneous_std_band(curves)
    assert (alone.simultaneous, together.simultaneous) == (False, True)
    factors = np.log(together.high / together.low) / np.log(alone.high / alone.low)
    assert factors == pytest.approx(np.full(15, factors[0]))
    assert factors[0] > 1.2
    assert together.std == pytest.approx(curves.std(axis=0, ddof=1))


@pytest.mark.parametrize("seeds", [6, 60])
def test_over_a_single_epoch_simultaneous_means_nothing_more(seeds):
    curves = np.random.default_rng(1).normal(size=(seeds, 1))
    alone, together = std_band(curves), simultaneous_std_band(curves, resamples=4_000)
    assert np.log(together.high / together.low) == pytest.approx(np.log(alone.high / alone.low), rel=0.12)


@pytest.mark.parametrize("seeds", [6, 60])
def test_the_unit_of_an_epoch_is_the_unit_of_its_band(seeds):
    curves = autocorrelated(np.random.default_rng(2), seeds, 8)
    scale = np.geomspace(0.01, 100, 8)
    one, other = simultaneous_std_band(curves), simultaneous_std_band(1e5 + scale * curves)
    assert other.low == pytest.approx(scale * one.low)
    assert other.high == pytest.approx(scale * one.high)


def test_a_simultaneous_band_leaves_out_epochs_without_a_spread():
    curves = np.random.default_rng(3).normal(size=(6, 4))
    curves[:, 1] = 5.0
    curves[:, 2] = [1, 1, 1, 1, 1, 2]
    band = simultaneous_std_band(curves)
    assert np.isnan(band.low).tolist() == np.isnan(band.high).tolist() == [False, True, True, False]
    assert (band.low[[0, 3]] > 0).all()
    assert np.isnan(simultaneous_std_band(np.ones((5, 3))).low).all()


def coverage(seeds, epochs, resamples, replications, draw=autocorrelated):
    rng = np.random.default_rng(4)
    covered = 0
    for _ in range(replications):
        band = simultaneous_std_band(draw(rng, seeds, epochs), resamples=resamples)
        covered += bool(((band.low < 1) & (band.high > 1)).all())
    return covered / replications


def test_all_epochs_are_covered_at_once_about_as_often_as_said():
    assert 0.90 <= coverage(seeds=8, epochs=12, resamples=199, replications=400) <= 0.98


@pytest.mark.slow
@pytest.mark.parametrize(("seeds", "epochs"), [(5, 90), (10, 30), (20, 90), (50, 30), (200, 30)])
def test_coverage_of_the_simultaneous_band(seeds, epochs):
    assert 0.915 <= coverage(seeds, epochs, resamples=399, replications=800) <= 0.97


def test_adjusted_p_values_by_brute_force():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(4, 3)) * [3.0, 1.0, 1.0], rng.normal(size=(4, 3))
    x, y = a - a.mean(axis=0), b - b.mean(axis=0)
    pooled = np.concatenate([x, y])

    def ratios(first, second):
        return np.log(first.std(axis=0, ddof=1)) - np.log(second.std(axis=0, ddof=1))

    null = []
    for chosen in combinations(range(8), 4):
        rest = [i for i in range(8) if i not in chosen]
        null.append(ratios(pooled[list(chosen)], pooled[rest]))
    null = np.array(null)
    scale = null.std(axis=0)
    largest = abs(null / scale).max(axis=1)
    expected = [(largest >= t - 1e-9).mean() for t in abs(ratios(x, y) / scale)]
    found = when_spreads_differ(a, b)
    assert found.p_adjusted == pytest.approx(expected)
    assert found.log_ratio == pytest.approx(ratios(a, b))


def test_it_says_when():
    rng = np.random.default_rng(2)
    scale = np.where(np.arange(12) < 4, 6.0, 1.0)
    found = when_spreads_differ(scale * rng.normal(size=(20, 12)), rng.normal(size=(20, 12)), resamples=1999)
    assert found.epochs == (1, 2, 3, 4)


@pytest.mark.parametrize("paired", [False, True])
def test_no_epoch_is_named_more_often_than_alpha_when_none_differs(paired):
    rng = np.random.default_rng(3)
    named = 0
    for _ in range(300):
        common = rng.normal(size=(10, 15)) if paired else 0.0
        a, b = common + rng.normal(size=(10, 15)), common + rng.normal(size=(10, 15))
        named += bool(when_spreads_differ(a, b, paired=paired, resamples=299).epochs)
    assert named <= 30, "5 % of 300, and four standard errors"


def test_epochs_that_do_not_vary_are_passed_over_and_curves_that_never_do_refused():
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=(6, 3)), rng.normal(size=(6, 3))
    a[:, 1] = 2.0
    found = when_spreads_differ(a, b)
    assert np.isnan(found.p_adjusted).tolist() == [False, True, False]
    with pytest.raises(stats.CannotEstimate):
        when_spreads_differ(np.ones((6, 3)), b)


def test_copies_of_each_other_are_refused():
    curves = np.random.default_rng(0).normal(size=(6, 4))
    with pytest.raises(stats.CannotEstimate, match="copies"):
        when_spreads_differ(curves, curves + 1, paired=True)


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize("lone", [False, True], ids=["every relabelling", "some without spread"])
def test_epochs_are_tested_alike_in_however_many_parts_memory_holds_them(monkeypatch, paired, lone):
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 2, (6, 40)), rng.normal(0, 1, (6, 40))
    if (
        lone
    ):  # relabellings that put the one seed apart, and its group's twin, leave the other group constant there
        a[1:, 30] = b[:, 30] = 0.0
        a[0, 30], b[0, 30] = 1.0, 1.0
    whole = when_spreads_differ(a, b, paired=paired)
    for values in (1, 3000, 7000):
        monkeypatch.setattr("amrobust.stats.curves._NULL_VALUES", values)
        monkeypatch.setattr("amrobust.stats.permutation.BLOCK_VALUES", values // 10 or 1)
        parts = when_spreads_differ(a, b, paired=paired)
        np.testing.assert_allclose(parts.p_adjusted, whole.p_adjusted)
        np.testing.assert_allclose(parts.log_ratio, whole.log_ratio)


@pytest.mark.parametrize("kind", ["bootstrap-t", "bca", "percentile"])
def test_resamples_of_long_curves_are_taken_in_smaller_blocks_and_give_the_same(monkeypatch, kind):
    curves = np.random.default_rng(0).normal(size=(6, 50))
    usual = stats.bootstrap_interval(curves, "avg_std", kind=kind, resamples=999)
    monkeypatch.setattr("amrobust.stats.bootstrap.BLOCK_VALUES", 100)
    found = stats.bootstrap_interval(curves, "avg_std", kind=kind, resamples=999)
    np.testing.assert_allclose((found.low, found.high), (usual.low, usual.high), rtol=1e-12)
