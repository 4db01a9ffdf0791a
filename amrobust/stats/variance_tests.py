"""Classical tests of equal variance on one number per seed, for those who ask for them by name."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from amrobust.stats.limits import check_level
from amrobust.stats.results import Result, ResultWarning
from amrobust.stats.samples import (
    Array,
    CannotEstimate,
    as_pair,
    as_values,
    deviations_together,
    kurtosis,
    std,
    varies,
    with_ties,
)

NORMAL_ONLY = ResultWarning(
    "assumes-normality",
    "This test holds its level for normal seeds only: heavy tails make it reject a true null in 9 to 16 % of studies at "
    "5 %, skewness in 12 to 21 %.",
    "use --test jackknife, or look at the per-seed values before trusting it",
)


def _values(a: ArrayLike, b: ArrayLike, paired: bool = False) -> tuple[Array, Array]:
    """Checked values (seeds,) of two samples that vary."""
    x, y = as_pair(as_values(a), as_values(b), paired)
    if not np.ptp(x) or not np.ptp(y):
        raise CannotEstimate("all seeds gave the same value: the spread is zero")
    return x[:, 0], y[:, 0]


def _deviations(x: Array, y: Array) -> tuple[Array, Array]:
    """Deviations (seeds,) of both from their means, times one power of two."""
    first, second, _ = deviations_together(x[:, None], y[:, None])
    return first[:, 0], second[:, 0]


def f_test(a: ArrayLike, b: ArrayLike, *, level: float = 0.95) -> Result:
    """Ratio of STDs with the F interval and two-sided p, the smaller tail doubled; exact for normal seeds.

    s_a²/s_b² over F(n_a − 1, n_b − 1) quantiles; the interval is the p-value's inversion.
    """
    check_level(level)
    from scipy.stats import f

    x, y = _values(a, b)
    ratio = std(x) / std(y)
    df = len(x) - 1, len(y) - 1
    lower, upper = (float(q) for q in np.sqrt(f.ppf([(1 - level) / 2, (1 + level) / 2], *df)))
    p = min(1.0, 2 * min(float(f.cdf(ratio * ratio, *df)), float(f.sf(ratio * ratio, *df))))
    return Result(
        "ratio of STDs", "F", (len(x), len(y)), ratio, ratio / upper, ratio / lower, level, p,
        assumption="independent, normally distributed seeds",
        details={"kurtosis of the first": kurtosis(x), "kurtosis of the second": kurtosis(y)}, warnings=(NORMAL_ONLY,),
    )  # fmt: skip


def bartlett(a: ArrayLike, b: ArrayLike) -> Result:
    """Bartlett's test (scipy); a p-value only, for normal seeds."""
    from scipy.stats import bartlett as test

    x, y = _values(a, b)
    found = test(*_deviations(x, y))
    return Result(
        "spread", "Bartlett", (len(x), len(y)), p=float(found.pvalue), centre="mean",
        assumption="independent, normally distributed seeds", details={"statistic": float(found.statistic)},
        warnings=(NORMAL_ONLY,),
    )  # fmt: skip


def fligner(a: ArrayLike, b: ArrayLike) -> Result:
    """The Fligner–Killeen test on ranks of |x − median| (scipy); at 5 seeds per method it cannot reject at 5 %.

    ``smallest_p`` is what the most unequal samples of these sizes give.
    """
    from scipy.stats import fligner as test

    x, y = _values(a, b)
    middles = np.repeat([np.median(x), np.median(y)], [len(x), len(y)])
    values = np.concatenate([x, y])
    # Deviations that differ by rounding alone are ties. The median of the signed ones, which scipy takes off again, is 0.
    signs, sizes = np.sign(values - middles), np.maximum(np.abs(values), np.abs(middles))
    tied = signs * with_ties(np.abs(values - middles), sizes)
    found = test(tied[: len(x)], tied[len(x) :])
    extreme = test(np.linspace(-1e-6, 1e-6, len(x)), np.linspace(-1, 1, len(y)) + 0.1)
    return Result(
        "spread", "Fligner-Killeen", (len(x), len(y)), p=float(found.pvalue), smallest_p=float(extreme.pvalue),
        centre="median", assumption="independent seeds, equal shapes", details={"statistic": float(found.statistic)},
    )  # fmt: skip


def pitman_morgan(a: ArrayLike, b: ArrayLike) -> Result:
    """The Pitman–Morgan test of equal variances in pairs: the correlation of sums and differences is zero under the null.

    Raises CannotEstimate where the samples differ by a constant.
    """
    from scipy.stats import pearsonr

    x, y = _values(a, b, paired=True)
    size = max(np.abs(x).max(), np.abs(y).max())
    if not varies(x + y, size) or not varies(x - y, size):
        raise CannotEstimate("the two samples differ by a constant: there is nothing to test")
    x, y = _deviations(x, y)
    sums, differences = x + y, x - y
    found = pearsonr(sums, differences)
    return Result(
        "spread", "Pitman-Morgan", (len(x),), p=float(found.pvalue), paired=True, centre="mean",
        assumption="pairs normally distributed", details={"correlation": float(np.corrcoef(x, y)[0, 1])},
        warnings=(
            ResultWarning(
                "assumes-normality",
                "The Pitman-Morgan test rejects a true null in 10 to 17 % of studies at 5 % under heavy tails (t5).",
                "use --test jackknife or --test swap on paired seeds",
            ),
        ),
    )  # fmt: skip
