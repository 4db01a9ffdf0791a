"""The learning-rate parameters that workloads share: which schedule, where it drops, and whether the optimizer restarts."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from amrobust.rules import schedules
from amrobust.workloads.workload import require

KINDS = ("constant", "step", "cosine")


def defaults(drops: str = "1/3,2/3", restart: bool = False) -> dict[str, Any]:
    """Step schedule with division by 10 at ``drops``, and no restart unless it is asked for.

    ``schedule`` is constant, step or cosine (to 0); ``drops`` are the shares of the training after which a step schedule
    divides the rate by ``drop_factor``; with ``restart`` the optimizer starts afresh, from the current iterate, at each.
    """
    return {"schedule": "step", "drops": drops, "drop_factor": 10.0, "restart": restart}


def check_dropped(workload: str, params: Mapping[str, Any], *, least_batch: int = 1) -> None:
    """Raise UserError where ``epochs``, ``batch_size`` or ``lr_drops``, how often the rate drops, is out of range."""
    for name, least in (("epochs", 1), ("batch_size", least_batch), ("lr_drops", 0)):
        value = params[name]
        good = isinstance(value, int) and value >= least
        require(good, workload, name, value, f"an integer of at least {least}")
    drops, epochs = params["lr_drops"], params["epochs"]
    require(
        drops < epochs,
        workload,
        "lr_drops",
        drops,
        f"below epochs = {epochs}: set either (--param, in a file workload_params)",
    )


def check(workload: str, params: Mapping[str, Any]) -> None:
    """Raise UserError where the schedule's parameters make no sense."""
    require(
        params["schedule"] in KINDS, workload, "schedule", params["schedule"], f"one of {', '.join(KINDS)}"
    )
    factor = params["drop_factor"]
    require(
        isinstance(factor, (int, float)) and not isinstance(factor, bool) and 1 < factor < float("inf"),
        workload, "drop_factor", factor, "a number above 1",
    )  # fmt: skip
    require(isinstance(params["restart"], bool), workload, "restart", params["restart"], "true or false")
    require(
        not params["restart"] or params["schedule"] == "step",
        workload, "restart", params["restart"], "possible without a step schedule, whose drops it follows",
    )  # fmt: skip
    try:
        shares = _shares(params)
    except (ValueError, ZeroDivisionError):
        shares = [Fraction(0)]
    require(
        all(0 < share < 1 for share in shares) and shares == sorted(set(shares)),
        workload, "drops", params["drops"], "growing shares of the training between 0 and 1, such as 1/2,3/4",
    )  # fmt: skip


def _shares(params: Mapping[str, Any]) -> list[Fraction]:
    return [Fraction(part.strip()) for part in str(params["drops"]).split(",")]


def milestones(params: Mapping[str, Any]) -> tuple[int, ...]:
    """Epochs 0, 1, … that begin with a drop, under a step schedule; none under another."""
    if params["schedule"] != "step":
        return ()
    return tuple(round(params["epochs"] * share) for share in _shares(params))


def learning_rate(params: Mapping[str, Any], lr: float, epoch: int) -> float:
    """The rate of epoch 0, 1, … when training starts with ``lr``."""
    match params["schedule"]:
        case "constant":
            schedule = schedules.constant(lr)
        case "cosine":
            schedule = schedules.cosine(lr, params["epochs"])
        case _:
            schedule = schedules.multi_step(lr, milestones(params), params["drop_factor"])
    return schedule(epoch)


def restarts(params: Mapping[str, Any], epoch: int) -> bool:
    """Whether the optimizer restarts before epoch 0, 1, …: at every drop, where restarts are asked for."""
    return bool(params["restart"]) and epoch in milestones(params)
