"""How claims are judged, and what is known about one of them before the family is adjusted for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite
from typing import TYPE_CHECKING, Literal, get_args

from amrobust.errors import UserError
from amrobust.judge.grid import Grid
from amrobust.judge.lengths import Lengths
from amrobust.judge.samples import Refused
from amrobust.judge.usage import asked_for
from amrobust.stats.levels import Scale
from amrobust.stats.limits import check_finite, check_margin, check_rate, check_size
from amrobust.stats.results import Result, ResultWarning
from amrobust.stats.samples import final_epochs
from amrobust.stats.sequential import check_looks

if TYPE_CHECKING:
    from amrobust.judge.claim import Claim
    from amrobust.runs.metric import Metric

TestName = Literal[
    "auto",
    "jackknife",
    "permutation",
    "bonett",
    "levene",
    "bartlett",
    "fligner",
    "f",
    "swap",
    "pitman-morgan",
]
TESTS: tuple[TestName, ...] = get_args(TestName)
UNPAIRED: tuple[TestName, ...] = ("levene", "bartlett", "fligner", "f")
"""Tests for independent samples: paired arms get the paired t test on deviations instead, named so."""
PAIRED: tuple[TestName, ...] = ("swap", "pitman-morgan")
"""Tests that need seeds to be paired."""
IntervalName = Literal["test", "bootstrap-t", "bca", "percentile"]
"""Which intervals of means and spreads are shown: those that belong to the deciding test, or a bootstrap's."""
INTERVALS: tuple[IntervalName, ...] = get_args(IntervalName)
Pairs = Literal["baseline", "all"]
Centre = Literal["median", "mean", "trimmed"]


@dataclass(frozen=True)
class Selection:
    """Which arms and pairs are compared, and on which metric."""

    metric: str | None = None
    baseline: str | None = None
    pairs: Pairs = "baseline"
    margin: float | None = None
    complete_cases: bool = False
    allow_different_x0: bool = False
    scale: Scale = "none"
    grid: str | None = None
    """The common grid that curves are read on (:mod:`amrobust.judge.grid`); None where they need none."""
    lengths: Lengths = "refuse"
    """What it means that seeds or methods end earlier than others (:mod:`amrobust.judge.lengths`)."""
    diverged: float | None = None
    """A seed whose curve ends worse than this counts as diverged."""
    tuning: str | None = None
    """How the hyperparameters of methods that do not say it were chosen, in words."""
    measured: str = "each"
    """Which measurement of the same weights (:mod:`amrobust.judge.measurements`): a name, or each, usual, together."""

    def __post_init__(self) -> None:
        """Raises UserError where there is no such choice."""
        _require("pairs", self.pairs, get_args(Pairs))
        _require("scale", self.scale, get_args(Scale))
        _require("lengths", self.lengths, get_args(Lengths))
        if self.grid is not None:
            Grid.parse(self.grid)
        if self.margin is not None:
            with asked_for():
                check_margin(self.margin)
        if self.tuning is not None and not self.tuning.strip():
            raise UserError(
                "tuning says in words how the methods' hyperparameters were chosen, and this is empty"
            )
        if self.diverged is not None:
            with asked_for():
                check_finite("diverged", self.diverged)


@dataclass(frozen=True)
class Rules:
    """How claims are judged: the options of a comparison that the numbers depend on."""

    alpha: float = 0.05
    test: TestName = "auto"
    centre: Centre = "median"
    final: str = "last"
    practical_ratio: float = 0.9
    interval: IntervalName = "test"
    failure: float | None = None
    """How much worse than its method's median a failing seed is taken to be for tipping points; None: like the worst seen."""
    looks: tuple[int, ...] = ()
    """Numbers of seeds per method at the planned interim analyses; empty for one analysis, whenever it is."""

    def __post_init__(self) -> None:
        """Raises UserError where there is no such choice, and on interim analyses at which nothing can be settled."""
        _require("test", self.test, TESTS)
        _require("interval", self.interval, INTERVALS)
        _require("center", self.centre, get_args(Centre))
        with asked_for():
            check_rate("alpha", self.alpha, 0.5)
            check_rate("practical_ratio", self.practical_ratio, 1)
            final_epochs(self.final)
            if self.failure is not None:
                check_size("failure", self.failure)
            if self.looks:
                check_looks(self.looks, self.alpha)


def _require(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UserError(f"no {name} is called {value!r}: choose one of {', '.join(known)}")


@dataclass(frozen=True)
class Rate:
    """The error rate that one claim of a family is held to."""

    alpha: float
    """That of its step in Holm's procedure; its interval is at this level too."""
    first: float
    """That of the procedure's first step, alpha over all claims: by it constructions are chosen, before any data."""
    p_alone: bool = False
    """Whether only p-values are asked for, by which the step is found: what takes long beside them is left out."""

    def claims(self, alpha: float) -> int:
        """How many claims ``alpha`` is shared by."""
        return round(alpha / self.first)

    def over(self, parts: int) -> Rate:
        """What is left for each of several ``parts``, any of which would settle the claim."""
        return replace(self, alpha=self.alpha / parts)


@dataclass(frozen=True)
class Evidence:
    """What is known about one claim: its p-value, and its interval at the claim's level."""

    claim: Claim
    interval: Result | None = None
    """The one that belongs to the deciding test, or stands beside it."""
    test: Result | None = None
    sensitivity_test: Result | None = None
    p: float | None = None
    """The p-value that decides: the chosen test's, or the larger of it and the interval's where they are not one. Of a claim
    whose two directions have tests of their own it is that of the direction in which the estimate lies."""
    rate: Rate | None = None
    """None where the claim is refused."""
    refusal: Refused | None = None
    warnings: tuple[ResultWarning, ...] = ()
    parts: tuple[Evidence, ...] = ()
    asked: Result | None = None
    """The bootstrap interval that was asked for: it is shown in place of the other, and a verdict needs both."""

    def points_to(self, metric: Metric) -> bool:
        """Whether the estimate is as the claim says; of a composite, those of all parts."""
        if self.parts:
            return all(part.points_to(metric) for part in self.parts)
        assert self.interval is not None
        assert self.interval.estimate is not None
        return self.claim.form.holds(self.claim, self.interval.estimate, metric)

    def __post_init__(self) -> None:
        """Raises Refused where p is not a finite number, whose comparisons would decide by the order they are written in."""
        if self.p is not None and not isfinite(self.p):
            raise Refused("its p-value is not a finite number")
