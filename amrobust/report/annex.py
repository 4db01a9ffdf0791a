"""Comparisons of hundreds of methods: figures and tables of the foremost of them, and all verdicts in an annex."""

from __future__ import annotations

from dataclasses import replace

from amrobust.judge.comparison import Comparison, GroupComparison, Verdict
from amrobust.report.blocks import Block, Section, plain
from amrobust.report.overview import overview

MOST_METHODS = 40
"""Methods of one comparison that can be told apart in figures, and read about one by one."""


def foremost(compared: GroupComparison) -> GroupComparison:
    """The comparison of its baseline and the methods with the smallest p-values, MOST_METHODS in all, in their own order.

    Verdicts, which are of the whole family, stay as they are.
    """
    if len(compared.arms) <= MOST_METHODS:
        return compared
    smallest = dict.fromkeys((arm.method for arm in compared.arms), 1.0)
    for verdict in compared.verdicts:
        for method in verdict.claim.involved:
            if method in smallest:
                smallest[method] = min(smallest[method], _p(verdict))
    smallest[compared.baseline] = -1.0
    kept = set(sorted(smallest, key=lambda method: smallest[method])[:MOST_METHODS])
    return replace(
        compared,
        arms=tuple(arm for arm in compared.arms if arm.method in kept),
        summaries=tuple(summary for summary in compared.summaries if summary.method in kept),
        verdicts=tuple(verdict for verdict in compared.verdicts if kept.issuperset(verdict.claim.involved)),
        pairs=tuple(pair for pair in compared.pairs if {pair.method, pair.baseline} <= kept),
        sources=tuple(source for source in compared.sources if source.method in kept),
    )


def _p(verdict: Verdict) -> float:
    found = [part.p for part in (verdict, *verdict.parts) if part.p is not None]
    return min(found, default=1.0)


def left_out(comparison: Comparison) -> list[Block]:
    """What the first page says where a comparison has more methods than the report goes into."""
    most = max((len(compared.arms) for compared in comparison.groups), default=0)
    if most <= MOST_METHODS:
        return []
    text = f"Of {most} methods the report goes into the baseline and the {MOST_METHODS - 1} with the smallest p-values. "
    text += "Every verdict is in the annex, and every number in what amrobust compare --format csv writes."
    return [plain(text, "small")]


def annex(comparison: Comparison) -> list[Section]:
    """All verdicts, of each group that the report does not go into as a whole."""
    tables = [
        overview([compared])
        for compared in comparison.groups
        if len(compared.arms) > MOST_METHODS and compared.verdicts
    ]
    return (
        [Section("verdicts", "Annex: all verdicts", tuple(replace(table, small=True) for table in tables))]
        if tables
        else []
    )
