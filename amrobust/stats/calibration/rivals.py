"""The constructions for two spreads, each as p-values: what decides, and what it was chosen against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from amrobust.stats.bonett import trim_proportion
from amrobust.stats.calibration.conditions import Condition
from amrobust.stats.jackknife import SpreadContrast
from amrobust.stats.levene import Centre, absolute_deviations
from amrobust.stats.permutation import swaps_within_pairs
from amrobust.stats.results import Result
from amrobust.stats.samples import Array, CannotEstimate
from amrobust.stats.spread import construction_for
from amrobust.stats.studentised import StudentisedPermutation
from amrobust.stats.variance_tests import bartlett, fligner, pitman_morgan

ROUNDING = 1e-9
"""Standard error of a log ratio at and below which it is rounding."""
Batched = Callable[[Array, Array, bool, float], Array]
"""From samples (replications, seeds, epochs), whether they are paired, and a log ratio, to its p-values."""


def jackknife(a: Array, b: Array, paired: bool, theta: float) -> Array:
    """Of independent samples at the pooled level; where nothing can be estimated, nothing is rejected."""
    contrast = SpreadContrast.of(a, b, paired=paired)
    return np.where(_estimable(contrast), contrast.p(theta), 1.0)


def _estimable(contrast: SpreadContrast) -> NDArray[np.bool_]:
    """Whether a spread is neither zero nor rests on one seed, nor is the same without whichever."""
    se, _ = contrast.error()
    return np.asarray(np.isfinite(contrast.centre) & np.isfinite(se) & (se > ROUNDING))


def permutation(a: Array, b: Array, paired: bool, theta: float) -> Array:
    """The studentised permutation of whole curves, of ``a`` at the tested ratio; what cannot be estimated is not rejected."""
    found = []
    for x, y in zip(a * np.exp(-theta), b, strict=True):
        contrast = SpreadContrast.of(x, y)
        found.append(
            StudentisedPermutation.of(x, y, contrast, alpha=DECIDED_AT).p()
            if _estimable(contrast).all()
            else 1.0
        )
    return np.array(found)


def decides(a: Array, b: Array, paired: bool, theta: float) -> Array:
    """What decides a single claim at 5 % (:func:`amrobust.stats.construction_for`)."""
    _, n_a, epochs = a.shape
    chosen = construction_for(n_a, b.shape[1], epochs=epochs, paired=paired, alpha=DECIDED_AT)
    return (permutation if chosen == "permutation" else jackknife)(a, b, paired, theta)


def plain_jackknife(a: Array, b: Array, paired: bool, theta: float) -> Array:
    """Miller's jackknife of independent samples with Welch's degrees of freedom; for pairs it decides."""
    contrast = SpreadContrast.of(a, b)
    se, df = contrast.error()
    return np.asarray(2 * special.stdtr(df, -np.abs((contrast.centre - theta) / se)))


def pooled_kurtosis(at_tested_ratio: bool) -> Batched:
    """Bonett's (2006) normal interval for log(s_a/s_b); final values only.

    The kurtosis about trimmed means is pooled with the samples as they are, or brought to one level at the tested ratio as
    :func:`amrobust.stats.pooled_kurtosis_ratio` does.
    """

    def p(a: Array, b: Array, paired: bool, theta: float) -> Array:
        x, y = a[..., 0], b[..., 0]
        n = x.shape[1]
        cut = int(n * trim_proportion(n))
        fourth, squares = 0.0, 0.0
        for values in (x * np.exp(-theta) if at_tested_ratio else x, y):
            ordered = np.sort(values, axis=1)
            kept = ordered[:, cut : n - cut] if n > 2 * cut else ordered[:, n // 2 : n // 2 + 1]
            fourth = fourth + ((values - kept.mean(axis=1, keepdims=True)) ** 4).sum(axis=1)
            squares = squares + ((values - values.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
        kurtosis = 2 * n * fourth / np.asarray(squares) ** 2
        se = np.sqrt(2 * np.maximum(kurtosis - (n - 3) / n, 0) / (n - 1)) / 2
        z = (np.log(x.std(axis=1, ddof=1) / y.std(axis=1, ddof=1)) - theta) / se
        return np.asarray(2 * special.ndtr(-np.abs(z)))

    return p


def bonett_seier(a: Array, b: Array, paired: bool, theta: float) -> Array:
    """The ratio of mean absolute deviations (:func:`amrobust.stats.mad_ratio`), that of STDs where shapes are equal."""
    logs, variances, deviations = [], [], []
    for values in (a[..., 0], b[..., 0]):
        middle = np.median(values, axis=1, keepdims=True)
        away = np.abs(values - middle)
        tau = away.mean(axis=1)
        skew = (values.mean(axis=1) - middle[:, 0]) / tau
        logs.append(np.log(tau))
        variances.append((skew**2 + values.var(axis=1, ddof=1) / tau**2 - 1) / values.shape[1])
        deviations.append(away - away.mean(axis=1, keepdims=True))
    variance = variances[0] + variances[1]
    if paired:
        one, other = deviations
        shared = (one * other).sum(axis=1) / np.sqrt((one**2).sum(axis=1) * (other**2).sum(axis=1))
        variance = variance - 2 * shared * np.sqrt(variances[0] * variances[1])
    return np.asarray(2 * special.ndtr(-np.abs(logs[0] - logs[1] - theta) / np.sqrt(variance)))


def f_ratio(a: Array, b: Array, paired: bool, theta: float) -> Array:
    """F of the final variances."""
    ratio = a[..., 0].var(axis=1, ddof=1) / b[..., 0].var(axis=1, ddof=1) * np.exp(-2 * theta)
    n = a.shape[1]
    tails = special.fdtr(n - 1, n - 1, ratio), special.fdtrc(n - 1, n - 1, ratio)
    return np.asarray(np.minimum(1.0, 2 * np.minimum(*tails)))


def levene(centre: Centre) -> Batched:
    """Levene's test: for two groups the pooled t on absolute deviations; on curves, on one number per seed."""

    def p(a: Array, b: Array, paired: bool, theta: float) -> Array:
        x, y = absolute_deviations(a, centre), absolute_deviations(b, centre)
        n = x.shape[1]
        se = np.sqrt((x.var(axis=1, ddof=1) + y.var(axis=1, ddof=1)) / n)
        return np.asarray(2 * special.stdtr(2 * n - 2, -np.abs((x.mean(axis=1) - y.mean(axis=1)) / se)))

    return p


