"""The spread of accuracy on the distribution that test examples are drawn from: what is left without the finite test set.

Each seed s is right or wrong on each of n test examples, c_sx in [0, 1], and A_s is its mean over x. Across seeds, Var(A) is
the mean covariance of all pairs of examples, an example with itself among them: that part is of the test set, and falls with
its size. The mean covariance over pairs of *different* examples,

    v = (n² Var(A) − Σ_x Var(c_x)) / (n (n − 1)),

is unbiased for the variance over seeds of the expected accuracy on the distribution, where examples are drawn independently
(Jordan, arXiv 2304.01910). It may be zero, and an estimate of it below zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from amrobust.stats.limits import check_level
from amrobust.stats.results import Result
from amrobust.stats.samples import FEWEST_SEEDS, Array, CannotEstimate, welch_df
from amrobust.stats.spread import t_quantile, t_two_sided

NAME = "jackknife of the covariance of test examples"
LEAST = 1e-3
"""The smallest v + b that a logarithm is taken of, in units of b."""
LARGEST_RATIO = 1e3
"""Beyond it a ratio of spreads, one of which may be zero, is infinite."""


@dataclass(frozen=True)
class OnDistribution:
    """v and its parts, and v without each seed."""

    examples: int
    total: float
    """Var(A), in units of share²."""
    covariance: float
    """v."""
    without: Array
    """(seeds,): v without each seed."""
    own: float
    """The test set's part: Var(A) − v."""

    @classmethod
    def of(cls, correct: ArrayLike) -> OnDistribution:
        """From (seeds, examples), each in [0, 1]. Raises CannotEstimate on fewer than 4 seeds or 2 examples."""
        c = np.asarray(correct, np.float64)
        if c.ndim != 2 or c.shape[1] < 2:
            raise CannotEstimate("two test examples or more are needed, a row for each seed")
        seeds, n = c.shape
        if seeds < FEWEST_SEEDS:
            raise CannotEstimate(f"{seeds} seeds are too few", FEWEST_SEEDS)
        # Sums of squared deviations over seeds, of the total and of all examples together, with and without each seed: taking
        # seed s out of S lowers a sum of squares by S/(S − 1) times its own squared deviation.
        deviations = c - c.mean(axis=0)
        of_total, of_each = deviations.sum(axis=1) ** 2, (deviations**2).sum(axis=1)
        loss = seeds / (seeds - 1)
        pairs = n * (n - 1)

        def covariance(total: Array, each: Array, df: int) -> Array:
            return np.asarray((total - each) / df / pairs)

        whole = covariance(of_total.sum(), of_each.sum(), seeds - 1)
        parts = covariance(of_total.sum() - loss * of_total, of_each.sum() - loss * of_each, seeds - 2)
        total = float(of_total.sum() / (seeds - 1) / n**2)
        return cls(n, total, float(whole), parts, total - float(whole))

    @property
    def seeds(self) -> int:
        """How many."""
        return len(self.without)

    @property
    def shift(self) -> float:
        """What v falls short of Var(A)·n/(n − 1): Σ_x Var(c_x)/(n(n − 1))."""
        return self.total * self.examples / (self.examples - 1) - self.covariance

    def pseudo(self, factor: float, shift: float) -> Array:
        """The jackknife's pseudo-values (seeds,) of log(factor · v + shift).

        Where that is next to nothing without a seed, its logarithm is bounded: such a seed is then far from the others.
        """
        least = LEAST * shift if shift > 0 else 1e-300
        values = np.concatenate([[self.covariance], self.without])
        logs = np.log(np.maximum(factor * values + shift, least))
        return np.asarray(self.seeds * logs[0] - (self.seeds - 1) * logs[1:])


def spread_on_distribution(correct: ArrayLike, *, unit: float = 1.0, level: float = 0.95) -> Result:
    """The STD over seeds of the accuracy on the distribution, √max(v, 0), times ``unit`` (100 for percent), with an interval.

    ``correct`` (seeds, examples) says what each seed got right. The noise of v is nearly all that of Var(A), whose logarithm is
    about normal: so the interval is that of the delete-one-seed jackknife of log(v + b), b = Σ_x Var(c_x)/(n(n − 1)) being what
    v falls short of Var(A)·n/(n − 1), with t of S − 1 degrees of freedom; less b, and cut off at 0. A lower end of 0 says that
    the seeds may not differ at all on the distribution. ``details``: ``total`` is the STD of the accuracies themselves, and
    ``test set`` the STD that the finite test set alone makes.

    Raises CannotEstimate where all accuracies are equal, and on fewer than 4 seeds.
    """
    check_level(level)
    found = OnDistribution.of(correct)
    s = found.seeds
    if found.total <= 0:
        raise CannotEstimate("all seeds are right on equally many examples: their accuracies have no spread")
    pseudo = found.pseudo(1.0, found.shift)
    half = t_quantile(s - 1, 0.5 + level / 2) * float(pseudo.std(ddof=1) / np.sqrt(s))
    low, high = (float(np.exp(pseudo.mean() + side * half)) - found.shift for side in (-1, 1))
    std, low, high = (unit * float(np.sqrt(max(x, 0.0))) for x in (found.covariance, low, high))
    return Result(
        "STD on the distribution", NAME, (s,), std, low, high, level, df=s - 1,
        assumption="independent seeds; test examples drawn independently",
        details={
            "total": unit * float(np.sqrt(found.total)),
            "test set": unit * float(np.sqrt(max(found.own, 0.0))),
            "covariance": unit**2 * found.covariance,
            "examples": float(found.examples),
        },
    )  # fmt: skip


