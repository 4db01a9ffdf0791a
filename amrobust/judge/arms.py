"""Arms made comparable before they are judged: one scale, one length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from amrobust import stats
from amrobust.judge import cautions
from amrobust.judge.usage import asked_for
from amrobust.runs.arms import Arm, Metric
from amrobust.stats.levels import Alignment, Scale
from amrobust.stats.results import Caution
from amrobust.stats.samples import LARGEST


def on_scale(arms: Sequence[Arm], metric: Metric, scale: Scale) -> tuple[list[Arm], Metric]:
    """The arms with ``metric`` on a logit or log scale, and the metric under its new name; UserError where it has none."""
    if scale == "none":
        return list(arms), metric
    top = 100.0 if metric.unit == "%" else 1.0
    new = Metric(f"{scale}_{metric.name}", metric.better)
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


def of_one_length(arms: Sequence[Arm], policy: Alignment) -> tuple[list[Arm], tuple[Caution, ...]]:
    """With "shortest", arms on one workload and one data set are cut to the shortest of them, which a caution says."""
    if policy == "refuse":
        return list(arms), ()
    lengths: dict[tuple[str, str | None], list[int]] = {}
    for arm in arms:
        lengths.setdefault((arm.workload, arm.data_digest), []).append(arm.epochs)
    cut = [
        replace(
            arm,
            curves={
                name: values[:, : min(lengths[arm.workload, arm.data_digest])]
                for name, values in arm.curves.items()
            },
        )
        for arm in arms
    ]
    notes = [
        cautions.curves_cut(min(found), max(found)) for found in lengths.values() if min(found) < max(found)
    ]
    return cut, tuple(notes)
