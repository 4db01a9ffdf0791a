"""Claims, verdicts and the comparison that holds them, as data: everything a report or an exporter needs."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from amrobust.errors import UserError
from amrobust.judge.beside import Printed
from amrobust.judge.declaration import Declaration
from amrobust.judge.usage import asked_for, meant
from amrobust.runs.arms import Arm
from amrobust.runs.axis import UNSAID, Axis, epochs
from amrobust.runs.method import Method
from amrobust.runs.metric import Metric
from amrobust.runs.workload import Workload, from_label
from amrobust.stats.limits import check_finite, check_margin, check_rate, is_count, is_number
from amrobust.stats.nested import VarianceComponents
from amrobust.stats.results import Caution, Result
from amrobust.stats.sequential import Look

if TYPE_CHECKING:
    from amrobust.judge.rules import Rules, Selection

ClaimKind = Literal[
    "less spread",
    "less Avg. STD",
    "better mean",
    "equivalent mean",
    "no worse than",
    "cheaper",
    "trend",
    "stable over",
    "within bound",
    "better after",
    "worse after",
    "composite",
]
RATIOS: tuple[ClaimKind, ...] = ("less spread", "less Avg. STD", "cheaper", "trend")
"""Claims whose estimate is a ratio; all others estimate a difference."""
SPREADS: tuple[ClaimKind, ...] = ("less spread", "less Avg. STD")
SWEEPS: tuple[ClaimKind, ...] = ("trend", "stable over")
"""Claims about several methods at once."""
CHANGES: tuple[ClaimKind, ...] = ("better after", "worse after")
"""Claims about one method before and after a change."""
ONE_METHOD: tuple[ClaimKind, ...] = ("within bound", *CHANGES)
"""Claims about a method by itself, which is its own baseline."""
NEED_MARGIN: tuple[ClaimKind, ...] = ("equivalent mean", "no worse than", "stable over")
NOT_PARTS: tuple[ClaimKind, ...] = ("composite", *ONE_METHOD, *SWEEPS)
"""A part of a composite claim has its whole's two methods: it can be neither composite, nor about one method or a sweep."""
FEWEST_IN_A_SWEEP = 3
Outcome = Literal["supported", "refuted", "inconclusive", "cannot be judged"]


