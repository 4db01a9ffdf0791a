"""Training of network workloads: one seed at a time, every output and metric at each epoch's end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from amrobust import workloads
from amrobust.optim import AmortizedOptimizer, MSGDTail, batch_norm_statistics, evaluation_point
from amrobust.runs.correctness import SeedCorrectness
from amrobust.runs.measurement import Output
from amrobust.runs.spec import Spec
from amrobust.train import heartbeat, measurements
from amrobust.train.checkpoint import as_tensors, from_tensors
from amrobust.train.dropout import seed_dropout
from amrobust.train.optimizers import find
from amrobust.train.streams import ROUNDING, integer, seed_sequence, x0_sequence
from amrobust.train.unit import SeedOutcome
from amrobust.workloads import validation
from amrobust.workloads.rates import at_step
from amrobust.workloads.workload import NetworkWorkload

CPU = torch.device("cpu")
EVALUATION_BATCH = 200
"""Small enough for the activations to stay in the cache: faster than the whole set at once."""


BITS = {2: torch.int16, 4: torch.int32, 8: torch.int64}
"""The integers that have as many bytes as a number."""


class Data(NamedTuple):
    """Inputs (n, ...) and labels (n, ...) of training and test, on the device where they are used."""

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor


def workload_of(spec: Spec) -> NetworkWorkload:
    """The network workload of ``spec``."""
    return cast(NetworkWorkload, workloads.get(spec.workload))


def dtype_of(spec: Spec) -> torch.dtype:
    """The type of parameters and data: double where that precision is asked for, else single."""
    return torch.float64 if spec.workload_params.get("precision") == "float64" else torch.float32


def load(spec: Spec, device: torch.device, dtype: torch.dtype) -> Data:
    """The data of ``spec``, a validation split in the place of the test set; inputs other than whole numbers in ``dtype``."""
    workload: Any = workloads.get(spec.workload)
    params = spec.workload_params
    split = workload.split(params) if workload.kind == "image" else workload.split()
    parts = (split.train_images, split.train_labels, split.test_images, split.test_labels)
    if workload.kind != "image":
        parts = validation.split_off(spec.workload, params, parts)
    return Data(*(part.to(device, dtype if part.is_floating_point() else None) for part in parts))


def network_at_x0(spec: Spec, seed: int = 0) -> nn.Module:
    """The model at the starting point of one seed: the same for all unless that, or one bit of it, is what varies."""
    generator = torch.Generator().manual_seed(integer(x0_sequence(spec, seed)))
    workload: Any = workloads.get(spec.workload)
    names = getattr(workload, "model_params", ())
    chosen = {name: spec.workload_params[name] for name in names if name in spec.workload_params}
    network: nn.Module = workload.model(generator, **chosen)
    if spec.vary == ROUNDING:
        change_one_bit(network, np.random.default_rng(seed_sequence(spec, ROUNDING, seed)))
    return network


@torch.no_grad()
def change_one_bit(network: nn.Module, generator: np.random.Generator) -> None:
    """Change the last bit of one parameter other than 0, chosen by chance: in single precision by one part in 10⁷ of it.

    Training makes differences of that size grow to those that a seed of its own makes: below this spread no optimizer can get.
    Source: C. Summers and M. J. Dinneen, Nondeterminism and instability in neural network optimization, ICML 2021.
    """
    flat = [p.data.view(-1) for p in network.parameters()]
    places = torch.nonzero(torch.cat(flat)).flatten()
    place = int(places[int(generator.integers(len(places)))])
    for parameter in flat:
        if place < len(parameter):
            parameter.view(BITS[parameter.element_size()])[place] ^= 1
            return
        place -= len(parameter)


def make_optimizer(spec: Spec, model: nn.Module, seed: int) -> torch.optim.Optimizer:
    """The torch optimizer of ``spec`` on the parameters of ``model``; ``seed`` chooses the stream of one that draws numbers.

    Its parameter groups keep the learning rate that they are made with as ``initial_lr``, as torch's schedulers do.
    """
    found = find(spec.optimizer)
    params: Any = list(model.named_parameters() if found.takes_names else model.parameters())
    optimizer = found.build(spec, params, seed)
    for group in optimizer.param_groups:
        group.setdefault("initial_lr", group["lr"])
    return optimizer


Rate = Callable[[float, float], float]
"""The learning rate of a method whose own is the first number, at a step 0, 1, … of an epoch."""


def set_rates(optimizer: torch.optim.Optimizer, rate: Rate, step: float) -> None:
    """The learning rates of a step: every parameter group has its own."""
    for group in optimizer.param_groups:
        group["lr"] = rate(group["initial_lr"], step)


class Steps:
    """The steps of an optimizer: the mean gradient of one batch or of several, clipped where the workload asks for it."""

    def __init__(
        self,
        spec: Spec,
        optimizer: torch.optim.Optimizer,
        parameters: Iterable[nn.Parameter],
        loss: Callable[[Tensor, Tensor], Tensor],
    ) -> None:
        self.optimizer, self.parameters, self.loss = optimizer, list(parameters), loss
        self.accumulate = int(spec.workload_params.get("accumulate", 1))  # type: ignore[arg-type]
        self.clip_norm: Any = spec.workload_params.get("clip_norm")
        self.with_closure = find(spec.optimizer).needs_closure(spec)

    def take(self, batches: Iterable[tuple[Tensor, Tensor]], rate: Rate) -> Iterator[Tensor]:
        """A step for every ``accumulate`` of the batches, and its loss; what does not fill a last one is left out."""
        waiting: list[tuple[Tensor, Tensor]] = []
        taken = 0
        for batch in batches:
            waiting.append(batch)
            if len(waiting) < self.accumulate:
                continue
            set_rates(self.optimizer, rate, taken)
            loss = self._gradient(waiting)
            if self.with_closure:
                # L-BFGS evaluates at several points; SAM takes the gradient that is there, and one more
                together, step = waiting, cast(Any, self.optimizer).step
                step(lambda together=together: self._gradient(together))
            else:
                self.optimizer.step()
            waiting = []
            taken += 1
            yield loss

    def _gradient(self, batches: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
        """Sets the parameters' gradients to that of the mean loss of ``batches``, and gives that."""
        self.optimizer.zero_grad(set_to_none=True)
        losses = []
        for inputs, labels in batches:
            loss = self.loss(inputs, labels)
            (loss / len(batches) if len(batches) > 1 else loss).backward()  # type: ignore[no-untyped-call]
            losses.append(loss.detach())
        if self.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.parameters, float(self.clip_norm))
        return torch.stack(losses).mean() if len(losses) > 1 else losses[0]


