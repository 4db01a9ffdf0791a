"""Intervals for one spread, and the ratio of two with the test that decides it."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from amrobust.stats.bonett import pooled_kurtosis_ratio, trimmed_mean
from amrobust.stats.coverage import measured_error
from amrobust.stats.jackknife import SpreadContrast
from amrobust.stats.limits import LEAST_TAIL, check_level, check_rate, check_ratio
from amrobust.stats.results import Number, Result, ResultWarning
from amrobust.stats.samples import (
    Array,
    CannotEstimate,
    LogSpread,
    as_curves,
    as_pair,
    as_values,
    avg_std,
    deviations,
    kurtosis,
    ratio_of,
    std,
)
from amrobust.stats.studentised import StudentisedPermutation, reaches

SHAPES_DIFFER = 2.0
"""Ratio of sample kurtoses from which the shapes are called unequal."""

SLOW, APART, ENOUGH_SEEDS = 0.95, 0.3, 20
"""Correlation of neighbouring epochs from which curves are called slow, the difference that matters, and where it stops to."""

SKEWED = 0.8
"""Mean skewness of two samples of final values (0 for normal seeds) from which they are called skewed."""

DEFAULT_LEVEL = 0.95
FEWEST_PERMUTED = 12
"""Seeds of two samples of final values from which they are permuted: with fewer the permutation has less power."""

MOST_PERMUTED = 20_000
"""Values of two samples, seeds times epochs, up to which they are permuted: beyond, a comparison would take minutes."""

Construction = Literal["permutation", "jackknife"]
PERMUTATION = "studentised permutation"

HEAVY_TAILS = 4.5
"""Sample kurtosis (3 for normal seeds) from which a sample is called heavy-tailed."""


def t_quantile(df: float, p: float) -> float:
    """Quantile of Student's t."""
    return float(special.stdtrit(df, p))


def t_two_sided(t: float, df: float) -> float:
    """Two-sided p-value of a t statistic."""
    return float(2 * special.stdtr(df, -abs(t)))


def spread_interval(x: ArrayLike, *, level: float = 0.95) -> Result:
    """Bonett's (2006) interval for one standard deviation; robust to moderate non-normality.

    ln(c s²) ± z c √((γ − (n−3)/n) / (n−1)), c = n/(n − z), with γ the kurtosis about a trimmed mean (trim proportion
    1/(2√(n−4)), at most one half) and z the two-sided normal quantile.

    Source: D. G. Bonett, Approximate confidence interval for standard deviation of nonnormal distributions,
    Computational Statistics & Data Analysis 50 (2006). Raises CannotEstimate on zero variance or where c has no meaning.
    """
    check_level(level)
    values = as_values(x)
    n, s = len(values), std(values)
    if s == 0:
        raise CannotEstimate("all seeds gave the same value: the spread is zero")
    z = float(special.ndtri(0.5 + level / 2))
    if n <= z:
        raise CannotEstimate(f"{n} seeds are too few for an interval at this level", int(z) + 2)
    d = deviations(values[:, None])[0][:, 0]
    gamma = n * ((d - trimmed_mean(d)) ** 4).sum() / (d**2).sum() ** 2
    c = n / (n - z)
    se = c * np.sqrt(max(gamma - (n - 3) / n, 0.0) / (n - 1))
    log_variance = np.log(c) + 2 * np.log(s)
    return Result(
        "STD", "Bonett", (n,), s,
        ratio_of((log_variance - z * se) / 2), ratio_of((log_variance + z * se) / 2), level,
        assumption="independent seeds; finite fourth moment", se=float(se / 2), details={"kurtosis": kurtosis(values)},
        warnings=_tail_warnings(values),
    )  # fmt: skip


def chi_square_interval(x: ArrayLike, *, level: float = 0.95) -> Result:
    """The interval for one standard deviation that is exact for normal seeds and wrong for heavy tails.

    Raises CannotEstimate where all seeds gave the same value.
    """
    check_level(level)
    values = as_values(x)
    n, s = len(values), std(values)
    if s == 0:
        raise CannotEstimate("all seeds gave the same value: the spread is zero")
    upper, lower = (special.chdtri(n - 1, tail) for tail in ((1 - level) / 2, (1 + level) / 2))
    return Result(
        "STD", "chi-square", (n,), s, s * float(np.sqrt((n - 1) / upper)), s * float(np.sqrt((n - 1) / lower)), level,
        assumption="independent, normally distributed seeds",
    )  # fmt: skip


