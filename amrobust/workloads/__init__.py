"""The problems that methods are run on."""

from __future__ import annotations

import difflib
import importlib

from amrobust.errors import UserError
from amrobust.workloads.workload import Workload

WORKLOADS = {
    "digits": "amrobust.workloads.digits",
    "logistic": "amrobust.workloads.logistic",
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


__all__ = ["WORKLOADS", "Workload", "get"]
