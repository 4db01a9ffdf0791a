"""Arms, and seeds of one arm, that were measured at different places: refused, with the grid that would bring them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from amrobust.errors import UserError
from amrobust.judge.grid import FORMS, both, by_workload, from_one, proposal, refuse_other_counts
from amrobust.runs.arms import Arm
from amrobust.runs.axis import Axis
from amrobust.runs.files import escape
from amrobust.runs.values import absent, ends

LEAST_FACTOR = 100
"""Steps that lie so far apart throughout are thousands, or millions, of the others."""


def refuse_other_axes(arms: Sequence[Arm]) -> None:
    """Raises UserError where two arms of one workload and data set were measured at different places.

    So are two seeds of an arm that lack each other's steps. Axes of which one is the beginning of the other are curves of
    unequal length, which is another question (:mod:`amrobust.judge.lengths`).
    """
    for members in by_workload(arms).values():
        for one, other in combinations({arm.axis: arm for arm in reversed(members)}.values(), 2):
            if not _begins(one.axis, other.axis):
                refuse_other_counts((other, one))
                _refuse_pair(
                    both((other, one)), {other.method: other.axis, one.method: one.axis}, proposal(members)
                )
    for arm in arms:
        _refuse_gaps(arm)


def _begins(one: Axis, other: Axis) -> bool:
    return one.begins(other) or other.begins(one)


def _refuse_gaps(arm: Arm) -> None:
    """Raises UserError where a seed lacks steps that others have, between its first and its last.

    Where some seeds have step 0 and no last one, and all others the reverse, they seem to count from 0 and from 1.
    """
    (curve,) = arm.curves.values()
    missing = absent(curve)
    if not missing.any():
        return
    from_0 = ~missing[:, 0]
    if (
        arm.axis.values[0] == 0
        and not missing[:, 1:-1].any()
        and (from_0 == missing[:, -1]).all()
        and from_0.any()
    ):
        some, others = (arm.seeds[int(rows.argmax())] for rows in (from_0, ~from_0))
        raise UserError(
            f"{escape(arm.method)} on {escape(arm.workload)}: seed {some} seems to count its {arm.axis.plural} from 0, seed "
            f"{others} from 1: count them alike in the data; if {arm.axis.quantity} 0 is the starting point, say "
            "--grid intersection --lengths common"
        )
    spans = ends(curve) - (~missing).argmax(axis=1)
    gaps = np.flatnonzero((~missing).sum(axis=1) < np.where(missing.all(axis=1), 0, spans))
    if not gaps.size:
        return
    values = np.array(arm.axis.values)
    lacking = int(gaps[0])
    between = missing[lacking] & (values > values[(~missing[lacking]).argmax()])
    other = int(np.flatnonzero(~missing[:, between.argmax()])[0])
    axes = {
        f"seed {arm.seeds[row]}": replace(arm.axis, values=tuple(values[~missing[row]].tolist()))
        for row in (lacking, other)
    }
    grids = ", ".join(f"{name}: {escape(axis.grid)}" for name, axis in axes.items())
    found = f"seeds of {escape(arm.method)} were measured at different places ({grids})"
    _refuse_pair(found, axes, proposal([arm]))


def _refuse_pair(found: str, axes: Mapping[str, Axis], proposal: str) -> None:
    one, other = axes.values()
    if _begins(from_one(one), from_one(other)):
        first, axis = next((name, axis) for name, axis in axes.items() if axis.values[0] == 0)
        raise UserError(
            f"{found}: {escape(first)} seems to count its {axis.plural} from 0, the other from 1. If that is so, "
            f"say --grid shift; if {axis.quantity} 0 is the starting point, --grid intersection"
        )
    low, high = sorted((np.array(one.values), np.array(other.values)), key=lambda values: float(values[-1]))
    if len(low) == len(high) and low[0] > 0:
        factors = high / low
        if np.ptp(factors) <= 1e-9 * factors[0] and factors[0] >= LEAST_FACTOR and high[0] > low[-1]:
            raise UserError(
                f"{found}: the steps of one are {factors[0]:g} times those of the other. Where they are the same in another "
                "unit, bring them to one in the data; where they are not, nothing was measured at steps that both have"
            )
    raise UserError(
        f"{found}: curves are never compared by position. Declare a common grid: --grid {proposal} ({FORMS})"
    )
