"""Workloads as a reader wants them named: without the parameters that settings share, or that are too many for a heading."""

from __future__ import annotations

import re
from collections.abc import Sequence

from amrobust.judge.judgement import Judgement

_LABEL = re.compile(r"([^\[\]]+)\[([^\[\]]+)\]")
_NEXT = re.compile(r",(?=[A-Za-z_][\w.]*=)")
_LONG = 50


def parts(label: str) -> tuple[str, tuple[str, ...]]:
    """A workload's name and its parameters: ``logistic[V=350.0,sigma=1.0]`` as ``("logistic", ("V=350.0", "sigma=1.0"))``."""
    match = _LABEL.fullmatch(label)
    return (match[1], tuple(_NEXT.split(match[2]))) if match else (label, ())


def brief(label: str) -> str:
    """The label, or its workload's name alone where it is too long for a title, a question or a caption."""
    return label if len(label) <= _LONG else parts(label)[0]


def spelled(label: str) -> str:
    """The whole label; a long one as a list: ``ptb with model=small-lstm, train_tokens=100000``."""
    name, given = parts(label)
    return label if len(label) <= _LONG or not given else f"{name} with {', '.join(given)}"


def apart(labels: Sequence[str]) -> tuple[str, list[str]] | None:
    """What settings share, and what tells each from the others: ``("logistic[V=350.0]", ["sigma=0.1", "sigma=1.0"])``.

    None where they are of several workloads, or where one has no parameter of its own.
    """
    found = [parts(label) for label in labels]
    if len(set(labels)) < 2 or len({name for name, _ in found}) > 1:
        return None
    common = [each for each in found[0][1] if all(each in given for _, given in found)]
    own = [", ".join(each for each in given if each not in common) for _, given in found]
    if not all(own):
        return None
    return found[0][0] + (f"[{','.join(common)}]" if common else ""), own


def group_names(judgements: Sequence[Judgement]) -> list[str]:
    """A short name for each judgement of one comparison: what tells its workload from the others', or the workload.

    Where these are equal, the epochs or a number stand behind.
    """
    labels = [judgement.workload for judgement in judgements]
    own = apart(labels)
    names = own[1] if own is not None else [brief(label) for label in labels]
    if len(set(names)) < len(names):
        names = [
            f"{name}, {judgement.axis.words}" if names.count(name) > 1 else name
            for name, judgement in zip(names, judgements, strict=True)
        ]
    return [
        name if names.count(name) == 1 else f"{name} ({names[:i].count(name) + 1})"
        for i, name in enumerate(names)
    ]