def at_output(optimizer: torch.optim.Optimizer, output: str) -> AbstractContextManager[None]:
    """A context in which the model holds the given output: nothing to do for option I, the iterate, unless it is averaged."""
    if output == "I" and not isinstance(optimizer, MSGDTail):
        return nullcontext()
    if isinstance(optimizer, AmortizedOptimizer):
        return optimizer.output_point()
    return evaluation_point(optimizer)


class Evaluation(NamedTuple):
    """What a network does on a set: accuracy in percent, mean cross-entropy, and which labels (n,) it gets right."""

    accuracy: float
    loss: float
    right: NDArray[np.bool_]


@torch.inference_mode()
def evaluate(model: nn.Module, images: Tensor, labels: Tensor) -> Evaluation:
    """In evaluation mode: no statistic is updated, no random number drawn."""
    model.eval()
    logits = torch.cat([model(part) for part in torch.split(images, EVALUATION_BATCH)])
    right = logits.argmax(dim=1) == labels
    loss = cross_entropy(logits.double(), labels).item()
    model.train()
    return Evaluation(100.0 * right.sum().item() / labels.numel(), loss, right.flatten().cpu().numpy())


def dropout_generator(spec: Spec, seed: int, device: torch.device) -> torch.Generator:
    """The generator of the dropout masks of one seed."""
    return torch.Generator(device).manual_seed(integer(seed_sequence(spec, "dropout", seed)))


def order_generator(spec: Spec, seed: int) -> np.random.Generator:
    """The generator of the orders in which one seed sees the data."""
    return np.random.default_rng(seed_sequence(spec, "order", seed))


def augmentation_generator(spec: Spec, seed: int) -> torch.Generator:
    """The generator of what one seed's augmentation draws; on the CPU wherever the images are."""
    return torch.Generator().manual_seed(integer(seed_sequence(spec, "augmentation", seed)))


