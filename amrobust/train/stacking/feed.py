"""The batches of a stack: every seed's own, in its own order and with its own augmentation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from amrobust import workloads
from amrobust.runs.spec import Spec
from amrobust.train.epochs import restore_stream, stream_state
from amrobust.train.network import Data, augmentation_generator, order_generator


class Feed:
    """Batches (S, batch, ...) for the seeds of ``entries``, with the random numbers that each would draw alone."""

    def __init__(self, entries: Sequence[tuple[Spec, int]], data: Data) -> None:
        self.images, self.labels = data.train_images, data.train_labels
        spec = entries[0][0]
        self.batch = int(spec.workload_params["batch_size"])  # type: ignore[arg-type]
        self.steps = len(self.labels) // self.batch
        self.orders = [order_generator(spec, seed) for spec, seed in entries]
        workload: Any = workloads.get(spec.workload)
        self.augment = workload.augmentation(spec.workload_params) if workload.kind == "image" else None
        self.augmentations = (
            [] if self.augment is None else [augmentation_generator(spec, seed) for spec, seed in entries]
        )

    def epoch(self) -> Iterator[tuple[Tensor, Tensor]]:
        """One pass in fresh orders, whole batches only, images augmented where the workload does that."""
        orders = np.stack(
            [order.permutation(len(self.labels))[: self.steps * self.batch] for order in self.orders]
        )
        indices = torch.from_numpy(orders).to(self.images.device).view(-1, self.steps, self.batch)
        for index in indices.unbind(1):
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
