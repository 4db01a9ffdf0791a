"""Image classification on a set that is held in memory: loading, standardising, augmentation, models by name."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from amrobust.errors import UserError
from amrobust.runs.spec import STATISTICS_EVERY
from amrobust.workloads import catalogue, contents, data, rates, validation
from amrobust.workloads.digits import Split
from amrobust.workloads.formats import parse_cifar, parse_idx
from amrobust.workloads.workload import CLASSIFICATION_METRICS, MetricRow, require

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    Augmentation = Callable[[Tensor, torch.Generator], Tensor]
    """A batch of standardised images and the seed's augmentation stream; gives the batch that is trained on."""

PADDING = 4
"""Pixels around an image that is cropped at random (Appendix D.1)."""

PRECISIONS = ("float32", "bfloat16", "float64")
COMPUTATION: Mapping[str, Any] = {"precision": "float32", "channels_last": False, "compile": False}
"""How networks are computed, with the defaults."""

MODELS: Mapping[str, tuple[str, str]] = {
    "small-cnn": ("small", "SmallCNN"),
    "resnet8": ("resnet", "resnet8"),
    "resnet18": ("resnet", "resnet18"),
    "resnet34": ("resnet", "resnet34"),
    "preact-resnet18": ("resnet", "PreActResNet18"),
    "densenet121": ("densenet", "DenseNet121"),
}
"""Module and constructor of each model."""


@dataclass(frozen=True)
class Arrays:
    """A set in memory: images (n, channels, height, width) and labels (n,) of both splits, as published."""

    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.int64]
    digest: str
    """SHA-256 of the four arrays."""
    unofficial: tuple[str, ...]
    """Files whose bytes are not the publisher's."""


@lru_cache(maxsize=2)
def load(name: str, directory: Path) -> Arrays:
    """The set ``name`` of the catalogue from the data directory; ``directory`` is what the cache goes by.

    Raises UserError where files are missing, damaged, or do not fit together.
    """
    found = contents.read(catalogue.get(name))
    files = found.files
    if name == "fashion-mnist":
        train_images, test_images = (
            parse_idx(files[f"{part}-images-idx3-ubyte"], f"{name}: {part}-images-idx3-ubyte", 3)[:, None]
            for part in ("train", "t10k")
        )
        train_labels, test_labels = (
            parse_idx(files[f"{part}-labels-idx1-ubyte"], f"{name}: {part}-labels-idx1-ubyte", 1).astype(
                np.int64
            )
            for part in ("train", "t10k")
        )
    else:
        label_bytes, classes = (1, 10) if name == "cifar10" else (2, 100)
        *train, test = [parse_cifar(files[file], f"{name}: {file}", label_bytes, classes) for file in files]
        train_images, train_labels = (np.concatenate(parts) for parts in zip(*train, strict=True))
        test_images, test_labels = test
    digest = hashlib.sha256()
    for array in (train_images, train_labels, test_images, test_labels):
        digest.update(f"{array.shape}".encode() + np.ascontiguousarray(array, array.dtype).tobytes())
    return Arrays(train_images, train_labels, test_images, test_labels, digest.hexdigest(), found.unofficial)