def avg_std_interval(curves: ArrayLike, *, level: float = 0.95) -> Result:
    """Avg. STD with the delete-one-seed jackknife interval of its logarithm, t with n − 1 degrees of freedom.

    Raises CannotEstimate where the spread is zero, rests on a single seed, or is the same without whichever seed.
    """
    check_level(level)
    values = as_curves(curves)
    n, log_spread = len(values), LogSpread.of(values)
    se = float(log_spread.pseudo.std(ddof=1) / np.sqrt(n))
    if se <= log_spread.rounding:
        raise CannotEstimate(
            "the spread is the same without whichever seed: there is no error to judge it by"
        )
    half = t_quantile(n - 1, 0.5 + level / 2) * se
    centre = log_spread.centre
    estimate, low, high = avg_std(values), ratio_of(centre - half), ratio_of(centre + half)
    return Result(
        "Avg. STD", "jackknife of log Avg. STD", (n,), estimate, low, high, level, assumption="independent seeds",
        se=se, df=n - 1, details={"kurtosis": kurtosis(values)},
        warnings=_tail_warnings(values) + (() if low <= estimate <= high else (_biased(n),)),
    )  # fmt: skip


def _biased(n: int) -> ResultWarning:
    """Why a plain estimate can lie outside its interval: E[s] of n normal seeds is c₄(n) σ."""
    short = 1 - np.sqrt(2 / (n - 1)) * np.exp(special.gammaln(n / 2) - special.gammaln((n - 1) / 2))
    return ResultWarning.of(
        "few-seeds-bias",
        "The STD of {n} normal seeds is on average {short}% too small: an Avg. STD, printed as it is defined, can lie "
        "outside its interval, which is corrected for that.",
        "hold intervals or ratios against each other: in a ratio of equally many seeds the bias cancels",
        n=Number(f"{n}", n),
        short=Number(f"{100 * short:.0f}", float(short)),
    )


def construction_for(n_a: int, n_b: int, *, epochs: int, paired: bool, alpha: float) -> Construction:
    """Which construction decides a ratio of spreads at ``alpha``: known from the numbers of seeds and epochs, before any data.

    "permutation": of independent samples, where relabellings of these seeds can give p-values as small as ``alpha`` (of ten
    seeds and more, of which not all are enumerated, down to 0.0006), final values have 12 seeds in all, and curves no more
    than 20,000 values. "jackknife": of pairs, and of others.

    Measured (``docs/calibration.md``): where one seed in ten fails in both methods, the jackknife rejects a true null in 10 to
    20 % of studies, the permutation in 4 to 8 %; of curves it has more power too. Final values of 4 or 5 seeds a method are
    the exception, at which the jackknife finds three ratios where the permutation finds two.

    Raises CannotEstimate on an alpha that is none.
    """
    check_rate("alpha", alpha)
    enough = epochs > 1 or n_a + n_b >= FEWEST_PERMUTED
    few = (n_a + n_b) * epochs <= MOST_PERMUTED
    return "permutation" if not paired and enough and few and reaches(n_a, n_b, alpha) else "jackknife"


