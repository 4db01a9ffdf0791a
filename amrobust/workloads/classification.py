"""A workload of one's own: a network and tensors, and everything else by default."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from amrobust.rules.schedules import multi_step
from amrobust.runs.spec import STATISTICS_EVERY
from amrobust.workloads import rates as of_steps
from amrobust.workloads import smoke_test, validation
from amrobust.workloads.workload import CLASSIFICATION_METRICS, MetricRow, require

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True)
class Tensors:
    """Inputs (n, …) and integer labels (n,) or (n, positions), for training and for testing."""

    train_images: torch.Tensor
    train_labels: torch.Tensor
    test_images: torch.Tensor
    test_labels: torch.Tensor


class Classification(ABC):
    """Classification by cross-entropy, on tensors that fit into memory: subclass it, and write two methods.

    :meth:`network` builds the module from torch's default generator, which is seeded so that every method and every seed starts
    from the same x0; :meth:`data` gives ``(train_inputs, train_labels, test_inputs, test_labels)``, the same at every call. A
    batch is drawn without replacement, what does not fill a last batch is left out, and the learning rate is divided by 10
    ``lr_drops`` times, at equal distances. Metrics: test accuracy in percent, test loss, full-batch and train-batch loss.

    It is run by its path, ``--workload package.module:Class``, or by a name that a package announces under the entry point
    group ``amrobust.workloads``. Seeds train together where the network's layers have a stacked form.
    """

    kind: Literal["network"] = "network"
    metrics: ClassVar[tuple[MetricRow, ...]] = CLASSIFICATION_METRICS
    defaults: Mapping[str, Any] = {"epochs": 10, "batch_size": 32, "lr_drops": 0}
    """Override it for other defaults of these three."""
    optional: Mapping[str, Any] = {
        "validation": None, STATISTICS_EVERY: 1, **of_steps.GRADIENT, **of_steps.SCHEDULED,
    }  # fmt: skip
    """The share of the training set that is held out in the place of the test set; at every how many epochs a network with
    batch norm is measured with recomputed statistics too, 0 for never; what else there is of gradients and learning rates is in
    :mod:`amrobust.workloads.rates`."""
    rates: Mapping[str, float | int] = {"lr": 0.1, "momentum": 0.9, "m": 5, "weight_decay": 0.0}
    """Hyperparameters of amrobust's optimizers where none are given."""

    @property
    def name(self) -> str:
        """What the workload is called in tables: the class's name, unless it is overridden."""
        return type(self).__name__

    @abstractmethod
    def network(self) -> nn.Module:
        """The network, initialised."""

    @abstractmethod
    def data(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Training inputs and labels, test inputs and labels."""

    @cached_property
    def _tensors(self) -> Tensors:
        """The data, once it is known that the network takes them."""
        import torch

        found = smoke_test.called(self.name, "data", self.data)
        smoke_test.require_tensors(self.name, found)
        train, tests = (found[0], found[1]), (found[2], found[3])
        network = self.model(torch.Generator().manual_seed(0))
        for inputs, labels in (train, tests):
            smoke_test.require_outputs(self.name, network, inputs, labels)
        return Tensors(*train, *tests)

    def split(self) -> Tensors:
        """The data, read once."""
        return self._tensors

    def model(self, generator: torch.Generator) -> nn.Module:
        """The network at x0, drawn from ``generator``."""
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(generator.initial_seed())
            return smoke_test.called(self.name, "network", self.network)

    def optimizer_defaults(self, optimizer: str) -> Mapping[str, float | int]:
        """The same for all."""
        return self.rates

    def check(self, params: Mapping[str, Any]) -> None:
        """Raise UserError on values out of range, and where network and data do not fit together."""
        of_steps.check_dropped(self.name, params)
        of_steps.check_rate(self.name, params, of_steps.REPLACING)
        of_steps.check_gradient(self.name, params)
        validation.check(self.name, params)
        images, size = self._training_inputs(params), params["batch_size"]
        require(size <= images, self.name, "batch_size", size, f"at most the {images} training inputs")

    def data_digest(self, params: Mapping[str, Any]) -> str:
        """Of all four tensors."""
        return self._digest

    @cached_property
    def _digest(self) -> str:
        digest = hashlib.sha256()
        for tensor in vars(self._tensors).values():
            digest.update(
                f"{tuple(tensor.shape)} {tensor.dtype}".encode() + tensor.contiguous().numpy().tobytes()
            )
        return digest.hexdigest()

    def data_note(self, params: Mapping[str, Any]) -> str | None:
        """Nothing is known about the data; override it to say what a reader of results must know."""
        return None

    def epochs(self, params: Mapping[str, Any]) -> int:
        """As asked for."""
        return int(params["epochs"])

    def _training_inputs(self, params: Mapping[str, Any]) -> int:
        return validation.training_length(self.name, params, len(self._tensors.train_labels))

    def steps_per_epoch(self, params: Mapping[str, Any]) -> int:
        """Optimizer steps in one pass, whole batches only."""
        return of_steps.steps_of(
            self.name, params, self._training_inputs(params) // int(params["batch_size"])
        )

    def steps_per_point(self, params: Mapping[str, Any]) -> int:
        """A curve has one point per epoch."""
        return self.steps_per_epoch(params)

    def learning_rate(self, params: Mapping[str, Any], lr: float, epoch: int) -> float:
        """The rate of epoch 0, 1, … when training starts with ``lr``."""
        if params.get("schedule") is not None:
            return of_steps.learning_rate(params, lr, epoch)
        drops = int(params["lr_drops"])
        return multi_step(lr, [round(params["epochs"] * k / (drops + 1)) for k in range(1, drops + 1)])(epoch)
