"""Methods and workloads under the names that a reader wants: titles, and workloads without what has no room in a heading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from amrobust.judge.comparison import Comparison, GroupComparison, Verdict
from amrobust.judge.verdicts import called
from amrobust.runs.workload import Workload, shared_and_own

_LONG = 50


def titled(comparison: Comparison) -> Comparison:
    """The comparison with the title of each method in the place of its name, as everything but data (JSON, CSV) prints it.

    No two methods share a title.
    """
    return replace(comparison, groups=tuple(map(_titled, comparison.groups)))


def _titled(compared: GroupComparison) -> GroupComparison:
    titles = compared.titles

    def printed(verdict: Verdict) -> Verdict:
        tipping = verdict.tipping
        if tipping is not None:
            like = tipping.like and (titles[tipping.like[0]], tipping.like[1])
            tipping = replace(tipping, method=titles[tipping.method], like=like)
        return replace(
            verdict, claim=called(verdict.claim, titles), parts=tuple(map(printed, verdict.parts)), tipping=tipping,
        )  # fmt: skip

    published = compared.published
    return replace(
        compared,
        baseline=titles.get(compared.baseline, compared.baseline),
        arms=tuple(replace(arm, method=arm.title) for arm in compared.arms),
        summaries=tuple(replace(one, method=titles[one.method]) for one in compared.summaries),
        verdicts=tuple(map(printed, compared.verdicts)),
        pairs=tuple(
            replace(pair, method=titles[pair.method], baseline=titles[pair.baseline])
            for pair in compared.pairs
        ),
        sources=tuple(replace(share, method=titles[share.method]) for share in compared.sources),
        published=published
        and replace(
            published, rows=tuple(replace(row, measured=titles[row.measured]) for row in published.rows)
        ),
    )


def brief(workload: Workload) -> str:
    """The label, or the workload's name alone where it is too long for a title, a question or a caption."""
    return workload.label if len(workload.label) <= _LONG else workload.name


def spelled(workload: Workload) -> str:
    """The whole label; a long one as a list: ``ptb with model=small-lstm, train_tokens=100000``."""
    if len(workload.label) <= _LONG or not workload.params:
        return workload.label
    return f"{workload.name} with {', '.join(workload.texts)}"


def group_names(groups: Sequence[GroupComparison]) -> list[str]:
    """A short name for each group of one comparison: what tells its workload from the others', or the workload.

    Where these are equal, the epochs or a number stand behind.
    """
    own = shared_and_own([compared.setting for compared in groups])
    names = (
        [", ".join(each.texts) for each in own[1]]
        if own is not None
        else [brief(compared.setting) for compared in groups]
    )
    if len(set(names)) < len(names):
        names = [
            f"{name}, {compared.axis.words}" if names.count(name) > 1 else name
            for name, compared in zip(names, groups, strict=True)
        ]
    return [
        name if names.count(name) == 1 else f"{name} ({names[:i].count(name) + 1})"
        for i, name in enumerate(names)
    ]
