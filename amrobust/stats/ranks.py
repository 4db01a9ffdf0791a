"""Comparisons by rank: the chance that a run of one method beats a run of another, divergence being the worst of all."""

from __future__ import annotations

from math import ceil
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from amrobust.stats.limits import LEAST_TAIL, check_level, check_rate
from amrobust.stats.permutation import EXACT_UP_TO, TIE
from amrobust.stats.results import Result
from amrobust.stats.samples import FEWEST_SEEDS, Array, CannotEstimate, welch_df, with_ties
from amrobust.stats.studentised import BEYOND_CRITICAL, FEWEST_RELABELLINGS, MOST_RELABELLINGS, relabellings
from amrobust.stats.tails import badness

Better = Literal["higher", "lower"]
MOST_RELABELLED = 400
"""Seeds of both samples up to which they are relabelled: beyond, Student's t is as good and takes no time."""


def chance_of_winning(
    a: ArrayLike,
    b: ArrayLike,
    *,
    better: Better,
    paired: bool = False,
    level: float = 0.95,
    alpha: float | None = None,
) -> Result:
    """π = P(a run of ``a`` beats one of ``b``) + ½ P(tie), the probability of superiority, with its interval and the p
    of ½.

    Values are one number per seed; NaN and infinity are diverged seeds and lose against everything but each other;
    values that differ by rounding alone tie. With w_i the share of ``b`` that seed i of ``a`` beats and l_j the
    share of ``a`` that seed j of ``b`` beats (ties half), π̂ is the mean of w, and of independent seeds v =
    var(w)/n_a + var(l)/n_b, Brunner and Munzel's; of pairs v = var(w − l)/n. The test is on the logistic scale:
    t(π) = (logit π̂ − logit π) π̂(1 − π̂)/√v, held against t(½) of relabelled seeds (swaps within pairs): all that
    there are up to 20,000, else 1,999 random ones, or as many as put ten beyond ``alpha``, the smallest level that
    is asked for (default: 1 − level). p is exact where all seeds have one distribution, and right in the limit
    where they have not. The interval holds the π with |t(π)| below the critical one: it excludes ½ exactly where p
    ≤ 1 − level. Samples that do not overlap have no variance: v is at least ½/(n_a n_b)², and π̂ on the logistic
    scale that far from 0 and 1.

    Beyond 400 seeds in all, t is held against Student's with Brunner and Munzel's degrees of freedom (of pairs n −
    1).

    Source: E. Brunner and U. Munzel, The nonparametric Behrens–Fisher problem, Biometrical Journal 42 (2000);
    M. Pauly, T. Asendorf and F. Konietschke, Permutation-based inference for the AUC, Biometrical Journal 58 (2016).
    Independent seeds that all tie win as often as they lose, and leave every π open. Raises CannotEstimate with fewer than
    4 seeds, on pairs of unequal numbers, and on pairs that all tie.
    """
    check_level(level)
    alpha = max(1 - level, LEAST_TAIL) if alpha is None else alpha
    check_rate("alpha", alpha)
    x, y = _badness(a, b, better)
    if paired and len(x) != len(y):
        raise CannotEstimate(f"pairs need equally many seeds, not {len(x)} and {len(y)}")
    n_x, n_y = len(x), len(y)
    pooled = np.concatenate([x, y])
    if (pooled == pooled[0]).all():
        if paired:
            raise CannotEstimate("all pairs tie: there is nothing to compare them by")
        return Result(
            "probability of superiority", "permutation of ranks", (n_x, n_y), 0.5, 0.0, 1.0, level, p=1.0,
            assumption="independent seeds",
        )  # fmt: skip
    wins = (pooled[:, None] < pooled) + 0.5 * (pooled[:, None] == pooled)
    observed = np.arange(n_x)[:, None], np.arange(n_x, n_x + n_y)[:, None]
    estimates, logits, errors = _standardised(wins, *observed, paired)
    estimate, logit, se = (float(each[0]) for each in (estimates, logits, errors))
    t, df, smallest, details = abs(logit) / se, None, 0.0, {}
    if n_x + n_y <= MOST_RELABELLED:
        drawn = min(max(FEWEST_RELABELLINGS, ceil(BEYOND_CRITICAL / alpha) - 1), MOST_RELABELLINGS)
        ours, theirs, exact = _swaps(x, y, drawn) if paired else _labels(pooled, n_x, drawn)
        _, others, of_others = _standardised(wins, ours, theirs, paired)
        null = np.sort(np.abs(others) / of_others)
        arrangements = len(null) + 1
        # Where both win alike, t is nought but for rounding, of which the exchange of the methods makes another.
        p = float(1 + (null >= t * (1 - TIE) - TIE).sum()) / arrangements
        allowed = min(int((1 - level) * arrangements * (1 + TIE)), len(null))
        critical = float(null[len(null) - allowed]) if allowed else np.inf
        smallest, details = 1 / arrangements, {"arrangements": float(arrangements), "exact": float(exact)}
        name = "permutation of ranks within pairs" if paired else "permutation of ranks"
    else:
        df = n_x - 1.0 if paired else _degrees_of_freedom(wins, n_x)
        p, critical = float(2 * special.stdtr(df, -t)), float(special.stdtrit(df, 0.5 + level / 2))
        name = "t of ranks of pairs" if paired else "Brunner-Munzel"
    low, high = (float(special.expit(logit + side * critical * se)) for side in (-1.0, 1.0))
    if p > 1 - level:
        # Where the observed t is the critical one, rounding must not put ½ outside.
        low, high = min(low, 0.5), max(high, 0.5)
    return Result(
        "probability of superiority", name, (n_x,) if paired else (n_x, n_y), estimate,
        0.0 if estimate == 0 else low, 1.0 if estimate == 1 else high, level, p=p, smallest_p=smallest, paired=paired,
        assumption="pairs of seeds independent of each other" if paired else "independent seeds", se=se, df=df, details=details,
    )  # fmt: skip


