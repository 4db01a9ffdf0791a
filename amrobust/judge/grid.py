"""A common grid: curves that were measured at different places, read at declared ones, so that they can be held together."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from amrobust.errors import UserError
from amrobust.judge import run_warnings
from amrobust.runs.arms import Arm
from amrobust.runs.axis import Axis, number
from amrobust.runs.files import escape
from amrobust.runs.values import ABSENT, Curves, absent, ended_early, ends, first_measured
from amrobust.stats.results import ResultWarning

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


Notes = dict[tuple[str, str | None], tuple[ResultWarning, ...]]
"""By workload and data set."""


def on_grid(arms: Sequence[Arm], text: str | None) -> tuple[list[Arm], Notes]:
    """Arms (of one metric) of each workload and data set read on the common grid that ``text`` declares; a warning names it.

    At a point, "last" and "mean" take what a seed measured after the point before it, the last value or their mean; "linear"
    lies on the line between the two measurements around, where noise is averaged: spreads are not judged then. Behind a seed's
    last measurement it is ABSENT. Coordinate 0 and what lies before a method's first output of its own are left out. Raises
    UserError where axes count different things or share no stretch, and where a point would have no value of a seed, or means
    of different numbers of values.
    """
    if text is None:
        return list(arms), {}
    grid = Grid.parse(text)
    moved: dict[int, Arm] = {}
    notes: Notes = {}
    for key, members in by_workload(arms).items():
        refuse_other_counts(members)
        found, note = _shifted(members) if grid.kind == "shift" else _resampled(members, grid, text)
        moved |= {id(old): new for old, new in zip(members, found, strict=True)}
        notes[key] = (note,)
    return [moved[id(arm)] for arm in arms], notes


def by_workload(arms: Sequence[Arm]) -> dict[tuple[str, str | None], list[Arm]]:
    """The arms of each workload and data set."""
    groups: dict[tuple[str, str | None], list[Arm]] = defaultdict(list)
    for arm in arms:
        groups[arm.workload, arm.data_digest].append(arm)
    return groups


def refuse_other_counts(arms: Sequence[Arm]) -> None:
    """Raises UserError where axes count different things, which no grid brings together."""
    other = next((arm for arm in arms if not arm.axis.counts_like(arms[0].axis)), None)
    if other is not None:
        raise UserError(
            f"{both((arms[0], other))}: no grid is common to what counts different things. Import one of them with other "
            "steps (amrobust import --step-from), or, where they are the same, give the column one name in both"
        )


def both(arms: Sequence[Arm]) -> str:
    """Of two arms where each was measured, for a message."""
    grids = ", ".join(f"{escape(arm.method)}: {escape(arm.axis.grid)}" for arm in arms)
    return f"methods on {escape(arms[0].workload)} were measured at different places ({grids})"


def _ranges(arms: Sequence[Arm]) -> str:
    """Where the methods were measured."""
    grids = ", ".join(f"{escape(arm.method)}: {escape(arm.axis.grid)}" for arm in arms[:2])
    return f"on {escape(arms[0].workload)} ({grids}{', ...' if len(arms) > 2 else ''})"


def proposal(arms: Sequence[Arm]) -> str:
    """The grid that fits these arms best: the steps of all seeds, or, if these are more, those that are as wide as any gap."""
    common = _points(arms, Grid("intersection"))
    common = common[common > 0]
    gaps = []
    for arm in arms:
        axis = np.array(arm.axis.values)
        for missing in absent(_curve(arm)):
            at = axis[~missing & (axis > 0)]
            gaps.append(max(np.diff(at), default=at[0] if len(at) else 0.0))
    widest = max(gaps)
    if widest > 0 and not float(widest).is_integer():  # Two digits are enough to be remembered.
        unit = 10.0 ** (np.floor(np.log10(widest)) - 1)
        widest = float(np.ceil(widest / unit) * unit)
    try:
        evenly = len(_points(arms, Grid("every", widest))) if widest > 0 else 0
    except UserError:  # More points than are read.
        evenly = 0
    return f"every:{number(widest)}" if evenly > len(common) or not len(common) else "intersection"


def from_one(axis: Axis) -> Axis:
    """The axis moved by one where it begins at 0."""
    return replace(axis, values=tuple(value + 1 for value in axis.values)) if axis.values[0] == 0 else axis


def _shifted(arms: Sequence[Arm]) -> tuple[list[Arm], ResultWarning]:
    found = [replace(arm, axis=from_one(arm.axis)) for arm in arms]
    moved = [arm.method for arm, new in zip(arms, found, strict=True) if arm.axis != new.axis]
    what = f"the {arms[0].axis.plural} of {', '.join(moved)} are counted from 1 instead of 0" if moved else ""
    return found, run_warnings.common_grid(what or f"no {arms[0].axis.plural} are counted from 0", "")


def _resampled(arms: Sequence[Arm], grid: Grid, text: str) -> tuple[list[Arm], ResultWarning]:
    measured = [_after_the_start(arm) for arm in arms]
    axis = arms[0].axis
    points = _points(measured, grid)
    if not points.size:
        raise UserError(
            f"{_ranges(arms)}: the grid {text} has no point at which all have been measured; --grid {proposal(measured)} has"
        )
    common = replace(axis, values=tuple(points.tolist()))
    if grid.way == "linear":
        found = [_between(arm, points, common) for arm in measured]
    else:
        gap = grid.size if grid.kind == "every" else points[1] - points[0] if len(points) > 1 else np.inf
        before = np.concatenate([[points[0] - gap], points[:-1]])
        cells = [_Cells.of(arm, before, points, text) for arm in measured]
        if grid.way == "mean":
            _refuse_unequal_means(cells, points, text)
        found = [
            _with(cell.arm, cell.last() if grid.way == "last" else cell.mean(), common) for cell in cells
        ]
    how = {
        "every": f"every {number(grid.size)} {axis.unit or axis.plural}",
        "intersection": f"the {axis.plural} that all methods have",
        "points": f"{len(points)} points",
    }[grid.kind]
    what = f"{how} ({common.range}), {WAYS[grid.way]}"
    end = max(arm.axis.values[-1] for arm in arms)
    cut = (
        f"{axis.quantity} {number(points[-1])}, of curves that go on to {number(end)}"
        if end > points[-1]
        else ""
    )
    if grid.way == "linear" and (between := [arm.title for arm in found if arm.interpolated]):
        what += f"; between measurements of {', '.join(between)} spreads are smaller, and are not judged"
    elif grid.way == "last":
        for cell in cells:
            if (lag := cell.lag(points)) > _ROUNDING * points[-1]:
                what += f"; {cell.arm.title}'s lie up to {number(lag)} {axis.unit or axis.plural} before it"
    return found, run_warnings.common_grid(what, cut)


def _after_the_start(arm: Arm) -> Arm:
    """The arm without coordinate 0, and without what lies before the first output of its own."""
    keep = np.array(arm.axis.values) > 0
    keep[: arm.first_output_epoch - 1] = False
    if not keep.any():
        raise UserError(
            f"{escape(arm.method)} was measured at no {arm.axis.quantity} after its start ({escape(arm.axis.grid)})"
        )
    axis = replace(arm.axis, values=tuple(np.array(arm.axis.values)[keep].tolist()))
    return replace(_with(arm, _curve(arm)[:, keep], axis), first_output_epoch=1)


def _curve(arm: Arm) -> Curves:
    (curve,) = arm.curves.values()
    return curve


def _with(arm: Arm, curve: Curves, axis: Axis) -> Arm:
    return replace(arm, curves=dict.fromkeys(arm.curves, curve), axis=axis)


def _points(arms: Sequence[Arm], grid: Grid) -> Curves:
    """Those of the grid that lie between where every seed has been measured and where the first method ends."""
    axes = [np.array(arm.axis.values) for arm in arms]
    if grid.kind == "intersection":
        whole = [axis[~absent(_curve(arm)).any(axis=0)] for axis, arm in zip(axes, arms, strict=True)]
        common = whole[0]
        for axis in whole[1:]:
            common = common[np.isin(common, axis)]
        return common
    start = max(axis[first_measured(_curve(arm)) - 1] for axis, arm in zip(axes, arms, strict=True))
    end = min(_end(arm) for arm in arms)
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


def _end(arm: Arm) -> float:
    """Where the first seed ends, of those that did not end early."""
    axis, curve = np.array(arm.axis.values), _curve(arm)
    last = ends(curve)[~ended_early(curve, axis)]
    return float(axis[last.min() - 1])


@dataclass(frozen=True)
class _Cells:
    """Of one arm the columns that lie behind one point and up to the next, and how many of them each seed measured."""

    arm: Arm
    starts: NDArray[np.intp]
    stops: NDArray[np.intp]
    counts: NDArray[np.intp]
    """(seeds, points)."""
    over: NDArray[np.bool_]
    """(seeds, points): the seed's last measurement lies before the cell."""

    @classmethod
    def of(cls, arm: Arm, before: Curves, points: Curves, text: str) -> _Cells:
        """Raises UserError where a seed measured nothing in a cell, and something behind it."""
        axis, curve = np.array(arm.axis.values), _curve(arm)
        starts, stops = _up_to(axis, before), _up_to(axis, points)
        so_far = np.cumsum(np.pad(~absent(curve), ((0, 0), (1, 0))), axis=1)
        counts: NDArray[np.intp] = so_far[:, stops] - so_far[:, starts]
        over = ends(curve)[:, None] <= starts
        if (empty := (counts == 0) & ~over).any():
            place = int(np.flatnonzero(empty.any(axis=0))[0])
            raise UserError(
                f"{escape(arm.method)} has no value between {arm.axis.quantity} {number(before[place])} and "
                f"{number(points[place])} ({escape(arm.axis.grid)}): the grid {text} is finer than its measurements; give a "
                "coarser one, or :linear"
            )
        return cls(arm, starts, stops, counts, over)

    def last(self) -> Curves:
        """Each seed's last value in each cell."""
        values = np.take_along_axis(_curve(self.arm), self._last_columns(), axis=1)
        return np.where(self.over, ABSENT, values)

    def mean(self) -> Curves:
        """Each seed's mean over each cell; ABSENT where it ended within one."""
        curve = _curve(self.arm)
        known = np.where(absent(curve), 0.0, curve)
        # Cells one by one: sums of a whole curve would carry one divergence into all that follows.
        with np.errstate(invalid="ignore", over="ignore"):
            sums = [known[:, a:b].sum(axis=1) for a, b in zip(self.starts, self.stops, strict=True)]
            means = np.stack(sums, axis=1) / np.maximum(self.counts, 1)
        return np.where(self.ended_within, ABSENT, means)

    @property
    def ended_within(self) -> NDArray[np.bool_]:
        """(seeds, points): the seed ended before the last column of the cell."""
        return np.asarray(ends(_curve(self.arm))[:, None] < self.stops)

    def lag(self, points: Curves) -> float:
        """How far a value lies before its point, at most."""
        lags = points - np.array(self.arm.axis.values)[self._last_columns()]
        return float(lags[~self.over].max(initial=0.0))

    def _last_columns(self) -> NDArray[np.intp]:
        """(seeds, points): the last column up to each point in which the seed has a value."""
        curve = _curve(self.arm)
        columns = np.where(absent(curve), 0, np.arange(curve.shape[1]))
        return np.maximum.accumulate(columns, axis=1)[:, self.stops - 1]


