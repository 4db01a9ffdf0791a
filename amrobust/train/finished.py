"""Blocks that a worker has finished, kept beside the checkpoints until their run has them; reading one executes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from amrobust.runs.correctness import SeedCorrectness
from amrobust.runs.spec import content_digest
from amrobust.train import heartbeat
from amrobust.train.code import dependence
from amrobust.train.unit import SeedOutcome, Work

if TYPE_CHECKING:
    from amrobust.train.checkpoint import Checkpoint

PREFIX = "finished-"
TOKEN_PREFIX = "shared-"
"""Of files by which a worker sees that it has the driver's directory; they are empty."""


def keep(spec: Work, outcomes: Sequence[SeedOutcome], directory: Path) -> None:
    """Write the outcomes of a block without errors to ``directory``. Raises RunError on a full disk."""
    import torch

    from amrobust.train.checkpoint import as_tensors

    kept = [
        {
            "seed": outcome.seed,
            "diverged": outcome.diverged,
            "wall_seconds": outcome.wall_seconds,
            "measuring_seconds": outcome.measuring_seconds,
            "stack": outcome.stack,
            "curves": {
                output: {name: torch.tensor(curve, dtype=torch.float64) for name, curve in metrics.items()}
                for output, metrics in outcome.curves.items()
            },
            "correct": outcome.correct
            and {
                "metric": outcome.correct.metric,
                "examples": outcome.correct.examples,
                **as_tensors(outcome.correct),
            },
        }
        for outcome in outcomes
    ]
    _file(spec, [outcome.seed for outcome in outcomes], directory).save({"outcomes": kept})


def take_up(spec: Work, seeds: Sequence[int], directory: Path | None) -> list[SeedOutcome] | None:
    """What :func:`keep` wrote of exactly this block; None where there is nothing, or nothing sound."""
    if directory is None or not (directory / _name(seeds)).exists():
        return None
    state = _file(spec, seeds, directory).load()
    try:
        found = [_outcome(kept) for kept in state["outcomes"]] if state is not None else []
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return found if sorted(outcome.seed for outcome in found) == sorted(seeds) else None


def clear(directory: Path) -> None:
    """Remove what was kept and what killed processes left of it, and the directory where it holds nothing else."""
    with suppress(OSError):
        for path in directory.iterdir():
            if path.name.removeprefix(".tmp-").startswith((PREFIX, TOKEN_PREFIX, heartbeat.PREFIX)):
                path.unlink(missing_ok=True)
        directory.rmdir()


def _outcome(kept: Any) -> SeedOutcome:
    curves = {
        str(output): {str(name): curve.double().reshape(-1).numpy() for name, curve in metrics.items()}
        for output, metrics in kept["curves"].items()
    }
    noted = kept["correct"]
    correct = noted and SeedCorrectness(
        str(noted["metric"]),
        int(noted["examples"]),
        {str(output): bits.numpy() for output, bits in noted["bits"].items()},
        {str(output): known.numpy() for output, known in noted["known"].items()},
    )
    return SeedOutcome(
        int(kept["seed"]),
        curves,
        bool(kept["diverged"]),
        float(kept["wall_seconds"]),
        float(kept["measuring_seconds"]),
        stack=int(kept["stack"]),
        correct=correct,
    )


def _name(seeds: Sequence[int]) -> str:
    return f"{PREFIX}{seeds[0]}-{seeds[-1]}.pt"


def _file(spec: Work, seeds: Sequence[int], directory: Path) -> Checkpoint:
    from amrobust.train.checkpoint import Checkpoint

    key = content_digest(dependence(spec) | {"finished": list(seeds)})
    return Checkpoint(directory / _name(seeds), key)