@dataclass(frozen=True)
class ImageClassification:
    """Images of a catalogued set in ``classes`` classes, and a choice of networks.

    Parameters: ``epochs``, ``batch_size``, ``model``, ``augment`` (random crops of the padded image and flips),
    ``train_images`` and ``test_images`` (the first so many of each split; all by default), and those of the learning rate
    (:mod:`amrobust.workloads.rates`). What does not fill a last batch is left out, other images each epoch, or with
    ``last_batch`` "train" is a smaller one.
    ``precision`` (float32, float64, or bfloat16 by autocast), ``channels_last`` and ``compile`` (torch.compile) change how the
    network is computed, and with it the last digits. ``validation`` is the share of the training images that is held out in the
    place of the test set.

    Images are standardised channel by channel with ``mean`` and ``std``, which are of pixels scaled to 0 … 1.
    ``train_batch_loss`` is the mean over an epoch of the losses of its batches, at the iterate, where gradients are taken.
    """

    name: str
    shape: tuple[int, int, int]
    """Channels, height, width."""
    classes: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    models: tuple[str, ...]
    """Names of the networks that fit, the default first."""
    own_defaults: Mapping[str, Any]
    kind: Literal["image"] = "image"
    metrics: tuple[MetricRow, ...] = CLASSIFICATION_METRICS

    @property
    def defaults(self) -> Mapping[str, Any]:
        """The paper's setup where it has one."""
        common = {"model": self.models[0], "train_images": None, "test_images": None}
        return {**common, **rates.defaults(), **COMPUTATION, **self.own_defaults}

    @property
    def optional(self) -> Mapping[str, Any]:
        """No validation split, both statistics at every epoch, whole batches, gradients as they are, no warmup."""
        return {"validation": None, STATISTICS_EVERY: 1, **rates.LAST_BATCH, **rates.GRADIENT, **rates.RATE}

    def optimizer_defaults(self, optimizer: str) -> Mapping[str, float | int]:
        """One learning rate for all, as in the paper."""
        return {"lr": 0.1, "momentum": 0.9, "m": 5, "weight_decay": 5e-4}

    def check(self, params: Mapping[str, Any]) -> None:
        """Raise UserError on values out of range."""
        for name, least in (("epochs", 1), ("batch_size", 2)):
            value = params[name]
            require(
                _whole(value) and value >= least, self.name, name, value, f"an integer of at least {least}"
            )
        for name in ("train_images", "test_images"):
            value = params[name]
            require(
                value is None or (_whole(value) and value >= 1),
                self.name,
                name,
                value,
                "an integer of at least 1",
            )
        require(
            params["train_images"] is None or params["train_images"] >= params["batch_size"],
            self.name, "train_images", params["train_images"], "at least the batch size",
        )  # fmt: skip
        require(
            params["model"] in self.models,
            self.name,
            "model",
            params["model"],
            f"one of {', '.join(self.models)}",
        )
        require(isinstance(params["augment"], bool), self.name, "augment", params["augment"], "true or false")
        rates.check(self.name, params)
        rates.check_gradient(self.name, params)
        rates.check_last_batch(self.name, params)
        check_computation(self.name, params)
        validation.check(self.name, params)

    def arrays(self) -> Arrays:
        """The set in memory. Raises UserError where it is absent, damaged, or has other images than this workload's."""
        found = load(self.name, data.directory())
        for images, labels in (
            (found.train_images, found.train_labels),
            (found.test_images, found.test_labels),
        ):
            if images.shape[1:] != self.shape or len(images) != len(labels) or labels.max(initial=-1) < 0:
                raise UserError(
                    f"{self.name}: there are {len(labels)} labels for images of shape {images.shape}"
                )
            if labels.max() >= self.classes:
                raise UserError(
                    f"{self.name}: a label is {labels.max()}, and there are {self.classes} classes"
                )
        return found

    def data_digest(self, params: Mapping[str, Any]) -> str:
        """Of all images and labels, whatever part of them is used."""
        return self.arrays().digest

    def data_note(self, params: Mapping[str, Any]) -> str | None:
        """That these are not the publisher's bytes, where they are not."""
        found = self.arrays()
        if not found.unofficial:
            return None
        known = catalogue.get(self.name).copies.get(found.digest)
        if known is not None:
            return known
        return f"{self.name}: {', '.join(found.unofficial)} not the publisher's bytes"

    def _lengths(self, params: Mapping[str, Any]) -> tuple[int, int]:
        """How many training and test images are used, before any of the former are held out."""
        found = self.arrays()
        train, test = params["train_images"], params["test_images"]
        for name, wanted, there in (
            ("train_images", train, len(found.train_images)),
            ("test_images", test, len(found.test_images)),
        ):
            require(wanted is None or wanted <= there, self.name, name, wanted, f"at most {there:,}")
        return train or len(found.train_images), test or len(found.test_images)

    def epochs(self, params: Mapping[str, Any]) -> int:
        """As asked for."""
        return int(params["epochs"])

    def steps_per_epoch(self, params: Mapping[str, Any]) -> int:
        """Optimizer steps in one pass over the training images."""
        images = validation.training_length(self.name, params, self._lengths(params)[0])
        steps = rates.batches_of(self.name, params, images)
        require(
            steps >= 1, self.name, "batch_size", params["batch_size"], "at most the number of training images"
        )
        return rates.steps_of(self.name, params, steps)

    def steps_per_point(self, params: Mapping[str, Any]) -> int:
        """A curve has one point per epoch."""
        return self.steps_per_epoch(params)

    def learning_rate(self, params: Mapping[str, Any], lr: float, epoch: int) -> float:
        """The rate of epoch 0, 1, … when training starts with ``lr``."""
        return rates.learning_rate(params, lr, epoch)

    def restarts(self, params: Mapping[str, Any], epoch: int) -> bool:
        """Whether the optimizer restarts from the current iterate before epoch 0, 1, …"""
        return rates.restarts(params, epoch)

    def split(self, params: Mapping[str, Any]) -> Split:
        """The data as float32 tensors, standardised."""
        import torch

        found = self.arrays()
        train, test = self._lengths(params)

        def standardised(images: NDArray[np.uint8]) -> Tensor:
            result = torch.from_numpy(images.copy()).float()
            mean, std = (torch.tensor(values)[:, None, None] * 255 for values in (self.mean, self.std))
            return result.sub_(mean).div_(std)

        parts = (
            standardised(found.train_images[:train]),
            torch.from_numpy(found.train_labels[:train]),
            standardised(found.test_images[:test]),
            torch.from_numpy(found.test_labels[:test]),
        )
        return Split(*validation.split_off(self.name, params, parts))

    def augmentation(self, params: Mapping[str, Any]) -> Augmentation | None:
        """Random crops of the image padded by 4 black pixels, and flips; None where ``augment`` is false."""
        if not params["augment"]:
            return None
        import torch

        from amrobust.workloads.augment import random_crop, random_flip

        black = -torch.tensor(self.mean) / torch.tensor(self.std)

        def augment(images: Tensor, generator: torch.Generator) -> Tensor:
            return random_flip(random_crop(images, generator, PADDING, black), generator)

        return augment

    @property
    def model_params(self) -> tuple[str, ...]:
        """The parameters that :meth:`model` takes."""
        return ("model",)

    def model(self, generator: torch.Generator, model: str | None = None) -> nn.Module:
        """The network called ``model`` (the first of ``models`` without one) at x0, drawn from ``generator``."""
        name = model or self.models[0]
        module, constructor = MODELS[name]
        make = getattr(importlib.import_module(f"amrobust.workloads.models.{module}"), constructor)
        options = {"channels": self.shape[0]} if name == "resnet8" else {}
        network: nn.Module = make(classes=self.classes, **options)
        network.initialise(generator)  # type: ignore[operator]
        return network


