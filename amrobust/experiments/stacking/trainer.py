"""Training of a stack: seeds, and methods, of one workload in step."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

from amrobust.experiments.methods import info
from amrobust.experiments.network import (
    CPU,
    dropout_generator,
    load,
    network_at_x0,
    order_generator,
    workload_of,
)
from amrobust.experiments.outcome import SeedOutcome
from amrobust.experiments.recorder import CurveRecorder
from amrobust.experiments.spec import Spec, canonical_json
from amrobust.experiments.stacking.arrangement import Arrangement
from amrobust.experiments.stacking.check import EXAMPLES, arrangement_for
from amrobust.experiments.stacking.losses import losses
from amrobust.experiments.stacking.model import StackedModel
from amrobust.experiments.stacking.rows import Rows, require_elementwise, rows_of

EVALUATION_BATCH = 400
"""Examples, over all seeds, that are evaluated at a time: as few as keep the activations in the cache."""

Entry = tuple[Spec, int]
"""A method on a workload, and a seed."""


def train_stack(
    entries: Sequence[Entry], *, device: torch.device = CPU, dtype: torch.dtype = torch.float32
) -> list[SeedOutcome]:
    """Train the seeds of ``entries`` together and return their outcomes in this order.

    The specs may differ in anything but the workload and its parameters: methods and hyperparameters share the stack. Every
    random number is the one that :func:`amrobust.experiments.network.train_seed` draws for the same spec and seed, and curves
    agree with its own to rounding. A seed that diverges goes on as NaN and touches no other.

    Raises CannotStack where the model or an optimizer has to be trained one seed at a time, ValueError on different workloads.
    """
    started = time.perf_counter()
    if len({(spec.workload, canonical_json(dict(spec.workload_params))) for spec, _ in entries}) != 1:
        raise ValueError("seeds of different workloads cannot be one stack")
    keys = [spec.method_key for spec, _ in entries]
    places = sorted(range(len(entries)), key=lambda place: keys.index(keys[place]))
    stack = _Stack([entries[place] for place in places], device, dtype)
    recorders = [CurveRecorder(info(spec.optimizer).outputs, stack.epochs) for spec, _ in stack.entries]
    for epoch in range(stack.epochs):
        batch_losses = stack.train_epoch(epoch)
        for row, output, accuracy, test_loss, train_loss in stack.evaluations():
            recorders[row].record(epoch, output, accuracy, test_loss, train_loss, batch_losses[row])
        if all(recorder.diverged for recorder in recorders):
            break
    seconds = (time.perf_counter() - started) / len(entries)
    by_place = dict(zip(places, recorders, strict=True))
    return [by_place[place].outcome(seed, seconds, len(entries)) for place, (_, seed) in enumerate(entries)]


def arrangement_of(spec: Spec) -> Arrangement:
    """How a stack of ``spec`` is arranged. Raises CannotStack where its model or optimizer cannot be stacked."""
    require_elementwise(spec)
    return _arrangement_of_model(spec.workload, tuple(sorted(spec.workload_params.items())))


@cache
def _arrangement_of_model(workload: str, params: tuple[tuple[str, str | float | None], ...]) -> Arrangement:
    spec = Spec(workload, dict(params), "sgd", {})
    data = load(spec, CPU, torch.float64)
    return arrangement_for(
        network_at_x0(spec), data.train_images[: 2 * EXAMPLES], data.train_labels[: 2 * EXAMPLES]
    )


@dataclass(frozen=True)
class _Method:
    """The rows of one method."""

    spec: Spec
    part: range
    rows: Rows

    @property
    def outputs(self) -> tuple[str, ...]:
        return info(self.spec.optimizer).outputs


class _Stack:
    """Parameters (S, D), gradients and buffers of S seeds, the entries of one method next to each other."""

    def __init__(self, entries: Sequence[Entry], device: torch.device, dtype: torch.dtype) -> None:
        self.entries = entries
        spec = entries[0][0]
        self.workload, self.params = workload_of(spec), spec.workload_params
        self.epochs = self.workload.epochs(self.params)
        for method in {spec.method_key: spec for spec, _ in entries}.values():
            require_elementwise(method)
        self.data = load(spec, device, dtype)
        self.orders = [order_generator(spec, seed) for spec, seed in entries]
        starts = {(spec.root_seed, spec.x0_index): spec for spec, _ in entries}
        networks = {key: network_at_x0(spec).to(device, dtype) for key, spec in starts.items()}
        each = [networks[spec.root_seed, spec.x0_index] for spec, _ in entries]
        generators = [dropout_generator(spec, seed, device) for spec, seed in entries]
        self.model = StackedModel(each[0], arrangement_of(spec), generators)
        self.rows = torch.stack([self.model.row(network) for network in each])
        self.buffers = self.model.buffers(each)
        self.gradients = torch.zeros_like(self.rows)
        self.methods = self._methods()

    def _methods(self) -> list[_Method]:
        methods = []
        start = 0
        while start < len(self.entries):
            key = self.entries[start][0].method_key
            specs, seeds = zip(
                *(entry for entry in self.entries[start:] if entry[0].method_key == key), strict=True
            )
            stop = start + len(seeds)
            rows = rows_of(specs, seeds, self.rows[start:stop], self.gradients[start:stop])
            methods.append(_Method(specs[0], range(start, stop), rows))
            start = stop
        return methods

    def train_epoch(self, epoch: int) -> list[float]:
        """One pass over the data, each seed in its own order; the mean of the batches' losses of every seed."""
        batch, clip_norm = int(self.params["batch_size"]), self.params.get("clip_norm")  # type: ignore[arg-type]
        images, labels = self.data.train_images, self.data.train_labels
        count = len(labels) // batch
        orders = np.stack([order.permutation(len(labels))[: count * batch] for order in self.orders])
        batches = torch.from_numpy(orders).to(images.device).view(-1, count, batch).unbind(1)
        rates = [
            self.workload.learning_rate(self.params, float(method.spec.hyperparameters["lr"]), epoch)  # type: ignore[arg-type]
            for method in self.methods
        ]
        self.model.bind(self.rows, self.buffers, differentiable=True)
        self.model.train()
        each = []
        for index in batches:
            batch_losses = losses(self.model(images[index]), labels[index])
            self.model.gradients(batch_losses, self.gradients)
            if clip_norm is not None:
                clip(self.gradients, float(clip_norm))
            for method, lr in zip(self.methods, rates, strict=True):
                method.rows.step(lr)
            each.append(batch_losses.detach())
        means: list[float] = torch.stack(each).double().mean(0).tolist()
        return means

    def evaluations(self) -> Iterator[tuple[int, str, float, float, float]]:
        """(row, output, test accuracy, test loss, training loss) of every output of every seed."""
        data = self.data
        for turn in range(max(len(method.outputs) for method in self.methods)):
            methods = [method for method in self.methods if turn < len(method.outputs)]
            rows = [row for method in methods for row in method.part]
            outputs = [method.outputs[turn] for method in methods for _ in method.part]
            points = torch.cat([method.rows.point(method.outputs[turn]) for method in methods])
            buffers = {name: buffer[rows] for name, buffer in self.buffers.items()}
            accuracy, test_loss = evaluate(self.model, points, buffers, data.test_images, data.test_labels)
            _, train_loss = evaluate(self.model, points, buffers, data.train_images, data.train_labels)
            yield from zip(rows, outputs, accuracy, test_loss, train_loss, strict=True)


