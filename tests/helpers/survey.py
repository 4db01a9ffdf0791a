"""Every optimizer class of a package through two epochs of digits: alone, stacked, resumed; or refused with the reason."""

from __future__ import annotations

import importlib
import inspect
import io
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from amrobust.errors import UserError
from amrobust.runs.spec import Spec
from amrobust.train.network import (
    Steps,
    at_output,
    evaluate,
    load,
    make_optimizer,
    network_at_x0,
    rate_of,
    train_seed,
)
from amrobust.train.optimizers import find
from amrobust.train.prepare import make_spec
from amrobust.train.stacking.layers import CannotStack
from amrobust.train.stacking.rows import require_elementwise
from amrobust.train.stacking.trainer import train_stack

PACKAGES = ("torch.optim", "schedulefree", "pytorch_optimizer")
PARAMS = {"epochs": 2, "lr_drops": 0, "model": "mlp", "batch_size": 32}

INSTEAD: dict[str, tuple[str, dict[str, Any]]] = {
    "muon": ("muon+adamw", {}),
    "lbfgs": ("lbfgs", {"line_search_fn": "strong_wolfe", "max_iter": 5}),
    "pytorch_optimizer:LBFGS": ("pytorch_optimizer:LBFGS", {"line_search_fn": "strong_wolfe", "max_iter": 5}),
    "rprop": ("rprop", {"lr": 1e-4, "step_size2": 1e-3}),
}
"""What is taken instead of a class with its defaults: Muon trains matrices alone, and L-BFGS and Rprop, which are for whole
data sets, need a line search and small steps on batches."""


@dataclass(frozen=True)
class Row:
    """What came of one class."""

    name: str
    """As ``--opt`` takes it."""
    given: str = ""
    """The hyperparameters that are not its defaults, as in brackets."""
    refused: str = ""
    """Why it is not trained."""
    losses: tuple[float, ...] = ()
    """Test loss at x0, and after two epochs at the last output."""
    outputs: tuple[str, ...] = ()
    closure: bool = False
    alone: str = ""
    """Why seeds are trained one by one; empty where they are stacked."""
    stack_error: float = 0.0
    """Largest relative difference of a loss in a stack, in float64."""
    resumes: bool = False

    @property
    def shown(self) -> str:
        """Name and hyperparameters."""
        return f"{self.name}[{self.given}]" if self.given else self.name

    @property
    def learns(self) -> bool:
        """Whether the loss fell."""
        return bool(self.losses and self.losses[1] < self.losses[0])


def classes(package: str) -> list[str]:
    """The names, as ``--opt`` takes them, of the optimizer classes that ``package`` has."""
    module = importlib.import_module(package)
    found = [
        name
        for name, kind in sorted(vars(module).items())
        if inspect.isclass(kind)
        and issubclass(kind, torch.optim.Optimizer)
        and not inspect.isabstract(kind)
        and name not in ("Optimizer", "BaseOptimizer")
    ]
    return [name.lower() if package == "torch.optim" else f"{package}:{name}" for name in found]


def surveyed(name: str) -> Row:
    """Try one class."""
    taken, given = INSTEAD.get(name, (name, {}))
    settings = ",".join(f"{name}={value}" for name, value in given.items())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            of = make_spec("digits", taken, PARAMS, given)
        except UserError as error:
            return Row(taken, settings, refused=str(error))
        outputs, start = find(taken).outputs, _loss_at_x0(of)
        try:
            loss = float(train_seed(of, 1).curves[outputs[-1]]["test_loss"][-1])
            reason, difference = _stacked(of)
            closure, resumes = find(taken).needs_closure(of), _resumes(of)
        except Exception as error:  # as a run would say of the seed
            return Row(taken, settings, refused=f"{taken} fails in training: {str(error).splitlines()[0]}")
        return Row(taken, settings, "", (start, loss), outputs, closure, reason, difference, resumes)


def _stacked(of: Spec) -> tuple[str, float]:
    """Why there is no stack, or the largest relative difference to a seed alone, in float64."""
    try:
        require_elementwise(of)
    except CannotStack as error:
        return str(error), 0.0
    try:
        alone = train_seed(of, 1, dtype=torch.float64)
    except Exception as error:
        return f"{of.optimizer} does not train in float64 ({error})", 0.0
    together = train_stack([(of, seed) for seed in range(2)], dtype=torch.float64)[1]
    return "", max(
        float(np.max(np.abs(curves["test_loss"] / alone.curves[output]["test_loss"] - 1)))
        for output, curves in together.curves.items()
    )


def _loss_at_x0(of: Spec) -> float:
    data = load(of, torch.device("cpu"), torch.float32)
    return evaluate(network_at_x0(of), data.test_images, data.test_labels)[1]


def _resumes(of: Spec) -> bool:
    """Whether four steps, with a state dict saved and loaded after two, end where four without end, to the last bit."""
    data = load(of, torch.device("cpu"), torch.float32)
    batches = [
        (data.train_images[32 * k : 32 * (k + 1)], data.train_labels[32 * k : 32 * (k + 1)]) for k in range(4)
    ]

    def begun() -> tuple[torch.nn.Module, Steps]:
        torch.manual_seed(0)
        model = network_at_x0(of)
        return model, Steps(
            of, make_optimizer(of, model, 0), model.parameters(), lambda x, y: cross_entropy(model(x), y)
        )

    straight, steps = begun()
    list(steps.take(batches[:2], rate_of(of, 0)))
    kept = io.BytesIO()
    torch.save((straight.state_dict(), steps.optimizer.state_dict()), kept)
    model, again = begun()
    kept.seek(0)
    try:
        network, optimizer = torch.load(kept, weights_only=True)
    except Exception:
        return False  # Its state holds objects: a checkpoint takes tensors, numbers, texts, lists and dictionaries.
    model.load_state_dict(network)
    again.optimizer.load_state_dict(optimizer)
    points = []
    for each, taking in ((straight, steps), (model, again)):
        torch.manual_seed(1)
        list(taking.take(batches[2:], rate_of(of, 0)))
        with at_output(taking.optimizer, find(of.optimizer).outputs[-1]):
            points.append(torch.cat([p.detach().flatten().clone() for p in each.parameters()]))
    return torch.equal(*points)
