"""Statistics from published summaries: what a row (mean, STD, number of seeds) allows, and how far it can be trusted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from scipy import special

from amrobust.stats.limits import check_level, check_margin
from amrobust.stats.location import one_sided
from amrobust.stats.results import Result
from amrobust.stats.samples import FEWEST_SEEDS, CannotEstimate, rounding, welch_df
from amrobust.stats.spread import t_quantile, t_two_sided

KURTOSES = (3.0, 6.0, 9.0)


@dataclass(frozen=True)
class Summary:
    """One method's printed numbers; ``half_unit`` is half a unit of the last printed digit, 0 if they are exact."""

    mean: float
    std: float
    n: int
    half_unit: float = 0.0


FEWEST_OF_A_MEAN = 2
"""Seeds that a printed mean is judged at, with its printed STD. Welch's t of so few holds its level under normality, and where
STDs are unequal too; a ratio of spreads takes :data:`amrobust.stats.samples.FEWEST_SEEDS`."""


def _check(*rows: Summary, fewest: int = FEWEST_SEEDS) -> None:
    for row in rows:
        if row.n < fewest:
            raise CannotEstimate(
                f"{'a single seed is' if row.n == 1 else f'{row.n} seeds are'} too few", fewest
            )
        # A STD of equal values is 0, or what rounding left of it.
        if not (np.isfinite([row.mean, row.std]).all() and row.std > rounding(row.n, abs(row.mean))):
            raise CannotEstimate(f"a STD of {row.std:g} allows no test")


def mean_difference_from_summary(a: Summary, b: Summary, *, level: float = 0.95) -> Result:
    """Welch's t from two rows of at least two seeds: first mean minus second."""
    check_level(level)
    _check(a, b, fewest=FEWEST_OF_A_MEAN)
    # In units of the larger STD, so that squares neither overflow nor vanish.
    unit = max(a.std, b.std)
    parts = (a.std / unit) ** 2 / a.n, (b.std / unit) ** 2 / b.n
    variance = sum(parts)
    df = float(welch_df(*parts, a.n, b.n))
    estimate, se = a.mean - b.mean, unit * float(np.sqrt(variance))
    half = t_quantile(df, 0.5 + level / 2) * se
    return Result(
        "difference of means", "Welch t", (a.n, b.n), estimate, estimate - half, estimate + half, level,
        t_two_sided(estimate / se, df), assumption="independent seeds; means about normal; printed digits exact",
        se=se, df=df,
    )  # fmt: skip


def equivalence_from_summary(a: Summary, b: Summary, margin: float, *, level: float = 0.90) -> Result:
    """TOST from two rows; p is the larger of the two one-sided ones, the interval at ``level`` = 1 − 2α."""
    check_margin(margin)
    result = mean_difference_from_summary(a, b, level=level)
    p = max(one_sided(result, -margin, "above"), one_sided(result, margin, "below"))
    return replace(result, p=p, test="TOST (Welch t)", details={"margin": margin})


def effective_df(n: int, kurtosis: float) -> float:
    """Degrees of freedom whose chi-square has the variance of s² under this kurtosis: 2n/(γ − (n−3)/(n−1)); n − 1 at γ = 3."""
    return 2 * n / (kurtosis - (n - 3) / (n - 1))


def _f_p(a: Summary, b: Summary, kurtosis: float) -> float:
    ratio = (a.std / b.std) * (a.std / b.std)  # a power would raise OverflowError
    df = effective_df(a.n, kurtosis), effective_df(b.n, kurtosis)
    return min(1.0, 2 * float(min(special.fdtr(*df, ratio), special.fdtrc(*df, ratio))))


