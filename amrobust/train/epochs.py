"""The outer loop of a long training: epochs, curves, divergence, and checkpoints that are resumed exactly."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from amrobust.runs.correctness import SeedCorrectness
from amrobust.runs.measurement import Output
from amrobust.train import heartbeat, measurements
from amrobust.train.checkpoint import Checkpoint, as_tensors, from_tensors, unusable
from amrobust.train.unit import SeedOutcome


class Training(Protocol):
    """One seed's training, an epoch at a time."""

    @property
    def outputs(self) -> tuple[Output, ...]:
        """What is measured of one training."""

    def train_epoch(self, epoch: int) -> float:
        """Train epoch 0, 1, …; the mean loss of its batches."""

    def evaluate(self, output: Output) -> tuple[Mapping[str, float], NDArray[np.bool_] | None]:
        """The metrics of ``output`` at the end of an epoch, and which test examples it got right where it classifies them.

        Takes no number from any stream, changes no state.
        """

    def observe(self, measured: Mapping[str, Mapping[str, float]]) -> None:
        """Told the metrics of every output, by its key, at each epoch's end: what watches them reacts here."""

    def state(self) -> dict[str, Any]:
        """Everything that the next epoch depends on, as tensors, numbers, texts, lists and dictionaries."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up a state that :meth:`state` gave."""


def train_epochs(
    training: Training, seed: int, epochs: int, metrics: Sequence[str], checkpoint: Checkpoint | None = None
) -> SeedOutcome:
    """Run ``training`` to the end, from its checkpoint where there is one.

    ``train_batch_loss`` among the metrics is what :meth:`Training.train_epoch` gave. From the first epoch on at which a metric
    of an output, as it is usually measured, is not finite, all curves are NaN and the seed has diverged. The checkpoint is
    removed at the end; the time that earlier parts took is counted.
    """
    started = time.perf_counter()
    curves = measurements.blank(training.outputs, metrics, epochs)
    correct: SeedCorrectness | None = None
    first, before, measuring = 0, 0.0, 0.0
    saved = None if checkpoint is None else checkpoint.load()
    if checkpoint is not None and saved is not None:
        try:
            training.restore(saved["training"])
            first, before = int(saved["epochs_done"]), float(saved["wall_seconds"])
            measuring = float(saved["measuring_seconds"])
            for key, kept in saved["curves"].items():
                for name, values in kept.items():
                    curves[key][name][:first] = values.numpy()
            if (kept := saved["correct"]) is not None:
                correct = SeedCorrectness.blank("test_accuracy", int(kept["examples"]), list(curves), epochs)
                from_tensors(kept, correct)
        except Exception as error:  # a file of another version, or made up
            checkpoint.remove()
            raise unusable(error) from None
    diverged = False
    for epoch in range(first, epochs):
        heartbeat.epoch(epoch, epochs)
        batch_loss = training.train_epoch(epoch)
        due = [output for output in training.outputs if output.due(epoch, epochs)]
        found = {}
        for output in due:
            begun = time.perf_counter()
            found[output.key] = training.evaluate(output)
            measuring += 0.0 if output.measurement is None else time.perf_counter() - begun
        measured = {key: {**values, "train_batch_loss": batch_loss} for key, (values, _) in found.items()}
        usual = [measured[output.key] for output in due if output.measurement is None]
        if not all(np.isfinite(value) for values in usual for value in values.values()):
            diverged = True
            break
        for output in due:
            for name in filter(output.measures, metrics):
                curves[output.key][name][epoch] = measured[output.key][name]
            right = found[output.key][1]
            if right is not None:
                if correct is None:
                    correct = SeedCorrectness.blank("test_accuracy", len(right), list(curves), epochs)
                correct.enter(output.key, epoch, right)
        training.observe(measured)
        done = epoch + 1
        if checkpoint is not None and checkpoint.due(done) and done < epochs:
            checkpoint.save(
                {
                    "epochs_done": done,
                    "wall_seconds": before + time.perf_counter() - started,
                    "measuring_seconds": measuring,
                    "curves": {
                        key: {name: torch.from_numpy(values[:done].copy()) for name, values in kept.items()}
                        for key, kept in curves.items()
                    },
                    "correct": correct and {"examples": correct.examples, **as_tensors(correct)},
                    "training": training.state(),
                }
            )
    if checkpoint is not None:
        checkpoint.remove()
    seconds = before + time.perf_counter() - started
    return SeedOutcome(seed, curves, diverged, seconds, measuring, correct=correct)


def stream_state(generator: np.random.Generator) -> str:
    """The place of a NumPy stream, as text: its integers are longer than a tensor's."""
    return json.dumps(generator.bit_generator.state)


def restore_stream(generator: np.random.Generator, state: str) -> None:
    """Put a NumPy stream where :func:`stream_state` found it."""
    generator.bit_generator.state = json.loads(state)
