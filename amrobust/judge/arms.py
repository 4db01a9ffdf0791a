"""Arms made comparable before they are judged: one scale, one length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from amrobust import stats
from amrobust.judge import cautions
from amrobust.judge.usage import asked_for
from amrobust.runs.arms import Arm
from amrobust.runs.axis import Axis
from amrobust.runs.metric import Metric
from amrobust.stats.levels import Alignment, Scale
from amrobust.stats.results import Caution
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


def of_one_length(arms: Sequence[Arm], policy: Alignment) -> tuple[list[Arm], tuple[Caution, ...]]:
    """With "shortest", arms on one workload and one data set are cut to the shortest of them, which a caution says.

    Axes are those of :func:`amrobust.judge.grid.refuse_other_axes`: of any two, one is the beginning of the other.
    """
    if policy == "refuse":
        return list(arms), ()
    axes: dict[tuple[str, str | None], list[Axis]] = {}
    for arm in arms:
        axes.setdefault((arm.workload, arm.data_digest), []).append(arm.axis)
    ends = {key: (min(found, key=_length), max(found, key=_length)) for key, found in axes.items()}
    cut = []
    for arm in arms:
        shortest, _ = ends[arm.workload, arm.data_digest]
        kept = {name: values[:, : _length(shortest)] for name, values in arm.curves.items()}
        cut.append(replace(arm, curves=kept, axis=shortest))
    return cut, tuple(cautions.curves_cut(*pair) for pair in ends.values() if pair[0] != pair[1])


def _length(axis: Axis) -> int:
    return len(axis.values)
