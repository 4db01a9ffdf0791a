"""A group as rows of printed numbers: the one source of the tables in every format for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from amrobust.judge.claim import Claim
from amrobust.judge.comparison import GroupComparison, PairFacts, Verdict
from amrobust.judge.kinds.kind import Outcome
from amrobust.judge.tipping import tipping_words
from amrobust.judge.verdicts import spanned
from amrobust.judge.words import listed, points, roughly, significant
from amrobust.report.notes import Note, notes
from amrobust.report.numbers import (
    ABSENT,
    Precision,
    interval_heading,
    levels_of,
    p_value,
    ratio,
    ratio_interval,
)
from amrobust.report.remarks import recorded_lines, remarks
from amrobust.report.text import escape
from amrobust.runs.axis import Axis
from amrobust.runs.files import spans as ranges
from amrobust.runs.metric import Metric

OUTCOMES: tuple[Outcome, ...] = ("supported", "refuted", "inconclusive", "not assessable")


@dataclass(frozen=True)
class MethodRow:
    """One method's numbers as printed."""

    method: str
    n: int
    diverged: int
    mean: str
    std: str
    mean_interval: str
    std_interval: str
    avg_std: str
    avg_std_interval: str
    on_distribution: str
    on_distribution_interval: str

    @property
    def seeds(self) -> str:
        """``20``, or ``20 (2 diverged)``."""
        return f"{self.n} ({self.diverged} diverged)" if self.diverged else str(self.n)

    @property
    def mean_std(self) -> str:
        """``98.12 ± 0.17``, or a dash."""
        return self.mean if self.std == ABSENT else f"{self.mean} ± {self.std}"


@dataclass(frozen=True)
class ClaimRow:
    """One verdict as printed."""

    method: str
    """The method, or the first and the last of a sweep."""
    baseline: str
    claim: str
    estimate: str
    """``×0.71`` for a ratio, ``+0.12 pp`` for a difference."""
    value: str
    """The estimate's number alone."""
    interval: str
    p: str
    p_adjusted: str
    outcome: Outcome
    seeds: str
    """Seeds per method that would settle the claim; empty where that is not known or not needed."""
    test: str
    sensitivity_test: str
    second_p: str
    assumption: str
    sentence: str
    tipping: tuple[str, ...]
    """How many failing seeds would undo the verdict, a sentence for each part of a composite."""

    @property
    def needs(self) -> str:
        """``needs 58 seeds``, or nothing."""
        return f"needs {self.seeds} seeds" if self.seeds else ""

    @property
    def second(self) -> str:
        """The sensitivity test with its p-value: ``permutation of labels, p = 0.031``."""
        equals = self.second_p.replace("<", "< ") if self.second_p.startswith("<") else f"= {self.second_p}"
        return f"{self.sensitivity_test}, p {equals}" if self.sensitivity_test else ""


@dataclass(frozen=True)
class PairRows:
    """The verdicts about one method against one baseline."""

    method: str
    baseline: str
    paired: bool
    rows: tuple[ClaimRow, ...]
    described: tuple[str, ...] = ()
    """Sentences that describe the pair and decide nothing."""
    sweep: tuple[str, ...] = ()
    """The methods of a claim about several; empty for a pair."""

    @property
    def tipping(self) -> tuple[str, ...]:
        """How many failing seeds would undo each of the verdicts on spreads."""
        return tuple(sentence for row in self.rows for sentence in row.tipping)

    @property
    def facts(self) -> tuple[str, ...]:
        """Everything that is said beside the verdicts."""
        return self.described + self.tipping

    @property
    def title(self) -> str:
        """``am1/II against msgd``, or the sweep's methods."""
        if self.method == self.baseline:
            return f"{self.method} by itself"
        if self.sweep:
            return f"Over {listed(self.sweep)}"
        return f"{self.method} against {self.baseline}" + (" (paired by seed)" if self.paired else "")


@dataclass(frozen=True)
class View:
    """Everything that is printed about a group apart from its figures."""

    heading: str
    """Workload, metric with unit, epochs: ``digits, test accuracy (%), 30 epochs``."""
    question: str
    tally: str
    """How many claims ended how: ``4 claims: 1 supported, 3 inconclusive``."""
    unit: str
    """`` (%)``, or nothing: what a heading adds to a quantity in the metric's unit."""
    methods: tuple[MethodRow, ...]
    method_interval: str
    rows: tuple[ClaimRow, ...]
    """Every verdict, in the group's order."""
    pairs: tuple[PairRows, ...]
    """The same, by what they are about."""
    claim_interval: str
    levels: str
    """Where the claims' intervals differ in level, from which to which, as a sentence; else empty."""
    notes: tuple[Note, ...]
    remarks: tuple[str, ...] = ()
    """Sentences on the group as a whole: the interim analysis, the components of spread."""
    tuning: tuple[str, ...] = ()
    """How each method was tuned, a sentence each; empty where nothing is recorded of any."""
    declared: str = ""
    """Whether the claims were fixed before the runs; empty where they are the usual ones."""

    @property
    def statements(self) -> tuple[str, ...]:
        """What is said between the methods and the claims: when these were declared, and the remarks."""
        return (self.declared, *self.remarks) if self.declared else self.remarks