def spread_ratio(
    a: ArrayLike,
    b: ArrayLike,
    *,
    paired: bool = False,
    level: float | None = DEFAULT_LEVEL,
    construction: Construction | None = None,
    alpha: float | None = None,
    tested: float = 1.0,
) -> Result:
    """Ratio spread(a) / spread(b), with the test whose inversion the interval is.

    Spread is the STD of final values (one number per seed), or the Avg. STD of curves. With pseudo-values n·θ − (n−1)·θ₋ᵢ of
    seed i, θ the log spread, t is the difference of their means over its standard error.

    Pairs: t on the differences of pseudo-values with n − 1 degrees of freedom, the interval in closed form. Independent
    samples: the variances at the pooled level (:class:`amrobust.stats.jackknife.SpreadContrast`), and t held against its
    distribution under relabelling of whole curves (:class:`amrobust.stats.studentised.StudentisedPermutation`), or with
    ``construction`` "jackknife" against Student's t with Welch's degrees of freedom. With None, :func:`construction_for`
    chooses between them by ``alpha``, the smallest error rate that a claim may be held to (default: 1 − level).

    ``p`` is that of the ratio ``tested``, by default of equal spreads.

    The interval holds the ratios around the estimate whose two-sided p-value is above 1 − level; p ≤ 1 − level exactly when
    it excludes ``tested``. An end is 0 or infinite where these seeds can reject no ratio at that level. With None there is no
    interval, which spares most of the time.

    ``estimate`` is the plain ratio of the two sample spreads; the jackknife's own, bias-corrected one, where p is 1, is
    ``details["jackknife"]``. ``se`` and ``df`` are those of the estimate.

    Source: R. G. Miller, Jackknifing variances, Annals of Mathematical Statistics 39 (1968), without the pooled level.

    Raises CannotEstimate where a sample has no spread or its spread rests on a single seed, and where the pseudo-values differ
    by rounding alone: pairs that are copies of each other up to scale, samples of two values in equal numbers; on pairs to be
    relabelled, and on a tested ratio that is no number above 0.
    """
    if level is not None:
        check_level(level)
    if alpha is None:
        alpha = max(1 - (level or DEFAULT_LEVEL), LEAST_TAIL)
    check_ratio(tested)
    theta = float(np.log(tested))
    first, second = as_pair(a, b, paired)
    scalar = first.shape[1] == 1
    rounding = sum(LogSpread.of(sample).rounding for sample in (first, second))
    contrast = SpreadContrast.of(first, second, paired=paired)
    n_a, n_b = len(first), len(second)
    details = {"kurtosis of the first": kurtosis(first), "kurtosis of the second": kurtosis(second)}
    if paired:
        details["correlation"] = _correlation(first, second)
    se, df = (float(x) for x in contrast.error())
    if se <= rounding:
        raise CannotEstimate(
            "the two samples are copies of each other up to scale, or their spreads are the same without whichever seed: "
            "there is no error to judge a ratio by"
        )
    smallest = 0.0
    check_rate("alpha", alpha)
    if construction is None:
        construction = construction_for(n_a, n_b, epochs=first.shape[1], paired=paired, alpha=alpha)
    if construction == "permutation":
        if paired:
            raise CannotEstimate("pairs are not relabelled: the jackknife decides their ratio")
        permuted = StudentisedPermutation.of(first, second, contrast, alpha=alpha, tested=theta)
        p, ends = permuted.p(), permuted.interval
        smallest, test = 1 / permuted.arrangements, PERMUTATION
        details |= {"arrangements": float(permuted.arrangements), "exact": float(permuted.exact)}
        if not permuted.exact:
            details["monte_carlo_se"] = float(np.sqrt(p * (1 - p) / permuted.arrangements))
    else:
        p, ends = float(contrast.p(theta)), contrast.interval
        test = "jackknife of log STD" if scalar else "jackknife of log Avg. STD"
    low, high = (None, None) if level is None else map(ratio_of, ends(level))
    warnings = () if paired else _shape_warnings(details)
    if scalar and level is not None:
        warnings += _skew_warnings(first, second, test, paired, level)
    elif not scalar and not paired:
        warnings += _autocorrelation_warnings(first, second, test)
    return Result(
        quantity="ratio of STDs" if scalar else "ratio of Avg. STDs",
        test=test,
        n=(n_a,) if paired else (n_a, n_b),
        estimate=ratio_of(contrast.plain),
        low=low,
        high=high,
        level=level,
        p=p,
        smallest_p=smallest,
        paired=paired,
        assumption="pairs of seeds independent of each other"
        if paired
        else "independent seeds, similar shapes",
        se=se,
        df=df,
        details=details | {"jackknife": ratio_of(contrast.centre)},
        warnings=warnings,
    )


def _correlation(a: Array, b: Array) -> float:
    """Correlation of the two samples over pairs of seeds, after each epoch's means are taken off."""
    x, y = deviations(a)[0], deviations(b)[0]
    return float((x * y).sum() / np.sqrt((x**2).sum() * (y**2).sum()))


def _shape_warnings(details: dict[str, float]) -> tuple[ResultWarning, ...]:
    first, second = details["kurtosis of the first"], details["kurtosis of the second"]
    if max(first, second) < SHAPES_DIFFER * min(first, second):
        return ()
    return (
        ResultWarning.of(
            "unequal-shapes",
            "The two samples differ in shape (kurtosis {first} and {second}): p-values of a spread ratio may be too small.",
            "look at the per-seed values for outliers; more seeds, or a metric without them, make the comparison safer",
            first=Number(f"{first:.2g}", first),
            second=Number(f"{second:.2g}", second),
        ),
    )