def ratio_on_distribution(a: ArrayLike, b: ArrayLike, *, paired: bool = False, level: float = 0.95) -> Result:
    """Ratio of two STDs on the distribution, first over second, with the test that they are equal and the interval of its
    inversion.

    Where a ratio r is true, v_a and r² v_b are equal, and so are log(v_a + b) and log(r² v_b + b): b, the mean of what the two
    fall short of Var(A), is added since a variance may be zero on the distribution, and the logarithm of what is about Var(A)
    is about normal. The test is the t of the delete-one-seed jackknife of their difference, with Welch's degrees of freedom of
    independent samples, and S − 1 of pairs, whose pseudo-values are subtracted seed by seed. The interval holds every r that is
    not rejected: it begins at 0 where v_a may be zero, and has no upper end where v_b may be. ``details`` has both STDs, in
    shares, and the difference of logarithms that is tested, whose error ``se`` is.

    Raises CannotEstimate where all accuracies of a sample are equal, where pairs have different numbers of seeds, where the
    pseudo-values (of pairs their differences) do not vary, and as :class:`OnDistribution`.
    """
    check_level(level)
    first, second = OnDistribution.of(a), OnDistribution.of(b)
    if paired and first.seeds != second.seeds:
        raise CannotEstimate("pairs need as many seeds of one as of the other")
    if min(first.total, second.total) <= 0:
        raise CannotEstimate("all seeds are right on equally many examples: their accuracies have no spread")
    contrast = _Contrast(first, second, paired)
    stds = [float(np.sqrt(max(each.covariance, 0.0))) for each in (first, second)]
    estimate = stds[0] / stds[1] if stds[1] > 0 else float("inf") if stds[0] > 0 else 1.0
    low, high = contrast.interval(level)
    difference, se, df = contrast.at(1.0)
    return Result(
        "ratio of STDs on the distribution", NAME, (first.seeds,) if paired else (first.seeds, second.seeds), estimate, low,
        high, level, contrast.p(1.0), paired=paired, se=se, df=df,
        assumption="independent seeds; test examples drawn independently",
        details={"first": stds[0], "second": stds[1], "log difference": difference},
    )  # fmt: skip


@dataclass(frozen=True)
class _Contrast:
    first: OnDistribution
    second: OnDistribution
    paired: bool

    def at(self, ratio: float) -> tuple[float, float, float]:
        """log(v_a + b) − log(ratio² v_b + b) by the jackknife, with its standard error and degrees of freedom."""
        a, b = self.first, self.second
        shift = (a.shift + b.shift) / 2
        x, y = a.pseudo(1.0, shift), b.pseudo(ratio**2, shift)
        difference = float(x.mean() - y.mean())
        if self.paired:
            variance, df = float((x - y).var(ddof=1) / a.seeds), a.seeds - 1.0
        else:
            v_a, v_b = float(x.var(ddof=1) / a.seeds), float(y.var(ddof=1) / b.seeds)
            variance, df = v_a + v_b, float(welch_df(v_a, v_b, a.seeds, b.seeds))
        if variance == 0:
            raise CannotEstimate(
                "the spreads are the same without whichever seed: there is no error to judge them by"
            )
        return difference, float(np.sqrt(variance)), df

    def p(self, ratio: float) -> float:
        """Two-sided p-value of a ratio of STDs; 1 where the second's variance is too far below zero to be multiplied by it."""
        shift = (self.first.shift + self.second.shift) / 2
        if ratio**2 * self.second.covariance + shift <= LEAST * shift:
            return 1.0
        difference, se, df = self.at(ratio)
        return t_two_sided(difference / se, df)

    def interval(self, level: float) -> tuple[float, float]:
        """The smallest interval that holds the ratios whose p is above 1 − level."""
        from scipy.optimize import brentq

        grid = np.concatenate([[0.0], np.geomspace(1 / LARGEST_RATIO, LARGEST_RATIO, 241)])
        accepted = np.flatnonzero([self.p(r) > 1 - level for r in grid])
        if not accepted.size:
            raise CannotEstimate("no ratio of spreads fits these seeds")

        def end(inside: int, outside: int) -> float:
            return float(brentq(lambda r: self.p(r) - (1 - level), grid[inside], grid[outside]))

        first, last = int(accepted[0]), int(accepted[-1])
        low = 0.0 if first == 0 else end(first, first - 1)
        return low, float("inf") if last == len(grid) - 1 else end(last, last + 1)
