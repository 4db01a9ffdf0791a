"""The problems that methods are run on."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from amrobust import plugins
from amrobust.errors import UserError
from amrobust.workloads import validation
from amrobust.workloads.classification import Classification
from amrobust.workloads.workload import MetricRow, Workload

GROUP = "amrobust.workloads"
"""The entry point group under which packages announce workloads."""

WORKLOADS = {
    "digits": "amrobust.workloads.digits:WORKLOAD",
    "logistic": "amrobust.workloads.convex:LOGISTIC",
    "logistic-ball": "amrobust.workloads.convex:LOGISTIC_BALL",
    "logistic-l1": "amrobust.workloads.convex:LOGISTIC_L1",
    "logistic-simplex": "amrobust.workloads.convex:LOGISTIC_SIMPLEX",
    "hinge-box": "amrobust.workloads.convex:HINGE_BOX",
    "fashion-mnist": "amrobust.workloads.images:FASHION_MNIST",
    "cifar10": "amrobust.workloads.images:CIFAR10",
    "cifar100": "amrobust.workloads.images:CIFAR100",
    "imagenet": "amrobust.workloads.imagenet:WORKLOAD",
    "ptb": "amrobust.workloads.ptb:WORKLOAD",
}
"""Where each is: module and instance, imported when it is asked for."""

MEMBERS = (
    "name", "kind", "defaults", "metrics", "optimizer_defaults", "check", "data_digest", "data_note", "epochs",
    "steps_per_epoch", "steps_per_point", "model", "split", "learning_rate",
)  # fmt: skip
"""What an external workload must have."""
KINDS = ("network", "image")
"""The kinds that an external workload can be."""


def get(name: str) -> Workload:
    """The workload called ``name``: amrobust's, one by its path, or one that a package announces.

    Raises UserError naming the known ones if there is none, and where an external one cannot be imported or made.
    """
    if name in WORKLOADS:
        module, _, instance = WORKLOADS[name].partition(":")
        workload: Workload = getattr(importlib.import_module(module), instance)
        return workload
    return _external(name)


@plugins.forgettable
@lru_cache(maxsize=8)
def _external(name: str) -> Workload:
    """An external workload, made once: an object, or a class that is called without arguments."""
    announced = plugins.announced(GROUP)
    if plugins.is_path(name):
        found = plugins.imported(name)
    elif name in announced:
        found = plugins.load(announced[name])
    else:
        raise plugins.unknown("workload", name, (*WORKLOADS, *announced))
    try:
        made: Any = found() if inspect.isclass(found) else found
    except TypeError as error:
        raise UserError(f"the workload {name} cannot be made: {error}") from error
    lacking = [member for member in MEMBERS if not hasattr(made, member)]
    if lacking or made.kind not in KINDS:
        what = f"has no {', '.join(lacking)}" if lacking else f"is of no kind in {', '.join(KINDS)}"
        raise UserError(
            f"{name} is not a workload: it {what} (amrobust.workloads.Classification has everything)"
        )
    workload: Workload = made
    return workload


def parameters(workload: Workload) -> dict[str, Any]:
    """All parameters with their defaults: also the optional ones, which a spec has only where they differ from these."""
    return {**workload.defaults, **getattr(workload, "optional", {})}


def metrics_of(workload: Workload, params: Mapping[str, Any]) -> tuple[MetricRow, ...]:
    """The metrics of runs with these parameters, the primary one first.

    Those of convex workloads depend on them, and those on a test set are on a validation split where one is held out.
    """
    of = getattr(workload, "metrics_of", None)
    return validation.rows_of(workload.metrics if of is None else of(params), params)


__all__ = ["WORKLOADS", "Classification", "Workload", "get", "metrics_of", "parameters"]
