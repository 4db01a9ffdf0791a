"""Levene's test, on final values and, one number per seed, on curves."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from amrobust.stats.location import mean_difference
from amrobust.stats.results import Number, Result, ResultWarning
from amrobust.stats.samples import Array, CannotEstimate, as_pair, varies

Centre = Literal["median", "mean", "trimmed"]
TRIMMED = 0.05

POWER_AT_RATIO_2 = {
    "median": {5: 3, 10: 30, 20: 70},
    "mean": {5: 21, 10: 41, 20: 76},
    "trimmed": {5: 21, 10: 41, 20: 76},
}
"""Rejections in % at the 5 % level for normal seeds and a true STD ratio of 2, by seeds per method."""


def levene(a: ArrayLike, b: ArrayLike, *, centre: Centre = "median", paired: bool = False) -> Result:
    """Levene's test of equal spread with deviations from ``centre`` (trimmed: 5 % at each end, as scipy).

    Final values: :func:`scipy.stats.levene`. Curves: the same test (one-way analysis of variance, two groups) on one number a
    seed, z_i = mean over epochs of |x_it − centre_t|; a test of average absolute deviation. Paired samples: the paired t test
    on these numbers, named so, since Levene's own assumes independence.

    Raises CannotEstimate where the deviations do not vary beyond rounding.
    """
    first, second = as_pair(a, b, paired)
    scalar = first.shape[1] == 1
    warnings = [_worth(centre, min(len(first), len(second)))]
    if not scalar:
        warnings.append(
            ResultWarning(
                "levene-on-curves",
                "On curves Levene's test sees one number per seed: it tests the average absolute deviation, not the Avg. STD.",
                "use --test jackknife for the Avg. STD itself",
            )
        )
    z = absolute_deviations(first, centre), absolute_deviations(second, centre)
    sizes = np.abs(first).max(), np.abs(second).max()
    compared = ((z[0] - z[1], max(sizes)),) if paired else zip(z, sizes, strict=True)
    if not any(varies(numbers, size) for numbers, size in compared):
        raise CannotEstimate("the deviations do not vary: Levene's test has nothing to compare them by")
    n = (len(first),) if paired else (len(first), len(second))
    if paired:
        inner = mean_difference(z[0], z[1], paired=True)
        p, name, statistic = (
            inner.p,
            f"paired t on deviations ({centre})",
            (inner.estimate or 0.0) / (inner.se or 1.0),
        )
    else:
        from scipy import stats

        # Scaled by a power of two, so that no square overflows or vanishes.
        power = int(np.frexp(max(part.max() for part in z))[1])
        if scalar:
            x, y = (np.ldexp(sample[:, 0] - np.median(sample), -power) for sample in (first, second))
            tested = stats.levene(x, y, center=centre, proportiontocut=TRIMMED)
        else:
            tested = stats.f_oneway(*(np.ldexp(part, -power) for part in z))
        p, name, statistic = float(tested.pvalue), f"Levene ({centre})", float(tested.statistic)
    return Result(
        "spread" if scalar else "average absolute deviation", name, n, p=p, paired=paired, centre=centre,
        assumption="pairs of seeds independent of each other" if paired else "independent seeds, equal shapes",
        details={"statistic": statistic}, warnings=tuple(warnings),
    )  # fmt: skip


def absolute_deviations(curves: Array, centre: Centre) -> Array:
    """z_i = mean over epochs of |x_it − centre_t| for arrays (..., seeds, epochs): one number per seed, shape (..., seeds).

    At an epoch where an odd number of seeds has its median among them, that seed's deviation is zero by construction: it is
    left out of that seed's mean over epochs (zero where that leaves none). A single epoch is left as it is, as scipy does.
    """
    # Not the first seed's value: it may be the one that is far off, and would take the digits of all others.
    shifted = curves - np.median(curves, axis=-2, keepdims=True)
    if centre == "median":
        middle = np.zeros_like(shifted[..., :1, :])
    elif centre == "mean":
        middle = shifted.mean(axis=-2, keepdims=True)
    else:
        from scipy import stats

        middle = np.expand_dims(stats.trim_mean(shifted, TRIMMED, axis=-2), -2)
    deviations = np.abs(shifted - middle)
    if centre != "median" or curves.shape[-2] % 2 == 0 or curves.shape[-1] == 1:
        return np.asarray(deviations.mean(axis=-1))
    counted = np.ones_like(deviations, bool)
    np.put_along_axis(counted, deviations.argmin(axis=-2, keepdims=True), False, axis=-2)
    return np.asarray((deviations * counted).sum(axis=-1) / np.maximum(counted.sum(axis=-1), 1))


def _worth(centre: Centre, n: int) -> ResultWarning:
    known = POWER_AT_RATIO_2[centre]
    nearest = max((size for size in known if size <= max(n, 5)), default=5)
    return ResultWarning.of(
        "levene-power",
        f"Levene's test (centre: {centre}) finds a true STD ratio of 2 in about {{power}} % of studies with {{n}} normal seeds "
        "per method.",
        "use --test jackknife, which decides by the interval that is printed, or more seeds",
        power=Number(f"{known[nearest]}", known[nearest]),
        n=Number(f"{nearest}", nearest),
    )