def train_seed(
    spec: Spec, seed: int, *, device: torch.device = CPU, dtype: torch.dtype = torch.float32
) -> SeedOutcome:
    """Train one seed of ``spec``; its numbers depend on nothing but (spec, seed) and the machine's arithmetic."""
    started = time.perf_counter()
    workload = workload_of(spec)
    params = spec.workload_params
    epochs, in_epoch = workload.epochs(params), workload.steps_per_epoch(params) or 1
    data = load(spec, device, dtype)
    model = network_at_x0(spec, seed).to(device, dtype)
    dropout = dropout_generator(spec, seed, device)
    seed_dropout(model, dropout)
    model.train()
    optimizer = make_optimizer(spec, model, seed)
    steps = Steps(spec, optimizer, model.parameters(), lambda x, y: cross_entropy(model(x), y))
    order = order_generator(spec, seed)
    outputs = measurements.outputs_of(spec)
    recorder = CurveRecorder(outputs, epochs, data.test_labels.numel())
    gathered = measurements.statistics_batches(data.train_images, params, outputs)
    # What a model draws outside its dropout layers comes from torch's own generator.
    measuring = 0.0
    with torch.random.fork_rng([] if device.type == "cpu" else [device]):
        torch.manual_seed(dropout.initial_seed())
        for epoch in range(epochs):
            heartbeat.epoch(epoch, epochs)
            batches = _batches(data.train_images, data.train_labels, order, int(params["batch_size"]))  # type: ignore[arg-type]
            losses: list[Tensor] = []
            for loss in steps.take(batches, rate_of(spec, epoch)):
                heartbeat.step(len(losses), in_epoch)
                losses.append(loss)
            batch_loss = float(torch.stack(losses).double().mean())
            measured: dict[str, tuple[float, ...]] = {}
            right = {}
            for output in outputs:
                if not output.due(epoch, epochs):
                    continue
                begun = time.perf_counter()
                with at_output(optimizer, output.name):
                    recomputed = (
                        batch_norm_statistics(model, gathered) if output.measurement else nullcontext()
                    )
                    with recomputed:
                        found = evaluate(model, data.test_images, data.test_labels)
                    measured[output.key], right[output.key] = (found.accuracy, found.loss), found.right
                    if output.measurement is None:
                        measured[output.key] += (evaluate(model, data.train_images, data.train_labels).loss,)
                if output.measurement is not None:
                    measuring += time.perf_counter() - begun
            recorder.record(epoch, measured, batch_loss, right)
            if recorder.diverged:
                break
    return recorder.outcome(seed, time.perf_counter() - started, measuring)


def rate_of(spec: Spec, epoch: int) -> Rate:
    """The learning rates of the steps of one epoch."""
    workload, params = workloads.get(spec.workload), spec.workload_params
    steps = workload.steps_per_epoch(params) or 1
    total = workload.epochs(params) * steps
    return lambda lr, step: at_step(workload, params, lr, epoch, epoch * steps + step, total)


def _batches(
    images: Tensor, labels: Tensor, order: np.random.Generator, batch: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """One pass over the data in a fresh order, whole batches only."""
    whole = len(labels) // batch * batch
    permutation = torch.from_numpy(order.permutation(len(labels))[:whole])
    yield from zip(
        torch.split(images[permutation], batch), torch.split(labels[permutation], batch), strict=True
    )


METRICS = ("test_accuracy", "test_loss", "train_loss", "train_batch_loss")

Measurements = Mapping[str, tuple[float, ...]]
"""By an output's key its test accuracy, test loss and training loss; the first two of one that is measured in another way."""


class CurveRecorder:
    """Takes a seed's measurements epoch by epoch; from the first that is not finite on, everything it holds is NaN.

    Whether a seed diverged is said by its outputs as they are usually measured: what else is measured changes nothing of that.
    """

    def __init__(self, outputs: Sequence[Output], epochs: int, examples: int) -> None:
        self.usual = [output.key for output in outputs if output.measurement is None]
        self.curves = measurements.blank(outputs, METRICS, epochs)
        self.correct = SeedCorrectness.blank(METRICS[0], examples, list(self.curves), epochs)
        self.diverged = False

    def record(
        self, epoch: int, measured: Measurements, batch_loss: float, right: Mapping[str, NDArray[np.bool_]]
    ) -> None:
        """Enter what was ``measured`` at the end of ``epoch``, and which test examples each output got ``right``."""
        values = [measured[output] for output in self.usual]
        self.diverged = self.diverged or not bool(np.isfinite(values).all() and np.isfinite(batch_loss))
        if self.diverged:
            return
        for output, of_output in measured.items():
            everything = (*of_output, batch_loss) if output in self.usual else of_output
            for name, value in zip(METRICS, everything, strict=False):
                self.curves[output][name][epoch] = value
            self.correct.enter(output, epoch, right[output])

    def state(self) -> dict[str, Any]:
        """What has been entered, for a checkpoint."""
        curves = {
            output: {name: torch.from_numpy(values.copy()) for name, values in metrics.items()}
            for output, metrics in self.curves.items()
        }
        return {"curves": curves, "diverged": self.diverged, "correct": as_tensors(self.correct)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what :meth:`state` gave. Raises KeyError or ValueError where it is of another training."""
        for output, metrics in self.curves.items():
            for name, values in metrics.items():
                values[:] = state["curves"][output][name].numpy()
        from_tensors(state["correct"], self.correct)
        self.diverged = bool(state["diverged"])

    def outcome(
        self, seed: int, wall_seconds: float, measuring_seconds: float, stack: int = 1
    ) -> SeedOutcome:
        """What training ``seed`` gave, in a stack of ``stack`` seeds."""
        return SeedOutcome(
            seed,
            self.curves,
            self.diverged,
            wall_seconds,
            measuring_seconds,
            stack=stack,
            correct=self.correct,
        )