def _standardised(
    wins: Array, ours: NDArray[np.intp], theirs: NDArray[np.intp], paired: bool
) -> tuple[Array, Array, Array]:
    """π̂, its logit and that one's standard error, of each column of rows of both groups (slots, arrangements)."""
    (n_a, arrangements), n_b = ours.shape, len(theirs)
    first, second = (np.zeros((arrangements, len(wins))) for _ in range(2))
    np.put_along_axis(first, ours.T, 1.0, axis=1)
    np.put_along_axis(second, theirs.T, 1.0, axis=1)
    won = np.take_along_axis(second @ wins.T, ours.T, axis=1) / n_b
    lost = np.take_along_axis(first @ wins.T, theirs.T, axis=1) / n_a
    estimates = won.mean(axis=1)
    if paired:
        variances = (won - lost).var(axis=1, ddof=1) / n_a
    else:
        variances = won.var(axis=1, ddof=1) / n_a + lost.var(axis=1, ddof=1) / n_b
    nearest = 1 / (2 * n_a * n_b)
    inner = np.clip(estimates, nearest, 1 - nearest)
    # Of a quarter of what it is with one win less than all: the farther from ½, the larger is t.
    least = 2 * nearest**2
    return estimates, special.logit(inner), np.sqrt(np.maximum(variances, least)) / (inner * (1 - inner))


def _degrees_of_freedom(wins: Array, n_a: int) -> float:
    """Welch's, of the shares that seeds of both samples win."""
    won, lost = wins[:n_a, n_a:].mean(axis=1), wins[n_a:, :n_a].mean(axis=1)
    v_a, v_b = float(won.var(ddof=1)) / len(won), float(lost.var(ddof=1)) / len(lost)
    if v_a + v_b == 0:
        return float(min(len(won), len(lost)) - 1)
    return float(welch_df(v_a, v_b, len(won), len(lost)))


def _labels(pooled: Array, n_a: int, drawn: int) -> tuple[NDArray[np.intp], NDArray[np.intp], bool]:
    """Relabellings; drawn ones by the order of values, so that neither that of seeds nor of samples changes anything."""
    ours, theirs, exact = relabellings(n_a, len(pooled) - n_a, EXACT_UP_TO, drawn, 0)
    if exact:
        return ours, theirs, True
    order = np.argsort(pooled, kind="stable")
    return order[ours], order[theirs], False


def _swaps(x: Array, y: Array, drawn: int) -> tuple[NDArray[np.intp], NDArray[np.intp], bool]:
    """Swaps within pairs other than the observed labels, and whether these are all; swapping all pairs gives −t.

    Drawn ones go by the order of pairs, as :func:`_labels`.
    """
    n = len(x)
    exact = 2 ** (n - 1) <= EXACT_UP_TO
    if exact:
        swapped = np.arange(1, 2 ** (n - 1))[None, :] >> np.arange(n)[:, None] & 1
    else:
        swapped = np.empty((n, drawn), dtype=np.intp)
        order = np.lexsort((np.maximum(x, y), np.minimum(x, y)))
        swapped[order] = np.random.default_rng(0).integers(2, size=(n, drawn))
    rows = np.arange(n)[:, None]
    return rows + n * swapped, rows + n * (1 - swapped), exact


def _badness(a: ArrayLike, b: ArrayLike, better: Better) -> tuple[Array, Array]:
    """Both samples so that larger is worse, with the ties between them."""
    worse: Literal["low", "high"] = "low" if better == "higher" else "high"
    x, y = badness(a, worse), badness(b, worse)
    if min(len(x), len(y)) < FEWEST_SEEDS:
        raise CannotEstimate(f"{min(len(x), len(y))} seeds are too few", FEWEST_SEEDS)
    both = with_ties(np.concatenate([x, y]))
    return both[: len(x)], both[len(x) :]


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
