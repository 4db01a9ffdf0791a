"""Training of a stack: seeds, and methods, of one workload in step."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from amrobust import plugins, workloads
from amrobust.runs.measurement import RECOMPUTED, Output
from amrobust.runs.spec import Spec, canonical_json
from amrobust.train import heartbeat, measurements
from amrobust.train.checkpoint import Checkpoint, unusable
from amrobust.train.epochs import restore_stream, stream_state
from amrobust.train.network import (
    CPU,
    CurveRecorder,
    Data,
    augmentation_generator,
    dropout_generator,
    dtype_of,
    load,
    network_at_x0,
    order_generator,
    rate_of,
    workload_of,
)
from amrobust.train.stacking.check import EXAMPLES, arrangement_for
from amrobust.train.stacking.layers import Arrangement, CannotStack
from amrobust.train.stacking.model import StackedModel, losses
from amrobust.train.stacking.rows import Rows, require_elementwise, rows_of
from amrobust.train.streams import ROUNDING, x0_index
from amrobust.train.unit import SeedOutcome
from amrobust.workloads.rates import batches_of

EVALUATION_BATCH = 400
"""Examples, over all seeds, that are evaluated at a time: as few as keep the activations in the cache."""
EVALUATION_NUMBERS = 120_000
"""Of those examples together; images of 28 × 28 pixels are 150 at a time."""

Entry = tuple[Spec, int]
"""A method on a workload, and a seed."""


def train_stack(
    entries: Sequence[Entry],
    *,
    device: torch.device = CPU,
    dtype: torch.dtype | None = None,
    checkpoint: Checkpoint | None = None,
) -> list[SeedOutcome]:
    """Train the seeds of ``entries`` together and return their outcomes in this order.

    The specs may differ in anything but the workload and its parameters: methods and hyperparameters share the stack. Every
    random number is the one that :func:`amrobust.train.network.train_seed`, or
    :func:`amrobust.train.images.train_image_seed`, draws for the same spec and seed, and curves agree with its own to
    rounding. A seed that diverges goes on as NaN and touches no other. A stack with a ``checkpoint`` goes on from it, to the
    same bits as without an interruption; it is removed at the end.

    Raises CannotStack where the model or an optimizer has to be trained one seed at a time, ValueError on different workloads.
    """
    started = time.perf_counter()
    if len({(spec.workload, canonical_json(dict(spec.workload_params))) for spec, _ in entries}) != 1:
        raise ValueError("seeds of different workloads cannot be one stack")
    keys = [spec.method_key for spec, _ in entries]
    places = sorted(range(len(entries)), key=lambda place: keys.index(keys[place]))
    stack = _Stack([entries[place] for place in places], device, dtype or dtype_of(entries[0][0]))
    examples = stack.data.test_labels.numel()
    recorders = [
        CurveRecorder(method.outputs, stack.epochs, examples) for method in stack.methods for _ in method.part
    ]
    first, before = 0, 0.0
    saved = None if checkpoint is None else checkpoint.load()
    if checkpoint is not None and saved is not None:
        try:
            stack.restore(saved["stack"])
            for recorder, kept in zip(recorders, saved["recorders"], strict=True):
                recorder.restore(kept)
            first, before = int(saved["epochs_done"]), float(saved["wall_seconds"])
            stack.measuring = float(saved["measuring_seconds"])
        except Exception as error:  # a file of another version, or made up
            checkpoint.remove()
            raise unusable(error) from None
    for epoch in range(first, stack.epochs):
        heartbeat.epoch(epoch, stack.epochs)
        batch_losses = stack.train_epoch(epoch)
        for recorder, found, batch_loss in zip(recorders, stack.measure(epoch), batch_losses, strict=True):
            measured = {key: values for key, (values, _) in found.items()}
            recorder.record(epoch, measured, batch_loss, {key: right for key, (_, right) in found.items()})
        if all(recorder.diverged for recorder in recorders):
            break
        done = epoch + 1
        if checkpoint is not None and checkpoint.due(done) and done < stack.epochs:
            checkpoint.save(
                {
                    "epochs_done": done,
                    "wall_seconds": before + time.perf_counter() - started,
                    "measuring_seconds": stack.measuring,
                    "recorders": [recorder.state() for recorder in recorders],
                    "stack": stack.state(),
                }
            )
    if checkpoint is not None:
        checkpoint.remove()
    seconds = (before + time.perf_counter() - started) / len(entries)
    by_place = dict(zip(places, recorders, strict=True))
    measuring = stack.measuring / len(entries)
    return [
        by_place[place].outcome(seed, seconds, measuring, len(entries))
        for place, (_, seed) in enumerate(entries)
    ]


def arrangement_of(spec: Spec) -> Arrangement:
    """How a stack of ``spec`` is arranged. Raises CannotStack where its model or optimizer cannot be stacked."""
    for name, allowed in (("precision", ("float32", "float64")), ("compile", (False,))):
        if spec.workload_params.get(name, allowed[0]) not in allowed:
            raise CannotStack(f"{name} = {spec.workload_params[name]} has no stacked form")
    require_elementwise(spec)
    return _arrangement_of_model(spec.workload, tuple(sorted(spec.workload_params.items())))


@plugins.forgettable
@cache
def _arrangement_of_model(workload: str, params: tuple[tuple[str, str | float | None], ...]) -> Arrangement:
    spec = Spec(workload, dict(params), "sgd", {})
    data = load(spec, CPU, torch.float32)
    return arrangement_for(
        network_at_x0(spec), data.train_images[: 2 * EXAMPLES], data.train_labels[: 2 * EXAMPLES]
    )


@dataclass(frozen=True)
class _Method:
    """The rows of one method."""

    spec: Spec
    part: range
    rows: Rows
    outputs: tuple[Output, ...]


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
        self.loader = Loader(entries, self.data)
        keys = [
            (spec.root_seed, x0_index(spec, seed), (spec.method_key, seed) if spec.vary == ROUNDING else None)
            for spec, seed in entries
        ]
        starts = dict(zip(keys, entries, strict=True))
        networks = {key: network_at_x0(*entry).to(device, dtype) for key, entry in starts.items()}
        each = [networks[key] for key in keys]
        self.dropout = [dropout_generator(spec, seed, device) for spec, seed in entries]
        self.model = StackedModel(each[0], arrangement_of(spec), self.dropout)
        self.rows = torch.stack([self.model.row(network) for network in each])
        self.buffers = self.model.buffers(each)
        self.gradients = torch.zeros_like(self.rows)
        self.methods = self._methods()
        outputs = [output for method in self.methods for output in method.outputs]
        self.batches = measurements.statistics_batches(
            self.data.train_images, self.params, outputs, self.loader.augment
        )
        self.measuring = 0.0
        """Seconds that other measurements than the usual one took."""

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
            methods.append(_Method(specs[0], range(start, stop), rows, measurements.outputs_of(specs[0])))
            start = stop
        return methods

    def train_epoch(self, epoch: int) -> list[float]:
        """One pass over the data, each seed in its own order; the mean of the batches' losses of every seed."""
        clip_norm = self.params.get("clip_norm")
        if self.restarts(epoch):
            for method in self.methods:
                method.rows.restart()
        rates = [
            (rate_of(method.spec, epoch), float(method.spec.hyperparameters["lr"]))  # type: ignore[arg-type]
            for method in self.methods
        ]
        accumulate = int(self.params.get("accumulate", 1))  # type: ignore[arg-type]
        sums = torch.zeros_like(self.gradients) if accumulate > 1 else None
        self.model.bind(self.rows, self.buffers, differentiable=True)
        self.model.train()
        each = []
        for number, (images, labels) in enumerate(self.loader.epoch()):
            heartbeat.step(number, self.loader.steps)
            batch_losses = losses(self.model(images), labels)
            self.model.gradients(batch_losses, self.gradients)
            each.append(batch_losses.detach())
            if sums is not None:
                sums.add_(self.gradients, alpha=1 / accumulate)
                if (number + 1) % accumulate:
                    continue
                self.gradients.copy_(sums)
                sums.zero_()
            if clip_norm is not None:
                clip(self.gradients, float(clip_norm))
            for method, (rate, lr) in zip(self.methods, rates, strict=True):
                method.rows.step(rate(lr, number // accumulate))
        means: list[float] = torch.stack(each).double().mean(0).tolist()
        return means

    def restarts(self, epoch: int) -> bool:
        """Whether optimizers begin anew before epoch 0, 1, …"""
        workload: Any = self.workload
        return workload.kind == "image" and bool(workload.restarts(self.params, epoch))

    def measure(self, epoch: int) -> list[dict[str, tuple[tuple[float, ...], NDArray[np.bool_]]]]:
        """What is due of every output at the end of ``epoch``, by its key, for every seed.

        That is (test accuracy, test loss, training loss), with recomputed statistics the first two; and which test examples
        were right.
        """
        data = self.data
        measured: list[dict[str, tuple[tuple[float, ...], NDArray[np.bool_]]]] = [{} for _ in self.entries]
        due = {
            measurement: [
                [output for output in method.outputs if output.measurement == measurement and output.due(epoch, self.epochs)]
                for method in self.methods
            ]
            for measurement in (None, RECOMPUTED)
        }  # fmt: skip
        for measurement, outputs_of in due.items():
            for turn in range(max(map(len, outputs_of))):
                having = [
                    (method, outputs[turn])
                    for method, outputs in zip(self.methods, outputs_of, strict=True)
                    if turn < len(outputs)
                ]
                rows = [row for method, _ in having for row in method.part]
                keys = [output.key for method, output in having for _ in method.part]
                points = torch.cat([method.rows.point(output.name) for method, output in having])
                buffers = {name: buffer[rows] for name, buffer in self.buffers.items()}
                begun = time.perf_counter()
                if measurement is not None:
                    buffers = self.model.gathered(points, buffers, self.batches)
                accuracy, loss, right = evaluate(
                    self.model, points, buffers, data.test_images, data.test_labels
                )
                columns = [accuracy, loss]
                if measurement is None:
                    columns += evaluate(self.model, points, buffers, data.train_images, data.train_labels)[
                        1:2
                    ]
                else:
                    self.measuring += time.perf_counter() - begun
                for place, (row, key) in enumerate(zip(rows, keys, strict=True)):
                    measured[row][key] = tuple(column[place] for column in columns), right[place]
        return measured

    def state(self) -> dict[str, Any]:
        """All that the next epoch depends on, for a checkpoint."""
        return {
            "rows": self.rows,
            "buffers": dict(self.buffers),
            "feed": self.loader.state(),
            "dropout": [generator.get_state() for generator in self.dropout],
            "methods": [method.rows.state() for method in self.methods],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what :meth:`state` gave."""
        self.rows.copy_(state["rows"])
        for name, buffer in self.buffers.items():
            buffer.copy_(state["buffers"][name])
        self.loader.restore(state["feed"])
        for generator, place in zip(self.dropout, state["dropout"], strict=True):
            generator.set_state(place)
        for method, kept in zip(self.methods, state["methods"], strict=True):
            method.rows.restore(kept)


def clip(gradients: Tensor, norm: float) -> None:
    """Scale every row of ``gradients`` (S, D) down to ``norm``, as ``clip_grad_norm_`` does the gradient of one seed."""
    scale = norm / (torch.linalg.vector_norm(gradients, dim=1, keepdim=True) + 1e-6)
    gradients.mul_(scale.clamp(max=1.0))


@torch.inference_mode()
def evaluate(
    model: StackedModel, points: Tensor, buffers: Mapping[str, Tensor], images: Tensor, labels: Tensor
) -> tuple[list[float], list[float], NDArray[np.bool_]]:
    """Of every seed accuracy in percent, mean cross-entropy, and which labels (S, n) it gets right; in evaluation mode."""
    seeds = len(points)
    model.bind(points, buffers)
    model.train(False)
    size = max(1, min(EVALUATION_BATCH, EVALUATION_NUMBERS // images[0].numel()) // seeds)
    right = []
    loss = torch.zeros(seeds, dtype=torch.float64, device=points.device)
    for x, y in zip(torch.split(images, size), torch.split(labels, size), strict=True):
        logits = model(x.expand(seeds, *x.shape))
        targets = y.expand(seeds, *y.shape)
        right.append((logits.argmax(dim=2) == targets).flatten(1))
        loss += losses(logits.double(), targets) * len(y)
    each = torch.cat(right, dim=1)
    accuracy = 100.0 * each.sum(1, dtype=torch.float64) / labels.numel()
    return accuracy.tolist(), (loss / len(labels)).tolist(), each.cpu().numpy()


class Loader:
    """Batches (S, batch, ...) for the seeds of ``entries``, with the random numbers that each would draw alone."""

    def __init__(self, entries: Sequence[tuple[Spec, int]], data: Data) -> None:
        self.images, self.labels = data.train_images, data.train_labels
        spec = entries[0][0]
        self.batch = int(spec.workload_params["batch_size"])  # type: ignore[arg-type]
        accumulate = int(spec.workload_params.get("accumulate", 1))  # type: ignore[arg-type]
        batches = batches_of(spec.workload, spec.workload_params, len(self.labels))
        self.steps = batches // accumulate * accumulate
        self.orders = [order_generator(spec, seed) for spec, seed in entries]
        workload: Any = workloads.get(spec.workload)
        self.augment = workload.augmentation(spec.workload_params) if workload.kind == "image" else None
        self.augmentations = (
            [] if self.augment is None else [augmentation_generator(spec, seed) for spec, seed in entries]
        )

    def epoch(self) -> Iterator[tuple[Tensor, Tensor]]:
        """One pass in fresh orders, images augmented where the workload does that."""
        orders = np.stack(
            [order.permutation(len(self.labels))[: self.steps * self.batch] for order in self.orders]
        )
        for index in torch.split(torch.from_numpy(orders).to(self.images.device), self.batch, dim=1):
            images = self.images[index]
            if self.augment is not None:
                pairs = zip(images, self.augmentations, strict=True)
                images = torch.stack([self.augment(own, generator) for own, generator in pairs])
            yield images, self.labels[index]

    def state(self) -> dict[str, Any]:
        """The places of the streams."""
        return {
            "orders": [stream_state(order) for order in self.orders],
            "augmentations": [generator.get_state() for generator in self.augmentations],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Put the streams where :meth:`state` found them."""
        for order, place in zip(self.orders, state["orders"], strict=True):
            restore_stream(order, place)
        for generator, place in zip(self.augmentations, state["augmentations"], strict=True):
            generator.set_state(place)