@dataclass(frozen=True)
class Claim:
    """A statement about one method against a baseline, made before the runs are read.

    ``less spread`` is about the final spread (STD over seeds of the final value), ``less Avg. STD`` about the mean over
    epochs of the across-seed STD; ``better mean`` means higher or lower as the metric wants; ``equivalent mean`` and
    ``no worse than`` need a ``margin`` in the metric's unit. ``composite`` holds when all its ``parts`` do (the paper's own
    claim: as accurate *and* less spread); parts have the same method and baseline and are not composite themselves.

    ``cheaper`` is about the wall time of a seed. Two kinds are about a sweep, its ``methods`` in order: ``trend`` says that the
    spread (Avg. STD of curves) falls, or with ``rising`` rises, as the swept value grows; ``stable over`` that all pairs of
    final means are equivalent within ``margin``. Their ``method`` and ``baseline`` are the sweep's ends.

    ``within bound`` is about one method (its own ``baseline``): with ``bound`` = (threshold, probability), a run ends worse
    than the threshold with at most that probability. Diverged runs end worse than everything. ``deviation`` is the Λ of
    Theorem 1b whose bound this is; it becomes one when the problem is known.

    ``better after`` and ``worse after`` are about one method too: its metric in the second of ``epochs`` = (before, after)
    against that in the first, in each seed; between the two lies a change such as a drop of the learning rate.

    With ``epochs`` = (first, last) any other claim is about that phase of training: the Avg. STD over it, or each seed's mean
    over it.
    ``phase`` = (from, to) says the same in shares of the training, and becomes ``epochs`` when the runs are known; that of a
    change, (at, at), becomes the epochs on its two sides.

    An entry of ``methods`` such as ``am1[m=*]/II`` stands for all methods of that form, by the value in the place of the
    asterisk; it is replaced by their names when the runs are known. So is ``over``, the hyperparameter in which the methods of
    a ``trend`` differ.
    """

    kind: ClaimKind
    method: str
    baseline: str
    margin: float | None = None
    parts: tuple[Claim, ...] = ()
    epochs: tuple[int, int] | None = None
    methods: tuple[str, ...] = ()
    rising: bool = False
    bound: tuple[float, float] | None = None
    phase: tuple[float, float] | None = None
    deviation: float | None = None
    over: str | None = None

    def __post_init__(self) -> None:
        """Raises UserError where the claim says nothing, or what no number could decide."""
        if self.kind not in get_args(ClaimKind):
            raise UserError(f"no claim is called {self.kind!r}: {meant(str(self.kind), get_args(ClaimKind))}")
        what = f"a claim of kind {self.kind!r}"
        if self.kind in SWEEPS:
            if not self.methods or (
                len(self.methods) < FEWEST_IN_A_SWEEP and not any("*" in name for name in self.methods)
            ):
                raise UserError(f"{what} needs at least three methods")
            if doubled := [name for name in dict.fromkeys(self.methods) if self.methods.count(name) > 1]:
                raise UserError(f"{what} names {', '.join(doubled)} twice: name every method once")
        elif self.kind in ONE_METHOD:
            if self.method != self.baseline:
                raise UserError(f"{what} is about one method: name {self.method!r} as its baseline too")
        elif self.method == self.baseline:
            raise UserError(f"{what} holds {self.method!r} against itself: name another method or baseline")
        if (self.margin is not None) != (self.kind in NEED_MARGIN):
            raise UserError(f"{what} {'takes no' if self.margin is not None else 'needs a'} margin")
        if self.rising and self.kind != "trend":
            raise UserError(f"{what} does not rise: only a trend does")
        if (self.kind == "composite") != bool(self.parts) or len(self.parts) == 1:
            raise UserError(f"{what} {'needs at least two' if self.kind == 'composite' else 'has no'} parts")
        for part in self.parts:
            if part.kind in NOT_PARTS or (part.method, part.baseline) != (self.method, self.baseline):
                raise UserError(
                    f"a part of {what} is about {self.method} against {self.baseline} too, and neither composite, nor of one "
                    f"method, nor of a sweep: {part.kind!r} about {part.method} against {part.baseline} is none"
                )
        self._check_numbers()

    def _check_numbers(self) -> None:
        with asked_for():
            if self.margin is not None:
                check_margin(self.margin)
            if self.deviation is not None:
                check_finite("deviation", self.deviation)
        if self.bound is not None:
            with asked_for("a bound is a pair [threshold, probability]: "):
                check_finite("threshold", self.bound[0])
                check_rate("probability", self.bound[1])
        if (self.bound is not None or self.deviation is not None) != (self.kind == "within bound"):
            raise UserError(
                f"a claim of kind {self.kind!r} {'needs a' if self.bound is None else 'has no'} bound"
            )
        if self.epochs is not None and self.phase is not None:
            raise UserError(
                "a claim has epochs or a phase: give two growing shares of the training and no epochs, or epochs alone"
            )
        if self.epochs is not None and (
            len(self.epochs) != 2
            or not all(is_count(epoch, 1, sys.maxsize) for epoch in self.epochs)
            or self.epochs[0] > self.epochs[1]
        ):
            raise UserError(f"epochs = {list(self.epochs)} is no phase: give [first, last]")
        if self.phase is not None:
            if len(self.phase) != 2 or not all(map(is_number, self.phase)):
                raise UserError(f"phase = {list(self.phase)} is none: give two shares of the training")
            first, last = self.phase
            if self.kind in CHANGES and not 0 < first == last < 1:
                raise UserError(
                    f"at = {first:g} is no change: give one share of the training, between 0 and 1"
                )
            if self.kind not in CHANGES and not 0 <= first < last <= 1:
                raise UserError(
                    f"phase = {[first, last]} is none: give two growing shares of the training, and no epochs"
                )
        elif self.kind in CHANGES and self.epochs is None:
            raise UserError(
                f"a claim of kind {self.kind!r} needs the epochs, or the share of the training, of its change"
            )


def is_about_a_pair(claim: Claim) -> bool:
    """Whether a method is held against a baseline, and not a sweep or a method by itself."""
    return claim.kind not in (*SWEEPS, *ONE_METHOD)


@dataclass(frozen=True)
class Verdict:
    """What the runs say about one claim."""

    claim: Claim
    outcome: Outcome
    sentence: str
    """One plain sentence with the numbers it rests on."""
    interval: Result | None
    """Estimate and interval that are printed (at the Bonferroni level of the family); None when refused or composite. A
    bootstrap's where one was asked for: then the claim is decided only if this interval and the test say the same."""
    test: Result | None
    """The test whose p-value decides; the same object as ``interval`` unless another test was asked for."""
    p: float | None
    p_adjusted: float | None
    """Holm-adjusted over the family."""
    family_size: int
    second_opinion: Result | None = None
    material: bool | None = None
    """For spread ratios: the interval also excludes every ratio nearer to 1 than the material ratio."""
    seeds_to_settle: int | None = None
    """For an inconclusive verdict: seeds a method at which this claim would be settled with 80 % power."""
    cautions: tuple[Caution, ...] = ()
    parts: tuple[Verdict, ...] = ()
    """Of a composite claim: the verdicts on its parts, each at the level of the whole family."""
    test_interval: Result | None = None
    """The interval that belongs to the deciding test, where ``interval`` is a bootstrap's that was asked for."""


