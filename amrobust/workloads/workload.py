"""What every workload states about itself; how it is trained depends on its kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol

from amrobust.errors import UserError

if TYPE_CHECKING:
    import torch
    from torch import nn

MetricRow = tuple[str, Literal["higher", "lower"], str]
CLASSIFICATION_METRICS: tuple[MetricRow, ...] = (
    ("test_accuracy", "higher", "%"),
    ("test_loss", "lower", ""),
    ("train_loss", "lower", ""),
    ("train_batch_loss", "lower", ""),
)
"""What networks that classify are measured by, where the training set can be passed over once more at each epoch's end."""
"""A metric's name, which way is better, and its unit."""


class Workload(Protocol):
    """A problem that methods are run on.

    ``kind`` chooses the trainer: "network", "image" and "language" workloads train with a torch optimizer, the first two many
    seeds as one stack where that pays, "convex" workloads many seeds as the rows of one computation. ``defaults`` holds every
    parameter of the workload. Workloads with networks have ``model(generator, …)``, the network at x0, and may name in
    ``model_params`` the parameters that it takes. ``optional``, where a workload has it, holds parameters that belong to a
    spec only where they differ from their default; ``metrics_of(params)`` its metrics where they depend on the parameters.
    A parameter ``validation`` is the share of the training set that is held out (:mod:`amrobust.workloads.validation`).
    """

    @property
    def name(self) -> str:
        """The name on the command line."""

    @property
    def kind(self) -> Literal["network", "image", "language", "convex"]:
        """Which trainer runs it."""

    @property
    def defaults(self) -> Mapping[str, Any]:
        """Every parameter with its default."""

    @property
    def metrics(self) -> tuple[MetricRow, ...]:
        """The metrics of its curves, the primary one first."""

    def optimizer_defaults(self, optimizer: str) -> Mapping[str, float | int]:
        """The hyperparameters used where none are given."""

    def check(self, params: Mapping[str, Any]) -> None:
        """Raise UserError where a parameter's value makes no sense."""

    def data_digest(self, params: Mapping[str, Any]) -> str:
        """SHA-256 of the data that the parameters select."""

    def data_note(self, params: Mapping[str, Any]) -> str | None:
        """What a reader of results must know about the data; None where they are the publisher's, unchanged."""

    def epochs(self, params: Mapping[str, Any]) -> int:
        """Length of the curves."""

    def steps_per_epoch(self, params: Mapping[str, Any]) -> int | None:
        """Optimizer steps in one pass over the data; None where a curve's points are not passes."""

    def steps_per_point(self, params: Mapping[str, Any]) -> int:
        """Optimizer steps between two points of a curve."""


class NetworkWorkload(Workload, Protocol):
    """A workload of kind "network": its data lie in memory, its batches are drawn as they are, its schedule is fixed.

    Its parameters include ``batch_size`` and may include ``clip_norm``.
    """

    def model(self, generator: torch.Generator, **chosen: Any) -> nn.Module:
        """The network at x0, drawn from ``generator``; ``chosen`` are the parameters named in ``model_params``."""

    def split(self) -> Any:
        """Tensors ``train_images``, ``train_labels``, ``test_images`` and ``test_labels``."""

    def learning_rate(self, params: Mapping[str, Any], lr: float, epoch: int) -> float:
        """The rate of epoch 0, 1, … when training starts with ``lr``."""


def require(condition: bool, workload: str, name: str, value: Any, wanted: str) -> None:
    """Raise UserError unless ``condition``: the value of a workload's parameter is not what is wanted."""
    if not condition:
        raise UserError(f"{workload}: {name} = {value!r} is not {wanted}")
