"""Arms made comparable before they are judged: one metric, one axis, one scale, nothing beyond what can be computed with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from amrobust import stats
from amrobust.errors import UserError
from amrobust.judge import metrics
from amrobust.judge.axes import refuse_other_axes
from amrobust.judge.copies import refuse_copies
from amrobust.judge.grid import on_grid
from amrobust.judge.lengths import of_metric, settled
from amrobust.judge.rules import Selection
from amrobust.judge.usage import asked_for
from amrobust.runs.arms import Arm, refuse_doubles, told_apart
from amrobust.runs.metric import Metric, some_of
from amrobust.runs.values import absent
from amrobust.stats.levels import Scale
from amrobust.stats.results import ResultWarning
from amrobust.stats.samples import LARGEST


def choose_metric(arms: Sequence[Arm], name: str | None) -> tuple[Metric, list[Arm], list[str]]:
    """The metric asked for (``NAME``, ``NAME:lower``), else that of :func:`metrics.chosen`; arms without it are set aside, the
    others have its curves alone, and no two share a title.

    Everything that is judged comes by here. Raises UserError where no arm has the metric, where its direction is not known or
    its unit not one, where two arms of a workload have one name, and where seeds of an arm are copies of each other.
    """
    refuse_doubles(arms)
    choice = metrics.chosen(arms, name)
    chosen = choice.name
    measured = [arm for arm in arms if chosen in arm.metrics]
    if not measured:
        known = some_of(dict.fromkeys(metric for arm in arms for metric in arm.metrics))
        raise UserError(f"no run has the metric {chosen!r}: choose one of {known}")
    measured = [without_overflow(of_metric(arm, chosen), chosen) for arm in measured]
    refuse_copies(measured, chosen)
    # What is measured of the same weights again has the metrics of the test set alone.
    skipped = [
        f"{arm.method} on {arm.workload}: has no {chosen}"
        for arm in arms
        if chosen not in arm.metrics and arm.measurement is None
    ]
    return metrics.of_arms(measured, choice), told_apart(measured), skipped


def without_overflow(arm: Arm, metric: str) -> Arm:
    """``arm`` with values of ``metric`` beyond 1e301 as infinite: such seeds diverged, and nothing can be computed of them."""
    values = arm.curves[metric]
    with np.errstate(invalid="ignore"):
        beyond = np.isfinite(values) & (np.abs(values) > LARGEST)
    if not beyond.any():
        return arm
    return replace(arm, curves={**arm.curves, metric: np.where(beyond, np.copysign(np.inf, values), values)})


def along_one_axis(
    arms: Sequence[Arm], metric: Metric, selection: Selection
) -> tuple[list[Arm], dict[tuple[str, str | None], tuple[ResultWarning, ...]]]:
    """Arms of :func:`choose_metric` on the grid that is asked for, seeds that end early settled, and what was done.

    Raises UserError where arms, or their seeds, were measured at different places or end early, and nothing was said of that.
    """
    read = [diverged_beyond(arm, metric, selection.diverged) for arm in arms]
    said = []
    if selection.grid is not None:
        # What a seed last measured stands, or is missing, at its own end, and not at the point of a grid before it.
        read, ended = settled(read, selection.lengths, alone=True)
        read, gridded = on_grid(read, selection.grid)
        said = [gridded, ended]
    refuse_other_axes(read)
    read, ended = settled(read, selection.lengths)
    said.append(ended)
    keys = dict.fromkeys(key for notes in said for key in notes)
    return read, {key: tuple(note for notes in said for note in notes.get(key, ())) for key in keys}


def diverged_beyond(arm: Arm, metric: Metric, limit: float | None) -> Arm:
    """``arm`` with seeds that end worse than ``limit`` as diverged, from where on they stay so: infinite there."""
    if limit is None:
        return arm
    (curve,) = arm.curves.values()
    with np.errstate(invalid="ignore"):
        better = np.isfinite(curve) & ((curve >= limit) if metric.way == "higher" else (curve <= limit))
    lost = ~np.logical_or.accumulate(better[:, ::-1], axis=1)[:, ::-1]
    rows = np.asarray((lost & ~absent(curve)).any(axis=1))
    worst = -np.inf if metric.way == "higher" else np.inf
    # What was not measured behind the end of such a seed is no early end either.
    gone = lost & rows[:, None] & (np.isfinite(curve) | absent(curve))
    return replace(
        arm,
        curves=dict.fromkeys(arm.curves, np.where(gone, worst, curve)),
        diverged=tuple(s for s, row in zip(arm.seeds, rows, strict=True) if row or s in arm.diverged),
    )


def on_scale(arms: Sequence[Arm], metric: Metric, scale: Scale) -> tuple[list[Arm], Metric]:
    """The arms with ``metric`` on a logit or log scale, and the metric under its new name; UserError where it has none."""
    if scale == "none":
        return list(arms), metric
    top = 100.0 if metric.unit == "%" else 1.0
    new = replace(metric, name=f"{scale}_{metric.name}", unit="")
    moved = []
    for arm in arms:
        with asked_for(f"{arm.method}, {metric.name}: "):
            values = stats.to_scale(arm.curves[metric.name], scale, top=top)
        moved.append(replace(arm, curves={new.name: values}, metrics={new.name: new}))
    return moved, new
