"""Seeds and methods that end earlier than others: what that means is the comparison's question, and never guessed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, TypeVar

import numpy as np

from amrobust.errors import UserError
from amrobust.judge import run_warnings
from amrobust.judge.words import listed
from amrobust.runs.arms import Arm
from amrobust.runs.axis import Axis
from amrobust.runs.files import escape
from amrobust.runs.values import ABSENT, Curves, Mask, absent, ended_early, ends, held
from amrobust.stats.results import ResultWarning

Lengths = Literal["refuse", "common", "hold", "drop", "diverged"]
LENGTHS: dict[Lengths, str] = {
    "refuse": "seeds that end early are asked about, methods of other lengths held apart",
    "common": "all are cut where the first one ends",
    "hold": "the last value stands, as under early stopping",
    "drop": "seeds that end early are left out",
    "diverged": "seeds that end early count as diverged there",
}
Item = TypeVar("Item")
Notes = dict[tuple[str, str | None], tuple[ResultWarning, ...]]
"""By workload and data set."""


def of_metric(arm: Arm, metric: str) -> Arm:
    """``arm`` with the curves of ``metric`` alone, where any seed was measured; one that diverged did so for good."""
    curve, axis, first = arm.curves[metric], arm.axis, arm.first_output_epoch
    missing = absent(curve)
    if missing.any():
        lost = np.logical_or.accumulate(~np.isfinite(curve) & ~missing, axis=1)
        lost |= np.isin(arm.seeds, arm.diverged)[:, None] & (
            np.arange(curve.shape[1]) >= ends(curve)[:, None]
        )
        curve = np.where(lost & missing, np.nan, curve)
        kept = np.asarray(~missing.all(axis=0))
        curve = curve[:, kept]
        axis = replace(axis, values=tuple(np.array(axis.values)[kept].tolist()))
        first = int(kept[: first - 1].sum()) + 1
    return replace(
        arm,
        curves={metric: curve},
        metrics={metric: arm.metrics[metric]},
        axis=axis,
        first_output_epoch=first,
    )


def settled(arms: Sequence[Arm], lengths: Lengths, *, alone: bool = False) -> tuple[list[Arm], Notes]:
    """Arms (of one metric) without seeds that end early, as ``lengths`` says, and by workload and data set what was done.

    With ``alone``, before a common grid is read, each method by itself; a seed then ended early where others outlast it by more
    than its own widest gap, since on clocks of their own seeds never end at one place.

    Axes are those that :func:`amrobust.judge.axes.refuse_other_axes` admits: of any two on one workload, one is the beginning
    of the other. Raises UserError where seeds end early and nothing was said of that, and where nothing is left.
    """
    groups: dict[tuple[str, str | None, int], list[Arm]] = defaultdict(list)
    for place, arm in enumerate(arms):
        groups[arm.workload, arm.data_digest, place if alone else 0].append(arm)
    found: dict[int, Arm] = {}
    notes: Notes = {}
    for (workload, digest, _), members in groups.items():
        early = [_early(arm, alone) for arm in members]
        done, note = _settled(members, early, lengths, alone)
        found |= {id(old): new for old, new in zip(members, done, strict=True)}
        notes[workload, digest] = notes.get((workload, digest), ()) + ((note,) if note is not None else ())
    return [found[id(arm)] for arm in arms], notes


def _settled(
    arms: list[Arm], early: list[Mask], lengths: Lengths, alone: bool
) -> tuple[list[Arm], ResultWarning | None]:
    if lengths == "common":
        return _cut(arms) if not alone or early[0].any() else (arms, None)
    longest = max((arm.axis for arm in arms), key=lambda axis: len(axis.values))
    if lengths == "hold" and not alone:
        arms = [_padded(arm, longest) for arm in arms]
        early = [_early(arm, alone) for arm in arms]
    if not any(rows.any() for rows in early):
        return arms, None
    if lengths == "refuse":
        _refuse(arms, early)
    words = listed([
        f"{int(rows.sum())} of {len(rows)} seeds of {arm.title} (the first at {_first_end(arm, rows)})"
        for arm, rows in zip(arms, early, strict=True) if rows.any()
    ])  # fmt: skip
    change = {"hold": _held, "drop": _without, "diverged": _diverged}[lengths]
    return (
        [change(arm, rows) for arm, rows in zip(arms, early, strict=True)],
        run_warnings.ended_early(words, longest, LENGTHS[lengths]),
    )


def _early(arm: Arm, alone: bool) -> Mask:
    """Of each seed whether its curve ends before the axis does."""
    (curve,) = arm.curves.values()
    if alone:
        return ended_early(curve, np.array(arm.axis.values))
    return np.asarray(ends(curve) < curve.shape[1])


def _first_end(arm: Arm, rows: Mask) -> str:
    (curve,) = arm.curves.values()
    end = int(ends(curve)[rows].min())
    return f"{arm.axis.quantity} {arm.axis.at(end)}" if end else "the start"


def _refuse(arms: Sequence[Arm], early: Sequence[Mask]) -> None:
    arm, rows = next((arm, rows) for arm, rows in zip(arms, early, strict=True) if rows.any())
    seeds = [seed for seed, is_early in zip(arm.seeds, rows, strict=True) if is_early]
    named = ", ".join(map(str, seeds[:5])) + (", ..." if len(seeds) > 5 else "")
    last = arm.axis.at(len(arm.axis.values))
    (metric,) = arm.curves
    raise UserError(
        f"{escape(arm.method)} on {escape(arm.workload)}: {len(seeds)} of {len(rows)} seeds ({named}) have no {escape(metric)} "
        f"up to {arm.axis.quantity} {last}, the first ends at {_first_end(arm, rows)}: say what that means with --lengths hold "
        "(the last value stands, as under early stopping), diverged, drop (leave these seeds out), or common (cut all where "
        "the first one ends)"
    )


def _padded(arm: Arm, axis: Axis) -> Arm:
    """``arm`` along an axis of which its own is the beginning."""
    (curve,) = arm.curves.values()
    more = ((0, 0), (0, len(axis.values) - curve.shape[1]))
    return _with(arm, np.pad(curve, more, constant_values=ABSENT), axis)


def _with(arm: Arm, curve: Curves, axis: Axis) -> Arm:
    return replace(arm, curves=dict.fromkeys(arm.curves, curve), axis=axis)


def _held(arm: Arm, early: Mask) -> Arm:
    (curve,) = arm.curves.values()
    if not ends(curve)[early].all():
        lost = arm.seeds[int(np.where(early, ends(curve), len(curve.T)).argmin())]
        raise UserError(
            f"{escape(arm.method)} on {escape(arm.workload)}: seed {lost} has no {escape(next(iter(arm.curves)))} at all, and "
            "no last value that could stand: --lengths drop leaves it out"
        )
    return _with(arm, np.where(_behind(curve, early), held(curve), curve), arm.axis)


def _diverged(arm: Arm, early: Mask) -> Arm:
    (curve,) = arm.curves.values()
    lost = {*arm.diverged, *(seed for seed, is_early in zip(arm.seeds, early, strict=True) if is_early)}
    return replace(
        _with(arm, np.where(_behind(curve, early), np.nan, curve), arm.axis),
        diverged=tuple(seed for seed in arm.seeds if seed in lost),
    )


def _behind(curve: Curves, early: Mask) -> Mask:
    """The cells behind the end of each seed that ended ``early``."""
    return np.asarray((np.arange(curve.shape[1]) >= ends(curve)[:, None]) & early[:, None])


def _without(arm: Arm, early: Mask) -> Arm:
    if early.all():
        raise UserError(
            f"{escape(arm.method)} on {escape(arm.workload)}: all seeds end early, and --lengths drop would leave none"
        )

    def kept(values: Sequence[Item]) -> tuple[Item, ...]:
        return (
            tuple(value for value, is_early in zip(values, early, strict=True) if not is_early)
            if values
            else ()
        )

    seeds = kept(arm.seeds)
    return replace(
        arm,
        seeds=seeds,
        curves={name: curve[~early] for name, curve in arm.curves.items()},
        diverged=tuple(seed for seed in arm.diverged if seed in seeds),
        x0s=kept(arm.x0s),
        seconds=kept(arm.seconds),
    )


def _cut(arms: Sequence[Arm]) -> tuple[list[Arm], ResultWarning | None]:
    """The arms up to where the first of their seeds ends."""
    columns = {id(arm): ends(curve) for arm in arms for curve in arm.curves.values()}
    shortest = min(int(found.min()) for found in columns.values())
    longest = max((arm.axis for arm in arms), key=lambda axis: len(axis.values))
    if not shortest:
        arm = next(arm for arm in arms if not columns[id(arm)].all())
        raise UserError(
            f"{escape(arm.method)} on {escape(arm.workload)}: a seed has no {escape(next(iter(arm.curves)))} at all, and no "
            "step is common to all: --lengths drop leaves it out"
        )
    if shortest == len(longest.values):
        return list(arms), None
    axis = longest.part(shortest)
    cut = [_with(arm, curve[:, :shortest], axis) for arm in arms for curve in arm.curves.values()]
    return cut, run_warnings.curves_cut(axis, longest)
