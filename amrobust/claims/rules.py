"""How claims are judged, and what is known about one of them before the family is adjusted for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from amrobust.claims.judgement import Claim
from amrobust.claims.samples import Refused
from amrobust.stats.curves import EpochwiseDifference
from amrobust.stats.levels import Alignment, Scale
from amrobust.stats.results import Caution, Result

TestName = Literal[
    "jackknife", "bonett", "permutation", "levene", "bartlett", "fligner", "f", "swap", "pitman-morgan"
]
TESTS: tuple[TestName, ...] = get_args(TestName)
UNPAIRED: tuple[TestName, ...] = ("levene", "bartlett", "fligner", "f")
"""Tests for independent samples: paired arms get the paired t test on deviations instead, named so."""
PAIRED: tuple[TestName, ...] = ("swap", "pitman-morgan")
"""Tests that need seeds to be paired."""


@dataclass(frozen=True)
class Selection:
    """Which arms and pairs are compared, and on which metric."""

    metric: str | None = None
    baseline: str | None = None
    pairs: Literal["baseline", "all"] = "baseline"
    margin: float | None = None
    survivors: bool = False
    allow_different_x0: bool = False
    scale: Scale = "none"
    align: Alignment = "refuse"


@dataclass(frozen=True)
class Rules:
    """How claims are judged: the options of a comparison that the numbers depend on."""

    alpha: float = 0.05
    test: TestName = "jackknife"
    centre: Literal["median", "mean", "trimmed"] = "median"
    final: str = "last"
    material_ratio: float = 0.9
    looks: tuple[int, ...] = ()
    """Numbers of seeds at which the study was planned to be looked at; empty for one look, whenever it is."""


@dataclass(frozen=True)
class Evidence:
    """What is known about one claim before the family is adjusted for."""

    claim: Claim
    interval: Result | None = None
    test: Result | None = None
    second_opinion: Result | None = None
    p: float | None = None
    """The p-value that decides: the chosen test's, or the larger of it and the interval's where they are not one."""
    refusal: Refused | None = None
    cautions: tuple[Caution, ...] = ()
    parts: tuple[Evidence, ...] = ()
    epochwise: EpochwiseDifference | None = None
    """Where the curves' spreads differ, if it was found beside the second opinion: it decides nothing."""
