"""Workloads as a reader wants them named: without the parameters that settings share, or that are too many for a heading."""

from __future__ import annotations

from collections.abc import Sequence

from amrobust.judge.judgement import Judgement
from amrobust.runs.workload import Workload, shared_and_own

_LONG = 50


def brief(workload: Workload) -> str:
    """The label, or the workload's name alone where it is too long for a title, a question or a caption."""
    return workload.label if len(workload.label) <= _LONG else workload.name


def spelled(workload: Workload) -> str:
    """The whole label; a long one as a list: ``ptb with model=small-lstm, train_tokens=100000``."""
    if len(workload.label) <= _LONG or not workload.params:
        return workload.label
    return f"{workload.name} with {', '.join(workload.texts)}"


def group_names(judgements: Sequence[Judgement]) -> list[str]:
    """A short name for each judgement of one comparison: what tells its workload from the others', or the workload.

    Where these are equal, the epochs or a number stand behind.
    """
    own = shared_and_own([judgement.setting for judgement in judgements])
    names = (
        [", ".join(each.texts) for each in own[1]]
        if own is not None
        else [brief(judgement.setting) for judgement in judgements]
    )
    if len(set(names)) < len(names):
        names = [
            f"{name}, {judgement.axis.words}" if names.count(name) > 1 else name
            for name, judgement in zip(names, judgements, strict=True)
        ]
    return [
        name if names.count(name) == 1 else f"{name} ({names[:i].count(name) + 1})"
        for i, name in enumerate(names)
    ]
