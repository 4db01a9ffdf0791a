"""Training of image workloads: augmentation, schedules with restarts, mixed precision, images in memory or streamed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from amrobust import workloads
from amrobust.optim import batch_norm_statistics
from amrobust.optim.wrapped import restart
from amrobust.runs.measurement import Output
from amrobust.runs.spec import Spec
from amrobust.train import heartbeat, measurements
from amrobust.train.checkpoint import Checkpoint
from amrobust.train.epochs import restore_stream, stream_state, train_epochs
from amrobust.train.network import (
    Steps,
    at_output,
    augmentation_generator,
    dtype_of,
    make_optimizer,
    network_at_x0,
    order_generator,
    rate_of,
)
from amrobust.train.unit import SeedOutcome
from amrobust.workloads.imagenet import ImageNet
from amrobust.workloads.images import ImageClassification
from amrobust.workloads.rates import batches_of

EVALUATION_BATCH = {"cpu": 200, "cuda": 1000}
"""Images evaluated at once: on a CPU few enough for the activations to stay in the cache."""

Batches = Iterable[tuple[Tensor, Tensor]]


class InMemory:
    """The batches of a set that lies on the device."""

    def __init__(
        self,
        workload: ImageClassification,
        params: Mapping[str, Any],
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        self.params, self.workload = params, workload.name
        split = workload.split(params)
        self.train = split.train_images.to(device, dtype), split.train_labels.to(device)
        self.test = split.test_images.to(device, dtype), split.test_labels.to(device)
        self.augment = workload.augmentation(params)

    def training_batches(
        self, order: np.random.Generator, augmentation: torch.Generator
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """One pass in a fresh order, each batch augmented."""
        images, labels = self.train
        batch = int(self.params["batch_size"])
        used = batches_of(self.workload, self.params, len(labels)) * batch
        permutation = torch.from_numpy(order.permutation(len(labels))[:used]).to(images.device)
        for indices in torch.split(permutation, batch):
            chosen = images[indices]
            yield chosen if self.augment is None else self.augment(chosen, augmentation), labels[indices]

    def evaluation_sets(self) -> Mapping[str, Batches]:
        """The test and the training images, in order and as they are."""
        size = EVALUATION_BATCH.get(self.test[0].device.type, EVALUATION_BATCH["cpu"])
        return {
            name: zip(*(torch.split(part, size) for part in pair), strict=True)
            for name, pair in (("test", self.test), ("train", self.train))
        }


class Streamed:
    """The batches of ImageNet, decoded as they are needed; the training images are not evaluated as a whole."""

    def __init__(self, workload: ImageNet, params: Mapping[str, Any]) -> None:
        self.workload, self.params = workload, params

    def training_batches(
        self, order: np.random.Generator, augmentation: torch.Generator
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """One pass in a fresh order, each batch augmented."""
        return self.workload.training_batches(self.params, order, augmentation)

    def evaluation_sets(self) -> Mapping[str, Batches]:
        """The validation images at their central crops."""
        return {"test": self.workload.evaluation_batches(self.params)}


class ImageTraining:
    """One seed of an image workload (:class:`amrobust.train.epochs.Training`)."""

    def __init__(self, spec: Spec, seed: int, device: torch.device, dtype: torch.dtype | None = None) -> None:
        workload = workloads.get(spec.workload)
        assert isinstance(workload, (ImageClassification, ImageNet))
        self.spec, self.workload, self.params = spec, workload, spec.workload_params
        dtype = dtype or dtype_of(spec)
        self.device, self.dtype = device, dtype
        self.outputs = measurements.outputs_of(spec)
        self.source = (
            Streamed(workload, self.params)
            if isinstance(workload, ImageNet)
            else InMemory(workload, self.params, device, dtype)
        )
        self.layout = torch.channels_last if self.params["channels_last"] else torch.contiguous_format
        self.model = network_at_x0(spec, seed).to(device, dtype, memory_format=self.layout).train()  # type: ignore[call-overload]
        self.optimizer = make_optimizer(spec, self.model, seed)
        self.steps = Steps(spec, self.optimizer, self.model.parameters(), self._loss)
        self.forward = torch.compile(self.model) if self.params["compile"] else self.model
        self.order = order_generator(spec, seed)
        self.augmentation = augmentation_generator(spec, seed)

    def _precision(self) -> AbstractContextManager[Any]:
        return torch.autocast(
            self.device.type, torch.bfloat16, enabled=self.params["precision"] == "bfloat16"
        )

    def _logits(self, images: Tensor, forward: Callable[[Tensor], Any] | None = None) -> Tensor:
        """In the parameters' type, whatever precision the network computes in."""
        images = images.to(self.device, self.dtype, non_blocking=True).contiguous(memory_format=self.layout)
        with self._precision():
            logits: Tensor = (forward or self.forward)(images)
        return logits.to(self.dtype)

    def _loss(self, images: Tensor, labels: Tensor) -> Tensor:
        return cross_entropy(self._logits(images), labels.to(self.device))

    def train_epoch(self, epoch: int) -> float:
        """One pass; the mean of the batches' losses."""
        if self.workload.restarts(self.params, epoch):
            # The optimizer begins anew at the current iterate; AM2's index stream goes on.
            restart(self.optimizer)
        losses: list[Tensor] = []
        steps = self.workload.steps_per_epoch(self.params)
        batches = self.source.training_batches(self.order, self.augmentation)
        for loss in self.steps.take(batches, rate_of(self.spec, epoch)):
            heartbeat.step(len(losses), steps)
            losses.append(loss)
        return float(torch.stack(losses).double().mean())

    def evaluate(self, output: Output) -> tuple[Mapping[str, float], NDArray[np.bool_]]:
        """Accuracy in percent and mean cross-entropy on the test set, and the latter on the training set held in memory.

        With recomputed statistics on the test set alone.
        """
        with at_output(self.optimizer, output.name):
            if output.measurement is None:
                return self._measured()
            # Not the compiled network: it would be compiled anew for batch norms that gather.
            batches = self.source.training_batches(
                measurements.statistics_order(), measurements.statistics_augmentation()
            )
            size = self.params["batch_size"]
            whole = (batch for batch in batches if len(batch[1]) == size)
            with batch_norm_statistics(
                self.model,
                islice(whole, measurements.BATCHES),
                forward=lambda images: self._logits(images, self.model),
            ):
                return self._measured(("test",))

    def _measured(
        self, names: Sequence[str] = ("test", "train")
    ) -> tuple[dict[str, float], NDArray[np.bool_]]:
        measured = {}
        right: list[Tensor] = []
        with torch.no_grad():
            self.model.eval()
            for name, batches in self.source.evaluation_sets().items():
                if name not in names:
                    continue
                loss, count = 0.0, 0
                for images, labels in batches:
                    labels = labels.to(self.device)
                    logits = self._logits(images)
                    if name == "test":
                        right.append(logits.argmax(dim=1) == labels)
                    loss += cross_entropy(logits.double(), labels, reduction="sum").item()
                    count += len(labels)
                measured[f"{name}_loss"] = loss / count
            self.model.train()
        found = torch.cat(right).cpu().numpy()
        return {**measured, "test_accuracy": 100.0 * int(found.sum()) / len(found)}, found

    def observe(self, measured: Mapping[str, Mapping[str, float]]) -> None:
        """Nothing watches the losses here: schedules are fixed."""

    def state(self) -> dict[str, Any]:
        """Network with its buffers, optimizer, and the places of the streams."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "order": stream_state(self.order),
            "augmentation": self.augmentation.get_state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up a state that :meth:`state` gave."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        restore_stream(self.order, state["order"])
        self.augmentation.set_state(state["augmentation"])


def train_image_seed(
    spec: Spec,
    seed: int,
    *,
    device: torch.device | None = None,
    dtype: torch.dtype | None = None,
    checkpoint: Checkpoint | None = None,
) -> SeedOutcome:
    """Train one seed of ``spec``; its numbers depend on nothing but (spec, seed) and the machine's arithmetic.

    ``dtype`` defaults to the one that the spec's precision asks for.
    """
    workload = workloads.get(spec.workload)
    training = ImageTraining(spec, seed, device or torch.device("cpu"), dtype)
    metrics = [name for name, _, _ in workload.metrics]
    return train_epochs(training, seed, workload.epochs(spec.workload_params), metrics, checkpoint)
