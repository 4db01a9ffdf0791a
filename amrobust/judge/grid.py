"""A common grid: curves that were measured at different places, read at declared ones, so that they can be held together."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from amrobust.errors import UserError
from amrobust.judge import cautions
from amrobust.runs.arms import Arm
from amrobust.runs.axis import Axis, number
from amrobust.runs.files import shown
from amrobust.stats.results import Caution

Numbers = NDArray[np.float64]
Cells = tuple[NDArray[np.intp], NDArray[np.intp]]
"""First and end columns, one of each a point."""

Way = Literal["last", "mean", "linear"]
WAYS: dict[str, str] = {
    "last": "last value up to each point",
    "mean": "mean of the values up to each point",
    "linear": "linear between values",
}
FORMS = "every:N, intersection, shift, or a number of points, with :last, :mean or :linear behind it"
_GRID = re.compile(
    r"(?P<kind>every:(?P<step>[^:]+)|intersection|(?P<points>\d+))(:(?P<way>last|mean|linear))?|(?P<shift>shift)"
)
_MOST_POINTS = 1_000_000
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Grid:
    """What ``--grid`` declares.

    ``every:N`` is N, 2N, ...; ``intersection`` the coordinates that all methods have; a number so many, evenly from where every
    method has been measured to where the first one ends. ``shift`` reads an axis that begins at 0 as if it began at 1.
    """

    kind: Literal["every", "intersection", "points", "shift"]
    size: float = 0
    """Of "every" the step, of "points" their number."""
    way: Way = "last"

    @classmethod
    def parse(cls, text: str) -> Grid:
        """Raises UserError where ``text`` is no grid."""
        found = _GRID.fullmatch(text.strip())
        if found is None:
            raise UserError(f"no grid is called {text!r}: give {FORMS}")
        if found["shift"]:
            return cls("shift")
        way: Way = found["way"] or "last"  # type: ignore[assignment]
        if found["kind"] == "intersection":
            return cls("intersection", way=way)
        try:
            size = float(found["step"] or found["points"])
        except ValueError:
            size = 0.0
        if not 0 < size < float("inf") or (found["points"] and size > _MOST_POINTS):
            raise UserError(
                f"the grid {text!r} has no points, or more than {_MOST_POINTS:,}: give a number such as every:1000 or 20"
            )
        return cls("every" if found["step"] else "points", size, way)


Notes = dict[tuple[str, str | None], tuple[Caution, ...]]
"""By workload and data set."""


def on_grid(arms: Sequence[Arm], text: str | None) -> tuple[list[Arm], Notes]:
    """Arms of each workload and data set read on the common grid that ``text`` declares, which a caution names.

    At a point, "last" and "mean" take the values measured after the point before it, the last or their mean; "linear" lies on
    the line between the two measurements around, where noise is averaged: spreads are not judged then. Coordinate 0 and what
    lies before a method's first output of its own are left out. Raises UserError where axes count different things or share no
    stretch, and where a point would have no value of a method, or means of different numbers of values.
    """
    if text is None:
        return list(arms), {}
    grid = Grid.parse(text)
    moved: dict[int, Arm] = {}
    notes: Notes = {}
    for key, members in _groups(arms).items():
        _refuse_other_counts(members)
        found, note = _shifted(members) if grid.kind == "shift" else _resampled(members, grid, text)
        moved |= {id(old): new for old, new in zip(members, found, strict=True)}
        notes[key] = (note,)
    return [moved[id(arm)] for arm in arms], notes


def _groups(arms: Sequence[Arm]) -> dict[tuple[str, str | None], list[Arm]]:
    groups: dict[tuple[str, str | None], list[Arm]] = defaultdict(list)
    for arm in arms:
        groups[arm.workload, arm.data_digest].append(arm)
    return groups


def refuse_other_axes(arms: Sequence[Arm]) -> None:
    """Raises UserError where two arms of one workload and data set were measured at different places.

    Axes of which one is the beginning of the other are curves of unequal length, which is another question.
    """
    for members in _groups(arms).values():
        for one, other in combinations({arm.axis: arm for arm in reversed(members)}.values(), 2):
            if not _begins(one.axis, other.axis):
                _refuse_pair(other, one)


def _begins(one: Axis, other: Axis) -> bool:
    return one.begins(other) or other.begins(one)


def _refuse_pair(one: Arm, other: Arm) -> None:
    _refuse_other_counts((one, other))
    found = _both((one, other))
    if _begins(_from_one(one.axis), _from_one(other.axis)):
        first = one if one.axis.values[0] == 0 else other
        raise UserError(
            f"{found}: {shown(first.method)} seems to count its {first.axis.plural} from 0, the other from 1. If that is so, "
            f"say --grid shift; if {first.axis.quantity} 0 is the starting point, --grid intersection"
        )
    raise UserError(
        f"{found}: curves are never compared by position. Declare a common grid: --grid {_proposal(one.axis, other.axis)} "
        f"({FORMS})"
    )


def _refuse_other_counts(arms: Sequence[Arm]) -> None:
    other = next((arm for arm in arms if not arm.axis.counts_like(arms[0].axis)), None)
    if other is not None:
        raise UserError(
            f"{_both((arms[0], other))}: no grid is common to what counts different things. Import one of them with other "
            "steps (amrobust import --step-from), or, where they are the same, give the column one name in both"
        )


def _both(arms: Sequence[Arm]) -> str:
    grids = ", ".join(f"{shown(arm.method)}: {shown(arm.axis.grid)}" for arm in arms)
    return f"methods on {shown(arms[0].workload)} were measured at different places ({grids})"


def _proposal(one: Axis, other: Axis) -> str:
    """A grid that these two axes have."""
    if {value for value in one.values if value > 0} & set(other.values):
        return "intersection"
    widest = max(max(np.diff(axis.values), default=axis.values[0]) for axis in (one, other))
    return f"every:{number(widest)}"


def _from_one(axis: Axis) -> Axis:
    """The axis moved by one where it begins at 0."""
    return replace(axis, values=tuple(value + 1 for value in axis.values)) if axis.values[0] == 0 else axis


def _shifted(arms: Sequence[Arm]) -> tuple[list[Arm], Caution]:
    found = [replace(arm, axis=_from_one(arm.axis)) for arm in arms]
    moved = [arm.method for arm, new in zip(arms, found, strict=True) if arm.axis != new.axis]
    what = f"the {arms[0].axis.plural} of {', '.join(moved)} are counted from 1 instead of 0" if moved else ""
    return found, cautions.common_grid(what or f"no {arms[0].axis.plural} are counted from 0", "")


def _resampled(arms: Sequence[Arm], grid: Grid, text: str) -> tuple[list[Arm], Caution]:
    measured = [_after_the_start(arm) for arm in arms]
    axis = arms[0].axis
    points = _points([np.array(arm.axis.values) for arm in measured], grid)
    if not points.size:
        raise UserError(f"{_both(arms[:2])}: the grid {text} has no point at which all have been measured")
    common = replace(axis, values=tuple(points.tolist()))
    if grid.way == "linear":
        found = [_between(arm, points, common) for arm in measured]
    else:
        gap = grid.size if grid.kind == "every" else points[1] - points[0] if len(points) > 1 else np.inf
        before = np.concatenate([[points[0] - gap], points[:-1]])
        cells = [_cells(arm, before, points, text) for arm in measured]
        if grid.way == "mean":
            _refuse_unequal_means(measured, cells, points, text)
        found = [_up_to(arm, cell, common, grid.way) for arm, cell in zip(measured, cells, strict=True)]
    how = {
        "every": f"every {number(grid.size)} {axis.unit or axis.plural}",
        "intersection": f"the {axis.plural} that all methods have",
        "points": f"{len(points)} points",
    }[grid.kind]
    what = f"{how} ({common.range}), {WAYS[grid.way]}"
    ends = max(arm.axis.values[-1] for arm in arms)
    cut = (
        f"{axis.quantity} {number(points[-1])}, of curves that go on to {number(ends)}"
        if ends > points[-1]
        else ""
    )
    return found, cautions.common_grid(what + _distances(found, measured, points, grid.way), cut)


def _distances(found: Sequence[Arm], measured: Sequence[Arm], points: Numbers, way: Way) -> str:
    """What reading on the grid does to the curves of some methods."""
    if way == "linear":
        names = [arm.method for arm in found if arm.interpolated]
        return (
            f"; between measurements of {', '.join(names)} spreads are smaller, and are not judged"
            if names
            else ""
        )
    behind = {}
    for arm in measured:
        values = np.array(arm.axis.values)
        lag = float((points - values[_ends(values, points) - 1]).max())
        if way == "last" and lag > _ROUNDING * points[-1]:
            behind[arm.method] = number(lag)
    axis = measured[0].axis
    return "".join(
        f"; {name}'s lie up to {lag} {axis.unit or axis.plural} before it" for name, lag in behind.items()
    )


def _after_the_start(arm: Arm) -> Arm:
    """The arm without coordinate 0, and without what lies before the first output of its own."""
    keep = np.array(arm.axis.values) > 0
    keep[: arm.first_output_epoch - 1] = False
    if not keep.any():
        raise UserError(
            f"{shown(arm.method)} was measured at no {arm.axis.quantity} after its start ({shown(arm.axis.grid)})"
        )
    values = tuple(value for value, kept in zip(arm.axis.values, keep, strict=True) if kept)
    return replace(
        arm,
        curves={name: curve[:, keep] for name, curve in arm.curves.items()},
        axis=replace(arm.axis, values=values),
        first_output_epoch=1,
    )


def _points(axes: Sequence[Numbers], grid: Grid) -> Numbers:
    start, end = max(axis[0] for axis in axes), min(axis[-1] for axis in axes)
    if grid.kind == "intersection":
        common = axes[0]
        for axis in axes[1:]:
            common = common[np.isin(common, axis)]
        return common
    if start > end:
        return np.array([])
    if grid.kind == "points":
        return np.linspace(start, end, int(grid.size)) if grid.size > 1 else np.array([end])
    # Multiples of 0.1 are not those that a log has, to the last bit.
    first, last = np.ceil(start / grid.size - _ROUNDING), np.floor(end / grid.size + _ROUNDING)
    if last - first > _MOST_POINTS:
        raise UserError(
            f"--grid every:{number(grid.size)} has more than {_MOST_POINTS:,} points: give a larger step"
        )
    return np.asarray(np.clip(np.arange(first, last + 1) * grid.size, start, end))


def _ends(values: Numbers, points: Numbers) -> NDArray[np.intp]:
    """How many of ``values`` lie up to each point."""
    return np.searchsorted(values, points * (1 + _ROUNDING), side="right")


def _cells(arm: Arm, before: Numbers, points: Numbers, text: str) -> Cells:
    """For each point the first column after what lies ``before`` it, and the first one after itself."""
    values = np.array(arm.axis.values)
    starts, ends = _ends(values, before), _ends(values, points)
    if (empty := starts == ends).any():
        place = int(np.flatnonzero(empty)[0])
        raise UserError(
            f"{shown(arm.method)} has no value between {arm.axis.quantity} {number(before[place])} and {number(points[place])} "
            f"({shown(arm.axis.grid)}): the grid {text} is finer than its measurements; give a coarser one, or :linear"
        )
    return starts, ends


def _up_to(arm: Arm, cells: Cells, common: Axis, way: Way) -> Arm:
    """The arm with the last value, or the mean, of each cell."""
    starts, ends = cells
    if way == "last":
        return replace(
            arm, curves={name: curve[:, ends - 1] for name, curve in arm.curves.items()}, axis=common
        )
    # Cells one by one: sums of a whole curve would carry one divergence into all that follows.
    with np.errstate(invalid="ignore", over="ignore"):
        curves = {
            name: np.stack([curve[:, a:b].mean(axis=1) for a, b in zip(starts, ends, strict=True)], axis=1)
            for name, curve in arm.curves.items()
        }
    return replace(arm, curves=curves, axis=common)


def _refuse_unequal_means(arms: Sequence[Arm], cells: Sequence[Cells], points: Numbers, text: str) -> None:
    """A mean of fifty values varies less than one of five, and lies elsewhere on a curve that rises."""
    counts = [ends - starts for starts, ends in cells]
    for arm, count in zip(arms, counts, strict=True):
        if (other := count != counts[0]).any():
            place = int(np.flatnonzero(other)[0])
            raise UserError(
                f"up to {arm.axis.quantity} {number(points[place])} of the grid {text}, {shown(arms[0].method)} has "
                f"{counts[0][place]} values and {shown(arm.method)} {count[place]}: their means do not vary alike; use :last"
            )


def _between(arm: Arm, points: Numbers, common: Axis) -> Arm:
    """The arm on straight lines between its measurements."""
    values = np.array(arm.axis.values)
    right = np.searchsorted(values, points)
    left = np.where(values[right] == points, right, right - 1)
    weight = np.where(
        left == right, 0.0, (points - values[left]) / np.maximum(values[right] - values[left], 1e-300)
    )
    curves = {}
    with np.errstate(invalid="ignore", over="ignore"):
        for name, curve in arm.curves.items():
            mixed = (1 - weight) * curve[:, left] + weight * curve[:, right]
            curves[name] = np.where(left == right, curve[:, left], mixed)
    return replace(arm, curves=curves, axis=common, interpolated=bool((left != right).any()))