def _autocorrelation_warnings(a: Array, b: Array, test: str) -> tuple[ResultWarning, ...]:
    """Where one method's curves hardly move from epoch to epoch and the other's do, the ``test`` is less exact."""
    low, high = sorted((_autocorrelation(a), _autocorrelation(b)))
    n = min(len(a), len(b))
    if n >= ENOUGH_SEEDS or high < SLOW or high - low < APART:
        return ()
    here, there = (
        measured_error("Avg. STD", _construction(test), "autocorrelation 0.99 against 0.3", size)
        for size in (n, ENOUGH_SEEDS)
    )
    return (
        ResultWarning.of(
            "unequal-autocorrelation",
            "Neighbouring epochs correlate {high} in one method and {low} in the other: at a contrast of 0.99 to 0.3 "
            "a true null is rejected in {rate} % of studies at {n} seeds.",
            f"train {ENOUGH_SEEDS} seeds per method, where it is {100 * there.value:.0f} %, before quoting a p-value near "
            "the border",
            high=Number(f"{high:.2f}", high),
            low=Number(f"{low:.2f}", low),
            rate=Number(f"{100 * here.value:.0f}", here.value),
            n=Number(f"{here.n}", here.n),
        ),
    )


def _construction(test: str) -> str:
    """What the calibration study calls it."""
    return PERMUTATION if test == PERMUTATION else "jackknife"


def _autocorrelation(curves: Array) -> float:
    """Correlation of neighbouring epochs over seeds, after each epoch's mean is taken off; 0 where nothing varies."""
    d, _ = deviations(curves)
    scale = float(np.sqrt((d[:, :-1] ** 2).sum() * (d[:, 1:] ** 2).sum()))
    return float((d[:, :-1] * d[:, 1:]).sum()) / scale if scale > 0 else 0.0


def _skew_warnings(a: Array, b: Array, test: str, paired: bool, level: float) -> tuple[ResultWarning, ...]:
    """Under skewed final values the ``test`` is above its level; of independent seeds Bonett's interval is not."""
    found = 0.5 * sum(float((z**3).mean()) for z in (_standardised(a), _standardised(b)))
    if abs(found) < SKEWED:
        return ()
    condition = "skewed pairs, correlation 0.5" if paired else "skewed seeds"
    rate = measured_error("final spread", _construction(test), condition, min(len(a), len(b)))
    other, hint = "", "a logit or log scale (--scale) may straighten the values"
    if not paired:
        hint = f"trust the verdict where both agree; {hint}"
        try:
            bonett = pooled_kurtosis_ratio(a, b, level=level)
            ends = f"[{bonett.low:.3g}, {bonett.high:.3g}], p = {bonett.p:.2g}"
            other = f"; Bonett's interval, which keeps its level there, is {ends}"
        except CannotEstimate:
            pass
    return (
        ResultWarning.of(
            "skewed-seeds",
            f"Final values are skewed (skewness {{skewness}}): there the {test} rejects a true null in {{rate}} % of "
            "studies at 5 %, measured at {n} seeds{other}.",
            hint,
            skewness=Number(f"{found:+.1f}", found),
            rate=Number(f"{100 * rate.value:.0f}", rate.value),
            n=Number(f"{rate.n}", rate.n),
            other=other,
        ),
    )


def _standardised(sample: Array) -> Array:
    d, _ = deviations(sample)
    return np.asarray(d / np.sqrt((d**2).mean(axis=0)))


def _tail_warnings(sample: Array) -> tuple[ResultWarning, ...]:
    """A warning where intervals of a single spread are known to be too short; no construction measured is right there."""
    found = kurtosis(sample)
    if found < HEAVY_TAILS:
        return ()
    return (
        ResultWarning.of(
            "heavy-tails",
            "Heavy tails (kurtosis {kurtosis}): 95 % intervals of one method's spread cover 88 to 94 % under t5 seeds and 87 "
            "to 89 % under skewed ones; they decide nothing.",
            "read them as approximate; verdicts rest on ratios, whose intervals are nearer to their level there",
            kurtosis=Number(f"{found:.2g}", found),
        ),
    )