def spread_ratio_from_summary(a: Summary, b: Summary, *, level: float = 0.95) -> Result:
    """Ratio of STDs from two rows by the F test, which is exact for normal seeds.

    ``details`` has what that rests on: the p-value at kurtosis 3, 6 and 9 (F with :func:`effective_df`, after Box 1953),
    and the smallest and largest p that the rounding of the printed STDs allows.
    """
    check_level(level)
    _check(a, b)
    ratio = a.std / b.std
    df = a.n - 1, b.n - 1
    upper = special.fdtri(*df, (1 + level) / 2)
    lower = special.fdtri(*df, (1 - level) / 2)
    corners = [
        _f_p(replace(a, std=a.std + i * a.half_unit), replace(b, std=b.std + j * b.half_unit), 3.0)
        for i, j in product((-1, 0, 1), repeat=2)
        if a.std + i * a.half_unit > 0 and b.std + j * b.half_unit > 0
    ]
    # Where the two rounding ranges overlap, the ratio may be 1.
    overlap = abs(a.std - b.std) <= a.half_unit + b.half_unit
    details = {f"p at kurtosis {kurtosis:g}": _f_p(a, b, kurtosis) for kurtosis in KURTOSES}
    details |= {
        "smallest p by rounding": min(corners),
        "largest p by rounding": 1.0 if overlap and a.n == b.n else max(corners),
    }
    return Result(
        "ratio of STDs", "F", (a.n, b.n), ratio, ratio / float(np.sqrt(upper)), ratio / float(np.sqrt(lower)), level,
        _f_p(a, b, 3.0), assumption="independent, normally distributed seeds; printed digits exact", details=details,
        se=float(np.sqrt(0.5 / df[0] + 0.5 / df[1])),
    )  # fmt: skip


def avg_std_ratio_from_summary(a: Summary, b: Summary, *, level: float = 0.95) -> Result:
    """Ratio of two printed Avg. STDs, whose ``std`` these are, at its worst case: the epochs of a seed perfectly correlated.

    How strongly epochs are correlated is never printed. The more they are, the fewer independent deviations an Avg. STD is the
    mean of, and at correlation 1 it is that of a single epoch: (ratio)² is F(n_a − 1, n_b − 1), as of final spreads. Of less
    correlated epochs the F test rejects a true null less often than at its level. ``details`` are those of final spreads.
    """
    return replace(
        spread_ratio_from_summary(a, b, level=level),
        quantity="ratio of Avg. STDs",
        test="F at perfectly correlated epochs",
        assumption="independent, normally distributed seeds; epochs perfectly correlated, the worst case; printed digits exact",
    )


def mean_from_summary(row: Summary, *, level: float = 0.95) -> Result:
    """A printed mean with Student's interval, mean ± t(n − 1)·STD/√n."""
    check_level(level)
    _check(row, fewest=FEWEST_OF_A_MEAN)
    se = row.std / float(np.sqrt(row.n))
    half = t_quantile(row.n - 1, 0.5 + level / 2) * se
    return Result(
        "mean", "t", (row.n,), row.mean, row.mean - half, row.mean + half, level,
        assumption="independent seeds; mean about normal; printed digits exact", se=se, df=row.n - 1,
    )  # fmt: skip


def std_from_summary(row: Summary, quantity: str = "STD", *, level: float = 0.95) -> Result:
    """A printed STD with the chi-square interval, STD·√((n − 1)/χ²) at both tails, exact for normal seeds.

    Of an Avg. STD it is that of perfectly correlated epochs, the widest. Raises CannotEstimate on a single seed.
    """
    check_level(level)
    _check(row, fewest=FEWEST_OF_A_MEAN)
    upper, lower = (special.chdtri(row.n - 1, tail) for tail in ((1 - level) / 2, (1 + level) / 2))
    low, high = (row.std * float(np.sqrt((row.n - 1) / end)) for end in (upper, lower))
    correlated = "; epochs perfectly correlated, the worst case" if quantity == "Avg. STD" else ""
    return Result(
        quantity, "chi-square", (row.n,), row.std, low, high, level,
        assumption=f"independent, normally distributed seeds{correlated}; printed digits exact",
    )  # fmt: skip
