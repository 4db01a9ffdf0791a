"""Comparisons by rank: the chance that a run of one method beats a run of another, divergence being the worst of all."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from amrobust.stats.limits import check_level
from amrobust.stats.results import Result
from amrobust.stats.samples import FEWEST_SEEDS, Array, CannotEstimate, with_ties
from amrobust.stats.tails import badness, proportion_interval

Better = Literal["higher", "lower"]


def chance_of_winning(
    a: ArrayLike, b: ArrayLike, *, better: Better, paired: bool = False, level: float = 0.95
) -> Result:
    """P(a run of ``a`` beats one of ``b``) + ½ P(tie), with its interval and the p-value of ½.

    Values are one number per seed; NaN and infinity are diverged seeds and lose against everything but each other; values that
    differ by rounding alone tie. Independent
    seeds: Brunner and Munzel's t, which allows unequal spreads; where the samples do not overlap it has no variance, and the
    result has the exact Mann–Whitney p and an open interval. Pairs: the share of pairs won among those that differ, with
    Clopper and Pearson's interval and the exact sign test.

    Source: E. Brunner and U. Munzel, The nonparametric Behrens–Fisher problem, Biometrical Journal 42 (2000). Raises
    CannotEstimate with fewer than 4 seeds, or where all pairs tie.
    """
    check_level(level)
    x, y = _badness(a, b, better)
    if paired:
        return _pairs(x, y, level)
    n_x, n_y = len(x), len(y)
    wins = (x[:, None] < y).mean(axis=1) + 0.5 * (x[:, None] == y).mean(axis=1)
    losses = (y[:, None] < x).mean(axis=1) + 0.5 * (y[:, None] == x).mean(axis=1)
    estimate = float(wins.mean())
    v_x, v_y = float(wins.var(ddof=1)) / n_x, float(losses.var(ddof=1)) / n_y
    if v_x + v_y == 0:
        from scipy.stats import mannwhitneyu

        return Result(
            "probability of superiority", "Mann-Whitney", (n_x, n_y), estimate, p=float(mannwhitneyu(-x, -y).pvalue),
            assumption="independent seeds",
        )  # fmt: skip
    df = (v_x + v_y) ** 2 / (v_x**2 / (n_x - 1) + v_y**2 / (n_y - 1))
    se = float(np.sqrt(v_x + v_y))
    half = float(special.stdtrit(df, 0.5 + level / 2)) * se
    return Result(
        "probability of superiority", "Brunner-Munzel", (n_x, n_y), estimate, max(0.0, estimate - half),
        min(1.0, estimate + half), level, p=float(2 * special.stdtr(df, -abs(estimate - 0.5) / se)),
        assumption="independent seeds", se=se, df=df,
    )  # fmt: skip


def _badness(a: ArrayLike, b: ArrayLike, better: Better) -> tuple[Array, Array]:
    """Both samples so that larger is worse, with the ties between them."""
    worse: Literal["low", "high"] = "low" if better == "higher" else "high"
    x, y = badness(a, worse), badness(b, worse)
    if min(len(x), len(y)) < FEWEST_SEEDS:
        raise CannotEstimate(f"{min(len(x), len(y))} seeds are too few", FEWEST_SEEDS)
    both = with_ties(np.concatenate([x, y]))
    return both[: len(x)], both[len(x) :]


def _pairs(x: Array, y: Array, level: float) -> Result:
    from scipy.stats import binomtest

    if len(x) != len(y):
        raise CannotEstimate(f"pairs need equally many seeds, not {len(x)} and {len(y)}")
    won, lost = int((x < y).sum()), int((x > y).sum())
    if won + lost == 0:
        raise CannotEstimate("all pairs tie: there is nothing to compare them by")
    interval = proportion_interval(won, won + lost, level=level)
    return Result(
        "probability of superiority", "sign test", (len(x),), interval.estimate, interval.low, interval.high, level,
        p=float(binomtest(won, won + lost).pvalue), paired=True, assumption="pairs of seeds independent of each other",
        smallest_p=float(2.0 ** (1 - won - lost)), details={"ties": float(len(x) - won - lost)},
    )  # fmt: skip


def mann_whitney(a: ArrayLike, b: ArrayLike, *, better: Better) -> Result:
    """Mann and Whitney's test that neither sample tends to larger values; exact without ties up to 8 seeds, as scipy does.

    ``estimate`` is the chance that a run of ``a`` wins. It assumes equal shapes: where spreads differ, Brunner and Munzel's
    form in :func:`chance_of_winning` keeps its level and this one does not.

    Raises CannotEstimate with too few seeds.
    """
    from math import comb

    from scipy.stats import mannwhitneyu

    x, y = _badness(a, b, better)
    tested = mannwhitneyu(-x, -y)
    return Result(
        "probability of superiority", "Mann-Whitney", (len(x), len(y)), float(tested.statistic) / (len(x) * len(y)),
        p=float(tested.pvalue), smallest_p=2 / comb(len(x) + len(y), len(x)), assumption="independent seeds, equal shapes",
    )  # fmt: skip