def one_by_one(test: Callable[..., Result], **options: Any) -> Batched:
    """A test of ``amrobust.stats`` called on every replication; where it refuses, it does not reject."""

    def p(a: Array, b: Array, paired: bool, theta: float) -> Array:
        def single(x: Array, y: Array) -> float:
            try:
                found = test(x, y, **options).p
            except CannotEstimate:
                return 1.0
            return 1.0 if found is None else found

        return np.array([single(x, y) for x, y in zip(a, b, strict=True)])

    return p


@dataclass(frozen=True)
class Rival:
    """A construction, and what it applies to."""

    p: Batched
    has_interval: bool = False
    independent: bool = True
    pairs: bool = False
    curves: bool = False
    slow: bool = False
    unequal: bool = False
    """Whether samples of unequal size, and ties, are among what it is measured under."""

    def fits(self, condition: Condition) -> bool:
        """Whether the construction is made for samples of this kind."""
        return (
            (self.pairs if condition.paired else self.independent)
            and (self.curves or condition.epochs == 1)
            and (self.unequal or condition.plain)
        )


DECIDES = "what decides"
DECIDED_AT = 0.05

RIVALS: dict[str, Rival] = {
    DECIDES: Rival(decides, has_interval=True, pairs=True, curves=True, unequal=True),
    "jackknife": Rival(jackknife, has_interval=True, pairs=True, curves=True, unequal=True),
    "studentised permutation": Rival(permutation, has_interval=True, curves=True, slow=True, unequal=True),
    "jackknife, level not pooled": Rival(plain_jackknife, has_interval=True, curves=True),
    "Bonett, kurtosis pooled at 1": Rival(pooled_kurtosis(False), has_interval=True),
    "Bonett, kurtosis pooled at the ratio": Rival(pooled_kurtosis(True), has_interval=True),
    "Bonett-Seier (MADs)": Rival(bonett_seier, has_interval=True, pairs=True),
    "F": Rival(f_ratio, has_interval=True),
    "Levene (median)": Rival(levene("median"), curves=True),
    "Levene (mean)": Rival(levene("mean"), curves=True),
    "swaps within pairs": Rival(
        one_by_one(swaps_within_pairs, resamples=499), independent=False, pairs=True, curves=True, slow=True
    ),
    "Bartlett": Rival(one_by_one(bartlett), slow=True),
    "Fligner-Killeen": Rival(one_by_one(fligner), slow=True),
    "Pitman-Morgan": Rival(one_by_one(pitman_morgan), independent=False, pairs=True, slow=True),
}
