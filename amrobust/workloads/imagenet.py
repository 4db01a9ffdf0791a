"""``imagenet``: the setup of the paper's Table 2 (Appendix D.1), on folders of JPEGs that are decoded as they are needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from amrobust.errors import UserError
from amrobust.runs.spec import STATISTICS_EVERY
from amrobust.workloads import catalogue, data, rates
from amrobust.workloads.formats import ImageFolder, scan_folders
from amrobust.workloads.images import COMPUTATION, check_computation
from amrobust.workloads.workload import MetricRow, require

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

SIDE = 224
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
CROP_TRIES = 10
MAX_PIXELS = 100_000_000
MODELS = ("resnet50", "resnet152")


@lru_cache(maxsize=4)
def _scan(root: Path, split: str) -> ImageFolder:
    folder = root / "imagenet" / split
    if not folder.is_dir():
        raise UserError(f"imagenet: there is no folder {folder}: {catalogue.BY_HAND['imagenet']}")
    return scan_folders(folder)


def decode(path: Path, draws: Tensor | None) -> Tensor:
    """One image as (3, 224, 224) uint8: a crop, resized bilinearly.

    ``draws`` (41,), uniform on [0, 1), choose a random crop and with the last number whether it is mirrored; without them it
    is the central square. Raises UserError on a file that is no image, or one of more than 100 million pixels.
    """
    import torch
    from PIL import Image

    from amrobust.workloads.augment import central_box, random_resized_box

    try:
        with Image.open(path, formats=("JPEG", "PNG")) as image:  # one of ImageNet's .JPEG files is a PNG
            if image.width * image.height > MAX_PIXELS:
                raise UserError(f"imagenet: {path} has {image.width} x {image.height} pixels")
            box = (
                central_box(image.width, image.height)
                if draws is None
                else random_resized_box(image.width, image.height, draws[:-1].view(CROP_TRIES, 4))
            )
            pixels = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=box)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"imagenet: cannot read {path}: {reason}") from None
    tensor = torch.from_numpy(np.array(pixels)).permute(2, 0, 1)
    return tensor.flip(2) if draws is not None and draws[-1] < 0.5 else tensor


@dataclass(frozen=True)
class ImageNet:
    """1,000 classes in folders of JPEGs; its batches come from iterators, because the set does not fit into memory.

    Parameters: ``epochs``, ``batch_size``, ``model`` (resnet50, resnet152), ``augment``, ``decoders`` (threads that decode
    JPEGs), those of the learning rate, and ``precision``, ``channels_last`` and ``compile``. The data digest is of the names
    and lengths of all files, not of their content.
    """

    name: str = "imagenet"
    kind: Literal["image"] = "image"
    metrics: tuple[MetricRow, ...] = (
        ("test_accuracy", "higher", "%"),
        ("test_loss", "lower", ""),
        ("train_batch_loss", "lower", ""),
    )

    @property
    def defaults(self) -> Mapping[str, Any]:
        """ResNet50, 90 epochs of batches of 256, drops and restarts every 30 epochs."""
        common = {"epochs": 90, "batch_size": 256, "model": "resnet50", "augment": True, "decoders": 8}
        return {**common, **rates.defaults(restart=True), **COMPUTATION}

    @property
    def optional(self) -> Mapping[str, Any]:
        """Both statistics at every epoch, whole batches, gradients as they are, no warmup."""
        return {STATISTICS_EVERY: 1, **rates.LAST_BATCH, **rates.GRADIENT, **rates.RATE}

    def optimizer_defaults(self, optimizer: str) -> Mapping[str, float | int]:
        """One learning rate for all, as in the paper."""
        return {"lr": 0.1, "momentum": 0.9, "m": 5, "weight_decay": 1e-4}

    def check(self, params: Mapping[str, Any]) -> None:
        """Raise UserError on values out of range."""
        for name, least in (("epochs", 1), ("batch_size", 2), ("decoders", 1)):
            value = params[name]
            require(
                isinstance(value, int) and not isinstance(value, bool) and value >= least,
                self.name, name, value, f"an integer of at least {least}",
            )  # fmt: skip
        require(params["model"] in MODELS, self.name, "model", params["model"], f"one of {', '.join(MODELS)}")
        require(isinstance(params["augment"], bool), self.name, "augment", params["augment"], "true or false")
        rates.check(self.name, params)
        rates.check_gradient(self.name, params)
        rates.check_last_batch(self.name, params)
        check_computation(self.name, params)

    def _folder(self, split: Literal["train", "val"]) -> ImageFolder:
        return _scan(data.directory(), split)

    def _folders(self) -> tuple[ImageFolder, ImageFolder]:
        train, test = self._folder("train"), self._folder("val")
        if train.classes != test.classes:
            odd = min(set(train.classes) ^ set(test.classes))
            raise UserError(f"imagenet: the class {odd} is in only one of the folders train and val")
        return train, test

    def data_digest(self, params: Mapping[str, Any]) -> str:
        """Of the classes, names and lengths of all files of both splits."""
        import hashlib

        train, test = self._folders()
        return hashlib.sha256(f"{train.digest} {test.digest}".encode()).hexdigest()

    def data_note(self, params: Mapping[str, Any]) -> str | None:
        """That the images themselves were not compared with anything."""
        return "imagenet: the data digest is of the files' names and lengths; their content was not checked"

    def epochs(self, params: Mapping[str, Any]) -> int:
        """As asked for."""
        return int(params["epochs"])

    def steps_per_epoch(self, params: Mapping[str, Any]) -> int:
        """Optimizer steps in one pass over the training images."""
        return rates.steps_of(self.name, params, self._batches(params))

    def _batches(self, params: Mapping[str, Any]) -> int:
        images = len(self._folder("train").paths)
        require(
            images >= params["batch_size"],
            self.name,
            "batch_size",
            params["batch_size"],
            f"at most {images:,}",
        )
        return rates.batches_of(self.name, params, images)

    def steps_per_point(self, params: Mapping[str, Any]) -> int:
        """A curve has one point per epoch."""
        return self.steps_per_epoch(params)

    def learning_rate(self, params: Mapping[str, Any], lr: float, epoch: int) -> float:
        """The rate of epoch 0, 1, … when training starts with ``lr``."""
        return rates.learning_rate(params, lr, epoch)

    def restarts(self, params: Mapping[str, Any], epoch: int) -> bool:
        """Whether the optimizer restarts from the current iterate before epoch 0, 1, …"""
        return rates.restarts(params, epoch)

    @property
    def model_params(self) -> tuple[str, ...]:
        """The parameters that :meth:`model` takes."""
        return ("model",)

    def model(self, generator: torch.Generator, model: str = "resnet50") -> nn.Module:
        """The network called ``model`` at x0, drawn from ``generator``, with a class for each folder."""
        from amrobust.workloads.models import resnet

        make = {"resnet50": resnet.resnet50, "resnet152": resnet.resnet152}[model]
        network = make(len(self._folders()[0].classes))
        network.initialise(generator)
        return network

    def training_batches(
        self, params: Mapping[str, Any], order: np.random.Generator, augmentation: torch.Generator
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """One pass in a fresh order: standardised images and labels.

        Every image takes 41 numbers from ``augmentation``, in the order of the pass, so that threads change nothing.
        """
        import torch

        folder, batch = self._folder("train"), int(params["batch_size"])
        permutation = order.permutation(len(folder.paths))[: self._batches(params) * batch]

        def plans() -> Iterator[Plan]:
            for start in range(0, len(permutation), batch):
                indices = permutation[start : start + batch]
                draws = torch.rand(
                    (len(indices), 4 * CROP_TRIES + 1), generator=augmentation, dtype=torch.float64
                )
                yield indices.tolist(), draws if params["augment"] else None

        yield from _batches(folder, plans(), int(params["decoders"]))

    def evaluation_batches(self, params: Mapping[str, Any]) -> Iterator[tuple[Tensor, Tensor]]:
        """The validation images in order, at their central crop, the last batch short."""
        folder = self._folder("val")
        count, batch = len(folder.paths), int(params["batch_size"])
        plans: Iterator[Plan] = (
            (list(range(start, min(start + batch, count))), None) for start in range(0, count, batch)
        )
        yield from _batches(folder, plans, int(params["decoders"]))


Plan = tuple[list[int], "Tensor | None"]
"""Indices of one batch's images, and a row of draws for each; None without augmentation."""


def _batches(folder: ImageFolder, plans: Iterator[Plan], decoders: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Decode the planned batches in threads, one batch ahead of the one that is used."""
    import torch

    try:
        import PIL  # noqa: F401
    except ImportError:
        raise UserError("imagenet needs Pillow to read JPEGs: pip install 'amrobust[images]'") from None
    mean, std = (torch.tensor(values)[:, None, None] * 255 for values in (MEAN, STD))

    def finished(batch: tuple[list[Future[Tensor]], Tensor]) -> tuple[Tensor, Tensor]:
        images = torch.stack([future.result() for future in batch[0]])
        return images.float().sub_(mean).div_(std), batch[1]

    with ThreadPoolExecutor(decoders) as pool:
        ahead: tuple[list[Future[Tensor]], Tensor] | None = None
        for indices, draws in plans:
            rows = [None] * len(indices) if draws is None else list(draws)
            futures = [
                pool.submit(decode, folder.paths[index], row)
                for index, row in zip(indices, rows, strict=True)
            ]
            if ahead is not None:
                yield finished(ahead)
            ahead = futures, torch.tensor([folder.labels[index] for index in indices])
        if ahead is not None:
            yield finished(ahead)


WORKLOAD = ImageNet()
