"""Arms made comparable before they are judged: one scale, and nothing beyond what can be computed with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from amrobust import stats
from amrobust.judge.usage import asked_for
from amrobust.runs.arms import Arm
from amrobust.runs.metric import Metric
from amrobust.runs.values import absent
from amrobust.stats.levels import Scale
from amrobust.stats.samples import LARGEST


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


def without_overflow(arm: Arm, metric: str) -> Arm:
    """``arm`` with values of ``metric`` beyond 1e301 as infinite: such seeds diverged, and nothing can be computed of them."""
    values = arm.curves[metric]
    with np.errstate(invalid="ignore"):
        beyond = np.isfinite(values) & (np.abs(values) > LARGEST)
    if not beyond.any():
        return arm
    return replace(arm, curves={**arm.curves, metric: np.where(beyond, np.copysign(np.inf, values), values)})


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
