"""The parameters of steps that workloads share: the learning rate's schedule and warmup, restarts, clipping, accumulation."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from amrobust.rules import schedules
from amrobust.workloads.workload import Workload, require

PER_STEP = ("linear", "wsd", "one-cycle")
"""Schedules that move at every step; the others move at an epoch's beginning."""
KINDS = ("constant", "step", "cosine", *PER_STEP)
WITH_FLOOR = ("cosine", "linear", "wsd")

RATE: Mapping[str, Any] = {"warmup": 0.0, "floor": 0.0, "cooldown": 0.2}
"""Optional parameters of every workload's learning rate: ``warmup``, the share of the training over whose steps the rate grows
from 0 to what the schedule says; ``floor``, the share of the rate at which cosine, linear and wsd end; ``cooldown``, the share
of the training, at its end, over which wsd falls."""
GRADIENT: Mapping[str, Any] = {"clip_norm": None, "accumulate": 1}
"""Optional parameters of networks' gradients: ``clip_norm``, the largest norm, to which one of a larger norm is scaled down;
``accumulate``, how many batches' mean gradient makes one step of the optimizer. Batches that fill no step are left out."""
LAST_BATCH: Mapping[str, Any] = {"last_batch": "drop"}
"""Optional parameter of what becomes of the images that do not fill a last batch: "drop" leaves them out, others each epoch,
"train" makes a smaller batch of them, as the paper's repositories do."""
SCHEDULED: Mapping[str, Any] = {"schedule": None, **RATE}
"""Those of a workload whose own schedule is fixed: ``schedule``, where it is given, replaces that."""
REPLACING = (None, "constant", "cosine", *PER_STEP)


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


def check_rate(workload: str, params: Mapping[str, Any], kinds: tuple[str | None, ...]) -> None:
    """Raise UserError where ``schedule`` is none of ``kinds``, or a parameter of :data:`RATE` makes no sense with it."""
    schedule = params.get("schedule")
    wanted = ", ".join(kind for kind in kinds if kind)
    require(schedule in kinds, workload, "schedule", schedule, f"one of {wanted}")
    for name, usual in RATE.items():
        value = params.get(name, usual)
        require(_real(value) and 0 <= value < 1, workload, name, value, "a share, at least 0 and below 1")
    warmup, floor, cooldown = (params.get(name, usual) for name, usual in RATE.items())
    require(cooldown > 0, workload, "cooldown", cooldown, "above 0")
    require(
        cooldown == RATE["cooldown"] or schedule == "wsd",
        workload, "cooldown", cooldown, "of a schedule other than wsd",
    )  # fmt: skip
    require(
        floor == 0 or schedule in WITH_FLOOR,
        workload, "floor", floor, f"of a schedule other than {', '.join(WITH_FLOOR)}",
    )  # fmt: skip
    require(
        warmup == 0 or schedule != "one-cycle", workload, "warmup", warmup, "of one-cycle, which has its own"
    )


def check_gradient(workload: str, params: Mapping[str, Any]) -> None:
    """Raise UserError where a parameter of :data:`GRADIENT` makes no sense."""
    clip_norm, batches = params.get("clip_norm"), params.get("accumulate", 1)
    good = clip_norm is None or (_real(clip_norm) and 0 < clip_norm < float("inf"))
    require(good, workload, "clip_norm", clip_norm, "a number above 0, or none")
    whole = isinstance(batches, int) and not isinstance(batches, bool) and batches >= 1
    require(whole, workload, "accumulate", batches, "an integer of at least 1")


def check_last_batch(workload: str, params: Mapping[str, Any]) -> None:
    """Raise UserError where ``last_batch`` is none, or does not go with ``accumulate``."""
    value = params.get("last_batch", "drop")
    require(value in ("drop", "train"), workload, "last_batch", value, "drop or train")
    require(
        value == "drop" or params.get("accumulate", 1) == 1,
        workload, "last_batch", value, "drop where gradients are accumulated",
    )  # fmt: skip


def batches_of(workload: str, params: Mapping[str, Any], images: int) -> int:
    """Batches of one pass over ``images``. Raises UserError where a last one of a single image would be left to batch norm."""
    whole, rest = divmod(images, int(params["batch_size"]))
    if params.get("last_batch", "drop") == "drop" or not rest:
        return whole
    require(
        rest > 1,
        workload,
        "last_batch",
        "train",
        f"drop, since a single one of the {images:,} images is left",
    )
    return whole + 1


def steps_of(workload: str, params: Mapping[str, Any], batches: int) -> int:
    """Optimizer steps that ``batches`` of one pass make. Raises UserError where they make none."""
    accumulate = params.get("accumulate", 1)
    require(
        batches >= accumulate,
        workload,
        "accumulate",
        accumulate,
        f"at most the {batches} batches of an epoch",
    )
    return batches // int(accumulate)


def _real(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def check(workload: str, params: Mapping[str, Any]) -> None:
    """Raise UserError where the schedule's parameters make no sense."""
    check_rate(workload, params, KINDS)
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


def at_step(
    workload: Workload, params: Mapping[str, Any], lr: float, epoch: int, step: float, steps: int
) -> float:
    """The rate of step 0, 1, … of ``steps``, in epoch 0, 1, …, when training is with ``lr``."""
    floor = params.get("floor", 0.0) * lr
    match params.get("schedule"):
        case "linear":
            schedule = schedules.linear(lr, steps, floor)
        case "wsd":
            schedule = schedules.warmup_stable_decay(
                lr, steps, params.get("cooldown", RATE["cooldown"]), floor
            )
        case "one-cycle":
            schedule = schedules.one_cycle(lr, steps)
        case _:
            of_epoch: Any = workload
            schedule = schedules.constant(of_epoch.learning_rate(params, lr, epoch))
    return schedules.warmup(schedule, params.get("warmup", 0.0) * steps)(step)


def learning_rate(params: Mapping[str, Any], lr: float, epoch: int) -> float:
    """The rate of epoch 0, 1, … when training starts with ``lr``, under a schedule that moves by epochs."""
    match params["schedule"]:
        case "constant":
            schedule = schedules.constant(lr)
        case "cosine":
            schedule = schedules.cosine(lr, params["epochs"], params.get("floor", 0.0) * lr)
        case _:
            schedule = schedules.multi_step(lr, milestones(params), params["drop_factor"])
    return schedule(epoch)


def restarts(params: Mapping[str, Any], epoch: int) -> bool:
    """Whether the optimizer restarts before epoch 0, 1, …: at every drop, where restarts are asked for."""
    return bool(params["restart"]) and epoch in milestones(params)
