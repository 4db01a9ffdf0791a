"""``digits``: scikit-learn's handwritten digits, real data that needs no download, and three small networks."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from amrobust.rules.schedules import multi_step
from amrobust.runs.spec import STATISTICS_EVERY
from amrobust.workloads import rates, validation
from amrobust.workloads.workload import CLASSIFICATION_METRICS, MetricRow, require

if TYPE_CHECKING:
    import torch
    from torch import nn

MODELS = ("cnn", "mlp", "resnet8")


@dataclass(frozen=True)
class Split:
    """Training and test images (n, 1, 8, 8), standardised by the training set, and labels (n,)."""

    train_images: torch.Tensor
    train_labels: torch.Tensor
    test_images: torch.Tensor
    test_labels: torch.Tensor


def held_out(labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """The fixed split: within each class, every third image in the data's own order is held out."""
    mask = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        mask[np.flatnonzero(labels == label)[2::3]] = True
    return mask


@cache
def _raw() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    from sklearn.datasets import load_digits

    data = load_digits()
    return data.images.astype(np.float64), data.target.astype(np.int64)


@cache
def _digest() -> str:
    images, labels = _raw()
    return hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()


@dataclass(frozen=True)
class Digits:
    """1,797 images of 8 × 8 pixels in 10 classes, a third held out; batches of 16, so that an epoch has 75 steps.

    The learning rate is divided by 10 ``lr_drops`` times, at equal distances (twice: after one and two thirds). What does
    not fill a last batch is left out, other images each epoch, so that batch norm never sees a tiny batch.
    ``train_batch_loss`` is the mean over an epoch of the losses of its batches, in training mode and at the iterate, where
    gradients are taken: for two outputs of one training it is the same number. ``model`` is the small convolutional network
    "cnn", "mlp" or "resnet8"; ``validation`` the share of the training images that is held out in the place of the test set.
    What else there is of gradients and learning rates is in :mod:`amrobust.workloads.rates`.
    """

    name: str = "digits"
    kind: Literal["network"] = "network"
    metrics: tuple[MetricRow, ...] = CLASSIFICATION_METRICS

    @property
    def defaults(self) -> Mapping[str, Any]:
        """30 epochs, batches of 16, two drops of the learning rate."""
        return {"epochs": 30, "batch_size": 16, "lr_drops": 2}

    @property
    def optional(self) -> Mapping[str, Any]:
        """The convolutional network, its gradients as they are, no validation split, both statistics at every epoch."""
        return {"model": "cnn", "validation": None, STATISTICS_EVERY: 1, **rates.GRADIENT, **rates.SCHEDULED}

    @property
    def model_params(self) -> tuple[str, ...]:
        """The parameters that :meth:`model` takes."""
        return ("model",)

    def optimizer_defaults(self, optimizer: str) -> Mapping[str, float | int]:
        """One learning rate for all, as in the paper."""
        return {"lr": 0.1, "momentum": 0.9, "m": 5, "weight_decay": 5e-4}

    def check(self, params: Mapping[str, Any]) -> None:
        """Raise UserError on values out of range."""
        rates.check_dropped(self.name, params, least_batch=2)
        model = params.get("model", "cnn")
        require(model in MODELS, self.name, "model", model, f"one of {', '.join(MODELS)}")
        rates.check_rate(self.name, params, rates.REPLACING)
        rates.check_gradient(self.name, params)
        validation.check(self.name, params)

    def data_digest(self, params: Mapping[str, Any]) -> str:
        """Of the images and labels as loaded."""
        return _digest()

    def data_note(self, params: Mapping[str, Any]) -> None:
        """They come with scikit-learn."""
        return

    def _training_images(self, params: Mapping[str, Any]) -> int:
        return validation.training_length(self.name, params, int((~held_out(_raw()[1])).sum()))

    def epochs(self, params: Mapping[str, Any]) -> int:
        """As asked for."""
        return int(params["epochs"])

    def steps_per_epoch(self, params: Mapping[str, Any]) -> int:
        """Optimizer steps in one pass over the training images, whole batches only."""
        return rates.steps_of(self.name, params, self._training_images(params) // int(params["batch_size"]))

    def steps_per_point(self, params: Mapping[str, Any]) -> int:
        """A curve has one point per epoch."""
        return self.steps_per_epoch(params)

    def learning_rate(self, params: Mapping[str, Any], lr: float, epoch: int) -> float:
        """The rate of epoch 0, 1, … when training starts with ``lr``."""
        if params.get("schedule") is not None:
            return rates.learning_rate(params, lr, epoch)
        drops = int(params["lr_drops"])
        milestones = [round(params["epochs"] * part / (drops + 1)) for part in range(1, drops + 1)]
        return multi_step(lr, milestones)(epoch)

    def split(self) -> Split:
        """The data as float32 tensors."""
        import torch

        images, labels = _raw()
        test = held_out(labels)
        train_images = images[~test]
        standardised = (images - train_images.mean()) / train_images.std()
        tensor = torch.from_numpy(standardised.astype(np.float32))[:, None]
        targets = torch.from_numpy(labels)
        mask = torch.from_numpy(test)
        return Split(tensor[~mask], targets[~mask], tensor[mask], targets[mask])

    def model(self, generator: torch.Generator, model: str = "cnn") -> nn.Module:
        """The network called ``model`` at x0, drawn from ``generator``."""
        from amrobust.workloads.models.resnet import ResNet, resnet8
        from amrobust.workloads.models.small import MLP, SmallCNN

        network: SmallCNN | MLP | ResNet
        network = resnet8(channels=1) if model == "resnet8" else {"cnn": SmallCNN, "mlp": MLP}[model]()
        network.initialise(generator)
        return network


WORKLOAD = Digits()
