"""The bootstrap of whole seeds against a naive loop over the same resamples, and against scipy."""

import numpy as np
import pytest
import scipy.stats

from amrobust import stats
from amrobust.stats.bootstrap import (
    KINDS,
    STATISTICS,
    bootstrap_interval,
    resample_counts,
    resampled,
)

CURVES = np.random.default_rng(1).normal(90, [[3.0, 2.0, 1.0, 0.5]], size=(12, 4)) + 1e6

NAIVE = {
    "mean": lambda rows: rows[:, -1].mean(),
    "std": lambda rows: np.log(rows[:, -1].std(ddof=1)),
    "avg_std": lambda rows: np.log(rows.std(axis=0, ddof=1).mean()),
}


@pytest.mark.parametrize("statistic", STATISTICS)
def test_the_matrix_product_is_the_naive_loop_on_the_same_resamples(statistic):
    counts = resample_counts(12, 700, np.random.default_rng(0))
    assert (counts.sum(axis=1) == 12).all()
    fast = resampled(CURVES, counts, STATISTICS[statistic][0])
    slow = [NAIVE[statistic](np.repeat(CURVES, row.astype(int), axis=0)) for row in counts]
    np.testing.assert_allclose(fast, slow, rtol=1e-12, atol=1e-12)


def test_counts_are_those_of_drawing_with_replacement():
    drawn = np.random.default_rng(5).integers(4, size=(3, 4))
    expected = [np.bincount(row, minlength=4).tolist() for row in drawn]
    assert resample_counts(4, 3, np.random.default_rng(5)).tolist() == expected


@pytest.mark.parametrize("statistic", STATISTICS)
def test_percentiles_are_those_of_the_resamples(statistic):
    found = bootstrap_interval(CURVES, statistic, resamples=800, level=0.9, seed=3)
    counts = resample_counts(12, 800, np.random.default_rng(3))
    drawn = [NAIVE[statistic](np.repeat(CURVES, row.astype(int), axis=0)) for row in counts]
    low, high = np.quantile(drawn, [0.05, 0.95])
    if statistic != "mean":
        low, high = np.exp([low, high])
    assert (found.low, found.high) == pytest.approx((low, high))


@pytest.mark.parametrize(("kind", "method"), [("percentile", "percentile"), ("bca", "BCa")])
@pytest.mark.parametrize("statistic", ["mean", "std"])
def test_intervals_agree_with_scipys_to_monte_carlo_error(kind, method, statistic):
    values = CURVES[:, -1]
    function = np.mean if statistic == "mean" else lambda x, axis: np.std(x, axis=axis, ddof=1)
    theirs = scipy.stats.bootstrap(
        (values,),
        function,
        n_resamples=40_000,
        method=method,
        random_state=np.random.default_rng(2),
        vectorized=True,
    ).confidence_interval
    found = bootstrap_interval(CURVES, statistic, kind=kind, resamples=40_000)
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=0.02 * values.std())


def test_bootstrap_t_of_a_mean_is_studentised_by_the_standard_error():
    """For a mean the jackknife's standard error is s/√n of the resample: recomputed by hand."""
    found = bootstrap_interval(CURVES, "mean", kind="bootstrap-t", resamples=500, seed=4)
    counts = resample_counts(12, 500, np.random.default_rng(4))
    values = CURVES[:, -1]
    t = []
    for row in counts:
        rows = np.repeat(values, row.astype(int))
        t.append((rows.mean() - values.mean()) / (rows.std(ddof=1) / np.sqrt(12)))
    own = values.std(ddof=1) / np.sqrt(12)
    expected = values.mean() - np.quantile(t, [0.975, 0.025]) * own
    assert (found.low, found.high) == pytest.approx(tuple(expected))


def jackknife_error(parts):
    return np.sqrt((len(parts) - 1) / len(parts) * ((np.array(parts) - np.mean(parts)) ** 2).sum())


def without_each(rows, statistic):
    return np.array([NAIVE[statistic](np.delete(rows, i, axis=0)) for i in range(len(rows))])