def check_computation(workload: str, params: Mapping[str, Any]) -> None:
    """Raise UserError where a parameter of :data:`COMPUTATION` makes no sense."""
    require(
        params["precision"] in PRECISIONS,
        workload, "precision", params["precision"], f"one of {', '.join(PRECISIONS)}",
    )  # fmt: skip
    for name in ("channels_last", "compile"):
        require(isinstance(params[name], bool), workload, name, params[name], "true or false")


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


FASHION_MNIST = ImageClassification(
    name="fashion-mnist",
    shape=(1, 28, 28),
    classes=10,
    mean=(0.2860,),
    std=(0.3530,),
    models=("small-cnn", "resnet8"),
    own_defaults={"epochs": 30, "batch_size": 128, "augment": False},
)
"""60,000 grey images of 28 × 28 pixels of clothes in 10 classes, and a small network."""

CIFAR10 = ImageClassification(
    name="cifar10",
    shape=(3, 32, 32),
    classes=10,
    mean=(0.4914, 0.4822, 0.4465),
    std=(0.2023, 0.1994, 0.2010),
    models=("resnet34", "resnet18", "preact-resnet18", "densenet121", "resnet8"),
    own_defaults={"epochs": 90, "batch_size": 128, "augment": True},
)
"""The setup of the paper's Tables 1 and 4 to 8 (Appendix D.1).

Mean and deviation are those of the implementation that the paper follows, not the pixels' exact ones."""

CIFAR100 = ImageClassification(
    name="cifar100",
    shape=(3, 32, 32),
    classes=100,
    mean=(0.5071, 0.4865, 0.4409),
    std=(0.2673, 0.2564, 0.2762),
    models=("densenet121", "resnet34", "resnet18", "preact-resnet18", "resnet8"),
    own_defaults={"epochs": 300, "batch_size": 128, "augment": True, "drops": "1/2,3/4"},
)
"""The setup of the paper's Figure 13 (Appendix D.1)."""
