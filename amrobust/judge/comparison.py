"""Verdicts and the comparison that holds them, as data: everything a report or an exporter needs."""

from __future__ import annotations

from dataclasses import dataclass

from amrobust.judge.beside import Printed
from amrobust.judge.claim import Claim
from amrobust.judge.declaration import Declaration
from amrobust.judge.kinds.kind import Outcome
from amrobust.judge.rules import Rules, Selection
from amrobust.runs.arms import Arm
from amrobust.runs.axis import UNSAID, Axis, epochs
from amrobust.runs.method import Method
from amrobust.runs.metric import Metric
from amrobust.runs.workload import Workload, from_label
from amrobust.stats.nested import VarianceComponents
from amrobust.stats.planning import SeedRange
from amrobust.stats.results import Result, ResultWarning
from amrobust.stats.sequential import Look


@dataclass(frozen=True)
class TippingPoint:
    """How many failing seeds of ``method`` would undo a verdict on spreads."""

    method: str
    seeds: int | None
    """The fewest; None where half of its seeds would not."""
    of: int
    """How many seeds it has."""
    size: float
    """How far a failing seed lies to the worse side of its method's median, in the metric's unit: at the end, or of an Avg. STD
    on average over its epochs."""
    like: tuple[str, int] | None
    """Method and seed of the worst one seen, whose deviation the failing ones have; None where the size was declared."""
    missed: float
    """The frequency of failures of which so many seeds show none with a probability of 5 %: 1 − 0.05^(1/n)."""


@dataclass(frozen=True)
class Verdict:
    """What the runs say about one claim."""

    claim: Claim
    outcome: Outcome
    sentence: str
    """One plain sentence with the numbers it rests on."""
    interval: Result | None
    """Estimate and interval that are printed, at the rate that the claim is held to; None when refused or composite. A
    bootstrap's where one was asked for: then the claim is decided only if this interval and the test say the same."""
    test: Result | None
    """The test whose p-value decides; the same object as ``interval`` unless another test was asked for."""
    p: float | None
    p_adjusted: float | None
    """Holm-adjusted over the family."""
    family_size: int
    sensitivity_test: Result | None = None
    practically_significant: bool | None = None
    """For spread ratios: the interval also excludes every ratio nearer to 1 than the practical ratio."""
    required_seeds: int | None = None
    """For an inconclusive verdict: seeds per method at which this claim would be settled with 80 % power, were the estimate the
    truth; for one that is not assessable, those that it takes."""
    seed_range: SeedRange | None = None
    """For an inconclusive verdict: from how many to how many seeds that is over the truths that the estimate leaves open."""
    would_be: Outcome | None = None
    """For an inconclusive verdict: which way it would be settled, were the estimate the truth."""
    tipping: TippingPoint | None = None
    """Of what is decided about spreads: how many failing seeds would undo it."""
    warnings: tuple[ResultWarning, ...] = ()
    parts: tuple[Verdict, ...] = ()
    """Of a composite claim: the verdicts on its parts, each at what the claim's rate leaves for it."""
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
    on_distribution: Result | None = None
    """The final spread of accuracy without the part that the test set makes; None where that is not known."""
    warnings: tuple[ResultWarning, ...] = ()


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
class GroupComparison:
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
    practical_ratio: float
    arms: tuple[Arm, ...]
    summaries: tuple[MethodSummary, ...]
    """In the order of ``arms``; a published table has these alone."""
    verdicts: tuple[Verdict, ...]
    pairs: tuple[PairFacts, ...] = ()
    """What describes each pair that is compared, and decides nothing."""
    look: Look | None = None
    """The interim analysis that this is: claims are tested at its level, not at ``alpha``."""
    looks: tuple[int, ...] = ()
    """Seeds per method at all planned interim analyses."""
    selection: Selection | None = None
    """What was chosen for the comparison; None for published tables."""
    rules: Rules | None = None
    warnings: tuple[ResultWarning, ...] = ()
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

    also_measured: tuple[str, ...] = ()
    """The other measurements of the same weights, which have groups of their own."""

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
    def measurement(self) -> str | None:
        """How the weights were measured; None for the usual way."""
        return self.setting.measurement

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
        """The error rate that claims are tested at: of this interim analysis where some were planned."""
        return self.look.alpha if self.look is not None else self.alpha


@dataclass(frozen=True)
class Comparison:
    """Everything one ``amrobust compare`` found: one group a group, and what could not be read."""

    groups: tuple[GroupComparison, ...]
    problems: tuple[str, ...] = ()
    """Runs that were set aside, each in one line with its reason."""
    unassessed: tuple[str, ...] = ()
    """Those of :attr:`problems` for which a declared claim has no verdict on a workload."""

    @property
    def deciding(self) -> tuple[GroupComparison, ...]:
        """Those of the usual measurements, and of others where there is no usual one: what a script stops at."""
        usual = {compared.setting for compared in self.groups if compared.measurement is None}
        return tuple(
            compared
            for compared in self.groups
            if compared.measurement is None or compared.setting.usually_measured not in usual
        )
