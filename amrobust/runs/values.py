"""The states of a curve's values: measured, not measured, not finite; and of a seed: whether it ended early or diverged.

Seeds of one run share one axis: the union of all places at which any of them was measured. Where a seed was not measured it
has ``ABSENT``, a NaN with a payload of its own (R's NA, so that arrays from R mean the same). It survives copying, slicing,
joining and files; arithmetic may lose it, so that curves are settled (:mod:`amrobust.judge.lengths`) before any is done.
Any other NaN, and an infinity, is a value that was measured and is not finite: the seed diverged.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Curves = NDArray[np.float64]
Mask = NDArray[np.bool_]

MAX_VALUES = 250_000_000
"""Values in one run, 2 GB of them: a million seeds of 50 points, two outputs and two metrics fit."""
_PAYLOAD = 1954
ABSENT = float(np.array(0x7FF8_0000_0000_0000 | _PAYLOAD, np.uint64).view(np.float64))
"""What a value is where none was measured."""


def absent(values: ArrayLike) -> Mask:
    """Where ``values`` were not measured."""
    found = np.ascontiguousarray(values, np.float64)
    bits = found.view(np.uint64)
    return np.asarray(np.isnan(found) & ((bits & np.uint64(0xFFFF_FFFF)) == _PAYLOAD))


def unmeasured_before_the_first(curves: ArrayLike) -> Curves:
    """``curves`` (seeds, steps) with ABSENT for each NaN before a row's first value.

    So begins a reward before the first episode has ended. A row that is NaN throughout stays what it is: it diverged at once.
    """
    found = np.array(curves, np.float64)
    seen = ~np.isnan(found)
    before = ~np.logical_or.accumulate(seen, axis=1) & seen.any(axis=1, keepdims=True)
    found[before] = ABSENT
    return found


def first_measured(curves: Curves) -> int:
    """The first column, counted from 1, from which on every row of ``curves`` (seeds, steps) was measured.

    A row without any value says nothing of that.
    """
    seen = ~np.isnan(curves)
    begun = seen[seen.any(axis=1)]
    return int(begun.argmax(axis=1).max()) + 1 if len(begun) else 1


def not_finite(curves: Curves) -> Mask:
    """Of (seeds, steps), the seeds with a value that was measured and is not finite."""
    return np.asarray((~np.isfinite(curves) & ~absent(curves)).any(axis=1))


def ends(curves: Curves) -> NDArray[np.intp]:
    """Of (seeds, steps), how many columns each seed has up to its last measured value, inner gaps among them."""
    measured = ~absent(curves)
    return np.where(measured.any(axis=1), curves.shape[1] - measured[:, ::-1].argmax(axis=1), 0)


def widest_gaps(curves: Curves, axis: Curves) -> Curves:
    """Of (seeds, steps) at the coordinates ``axis``, the widest distance between neighbouring measurements of each seed."""
    measured = ~absent(curves)
    before = np.maximum.accumulate(np.where(measured, axis, -np.inf), axis=1)
    gaps = np.where(measured[:, 1:], axis[1:] - before[:, :-1], 0.0)
    return np.asarray(np.where(np.isfinite(gaps), gaps, 0.0).max(axis=1, initial=0.0))


def ended_early(curves: Curves, axis: Curves) -> Mask:
    """Of (seeds, steps) at the coordinates ``axis``, the seeds that another outlasts by more than their own widest gap.

    Seeds that were measured on clocks of their own do not end at one coordinate, and none of them ended early for that.
    """
    last = ends(curves)
    end = np.where(last > 0, axis[np.maximum(last, 1) - 1], -np.inf)
    behind = end.max() - end
    return np.asarray((behind > 0) & (behind >= widest_gaps(curves, axis)))


def held(curves: Curves) -> Curves:
    """``curves`` (seeds, steps) with the last measured value standing until the next; ABSENT before the first."""
    columns = np.where(absent(curves), 0, np.arange(curves.shape[1]))
    return np.take_along_axis(curves, np.maximum.accumulate(columns, axis=1), axis=1)


def place(steps: Curves, values: Curves, axis: Curves) -> Curves:
    """Of one seed its ``values`` at ``steps`` along ``axis``, which has all of these and others, where it is ABSENT."""
    if len(steps) == len(axis):
        return values
    found = np.full(len(axis), ABSENT)
    found[np.searchsorted(axis, steps)] = values
    return found