@pytest.mark.parametrize("statistic", STATISTICS)
def test_bootstrap_t_is_studentised_by_each_resamples_own_jackknife(statistic):
    found = bootstrap_interval(CURVES, statistic, kind="bootstrap-t", resamples=300, level=0.9, seed=4)
    t = []
    for row in resample_counts(12, 300, np.random.default_rng(4)).astype(int):
        rows = np.repeat(CURVES, row, axis=0)
        t.append(
            (NAIVE[statistic](rows) - NAIVE[statistic](CURVES))
            / jackknife_error(without_each(rows, statistic))
        )
    own = jackknife_error(without_each(CURVES, statistic))
    low, high = NAIVE[statistic](CURVES) - np.quantile(t, [0.95, 0.05]) * own
    if statistic != "mean":
        low, high = np.exp([low, high])
    assert (found.low, found.high) == pytest.approx((low, high))


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize("kind", ["percentile", "bootstrap-t"])
@pytest.mark.parametrize("statistic", STATISTICS)
def test_a_contrast_is_the_naive_loop_over_seeds_or_over_pairs(statistic, kind, paired):
    rng = np.random.default_rng(7)
    a, b = rng.normal(size=(9, 3)), 2 * rng.normal(size=(9 if paired else 7, 3))
    found = stats.bootstrap_contrast(
        a, b, statistic, paired=paired, kind=kind, resamples=400, level=0.9, seed=2
    )
    rng = np.random.default_rng(2)
    first = resample_counts(9, 400, rng).astype(int)
    second = first if paired else resample_counts(7, 400, rng).astype(int)
    drawn, t, theta = [], [], NAIVE[statistic](a) - NAIVE[statistic](b)

    def error(x, y):
        parts = without_each(x, statistic), without_each(y, statistic)
        return jackknife_error(parts[0] - parts[1]) if paired else np.hypot(*map(jackknife_error, parts))

    for one, other in zip(first, second, strict=True):
        x, y = np.repeat(a, one, axis=0), np.repeat(b, other, axis=0)
        drawn.append(NAIVE[statistic](x) - NAIVE[statistic](y))
        t.append((drawn[-1] - theta) / error(x, y))
    ends = np.quantile(drawn, [0.05, 0.95])
    if kind == "bootstrap-t":
        ends = theta - np.quantile(t, [0.95, 0.05]) * error(a, b)
    expected = [theta, *ends] if statistic == "mean" else np.exp([theta, *ends])
    assert (found.estimate, found.low, found.high) == pytest.approx(tuple(expected))
    assert found.paired is paired
    assert found.n == ((9,) if paired else (9, 7))


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize("statistic", ["mean", "std"])
def test_bca_of_a_contrast_agrees_with_scipys_to_monte_carlo_error(statistic, paired):
    rng = np.random.default_rng(6)
    a, b = rng.exponential(size=14), 1.5 * rng.exponential(size=14)

    def contrast(x, y, axis):
        if statistic == "mean":
            return np.mean(x, axis=axis) - np.mean(y, axis=axis)
        return np.log(np.std(x, axis=axis, ddof=1) / np.std(y, axis=axis, ddof=1))

    theirs = scipy.stats.bootstrap(
        (a, b), contrast, n_resamples=40_000, method="BCa", paired=paired, vectorized=True,
        random_state=np.random.default_rng(2),
    ).confidence_interval  # fmt: skip
    found = stats.bootstrap_contrast(a, b, statistic, kind="bca", paired=paired, resamples=40_000)
    ends = (found.low, found.high) if statistic == "mean" else tuple(np.log([found.low, found.high]))
    assert ends == pytest.approx((theirs.low, theirs.high), abs=0.04)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_interval_and_another_seed_another(kind):
    first, again, other = (
        stats.bootstrap_contrast(CURVES, 2 * CURVES[::-1], "avg_std", kind=kind, resamples=500, seed=seed)
        for seed in (0, 0, 1)
    )
    assert first == again
    assert (first.low, first.high) != (other.low, other.high)
    assert (first.bootstrap.kind, first.bootstrap.resamples, first.bootstrap.seed) == (kind, 500, 0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("statistic", STATISTICS)
def test_swapping_two_samples_turns_percentiles_round_and_scaling_both_changes_no_ratio(kind, statistic):
    a, b = np.random.default_rng(3).normal(size=(2, 8, 4))
    found, scaled = (
        stats.bootstrap_contrast(factor * a, factor * b, statistic, paired=True, kind=kind, resamples=500)
        for factor in (1.0, 2.0**40)
    )
    unit = 2.0**40 if statistic == "mean" else 1.0
    assert (unit * found.low, unit * found.high) == pytest.approx((scaled.low, scaled.high))
    turned = stats.bootstrap_contrast(b, a, statistic, paired=True, kind=kind, resamples=500)
    expected = (-turned.high, -turned.low) if statistic == "mean" else (1 / turned.high, 1 / turned.low)
    assert (found.low, found.high) == pytest.approx(expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("statistic", STATISTICS)
def test_four_seeds_give_numbers_or_a_reason_and_never_nan(kind, statistic):
    given = 0
    for seed in range(20):
        a, b = np.random.default_rng(seed).normal(size=(2, 4, 3))
        for result in (
            lambda a=a: bootstrap_interval(a, statistic, kind=kind, resamples=499),
            lambda a=a, b=b: stats.bootstrap_contrast(a, b, statistic, kind=kind, resamples=499),
        ):
            try:
                found = result()
            except stats.CannotEstimate:
                continue
            given += 1
            assert np.isfinite([found.estimate, found.low, found.high]).all()
            assert found.low <= found.high
    assert given > 30


@pytest.mark.parametrize("kind", KINDS)
def test_samples_whose_resamples_mostly_have_no_spread_are_refused(kind):
    values = np.array([0.0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1])
    assert np.isfinite(bootstrap_interval(values, "std", kind="percentile", resamples=999).low)
    rare = np.array([0.0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
    with pytest.raises(stats.CannotEstimate, match="single seed"):
        bootstrap_interval(rare, "std", kind=kind)
    few = np.array([0.0, 0, 1, 2])
    with pytest.raises(stats.CannotEstimate, match="resamples have no spread"):
        bootstrap_interval(few, "std", kind="bootstrap-t")


@pytest.mark.parametrize("statistic", ["std", "avg_std"])
def test_a_resample_of_one_seed_alone_has_no_spread_and_no_rounding_takes_its_place(statistic):
    """Its mean square less its squared mean is rounding: as a spread, that would be an interval's lower end at few seeds."""
    for seed in range(8):
        values = 90 + np.random.default_rng(seed).normal(size=(5, 3)) / 3
        found = bootstrap_interval(values, statistic, resamples=3_000, level=0.998, seed=seed)
        counts = resample_counts(5, 3_000, np.random.default_rng(seed)).astype(int)
        mixed = [row for row in counts if row.max() < 5]
        drawn = [NAIVE[statistic](np.repeat(values, row, axis=0)) for row in mixed]
        assert found.bootstrap.unusable == 3_000 - len(mixed)
        assert (found.low, found.high) == pytest.approx(tuple(np.exp(np.quantile(drawn, [0.001, 0.999]))))


@pytest.mark.parametrize("kind", KINDS)
def test_resamples_that_are_too_few_for_the_level_are_refused(kind):
    values = np.random.default_rng(0).normal(size=8)
    assert bootstrap_interval(values, "mean", kind=kind, resamples=9_999, level=1 - 0.05 / 200).low
    with pytest.raises(stats.CannotEstimate, match="test fewer claims"):
        bootstrap_interval(values, "mean", kind=kind, resamples=9_999, level=1 - 0.05 / 300)


@pytest.mark.parametrize("kind", KINDS)
def test_copies_are_no_pairs_to_resample(kind):
    values = np.random.default_rng(0).integers(99, size=(8, 3))
    for factor in (1, 3, 0.1):
        with pytest.raises(stats.CannotEstimate, match="no error"):
            stats.bootstrap_contrast(values, factor * values, "avg_std", paired=True, kind=kind, resamples=99)
    with pytest.raises(stats.CannotEstimate):
        stats.bootstrap_contrast(values, values + 1, "mean", paired=True, kind=kind)


def test_what_does_not_vary_is_refused():
    with pytest.raises(stats.CannotEstimate):
        bootstrap_interval(np.ones((6, 3)), "mean")


@pytest.mark.parametrize("paired", [False, True])
def test_the_difference_of_means_by_bootstrap_t_is_a_naive_loop(paired):
    rng = np.random.default_rng(8)
    a, b = rng.exponential(size=9), rng.exponential(size=9)
    found = stats.bootstrap_difference(a, b, paired=paired, resamples=300, level=0.9, seed=4)
    rng = np.random.default_rng(4)
    samples = [a - b] if paired else [a, b]
    counts = [resample_counts(9, 300, rng).astype(int) for _ in samples]
    t = []
    for row in range(300):
        drawn = [np.repeat(x, c[row]) for x, c in zip(samples, counts, strict=True)]
        difference = drawn[0].mean() - (0 if paired else drawn[1].mean())
        error = np.sqrt(sum(x.var(ddof=1) / 9 for x in drawn))
        t.append(abs(difference - (a - b).mean()) / error)
    se = np.sqrt(sum(x.var(ddof=1) / 9 for x in samples))
    assert found.high - found.estimate == pytest.approx(np.quantile(t, 0.9) * se)
    assert found.p == pytest.approx((1 + sum(np.array(t) >= abs((a - b).mean()) / se)) / 301)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("statistic", STATISTICS)
def test_powers_of_two_change_nothing_but_the_unit_near_either_end_of_the_numbers(kind, statistic):
    a, b = np.random.default_rng(5).normal(size=(2, 7, 3))
    for paired in (False, True):
        one = bootstrap_interval(a, statistic, kind=kind, resamples=400)
        two = stats.bootstrap_contrast(a, b, statistic, paired=paired, kind=kind, resamples=400)
        for power in (-980, -600, 600, 980):
            scaled = [np.ldexp(values, power) for values in (a, b)]
            found = bootstrap_interval(scaled[0], statistic, kind=kind, resamples=400)
            assert (found.low, found.high) == (np.ldexp(one.low, power), np.ldexp(one.high, power))
            found = stats.bootstrap_contrast(*scaled, statistic, paired=paired, kind=kind, resamples=400)
            unit = power if statistic == "mean" else 0
            assert (found.low, found.high) == pytest.approx(
                (np.ldexp(two.low, unit), np.ldexp(two.high, unit)), rel=1e-12
            )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("statistic", STATISTICS)
def test_seeds_that_differ_in_the_last_bit_alone_have_no_interval(kind, statistic):
    values = np.nextafter(
        np.full((6, 3), 0.9123), 1.0, where=np.eye(6, 3, dtype=bool), out=np.full((6, 3), 0.9123)
    )
    with pytest.raises(stats.CannotEstimate):
        bootstrap_interval(values, statistic, kind=kind, resamples=99)
    with pytest.raises(stats.CannotEstimate):
        stats.bootstrap_contrast(values, values[::-1] + 1, statistic, kind=kind, resamples=99)
