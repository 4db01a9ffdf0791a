"""The problems that methods are run on."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from typing import Any

from amrobust.errors import UserError
from amrobust.workloads.workload import MetricRow, Workload

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


def get(name: str) -> Workload:
    """The workload called ``name``; UserError naming the known ones if there is none."""
    if name not in WORKLOADS:
        near = difflib.get_close_matches(name, WORKLOADS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(WORKLOADS)}"
        raise UserError(f"no workload is called {name!r}: {hint}")
    workload: Workload = importlib.import_module(WORKLOADS[name]).WORKLOAD
    return workload


def parameters(workload: Workload) -> dict[str, Any]:
    """All parameters with their defaults: also the optional ones, which a spec has only where they differ from these."""
    return {**workload.defaults, **getattr(workload, "optional", {})}


def metrics_of(workload: Workload, params: Mapping[str, Any]) -> tuple[MetricRow, ...]:
    """The metrics of runs with these parameters, the primary one first: for convex workloads they depend on them."""
    of = getattr(workload, "metrics_of", None)
    return workload.metrics if of is None else of(params)


__all__ = ["WORKLOADS", "Workload", "get", "metrics_of", "parameters"]
