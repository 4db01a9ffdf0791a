"""One block of seeds, of one spec or of several in company, trained by whatever suits the workload and the block."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from amrobust import workloads
from amrobust.errors import RunError
from amrobust.runs.spec import Spec, content_digest
from amrobust.train import heartbeat
from amrobust.train.code import dependence, digest_of
from amrobust.train.finished import take_up
from amrobust.train.unit import HERE, CoBatch, Place, SeedOutcome, Work, entries_of
from amrobust.workloads import validation

if TYPE_CHECKING:
    import torch

    from amrobust.train.checkpoint import Checkpoint


def train_unit(spec: Work, seeds: Sequence[int], place: Place = HERE) -> list[SeedOutcome]:
    """Train ``seeds`` of a spec, or of a company, together at ``place``; where that raises an exception, each half on its own.

    So it comes down to the seed that raises it, whose outcome carries the exception as its ``error``; the others are unharmed.
    A block of one seed is trained by the reference. A block that was finished before and kept there is not trained again.
    """
    found = take_up(spec, seeds, place.checkpoints)
    if found is not None:
        return found
    try:
        with heartbeat.heard(seeds, place.heard):
            return [_named(spec, outcome) for outcome in _train(spec, seeds, place)]
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        reason = f"{type(error).__name__}: {error} ({where.name}, line {where.lineno})"
    # Out of the handler, so that what the failed attempt held in memory is free again.
    if len(seeds) == 1:
        return [SeedOutcome(seeds[0], error=reason)]
    return [outcome for half in halves(spec, seeds, place) for outcome in train_unit(spec, half, place)]


def _named(spec: Work, outcome: SeedOutcome) -> SeedOutcome:
    """The outcome with its metrics by the names that they have in a run of ``spec``."""
    curves = {
        output: {validation.name_of(name, spec.workload_params): curve for name, curve in metrics.items()}
        for output, metrics in outcome.curves.items()
    }
    correct = outcome.correct
    if correct is not None:
        correct = replace(correct, metric=validation.name_of(correct.metric, spec.workload_params))
    return replace(outcome, curves=curves, correct=correct)


def halves(spec: Work, seeds: Sequence[int], place: Place) -> list[tuple[int, ...]]:
    """``seeds``, two or more, in two halves that train anew: the state that they kept together is deleted."""
    if workloads.get(spec.workload).kind != "convex":
        checkpoint = _stack_checkpoint(spec, seeds, place.checkpoints)
        if checkpoint is not None:
            checkpoint.remove()
    middle = (len(seeds) + 1) // 2
    return [tuple(seeds[:middle]), tuple(seeds[middle:])]


def _train(spec: Work, seeds: Sequence[int], place: Place) -> list[SeedOutcome]:
    if place.code is not None and digest_of(spec) != place.code:
        raise RunError(
            "the code it trains with was changed after the command had read it: give the command again"
        )
    if isinstance(spec, Spec) and workloads.get(spec.workload).kind == "convex":
        from amrobust.train import convex

        return convex.train_block(spec, seeds, place.backend, place.device)
    from amrobust.workloads.devices import torch_device

    entries, device = entries_of(spec, seeds), torch_device(place.device)
    if len(entries) == 1:
        outcomes = [_train_seed(*entries[0], device, place.checkpoints)]
    else:
        from amrobust.train.stacking import trainer

        checkpoint = _stack_checkpoint(spec, seeds, place.checkpoints)
        outcomes = trainer.train_stack(entries, device=device, checkpoint=checkpoint)
    return [replace(outcome, seed=seed) for seed, outcome in zip(seeds, outcomes, strict=True)]


def _checkpoint(spec: Work, seeds: int | list[int], directory: Path | None, name: str) -> Checkpoint | None:
    """Where the training of ``seeds``, one or a stack, keeps its state."""
    from amrobust.train.checkpoint import Checkpoint

    key = content_digest(dependence(spec) | {"seed": seeds})
    return None if directory is None else Checkpoint(directory / name, key)


def _stack_checkpoint(spec: Work, seeds: Sequence[int], directory: Path | None) -> Checkpoint | None:
    name = "company" if isinstance(spec, CoBatch) else "seeds"
    return _checkpoint(spec, list(seeds), directory, f"{name}-{seeds[0]}-{seeds[-1]}.pt")


def _train_seed(spec: Spec, seed: int, device: torch.device, checkpoints: Path | None) -> SeedOutcome:
    kind = workloads.get(spec.workload).kind
    if kind == "network":
        from amrobust.train import network

        return network.train_seed(spec, seed, device=device)
    checkpoint = _checkpoint(spec, seed, checkpoints, f"seed-{seed}.pt")
    if kind == "image":
        from amrobust.train.images import train_image_seed

        return train_image_seed(spec, seed, device=device, checkpoint=checkpoint)
    from amrobust.train.language import train_language_seed

    return train_language_seed(spec, seed, device=device, checkpoint=checkpoint)


@contextmanager
def one_thread() -> Iterator[None]:
    """Within this context torch and the linear algebra libraries use one thread, so that every worker computes alike."""
    import threadpoolctl
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpoolctl.threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(threads)