def clip(gradients: Tensor, norm: float) -> None:
    """Scale every row of ``gradients`` (S, D) down to ``norm``, as ``clip_grad_norm_`` does the gradient of one seed."""
    scale = norm / (torch.linalg.vector_norm(gradients, dim=1, keepdim=True) + 1e-6)
    gradients.mul_(scale.clamp(max=1.0))


@torch.inference_mode()
def evaluate(
    model: StackedModel, points: Tensor, buffers: Mapping[str, Tensor], images: Tensor, labels: Tensor
) -> tuple[list[float], list[float]]:
    """Accuracy in percent and mean cross-entropy of every seed, in evaluation mode."""
    seeds = len(points)
    model.bind(points, buffers)
    model.train(False)
    size = max(1, EVALUATION_BATCH // seeds)
    correct = torch.zeros(seeds, dtype=torch.float64, device=points.device)
    loss = torch.zeros_like(correct)
    for x, y in zip(torch.split(images, size), torch.split(labels, size), strict=True):
        logits = model(x.expand(seeds, *x.shape))
        targets = y.expand(seeds, *y.shape)
        correct += (logits.argmax(dim=2) == targets).flatten(1).sum(1)
        loss += losses(logits.double(), targets) * len(y)
    return (100.0 * correct / labels.numel()).tolist(), (loss / len(labels)).tolist()
