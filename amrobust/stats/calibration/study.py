"""What is measured where: the cells of the study, and the constructions that each of them sees."""

from __future__ import annotations

import multiprocessing
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from functools import partial
from itertools import product

import numpy as np
from scipy import special

from amrobust.stats.bootstrap import (
    KINDS,
    NAMES,
    STATISTICS,
    Statistic,
    bootstrap_contrast,
    bootstrap_difference,
    bootstrap_interval,
)
from amrobust.stats.calibration.conditions import CURVES, VALUES, Condition
from amrobust.stats.calibration.figures import Cell, Effort, Figure, Measure, rate
from amrobust.stats.calibration.ranked import RANKED, ranks
from amrobust.stats.calibration.rivals import DECIDES, RIVALS
from amrobust.stats.coverage import topic_of
from amrobust.stats.curves import simultaneous_std_band, when_spreads_differ
from amrobust.stats.jackknife import SpreadContrast
from amrobust.stats.location import mean_interval
from amrobust.stats.nested import mean_difference_over_x0s, spread_ratio_over_x0s
from amrobust.stats.ranks import mann_whitney
from amrobust.stats.results import Result
from amrobust.stats.samples import Array, CannotEstimate, welch_df
from amrobust.stats.sequential import obrien_fleming_looks
from amrobust.stats.spread import avg_std_interval, chi_square_interval, spread_interval
from amrobust.stats.trend import permutation_trend, spread_trend

ALPHA = 0.05
SEEDS = (5, 10, 20)
FEW_AND_MORE = (4, 5, 7, 10, 20)
"""Seeds at which intervals of the bootstrap, which change most at the fewest, are measured."""
BLOCK_VALUES = 2_000_000
RESAMPLES = 499
SWEEP = (1.0, 3.0, 5.0, 10.0, 30.0)
LOOKS = {20: (5, 10, 15, 20), 40: (10, 20, 30, 40)}
"""Planned looks by the last of them."""
UNEQUAL = 5
"""Seeds of the smaller of two samples of unequal size: against 20."""
_SHAPES = [
    "normal seeds", "t5 seeds", "skewed seeds",
    "normal pairs, correlation 0.5", "t5 pairs, correlation 0.5", "skewed pairs, correlation 0.5",
]  # fmt: skip
_CURVES = [
    "AR(0.8) curves", "t5 curves", "AR(0.8) pairs, correlation 0.5", "t5 pairs of curves, correlation 0.5",
]  # fmt: skip
EQUAL_AT_EVERY_EPOCH = [name for name in CURVES if name != "early against late spread" and CURVES[name].plain]
BANDED = ("AR(0.8) curves", "t5 curves", "skewed AR(0.8) curves", "losses, exp of AR(0.8) curves",
          "curves that take off at their own epoch")  # fmt: skip
"""The conditions that bands of the STD are measured under."""

BOOTSTRAPPED: dict[Statistic, dict[str, Condition]] = {
    "mean": {name: VALUES[name] for name in _SHAPES},
    "std": {name: VALUES[name] for name in _SHAPES},
    "avg_std": {name: CURVES[name] for name in _CURVES},
}
"""The conditions of samples of one shape that contrasts are resampled under: independent, and in pairs."""


def cells() -> list[Cell]:
    """Every cell of the study, the long ones first."""
    shapes = ("normal seeds", "t5 seeds", "skewed seeds")
    found = [Cell("one spread", name, n) for name, n in product(shapes, FEW_AND_MORE)]
    found += [Cell("epochs that differ", name, n) for name, n in product(EQUAL_AT_EVERY_EPOCH, SEEDS)]
    found += [
        Cell("Avg. STD", name, n, ratio)
        for name, n, ratio in product(CURVES, FEW_AND_MORE, (1.0, 1.5))
        if (ratio == 1 or CURVES[name].banded) and (CURVES[name].more == 1 or n == UNEQUAL)
    ]
    found += [
        Cell("final spread", name, n, ratio)
        for name, n, ratio in product(VALUES, FEW_AND_MORE, (1.0, 1.5, 2.0, 3.0))
        if (ratio == 1 or name in shapes) and (VALUES[name].more == 1 or n == UNEQUAL)
    ]
    found += [
        Cell("one Avg. STD", name, n) for name, n in product(("AR(0.8) curves", "t5 curves"), FEW_AND_MORE)
    ]
    found += [Cell("one mean", name, n) for name, n in product(shapes, FEW_AND_MORE)]
    found += [
        Cell(topic_of(quantity, paired=condition.paired), name, n, 2.0 if statistic == "mean" else 1.0)
        for statistic, (_, _, quantity) in STATISTICS.items()
        for name, condition in BOOTSTRAPPED[statistic].items()
        for n in FEW_AND_MORE
    ]
    found += [Cell("means", name, n, 2.0) for name, n in product(shapes, SEEDS)]
    found += [
        Cell("trend", name, n) for name, n in product((*shapes, "AR(0.8) curves", "t5 curves"), (5, 10, 20))
    ]
    found += [Cell("several x0", f"{k} starting points, normal seeds", 10, float(k)) for k in (3, 5, 10)]
    found += [
        Cell("planned looks", name, last, ratio)
        for name in ("normal seeds", "t5 seeds", "AR(0.8) curves", "t5 curves")
        for last in LOOKS
        for ratio in (1.0, 1.5, 2.0, 3.0)
    ]
    found += [Cell("band of the STD", name, n) for name, n in product(BANDED, SEEDS)]
    found += [Cell("ranks", name, n) for name, n in product(RANKED, FEW_AND_MORE) if n >= RANKED[name].fewest]
    return found


