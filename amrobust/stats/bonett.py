"""Ratios of spreads by normal intervals on the log scale: Bonett's for STDs, Bonett and Seier's for mean absolute deviations.

They stand beside the jackknife as alternatives that were measured against it; neither decides.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from amrobust.stats.jackknife import inverted
from amrobust.stats.limits import check_level
from amrobust.stats.results import Result
from amrobust.stats.samples import (
    LOG_2,
    Array,
    CannotEstimate,
    as_floats,
    as_pair,
    as_values,
    deviations,
    ratio_of,
    rounding,
    std,
)


def trim_proportion(n: int) -> float:
    """The share cut from each end for the mean that fourth powers are taken about: 1/(2√(n − 4)), at most one half."""
    return min(0.5, 1 / (2 * np.sqrt(n - 4))) if n > 4 else 0.5


def trimmed_mean(values: ArrayLike) -> float:
    """The mean after :func:`trim_proportion` of the values is cut from each end; the median where nothing would be left."""
    x = np.sort(as_floats(values))
    cut = int(trim_proportion(len(x)) * len(x))
    kept = x[cut : len(x) - cut]
    return float(kept.mean() if len(kept) else np.median(x))


def pooled_kurtosis_ratio(a: ArrayLike, b: ArrayLike, *, level: float = 0.95) -> Result:
    """Ratio of two STDs with Bonett's normal interval, its kurtosis pooled at the ratio that is tested.

    A ratio r lies in the interval where |ln(c s_a²/s_b²) − 2 ln r| ≤ z·se(r), with c = [n_a/(n_a − z)]·[(n_b − z)/n_b],
    se(r)² = Σ_i (γ(r) − (n_i − 3)/n_i)/(n_i − 1), and γ(r) = (n_a + n_b)(A + r⁴B)/(Q_a + r²Q_b)²: A and B are sums of fourth
    powers about trimmed means, Q sums of squares about means. ``p`` has
    c at this level too: it is below 1 − level exactly when the interval excludes 1.

    Source: D. G. Bonett, Robust confidence interval for a ratio of standard deviations, Applied Psychological Measurement 30
    (2006), which pools at r = 1; pooling at r is what R's ``statpsych::ci.ratio.sd2`` does. Raises CannotEstimate on zero
    variance, and where there are too few seeds for c.
    """
    check_level(level)
    x, y = as_values(a), as_values(b)
    if std(x) == 0 or std(y) == 0:
        raise CannotEstimate("all seeds gave the same value: the spread is zero")
    sizes = np.array([len(x), len(y)])
    (d_x, k_x), (d_y, k_y) = deviations(x[:, None]), deviations(y[:, None])
    squares = np.array([(d**2).sum() for d in (d_x, d_y)])
    fourths = np.array([((d - trimmed_mean(d[:, 0])) ** 4).sum() for d in (d_x, d_y)])
    apart = 2 * LOG_2 * int(k_x.item() - k_y.item())
    log_ratio = float(np.log(squares[0] / (sizes[0] - 1)) - np.log(squares[1] / (sizes[1] - 1))) + apart

    def error(theta: float | Array) -> Array:
        # Q_a/(Q_a + r²Q_b) and r²Q_b/(Q_a + r²Q_b), whatever the size of r.
        shares = special.expit(
            np.multiply.outer(np.log(squares[1] / squares[0]) - apart + 2 * theta, [-1.0, 1.0])
        )
        gamma = sizes.sum() * (fourths / squares**2 * shares**2).sum(axis=-1)
        return np.asarray(
            np.sqrt((np.maximum(gamma[..., None] - (sizes - 3) / sizes, 0) / (sizes - 1)).sum(axis=-1))
        )

    def p(theta: float | Array) -> Array:
        return np.asarray(2 * special.ndtr(-2 * np.abs(centre - theta) / error(theta)))

    z = float(special.ndtri(0.5 + level / 2))
    if sizes.min() <= z:
        raise CannotEstimate(f"{sizes.min()} seeds are too few for an interval at this level", int(z) + 2)
    shift = float(np.log(sizes[0] / (sizes[0] - z)) + np.log((sizes[1] - z) / sizes[1]))
    centre = 0.5 * (log_ratio + shift)
    low, high = inverted(p, centre, float(error(centre)), level)
    return Result(
        "ratio of STDs", "Bonett, pooled kurtosis", (len(x), len(y)), ratio_of(0.5 * log_ratio), ratio_of(low),
        ratio_of(high), level, float(p(0.0)), assumption="independent seeds of equal kurtosis", se=0.5 * float(error(0.0)),
    )  # fmt: skip


def mad_ratio(a: ArrayLike, b: ArrayLike, *, paired: bool = False, level: float = 0.95) -> Result:
    """Ratio of two mean absolute deviations from the median, with Bonett and Seier's normal interval of its logarithm.

    τ = Σ|x − median|/n; var ln τ = ((mean − median)²/τ² + s²/τ² − 1)/n; independent samples compare c·τ with c = n/(n − 1). For
    pairs, the covariance is that of the absolute deviations: ρ√(v_a v_b). It is a ratio of MADs, not of STDs: the two agree
    where the samples have one shape.

    Source: D. G. Bonett and E. Seier, Confidence intervals for mean absolute deviations, The American Statistician 57 (2003);
    Statistical inference for a ratio of dispersions using paired samples, J. Educational and Behavioral Statistics 28 (2003).
    Raises CannotEstimate where a deviation is zero.
    """
    check_level(level)
    first, second = as_pair(as_values(a), as_values(b), paired)
    logs, variances, aways, lost = [], [], [], 0.0
    for values in (first, second):
        d, k = deviations(values)
        middle = float(np.median(d))
        away = np.abs(d[:, 0] - middle)
        tau, n = float(away.mean()), len(values)
        if tau == 0:
            raise CannotEstimate("all seeds gave the same value: the spread is zero")
        logs.append(np.log(tau) + int(k.item()) * LOG_2 + (0.0 if paired else np.log(n / (n - 1))))
        variances.append(((middle / tau) ** 2 + (float(d.std(ddof=1)) / tau) ** 2 - 1) / n)
        aways.append(away)
        lost = max(lost, float(rounding(n, np.ldexp(np.abs(values).max(), -k.item()) / tau)))
    shared = 0.0
    if paired and min(np.ptp(away) for away in aways) > lost:
        shared = float(np.corrcoef(aways[0], aways[1])[0, 1]) * np.sqrt(variances[0] * variances[1])
    centre = float(logs[0] - logs[1])
    se = float(np.sqrt(max(variances[0] + variances[1] - 2 * shared, 0.0)))
    # A variance is a difference of numbers near 1: its root keeps half of their digits.
    if se <= np.sqrt(lost):
        raise CannotEstimate("the two samples are copies of each other up to scale: there is nothing to test")
    z = float(special.ndtri(0.5 + level / 2))
    return Result(
        "ratio of MADs", "Bonett-Seier", (len(first),) if paired else (len(first), len(second)), ratio_of(centre),
        ratio_of(centre - z * se), ratio_of(centre + z * se), level, float(2 * special.ndtr(-abs(centre) / se)),
        paired=paired, centre="median", assumption="independent pairs" if paired else "independent seeds", se=se,
    )  # fmt: skip
