"""Slots for tasks that use GPUs: which devices each of several tasks at a time may see."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping

from amrobust.errors import UserError
from amrobust.train.cluster import Cluster

VISIBLE = "CUDA_VISIBLE_DEVICES"


def devices(environment: Mapping[str, str] = os.environ) -> list[str]:
    """The GPUs that this process may use: those of CUDA_VISIBLE_DEVICES, else all that nvidia-smi lists."""
    if (said := environment.get(VISIBLE)) is not None:
        return [each.strip() for each in said.split(",") if each.strip() not in ("", "-1")]
    try:
        listed = subprocess.run(
            ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"],
            capture_output=True, text=True, timeout=30, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return []
    return listed.stdout.split()


def slots(gpus_per_task: float, found: list[str]) -> list[str]:
    """For each task that runs at a time what its CUDA_VISIBLE_DEVICES is: so many whole GPUs, or a share of one.

    >>> slots(2, ["0", "1", "2", "3"]), slots(0.5, ["0", "1"])
    (['0,1', '2,3'], ['0', '1', '0', '1'])

    Raises UserError where there are too few, or it is neither a share nor a whole number.
    """
    Cluster(gpus_per_task=gpus_per_task).check()
    if gpus_per_task < 1:
        groups = found * int(1 / gpus_per_task + 1e-9)
    else:
        size = int(gpus_per_task)
        groups = [",".join(found[at : at + size]) for at in range(0, len(found) - size + 1, size)]
    if not groups:
        raise UserError(
            f"--gpus-per-task {gpus_per_task:g}: there are {len(found)} GPUs, as {VISIBLE} or nvidia-smi says: ask for fewer, "
            "or leave it out"
        )
    return groups
