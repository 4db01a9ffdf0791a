"""The outer loop of a long training: epochs, curves, divergence, and checkpoints that are resumed exactly."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch

from amrobust.train import heartbeat
from amrobust.train.checkpoint import Checkpoint, unusable
from amrobust.train.unit import SeedOutcome


class Training(Protocol):
    """One seed's training, an epoch at a time."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """The outputs that one training gives."""

    def train_epoch(self, epoch: int) -> float:
        """Train epoch 0, 1, …; the mean loss of its batches."""

    def evaluate(self, output: str) -> Mapping[str, float]:
        """The metrics of ``output`` at the end of an epoch. Takes no number from any stream, changes no state."""

    def observe(self, measured: Mapping[str, Mapping[str, float]]) -> None:
        """Told the metrics of every output at each epoch's end: what watches them reacts here."""

    def state(self) -> dict[str, Any]:
        """Everything that the next epoch depends on, as tensors, numbers, texts, lists and dictionaries."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up a state that :meth:`state` gave."""


def train_epochs(
    training: Training, seed: int, epochs: int, metrics: Sequence[str], checkpoint: Checkpoint | None = None
) -> SeedOutcome:
    """Run ``training`` to the end, from its checkpoint where there is one.

    ``train_batch_loss`` among the metrics is what :meth:`Training.train_epoch` gave. From the first epoch with a metric that
    is not finite on, all curves are NaN and the seed has diverged. The checkpoint is removed at the end; the time that
    earlier parts took is counted.
    """
    started = time.perf_counter()
    curves = {output: {name: np.full(epochs, np.nan) for name in metrics} for output in training.outputs}
    first, before = 0, 0.0
    saved = None if checkpoint is None else checkpoint.load()
    if checkpoint is not None and saved is not None:
        try:
            training.restore(saved["training"])
            first, before = int(saved["epochs_done"]), float(saved["wall_seconds"])
            for output, kept in saved["curves"].items():
                for name, values in kept.items():
                    curves[output][name][:first] = values.numpy()
        except Exception as error:  # a file of another version, or made up
            checkpoint.remove()
            raise unusable(error) from None
    diverged = False
    for epoch in range(first, epochs):
        heartbeat.epoch(epoch, epochs)
        batch_loss = training.train_epoch(epoch)
        measured = {
            output: {**training.evaluate(output), "train_batch_loss": batch_loss}
            for output in training.outputs
        }
        if not all(np.isfinite(value) for values in measured.values() for value in values.values()):
            diverged = True
            break
        for output, values in measured.items():
            for name in metrics:
                curves[output][name][epoch] = values[name]
        training.observe(measured)
        done = epoch + 1
        if checkpoint is not None and checkpoint.due(done) and done < epochs:
            checkpoint.save(
                {
                    "epochs_done": done,
                    "wall_seconds": before + time.perf_counter() - started,
                    "curves": {
                        output: {
                            name: torch.from_numpy(values[:done].copy()) for name, values in kept.items()
                        }
                        for output, kept in curves.items()
                    },
                    "training": training.state(),
                }
            )
    if checkpoint is not None:
        checkpoint.remove()
    return SeedOutcome(seed, curves, diverged, before + time.perf_counter() - started)


def stream_state(generator: np.random.Generator) -> str:
    """The place of a NumPy stream, as text: its integers are longer than a tensor's."""
    return json.dumps(generator.bit_generator.state)


def restore_stream(generator: np.random.Generator, state: str) -> None:
    """Put a NumPy stream where :func:`stream_state` found it."""
    generator.bit_generator.state = json.loads(state)
