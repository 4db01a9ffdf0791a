"""The test and interval that decide every ratio of spreads: a jackknife of the log spread at the pooled level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from amrobust.stats.samples import Array, log_spreads

BISECTIONS = 60


@dataclass(frozen=True)
class SpreadContrast:
    """log spread(a) − log spread(b) by the delete-one-seed jackknife, for one comparison or a batch of them.

    Tested at a ratio r = exp(θ), the two spreads share one level if r is true; each sample's pseudo-values, in deviation from
    their mean, are therefore scaled by its spread over the pooled one (root of the mean square, each sample weighted by
    1/seeds, after ``a`` is divided by r). Under heavy tails a sample with a small spread also shows a small jackknife variance;
    scaling takes out what of that is chance. t = (centre − θ)/se, with Welch's degrees of freedom or, for pairs, n − 1.

    Without the scaling this is Miller's (1968) jackknife, which rejects a true null in 6 to 7 % under t5 seeds.
    """

    centre: Array
    """Difference of the means of the pseudo-values, shape (...)."""
    plain: Array
    """Log ratio of the two sample spreads, shape (...)."""
    first: Array
    """Pseudo-values of ``a`` less their mean, shape (..., seeds)."""
    second: Array
    paired: bool

    @classmethod
    def of(cls, a: Array, b: Array, *, paired: bool = False) -> SpreadContrast:
        """From two arrays (..., seeds, epochs); spreads of zero give NaN."""
        (whole_a, parts_a), (whole_b, parts_b) = log_spreads(a), log_spreads(b)
        with np.errstate(invalid="ignore"):
            x = a.shape[-2] * whole_a[..., None] - (a.shape[-2] - 1) * parts_a
            y = b.shape[-2] * whole_b[..., None] - (b.shape[-2] - 1) * parts_b
            mean_x, mean_y = x.mean(axis=-1, keepdims=True), y.mean(axis=-1, keepdims=True)
            return cls((mean_x - mean_y)[..., 0], whole_a - whole_b, x - mean_x, y - mean_y, paired)

    def scales(self, theta: float | Array) -> tuple[Array, Array]:
        """What the deviations of each sample's pseudo-values are multiplied by when exp(θ) is tested."""
        weight_a, weight_b = 1 / self.first.shape[-1], 1 / self.second.shape[-1]
        # On the log scale, so that no ratio is too far off to be tested.
        rho = np.clip(self.plain - np.asarray(theta), -300, 300)
        pooled = 0.5 * (
            np.logaddexp(2 * rho + np.log(weight_a), np.log(weight_b)) - np.log(weight_a + weight_b)
        )
        return np.exp(rho - pooled), np.exp(-pooled)

    def error(self, theta: float | Array | None = None) -> tuple[Array, Array]:
        """Standard error and degrees of freedom when exp(θ) is tested; with None, of the estimate (no scaling)."""
        one, other = (np.ones_like(self.plain),) * 2 if theta is None else self.scales(theta)
        n_a, n_b = self.first.shape[-1], self.second.shape[-1]
        if self.paired:
            difference = one[..., None] * self.first - other[..., None] * self.second
            # Scaled deviations still have mean zero.
            variance = (difference**2).sum(axis=-1) / (n_a - 1) / n_a
            return np.sqrt(variance), np.full_like(variance, n_a - 1)
        v_a = one**2 * (self.first**2).sum(axis=-1) / (n_a - 1) / n_a
        v_b = other**2 * (self.second**2).sum(axis=-1) / (n_b - 1) / n_b
        with np.errstate(invalid="ignore", divide="ignore"):
            df = (v_a + v_b) ** 2 / (v_a**2 / (n_a - 1) + v_b**2 / (n_b - 1))
        return np.sqrt(v_a + v_b), df

    def p(self, theta: float | Array = 0.0) -> Array:
        """Two-sided p-value of the hypothesis that the ratio of spreads is exp(θ)."""
        se, df = self.error(theta)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(2 * special.stdtr(df, -np.abs((self.centre - theta) / se)))

    def interval(self, level: float) -> tuple[float, float]:
        """All θ with p(θ) above 1 − level, for a single comparison: the two ends by bisection."""
        return self._end(level, -1.0), self._end(level, 1.0)

    def _end(self, level: float, side: float) -> float:
        centre, step = float(self.centre), float(self.error(None)[0])
        inside, outside = centre, centre + side * step
        while float(self.p(outside)) > 1 - level:
            step *= 2
            inside, outside = outside, centre + side * step
        for _ in range(BISECTIONS):
            middle = 0.5 * (inside + outside)
            inside, outside = (middle, outside) if float(self.p(middle)) > 1 - level else (inside, middle)
        return 0.5 * (inside + outside)