def measure(cell: Cell, effort: Effort | None = None, *, root: int = 0) -> list[Figure]:
    """Measure every construction of a cell; the same root and effort give the same figures."""
    rng = np.random.default_rng([root, zlib.crc32(cell.name.encode())])
    return [replace(figure, seed=root) for figure in TOPICS[cell.topic](cell, effort or Effort(), rng)]


def measure_all(
    cells: Sequence[Cell],
    effort: Effort,
    *,
    root: int = 0,
    jobs: int = 1,
    measured: Callable[..., list[Figure]] = measure,
) -> Iterator[tuple[int, list[Figure]]]:
    """Yield (index of the cell, its figures) as cells finish, on ``jobs`` processes; in this one where that is 1.

    The figures do not depend on how many there are. ``measured`` measures a cell, as :func:`measure` does.
    """
    if jobs == 1:
        for index, cell in enumerate(cells):
            yield index, measured(cell, effort, root=root)
        return
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        running = {pool.submit(measured, cell, effort, root=root): i for i, cell in enumerate(cells)}
        try:
            for done in as_completed(running):
                yield running[done], done.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def condition_of(cell: Cell) -> Condition:
    """The condition by its name."""
    return VALUES.get(cell.condition) or CURVES[cell.condition]


def blocks(
    condition: Condition, cell: Cell, rng: np.random.Generator, total: int
) -> Iterator[tuple[Array, Array]]:
    """The replications of a cell in blocks that fit in memory, the first sample scaled by the true ratio."""
    size = max(1, BLOCK_VALUES // (cell.n * condition.epochs))
    for start in range(0, total, size):
        a, b = condition.draw(rng, min(size, total - start), cell.n)
        yield cell.ratio * a, b


def _ratio(cell: Cell, effort: Effort, rng: np.random.Generator) -> list[Figure]:
    """Two spreads: type I error or power, and coverage, of what decides and of its rivals."""
    condition = condition_of(cell)
    total = effort.values if condition.epochs == 1 else effort.curves
    fitting = {name: rival for name, rival in RIVALS.items() if rival.fits(condition)}
    counts = {name: [0, 0, 0] for name in fitting}  # replications, rejections, misses
    for a, b in blocks(condition, cell, rng, total):
        for name, rival in fitting.items():
            done = counts[name]
            size = min(len(a), effort.slow - done[0]) if rival.slow else len(a)
            if size <= 0:
                continue
            x, y = a[:size], b[:size]
            done[0] += size
            done[1] += int((rival.p(x, y, condition.paired, 0.0) <= ALPHA).sum())
            if rival.has_interval:
                done[2] += int((rival.p(x, y, condition.paired, float(np.log(cell.ratio))) <= ALPHA).sum())
    found = []
    for name, (done_, rejected, missed) in counts.items():
        banded = condition.banded and name == DECIDES
        what: Measure = "type I error" if cell.ratio == 1 else "power"
        found.append(rate(cell, name, what, rejected, done_, banded=banded))
        if fitting[name].has_interval:
            found.append(rate(cell, name, "coverage", done_ - missed, done_, banded=banded))
    return found


def _one(
    cell: Cell,
    effort: Effort,
    rng: np.random.Generator,
    *,
    statistic: Statistic,
    others: Mapping[str, Callable[[Array], Result]],
    truth: float = 1.0,
) -> list[Figure]:
    """Coverage of the intervals of one sample's statistic: those that resample nothing, and the bootstrap's."""
    condition = condition_of(cell)
    total = effort.values if condition.epochs == 1 else effort.curves
    x = condition.draw(rng, total, cell.n)[0]
    x = x[..., 0] if condition.epochs == 1 else x
    constructions = {name: (interval, total) for name, interval in others.items()}
    for kind in KINDS:
        resampling = partial(bootstrap_interval, statistic=statistic, kind=kind, resamples=RESAMPLES)
        constructions[NAMES[kind]] = (resampling, effort.slow)
    return [
        _coverage(cell, name, (partial(interval, values) for values in x[:count]), truth,
                  banded=name == "Bonett" and condition is VALUES["normal seeds"])
        for name, (interval, count) in constructions.items()
    ]  # fmt: skip


def _coverage(
    cell: Cell,
    name: str,
    intervals: Iterable[Callable[[], Result]],
    truth: float,
    *,
    banded: bool = False,
    condition: str = "",
) -> Figure:
    """How many of the intervals hold the truth, of those that are given: a refusal is no interval."""
    hits, given = 0, 0
    for interval in intervals:
        try:
            result = interval()
        except CannotEstimate:
            continue
        assert result.low is not None
        assert result.high is not None
        hits, given = hits + (result.low <= truth <= result.high), given + 1
    return rate(cell, name, "coverage", hits, given, banded=banded, condition=condition)


def _two(cell: Cell, effort: Effort, rng: np.random.Generator, *, statistic: Statistic) -> list[Figure]:
    """Coverage of the bootstrap's intervals for a ratio of 1, or for equal means of samples with STDs 2 and 1."""
    condition = condition_of(cell)
    words = f"{cell.condition}, STDs 2 and 1" if statistic == "mean" else cell.condition
    truth = 0.0 if statistic == "mean" else 1.0
    pairs = [(x, y) for a, b in blocks(condition, cell, rng, effort.slow) for x, y in zip(a, b, strict=True)]
    return [
        _coverage(
            cell,
            NAMES[kind],
            (
                partial(
                    bootstrap_contrast,
                    x,
                    y,
                    statistic,
                    paired=condition.paired,
                    kind=kind,
                    resamples=RESAMPLES,
                )
                for x, y in pairs
            ),
            truth,
            condition=words,
        )
        for kind in KINDS
    ]


def _means(cell: Cell, effort: Effort, rng: np.random.Generator) -> list[Figure]:
    """Equal means with STDs 2 and 1; equivalence and non-inferiority with the truth at a margin of 1."""
    condition = condition_of(cell)
    banded = condition.banded
    counts = dict.fromkeys(("Welch t", "paired t", "TOST at its margin", "non-inferiority at its margin"), 0)
    for a, b in blocks(condition, cell, rng, effort.values):
        x, y = a[..., 0], b[..., 0]
        parts = x.var(axis=1, ddof=1) / cell.n, y.var(axis=1, ddof=1) / cell.n
        se, difference = np.sqrt(parts[0] + parts[1]), x.mean(axis=1) - y.mean(axis=1)
        df = welch_df(*parts, cell.n, cell.n)
        counts["Welch t"] += int((2 * special.stdtr(df, -np.abs(difference / se)) <= ALPHA).sum())
        paired_se = (x - y).std(axis=1, ddof=1) / np.sqrt(cell.n)
        counts["paired t"] += int(
            (2 * special.stdtr(cell.n - 1, -np.abs(difference / paired_se)) <= ALPHA).sum()
        )
        # The true difference is moved to the margin of 1, where both claims are false by nothing.
        counts["TOST at its margin"] += int(
            (special.stdtr(df, -(1 - np.abs(difference + 1)) / se) <= ALPHA).sum()
        )
        counts["non-inferiority at its margin"] += int((special.stdtr(df, -difference / se) <= ALPHA).sum())
    found = [rate(cell, name, "type I error", n, effort.values, banded=banded, condition=f"{cell.condition}, STDs 2 and 1")
             for name, n in counts.items()]  # fmt: skip
    a, b = condition.draw(rng, effort.curves, cell.n)
    others: dict[str, Callable[[Array, Array], float | None]] = {
        "Mann-Whitney": lambda x, y: mann_whitney(x, y, better="higher").p,
        "bootstrap-t": lambda x, y: bootstrap_difference(x, y, resamples=RESAMPLES).p,
    }
    for name, test in others.items():
        total = effort.slow if name == "bootstrap-t" else effort.curves
        p = [test(2 * x[:, 0], y[:, 0]) for x, y in zip(a[:total], b[:total], strict=True)]
        hits = sum(value is not None and value <= ALPHA for value in p)
        found.append(
            rate(cell, name, "type I error", hits, total, condition=f"{cell.condition}, STDs 2 and 1")
        )
    return found


def _epochs(cell: Cell, effort: Effort, rng: np.random.Generator) -> list[Figure]:
    """How often any epoch is named though none differs."""
    condition = condition_of(cell)
    a, b = condition.draw(rng, effort.slow, cell.n)
    hits = sum(
        bool(when_spreads_differ(x, y, paired=condition.paired, resamples=RESAMPLES).epochs)
        for x, y in zip(a, b, strict=True)
    )
    return [rate(cell, "max-T over epochs", "type I error", hits, effort.slow)]


def _trend(cell: Cell, effort: Effort, rng: np.random.Generator) -> list[Figure]:
    condition = condition_of(cell)
    tests: dict[str, tuple[Callable[[list[Array]], float | None], int]] = {
        "trend by the jackknife (decides)": (lambda s: spread_trend(s, SWEEP).p, effort.curves),
        "permutation of a trend": (lambda s: permutation_trend(s, SWEEP, resamples=RESAMPLES).p, effort.slow),
    }
    found = []
    for name, (test, total) in tests.items():
        hits = 0
        for _ in range(total):
            groups, _ = condition.draw(rng, len(SWEEP), cell.n)
            p = test(list(groups))
            hits += p is not None and p <= ALPHA
        banded = condition.banded and "decides" in name
        found.append(
            rate(
                cell,
                name,
                "type I error",
                hits,
                total,
                banded=banded,
                condition=f"{cell.condition}, 5 groups",
            )
        )
    return found


def _x0s(cell: Cell, effort: Effort, rng: np.random.Generator) -> list[Figure]:
    """Starting points that move each method's mean and log spread by their own normal effects."""
    k = int(cell.ratio)
    labels = np.repeat(np.arange(k), cell.n)
    names = labels.tolist()
    hits = {"mean difference over x0s": 0, "spread ratio over x0s": 0}
    for _ in range(effort.curves):
        both = []
        for _ in range(2):
            scale = np.exp(0.3 * rng.standard_normal(k))[labels]
            both.append(rng.standard_normal(k)[labels] + scale * rng.standard_normal(k * cell.n))
        a, b = both
        hits["mean difference over x0s"] += (mean_difference_over_x0s(a, names, b, names).p or 0) <= ALPHA
        hits["spread ratio over x0s"] += (spread_ratio_over_x0s(a, names, b, names).p or 0) <= ALPHA
    return [
        rate(cell, name, "type I error", count, effort.curves, banded=True, condition=cell.condition)
        for name, count in hits.items()
    ]


def _bands(cell: Cell, effort: Effort, rng: np.random.Generator) -> list[Figure]:
    """How often the simultaneous band holds the STD, 1, of every epoch."""
    curves, _ = condition_of(cell).draw(rng, effort.slow, cell.n)
    held = 0
    for one in curves:
        band = simultaneous_std_band(one, resamples=RESAMPLES)
        held += bool(((band.low <= 1) & (band.high >= 1)).all())
    return [rate(cell, "simultaneous band of the STD", "coverage", held, effort.slow)]


def _looks(cell: Cell, effort: Effort, rng: np.random.Generator) -> list[Figure]:
    """Studies that stop at the first look whose level the jackknife's p-value reaches."""
    condition = condition_of(cell)
    total = effort.values if condition.epochs == 1 else effort.curves
    rejected, seeds, looks = 0, 0.0, LOOKS[cell.n]
    for a, b in blocks(condition, cell, rng, total):
        open_ = np.ones(len(a), bool)
        for look in obrien_fleming_looks(looks, ALPHA):
            p = SpreadContrast.of(a[open_, : look.seeds], b[open_, : look.seeds]).p()
            seeds += look.seeds * int(open_.sum()) if look.seeds == looks[-1] else 0
            stopped = np.flatnonzero(open_)[p <= look.alpha]
            if look.seeds != looks[-1]:
                seeds += look.seeds * len(stopped)
            rejected += len(stopped)
            open_[stopped] = False
    what: Measure = "type I error" if cell.ratio == 1 else "power"
    name = f"jackknife at looks {', '.join(map(str, looks))}"
    return [
        rate(cell, name, what, rejected, total, banded=cell.ratio == 1 and condition.banded),
        Figure(cell.topic, name, f"{cell.condition}, true ratio {cell.ratio:g}", cell.n, "mean seeds used",
               seeds / total, seeds / total, seeds / total, total),
    ]  # fmt: skip


TOPICS: dict[str, Callable[[Cell, Effort, np.random.Generator], list[Figure]]] = {
    "final spread": _ratio,
    "Avg. STD": _ratio,
    "one mean": partial(_one, statistic="mean", others={"t": mean_interval}, truth=0.0),
    "one spread": partial(
        _one, statistic="std", others={"Bonett": spread_interval, "chi-square": chi_square_interval}
    ),
    "one Avg. STD": partial(
        _one, statistic="avg_std", others={"jackknife of log Avg. STD": avg_std_interval}
    ),
    **{
        topic_of(quantity, paired=paired): partial(_two, statistic=statistic)
        for statistic, (_, _, quantity) in STATISTICS.items()
        for paired in (False, True)
    },
    "means": _means,
    "epochs that differ": _epochs,
    "trend": _trend,
    "several x0": _x0s,
    "planned looks": _looks,
    "band of the STD": _bands,
    "ranks": ranks,
}