def view(compared: GroupComparison) -> View:
    """Format ``compared`` for people."""
    metric, rows = compared.metric, claim_rows(compared)
    return View(
        heading=f"{compared.workload}, {introduced(metric)}, {compared.axis.words}",
        question=compared.question,
        tally=tally(compared.verdicts),
        unit=f" ({escape(metric.unit)})" if metric.unit else "",
        methods=_methods(compared),
        method_interval=interval_heading(
            result for s in compared.summaries for result in (s.final_mean, s.final_spread, s.avg_std)
        ),
        rows=rows,
        pairs=_pairs(compared, rows),
        claim_interval=interval_heading(verdict.interval for verdict in compared.verdicts),
        levels=_levels(compared),
        notes=notes(compared),
        remarks=remarks(compared),
        tuning=recorded_lines(compared),
        declared=compared.declaration.sentence if compared.declaration is not None else "",
    )


def quantity(metric: Metric) -> str:
    """A metric in words with its unit: ``test accuracy (%)``."""
    return metric.name.replace("_", " ") + (f" ({metric.unit})" if metric.unit else "")


def introduced(metric: Metric) -> str:
    """A metric in words where it comes first: its unit, and how its direction is known where our workload does not say it."""
    return metric.name.replace("_", " ") + metric.known_words


def phase_words(phase: tuple[int, int] | None, axis: Axis) -> str:
    """A claim's phase behind its name: ``, epochs 1–10``; empty where it has none."""
    return "" if phase is None else f", {axis.plural} {'–'.join(map(axis.at, phase))}"


def claim_words(claim: Claim, compared: GroupComparison) -> str:
    """The short name of a claim in a table."""
    if claim.parts:
        return " and ".join(claim_words(part, compared) for part in claim.parts)
    return claim.form.short(claim, compared.metric) + phase_words(claim.epochs, compared.axis)


def heading(claim: Claim, compared: GroupComparison) -> str:
    """What claims that share a column or a table are called together: :func:`claim_words`, but of bounds on a tail."""
    words, together = claim.form.short(claim, compared.metric), claim.form.heading(claim, compared.metric)
    return claim_words(claim, compared) if words == together else together


def difference_unit(metric: Metric) -> str:
    """The unit of a difference with its leading space: ``pp`` for a percentage."""
    return points(metric, short=True)


def tally(verdicts: tuple[Verdict, ...]) -> str:
    """How many claims ended how, in words."""
    counts = Counter(verdict.outcome for verdict in verdicts)
    parts = [f"{counts[outcome]} {outcome}" for outcome in OUTCOMES if counts[outcome]]
    noun = "claim" if len(verdicts) == 1 else "claims"
    return f"{len(verdicts)} {noun}" + (f": {', '.join(parts)}" if parts else "")


def _methods(compared: GroupComparison) -> tuple[MethodRow, ...]:
    summaries = compared.summaries
    final = Precision.of((s.final_spread.estimate for s in summaries if s.final_spread), digits=2)
    average = Precision.of((s.avg_std.estimate for s in summaries if s.avg_std), digits=3)
    rows = []
    for s in summaries:
        std = s.final_spread.estimate if s.final_spread else None
        avg_std = s.avg_std.estimate if s.avg_std else None
        number, spread = final.for_row(std), average.for_row(avg_std)
        rows.append(
            MethodRow(
                method=s.method,
                n=s.n,
                diverged=s.diverged,
                mean=number(s.final_mean.estimate if s.final_mean else None),
                std=number(std),
                mean_interval=number.interval(s.final_mean),
                std_interval=number.interval(s.final_spread),
                avg_std=spread(avg_std),
                avg_std_interval=spread.interval(s.avg_std),
                on_distribution=number(s.on_distribution.estimate if s.on_distribution else None),
                on_distribution_interval=number.interval(s.on_distribution),
            )
        )
    return tuple(rows)


def claim_rows(compared: GroupComparison) -> tuple[ClaimRow, ...]:
    """Every verdict as printed, in the group's order."""
    differences = Precision.of(
        (
            (v.interval.high - v.interval.low) / 2
            for v in compared.verdicts
            if v.claim.form.estimates == "difference"
            and v.interval is not None
            and v.interval.low is not None
            and v.interval.high is not None
        ),
        digits=2,
    )
    return tuple(_claim_row(v, compared, differences) for v in compared.verdicts)


