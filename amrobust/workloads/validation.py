"""Validation splits: a fixed part of the training set held out of training, and the names of the metrics on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from amrobust.runs.spec import ON_TEST, ON_VALIDATION, VALIDATION
from amrobust.workloads.workload import MetricRow, require

if TYPE_CHECKING:
    from torch import Tensor


def check(workload: str, params: Mapping[str, Any]) -> None:
    """Raise UserError where the share is not one."""
    share = params.get(VALIDATION)
    good = isinstance(share, (int, float)) and not isinstance(share, bool) and 0 < share < 1
    require(share is None or good, workload, VALIDATION, share, "a share between 0 and 1, or none")


def training_length(workload: str, params: Mapping[str, Any], length: int) -> int:
    """How many of ``length`` training examples are trained on. Raises UserError where none is, or none is held out."""
    share = params.get(VALIDATION)
    if share is None:
        return length
    held_out = round(float(share) * length)
    require(
        0 < held_out < length, workload, VALIDATION, share, f"a share that leaves some of {length:,} examples"
    )
    return length - held_out


def split_off(
    workload: str, params: Mapping[str, Any], parts: tuple[Tensor, Tensor, Tensor, Tensor]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Training inputs and labels, and those to evaluate on: of ``parts``, the same for training and test.

    With a share held out, it takes the place of the test set, which nothing reads then. Which examples are held out depends on
    the share and the length of the training set alone: one permutation for all methods and seeds.
    """
    if params.get(VALIDATION) is None:
        return parts
    inputs, labels = parts[:2]
    kept = training_length(workload, params, len(labels))
    order = np.random.Generator(np.random.PCG64(0)).permutation(len(labels))
    train, held_out = (np.sort(chosen) for chosen in (order[:kept], order[kept:]))
    return inputs[train], labels[train], inputs[held_out], labels[held_out]


def name_of(metric: str, params: Mapping[str, Any]) -> str:
    """What ``metric`` is called: one on the test set is on the held-out part where there is one."""
    if params.get(VALIDATION) is None or not metric.startswith(ON_TEST):
        return metric
    return ON_VALIDATION + metric.removeprefix(ON_TEST)


def rows_of(rows: Iterable[MetricRow], params: Mapping[str, Any]) -> tuple[MetricRow, ...]:
    """The metrics by the names that they have."""
    return tuple((name_of(name, params), better, unit) for name, better, unit in rows)