@dataclass(frozen=True)
class PairFacts:
    """Two methods side by side: descriptions that no verdict rests on."""

    method: str
    baseline: str
    winning: Result | None
    """Chance that a run of the method ends better than one of the baseline, diverged runs being the worst."""
    epochs_that_differ: tuple[int, ...] | None
    """Epochs whose STDs differ, adjusted over all epochs by max-T; None where that cannot be said."""
    at_matched_level: float | None
    """Ratio of STDs where the two mean curves pass the same levels; None where they share none."""
    divergence: Result | None
    """Difference of divergence rates, where any seed diverged."""


@dataclass(frozen=True)
class MethodSummary:
    """One row of the table: a method's own numbers, each with its interval."""

    method: str
    n: int
    diverged: int
    final_mean: Result | None
    final_spread: Result | None
    avg_std: Result | None
    """None where diverged seeds or too few seeds forbid it, or where the data have a single epoch."""
    components: VarianceComponents | None = None
    """Over several x0: how much of the final spread each source makes. The other numbers then have x0s as their unit."""
    cautions: tuple[Caution, ...] = ()


@dataclass(frozen=True)
class SourceShare:
    """How much of one method's spread a single random stream makes: its runs with that stream alone against all."""

    method: str
    stream: str
    final: Result | None
    """Ratio of the STDs of the final values; its square is the share of their variance."""
    avg_std: Result | None
    """Ratio of the Avg. STDs."""


@dataclass(frozen=True)
class Judgement:
    """All claims about one group of comparable arms (same workload, data, x0, epochs and metric)."""

    question: str
    workload: str
    data_digest: str | None
    x0_digest: str | None
    metric: Metric
    epochs: int
    first_epoch: int
    """Epochs before this one are left out for all methods."""
    final: str
    """How the final value is defined: "last" or "mean:K"."""
    baseline: str
    alpha: float
    test: str
    """The name given to ``--test``."""
    material_ratio: float
    arms: tuple[Arm, ...]
    summaries: tuple[MethodSummary, ...]
    """In the order of ``arms``; a published table has these alone."""
    verdicts: tuple[Verdict, ...]
    pairs: tuple[PairFacts, ...] = ()
    """What describes each pair that is compared, and decides nothing."""
    look: Look | None = None
    """The planned look that this is: claims are tested at its level, not at ``alpha``."""
    looks: tuple[int, ...] = ()
    """Seeds a method at all planned looks."""
    selection: Selection | None = None
    """What was chosen for the comparison; None for published tables."""
    rules: Rules | None = None
    cautions: tuple[Caution, ...] = ()
    """What concerns the whole group."""
    sources: tuple[SourceShare, ...] = ()
    """Where a single random stream varies, and other runs have them all: its part in each method's spread."""
    published: Printed | None = None
    """What the paper prints about these methods, where an analysis names the table."""
    axis: Axis = UNSAID
    """Where the curves of all arms were measured, or the grid that they are read on; the epochs from 1 on where nothing else
    is said. ``first_epoch``, and the epochs of claims and pairs, count its coordinates from 1."""
    declaration: Declaration | None = None
    """Whether the claims were fixed before the seeds were trained; None where they are the usual ones."""

    def __post_init__(self) -> None:
        """Spell the axis out."""
        if self.axis is UNSAID:
            object.__setattr__(self, "axis", epochs(self.epochs))

    @property
    def setting(self) -> Workload:
        """The workload as data; of one that no arm has, such as a published table, what its label tells."""
        of_arms = (arm.setting for arm in self.arms if arm.workload == self.workload)
        return next(of_arms, None) or from_label(self.workload)

    @property
    def methods(self) -> tuple[str, ...]:
        """The names of all methods, in order."""
        return tuple(summary.method for summary in self.summaries)

    @property
    def identities(self) -> dict[str, Method]:
        """The methods as data, by their names; none of a published table's."""
        return {arm.method: arm.identity for arm in self.arms}

    @property
    def titles(self) -> dict[str, str]:
        """What each method is called in print; a published table's methods are called as there."""
        return {name: name for name in self.methods} | {arm.method: arm.title for arm in self.arms}

    @property
    def level_alpha(self) -> float:
        """The error rate that claims are tested at: of this look where looks were planned."""
        return self.look.alpha if self.look is not None else self.alpha


@dataclass(frozen=True)
class Comparison:
    """Everything one ``amrobust compare`` found: one judgement a group, and what could not be read."""

    judgements: tuple[Judgement, ...]
    problems: tuple[str, ...] = ()
    """Runs that were set aside, each in one line with its reason."""
