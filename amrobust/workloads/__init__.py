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
    "digits": "amrobust.workloads.digits",
    "logistic": "amrobust.workloads.logistic",
    "logistic-ball": "amrobust.workloads.logistic_ball",
    "logistic-l1": "amrobust.workloads.logistic_l1",
    "logistic-simplex": "amrobust.workloads.logistic_simplex",
    "hinge-box": "amrobust.workloads.hinge_box",
    "fashion-mnist": "amrobust.workloads.fashion_mnist",
    "cifar10": "amrobust.workloads.cifar10",
    "cifar100": "amrobust.workloads.cifar100",
    "imagenet": "amrobust.workloads.imagenet",
    "ptb": "amrobust.workloads.ptb",
}

MEMBERS = (
    "name", "kind", "defaults", "metrics", "optimizer_defaults", "check", "data_digest", "data_note", "epochs",
    "steps_per_epoch", "steps_per_point", "model", "split", "learning_rate",
)  # fmt: skip
"""What a workload of another's must have."""
KINDS = ("network", "image")
"""The kinds that a workload of another's can be."""


def get(name: str) -> Workload:
    """The workload called ``name``: amrobust's, one by its path, or one that a package announces.

    Raises UserError naming the known ones if there is none, and where one of another's cannot be imported or made.
    """
    if name in WORKLOADS:
        workload: Workload = importlib.import_module(WORKLOADS[name]).WORKLOAD
        return workload
    return _foreign(name)


@lru_cache(maxsize=8)
def _foreign(name: str) -> Workload:
    """A workload of another's, made once: an object, or a class that is called without arguments."""
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
