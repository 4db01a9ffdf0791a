"""The comparison as one tidy CSV table: a row an estimate, a verdict, a warning, a problem."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from amrobust.judge.comparison import Comparison, GroupComparison, MethodSummary, Verdict
from amrobust.report.notes import Note, notes
from amrobust.report.remarks import recorded_lines
from amrobust.report.text import csv_cell
from amrobust.stats.results import Result

Cell = str | int | float | bool | None


@dataclass(frozen=True)
class _Row:
    """The columns, in order; what does not apply to a record is empty."""

    group: int | None = None
    record: str = ""
    workload: str | None = None
    metric: str | None = None
    unit: str | None = None
    method: str | None = None
    baseline: str | None = None
    claim: str | None = None
    margin: float | None = None
    threshold: float | None = None
    probability: float | None = None
    epochs: str | None = None
    methods: str | None = None
    n: int | None = None
    n_baseline: int | None = None
    diverged: int | None = None
    quantity: str | None = None
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    level: float | None = None
    interval_by: str | None = None
    resamples: int | None = None
    resampling_seed: int | None = None
    coverage: str | None = None
    p: float | None = None
    p_adjusted: float | None = None
    smallest_p: float | None = None
    test: str | None = None
    paired: bool | None = None
    assumption: str | None = None
    sensitivity_test: str | None = None
    check_p: float | None = None
    outcome: str | None = None
    practically_significant: bool | None = None
    required_seeds: int | None = None
    required_seeds_low: int | None = None
    required_seeds_high: int | None = None
    would_be: str | None = None
    tipping_method: str | None = None
    tipping_seeds: int | None = None
    missed_failures: float | None = None
    kind: str | None = None
    message: str | None = None
    hint: str | None = None
    about: str | None = None
    label: str | None = None
    """What the method is called in print."""


def render(comparison: Comparison) -> str:
    """One header, then rows told apart by ``record``: ``method``, ``claim``, ``tuning``, ``declaration``,
    ``warning``, ``problem``.

    A method has a row for each quantity that could be estimated (mean, STD, Avg. STD), or one without an estimate.
    Numbers are at full precision; text that a spreadsheet would take for a formula has an apostrophe before it.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(_Row.__dataclass_fields__)
    for row in _rows(comparison):
        writer.writerow([_cell(getattr(row, name)) for name in _Row.__dataclass_fields__])
    return buffer.getvalue()


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return csv_cell(value) if isinstance(value, str) else repr(value)


def _rows(comparison: Comparison) -> Iterator[_Row]:
    for group, compared in enumerate(comparison.groups, start=1):
        for summary in compared.summaries:
            yield from _summary_rows(group, compared, summary)
        for verdict in compared.verdicts:
            yield _verdict_row(group, compared, verdict)
        for sentence in recorded_lines(compared):
            yield _Row(
                group=group, record="tuning", workload=compared.workload, metric=compared.metric.name, message=sentence
            )  # fmt: skip
        if compared.declaration is not None:
            yield _Row(
                group=group, record="declaration", workload=compared.workload, metric=compared.metric.name,
                message=compared.declaration.sentence,
            )  # fmt: skip
        for note in notes(compared):
            yield _note_row(group, compared, note)
    for problem in comparison.problems:
        yield _Row(record="problem", message=problem)


def _summary_rows(group: int, compared: GroupComparison, summary: MethodSummary) -> Iterator[_Row]:
    results: list[Result | None] = [
        r
        for r in (summary.final_mean, summary.final_spread, summary.avg_std, summary.on_distribution)
        if r is not None
    ]
    for result in results or [None]:
        yield _Row(
            group=group,
            record="method",
            workload=compared.workload,
            metric=compared.metric.name,
            unit=compared.metric.unit,
            method=summary.method,
            label=compared.titles[summary.method],
            n=summary.n,
            diverged=summary.diverged,
            quantity=result.quantity if result else None,
            estimate=result.estimate if result else None,
            low=result.low if result else None,
            high=result.high if result else None,
            level=result.level if result else None,
            interval_by=result.test if result else None,
            **_resampling(result),
            assumption=result.assumption if result else None,
        )


def _verdict_row(group: int, compared: GroupComparison, verdict: Verdict) -> _Row:
    interval, test, second = verdict.interval, verdict.test, verdict.sensitivity_test
    counts = {summary.method: summary for summary in compared.summaries}
    claim = verdict.claim
    return _Row(
        group=group,
        record="claim",
        workload=compared.workload,
        metric=compared.metric.name,
        unit=compared.metric.unit,
        method=claim.method,
        label=compared.titles.get(claim.method),
        baseline=claim.baseline,
        claim=claim.kind,
        margin=claim.margin,
        threshold=claim.bound[0] if claim.bound is not None else None,
        probability=claim.bound[1] if claim.bound is not None else None,
        epochs=f"{claim.epochs[0]}-{claim.epochs[1]}" if claim.epochs is not None else None,
        methods="; ".join(claim.methods) or None,
        n=counts[claim.method].n if claim.method in counts else None,
        n_baseline=counts[claim.baseline].n if claim.baseline in counts else None,
        quantity=interval.quantity if interval else None,
        estimate=interval.estimate if interval else None,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        level=interval.level if interval else None,
        interval_by=interval.test if interval else None,
        **_resampling(interval),
        p=verdict.p,
        p_adjusted=verdict.p_adjusted,
        smallest_p=test.smallest_p if test else None,
        test=test.test if test else None,
        paired=test.paired if test else None,
        assumption=_assumptions(interval, test),
        sensitivity_test=second.test if second else None,
        check_p=second.p if second else None,
        outcome=verdict.outcome,
        practically_significant=verdict.practically_significant,
        required_seeds=verdict.required_seeds,
        required_seeds_low=verdict.seed_range.low if verdict.seed_range else None,
        required_seeds_high=verdict.seed_range.high if verdict.seed_range else None,
        would_be=verdict.would_be,
        tipping_method=verdict.tipping.method if verdict.tipping else None,
        tipping_seeds=verdict.tipping.seeds if verdict.tipping else None,
        missed_failures=verdict.tipping.missed if verdict.tipping else None,
        message=verdict.sentence,
    )


def _resampling(result: Result | None) -> dict[str, Any]:
    """What made a bootstrap interval, and its measured coverage: ``normal seeds, n = 5: 0.67; …``."""
    if result is None or (how := result.bootstrap) is None:
        return {}
    worth = "; ".join(f"{each.condition}, n = {each.n}: {each.value:.3g}" for each in how.coverage)
    return {
        "resamples": how.resamples,
        "resampling_seed": how.seed,
        "coverage": worth or "not measured",
    }


def _assumptions(*results: Result | None) -> str:
    return "; ".join(dict.fromkeys(r.assumption for r in results if r is not None and r.assumption))


def _note_row(group: int, compared: GroupComparison, note: Note) -> _Row:
    return _Row(
        group=group,
        record="warning",
        workload=compared.workload,
        metric=compared.metric.name,
        kind=note.warning.kind,
        message=note.warning.message,
        hint=note.warning.hint,
        about="; ".join((*note.about, *note.alike)) or None,
    )
