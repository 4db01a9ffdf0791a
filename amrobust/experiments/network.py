"""Training of network workloads: one seed at a time, every output and metric at each epoch's end."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from amrobust import rules, workloads
from amrobust.experiments.methods import info
from amrobust.experiments.outcome import SeedOutcome
from amrobust.experiments.spec import Spec
from amrobust.experiments.streams import integer, seed_sequence, x0_sequence
from amrobust.optim import AM1SGD, AM2SGD, NTASGD, QHM, AggMo, AmortizedOptimizer, HybridSGD
from amrobust.workloads.digits import WORKLOAD as DIGITS

NETWORKS = {"digits": DIGITS}
EVALUATION_BATCH = 200
"""Small enough for the activations to stay in the cache: faster than the whole set at once."""

METRICS = ("test_accuracy", "test_loss", "train_loss", "train_batch_loss")


def network_at_x0(spec: Spec) -> nn.Module:
    """The model at the starting point of ``spec``."""
    generator = torch.Generator().manual_seed(integer(x0_sequence(spec)))
    workload: Any = workloads.get(spec.workload)
    chosen = {name: spec.workload_params[name] for name in getattr(workload, "model_params", ())}
    network: nn.Module = workload.model(generator, **chosen)
    return network


def make_optimizer(spec: Spec, model: nn.Module, seed: int) -> torch.optim.Optimizer:
    """The torch optimizer of ``spec`` on the parameters of ``model``."""
    h: dict[str, Any] = dict(spec.hyperparameters)
    params = list(model.parameters())
    match spec.optimizer:
        case "sgd":
            return torch.optim.SGD(params, **h)
        case "msgd":
            return torch.optim.SGD(params, nesterov=True, **h)
        case "cm":
            return torch.optim.SGD(params, **h)
        case "omsgd":
            return AM1SGD(params, m=1, **h)
        case "aggmo":
            return AggMo(params, betas=rules.aggmo_betas(h.pop("terms"), h.pop("a")), **h)
        case "qhm":
            return QHM(params, **h)
        case "hybrid":
            return HybridSGD(params, **h)
        case "ntasgd":
            return NTASGD(params, **h)
        case "am1":
            return AM1SGD(params, **h)
        case "am2":
            return AM2SGD(params, seed=integer(seed_sequence(spec, "rule", seed)), **h)
    raise AssertionError(spec.optimizer)


def at_output(optimizer: torch.optim.Optimizer, output: str) -> AbstractContextManager[None]:
    """A context in which the model holds the given output: nothing to do for option I, the iterate."""
    if output == "I":
        return nullcontext()
    assert isinstance(optimizer, AmortizedOptimizer)
    return optimizer.output_point()


@torch.inference_mode()
def evaluate(model: nn.Module, images: Tensor, labels: Tensor) -> tuple[float, float]:
    """Accuracy in percent and mean cross-entropy, in evaluation mode: no statistic is updated, no random number drawn."""
    model.eval()
    logits = torch.cat([model(part) for part in torch.split(images, EVALUATION_BATCH)])
    correct = (logits.argmax(dim=1) == labels).sum().item()
    loss = cross_entropy(logits.double(), labels).item()
    model.train()
    return 100.0 * correct / len(labels), loss


def train_seed(spec: Spec, seed: int) -> SeedOutcome:
    """Train one seed of ``spec``; its numbers depend on nothing but (spec, seed) and the machine's arithmetic."""
    started = time.perf_counter()
    workload = NETWORKS[spec.workload]
    params = spec.workload_params
    epochs, batch = workload.epochs(params), int(params["batch_size"])  # type: ignore[arg-type]
    data = workload.split()
    model = network_at_x0(spec)
    model.train()
    optimizer = make_optimizer(spec, model, seed)
    order = np.random.default_rng(seed_sequence(spec, "order", seed))
    outputs = info(spec.optimizer).outputs
    curves = {output: {name: np.full(epochs, np.nan) for name in METRICS} for output in outputs}
    diverged = False
    for epoch in range(epochs):
        for group in optimizer.param_groups:
            group["lr"] = workload.learning_rate(params, float(spec.hyperparameters["lr"]), epoch)  # type: ignore[arg-type]
        batch_loss = _train_epoch(model, optimizer, data.train_images, data.train_labels, order, batch)
        for output in outputs:
            with at_output(optimizer, output):
                accuracy, test_loss = evaluate(model, data.test_images, data.test_labels)
                _, train_loss = evaluate(model, data.train_images, data.train_labels)
            diverged = diverged or not np.isfinite([batch_loss, test_loss, train_loss]).all()
            values = (accuracy, test_loss, train_loss, batch_loss)
            for name, value in zip(METRICS, values, strict=True):
                curves[output][name][epoch] = np.nan if diverged else value
        if diverged:
            break
    return SeedOutcome(seed, curves, bool(diverged), time.perf_counter() - started)


def _train_epoch(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    images: Tensor,
    labels: Tensor,
    order: np.random.Generator,
    batch: int,
) -> float:
    """One pass over the data in a fresh order, whole batches only; the mean of their losses."""
    whole = len(labels) // batch * batch
    permutation = torch.from_numpy(order.permutation(len(labels))[:whole])
    shuffled, targets = images[permutation], labels[permutation]
    losses = []
    for x, y in zip(torch.split(shuffled, batch), torch.split(targets, batch), strict=True):
        optimizer.zero_grad(set_to_none=True)
        loss = cross_entropy(model(x), y)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.detach())
    return float(torch.stack(losses).double().mean())
