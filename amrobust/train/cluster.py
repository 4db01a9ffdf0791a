"""How a cluster is used: what ``--address``, ``--gpus-per-task``, ``--max-retries`` and ``--slurm`` say."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from amrobust.errors import UserError

MAX_RETRIES = 3
"""How many times a task is tried again whose worker died, unless ``--max-retries`` says otherwise."""


OWN = frozenset({"array", "job-name", "open-mode", "output", "error", "signal", "wrap"})
"""Options of sbatch that amrobust finds its jobs, their outputs and their end by."""


@dataclass(frozen=True)
class Cluster:
    """None where nothing was asked for."""

    address: str | None = None
    """The cluster to join; without one the executor starts a cluster of its own machine."""
    gpus_per_task: float | None = None
    """A share of one GPU, or a whole number of them."""
    max_retries: int | None = None
    slurm: tuple[tuple[str, str], ...] = ()
    """Options of sbatch and their values."""

    @property
    def asked_for(self) -> list[str]:
        """The options that were given."""
        given = {
            "--address": self.address,
            "--gpus-per-task": self.gpus_per_task,
            "--max-retries": self.max_retries,
            "--slurm": self.slurm or None,
        }
        return [option for option, value in given.items() if value is not None]

    def check(self) -> None:
        """Raise UserError on numbers that make no sense."""
        gpus = self.gpus_per_task
        if gpus is not None and not (isfinite(gpus) and gpus > 0 and (gpus < 1 or gpus == int(gpus))):
            raise UserError(
                f"--gpus-per-task {gpus:g} is neither a share of one GPU nor a whole number of them"
            )
        if own := next((name for name, _ in self.slurm if name.replace("_", "-") in OWN), None):
            raise UserError(
                f"--slurm {own}: amrobust sets it itself, since it finds its jobs by it: leave it out"
            )
        if self.max_retries is not None and self.max_retries < 0:
            raise UserError(f"--max-retries {self.max_retries} is not at least 0")