def _pairs(compared: GroupComparison, every: Sequence[ClaimRow]) -> tuple[PairRows, ...]:
    pairs: dict[tuple[str, str, tuple[str, ...]], list[tuple[Verdict, ClaimRow]]] = {}
    for verdict, row in zip(compared.verdicts, every, strict=True):
        claim = verdict.claim
        pairs.setdefault((claim.method, claim.baseline, claim.methods), []).append((verdict, row))
    facts = {(pair.method, pair.baseline): pair for pair in compared.pairs}
    rows = []
    for (method, baseline, sweep), found in pairs.items():
        verdicts = [verdict for verdict, _ in found]
        paired = any(
            v.interval is not None and v.interval.paired and v.interval.unit == "seeds" for v in verdicts
        )
        described = pair_sentences(facts.get((method, baseline)) if not sweep else None, compared.axis)
        rows.append(PairRows(method, baseline, paired, tuple(row for _, row in found), described, sweep))
    return tuple(rows)


def pair_sentences(pair: PairFacts | None, axis: Axis) -> tuple[str, ...]:
    """What describes a pair, in words."""
    if pair is None:
        return ()
    found = []
    won = pair.winning
    if won is not None and won.estimate is not None:
        interval = f" [{won.low:.2f}, {won.high:.2f}]" if won.low is not None else ""
        found.append(
            f"A run of {pair.method} ends better than one of {pair.baseline} with probability {won.estimate:.2f}{interval} "
            f"({won.test}, p {_equals(won.p)})."
        )
    if pair.epochs_that_differ is not None:
        which = axis.spans(pair.epochs_that_differ)
        epochs = axis.quantity if len(pair.epochs_that_differ) == 1 else axis.plural
        found.append(
            f"Their STDs differ at {epochs} {which} (max-T over all {axis.plural})."
            if which
            else f"At no single {axis.quantity} do their STDs differ, adjusted over all {axis.plural} (max-T)."
        )
    if pair.at_matched_level is not None:
        found.append(
            f"Where their means pass the same levels, the ratio of STDs is ×{ratio(pair.at_matched_level)} (descriptive)."
        )
    return tuple(found)


def _equals(p: float | None) -> str:
    text = p_value(p)
    return text.replace("<", "< ") if text.startswith("<") else f"= {text}"


def spans(epochs: tuple[int, ...]) -> str:
    """Epochs as ranges: ``1–9, 12``."""
    return ranges(epochs, "–")


def _levels(compared: GroupComparison) -> str:
    levels = levels_of(verdict.interval for verdict in compared.verdicts)
    return f"Each interval is at the level that its claim is tested at: {levels}." if " to " in levels else ""


def _seeds_to_settle(verdict: Verdict) -> str:
    """What it takes for a claim to be judged at all is exact; what would settle an open one is an estimate."""
    n = verdict.required_seeds
    if verdict.seed_range is None:
        return "" if n is None else f"{n:,}"
    between = f"({spanned(verdict.seed_range, '–', '∞')})"
    return between if n is None else f"{roughly(n)} {between}"


def _claim_row(verdict: Verdict, compared: GroupComparison, differences: Precision) -> ClaimRow:
    result, test, second = verdict.interval, verdict.test, verdict.sensitivity_test
    estimate = result.estimate if result is not None else None
    estimates = verdict.claim.form.estimates
    if estimates == "ratio":
        value, interval = ratio(estimate), ratio_interval(result)
        shown = value if estimate is None else f"×{value}"
    elif estimates in ("share", "difference of rates", "probability of superiority") and result is not None:
        value = significant(estimate, sign=estimates == "difference of rates")
        interval = f"[{significant(result.low)}, {significant(result.high)}]"
        shown = value
    else:
        value, interval = ABSENT, differences.interval(result)
        if estimate is not None:
            value = differences(estimate, sign=True)
        shown = value if estimate is None else value + difference_unit(compared.metric)
    names = [test.test] if test is not None else []
    if result is not None and test is not None and result.test != test.test:
        names.append(f"interval: {result.test}")
    assumptions = dict.fromkeys(r.assumption for r in (test, result) if r is not None and r.assumption)
    claim = verdict.claim
    tipping = (tipping_words(part, compared.metric, compared.titles) for part in verdict.parts or (verdict,))
    return ClaimRow(
        method=f"{claim.methods[0]} … {claim.methods[-1]}" if claim.methods else claim.method,
        baseline=claim.baseline,
        claim=claim_words(claim, compared),
        estimate=shown,
        value=value,
        interval=interval,
        p=p_value(verdict.p),
        p_adjusted=p_value(verdict.p_adjusted),
        outcome=verdict.outcome,
        seeds=_seeds_to_settle(verdict),
        test="; ".join(names) or ABSENT,
        sensitivity_test=second.test if second is not None else "",
        second_p=p_value(second.p) if second is not None else "",
        assumption="; ".join(assumptions),
        sentence=verdict.sentence,
        tipping=tuple(filter(None, tipping)),
    )
