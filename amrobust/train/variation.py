"""Which random streams make seeds differ: by workload and optimizer, for runs in which a single one varies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amrobust.errors import UserError
from amrobust.train.optimizer import Optimizer
from amrobust.workloads import Workload


def streams_of(workload: Workload, params: Mapping[str, Any], optimizer: Optimizer) -> tuple[str, ...]:
    """The streams in which two seeds of ``optimizer`` on ``workload`` can differ, of :data:`amrobust.runs.spec.STREAMS`."""
    match workload.kind:
        case "convex":
            found: tuple[str, ...] = ("noise",)
        case "language":
            found = ("x0", "order", "dropout")
        case _:
            found = ("x0", "order", "augmentation") if params.get("augment") else ("x0", "order")
    return (*found, "rule") if optimizer.draws_numbers else found


def require_stream(stream: str, workload: Workload, params: Mapping[str, Any], optimizer: Optimizer) -> None:
    """Raise UserError unless seeds of ``optimizer`` on ``workload`` can differ in ``stream``."""
    known = streams_of(workload, params, optimizer)
    if stream in known:
        return
    hint = ""
    if stream == "augmentation" and "augment" in params:
        hint = "; --param augment=true turns the augmentation on"
    if stream == "x0" and workload.kind == "convex":
        hint = "; --x0s runs several starting points"
    raise UserError(
        f"{optimizer.name} on {workload.name} has no stream {stream!r} that could vary: choose one of {', '.join(known)}{hint}"
    )