def _up_to(axis: Curves, points: Curves) -> NDArray[np.intp]:
    """How many values of ``axis`` lie up to each point."""
    return np.searchsorted(axis, points * (1 + _ROUNDING), side="right")


def _refuse_unequal_means(cells: Sequence[_Cells], points: Curves, text: str) -> None:
    """A mean of fifty values varies less than one of five, and lies elsewhere on a curve that rises."""
    counts = cells[0].counts[0]
    for cell in cells:
        other = (cell.counts != counts) & ~cell.ended_within
        if other.any():
            row, place = np.argwhere(other)[0]
            raise UserError(
                f"up to {cell.arm.axis.quantity} {number(points[place])} of the grid {text}, {escape(cells[0].arm.method)} "
                f"has {counts[place]} values and {escape(cell.arm.method)} {cell.counts[row, place]}: their means do not vary "
                "alike; use :last"
            )


def _between(arm: Arm, points: Curves, common: Axis) -> Arm:
    """The arm on straight lines between its measurements."""
    axis, curve = np.array(arm.axis.values), _curve(arm)
    found = np.full((len(curve), len(points)), ABSENT)
    exact = True
    with np.errstate(invalid="ignore", over="ignore"):
        for row, missing in enumerate(absent(curve)):
            at, values = axis[~missing], curve[row, ~missing]
            inside = points <= at[-1] if len(at) else np.zeros(len(points), bool)
            right = np.searchsorted(at, points[inside])
            left = np.where(at[right] == points[inside], right, right - 1)
            weight = (points[inside] - at[left]) / np.maximum(at[right] - at[left], 1e-300)
            mixed = (1 - weight) * values[left] + weight * values[right]
            found[row, inside] = np.where(left == right, values[left], mixed)
            exact &= bool((left == right).all())
    return replace(_with(arm, found, common), interpolated=not exact)
