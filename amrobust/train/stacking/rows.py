"""The optimizers of a stack: each method's on its own rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from amrobust import rules
from amrobust.optim.wrapped import restart
from amrobust.runs.spec import Spec
from amrobust.train.network import at_output, make_optimizer
from amrobust.train.optimizers import find
from amrobust.train.stacking.layers import CannotStack
from amrobust.train.streams import integer, seed_sequence

FUSED = (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW)
"""Optimizers with a form that passes once over a parameter; on a stack memory is what limits them."""

POWERS = (*[0] * 10, -3, -2, -1, 0, 1, 2, 1, 0, -1, -2)
"""Sizes of gradients, as powers of ten, that an optimizer is tried on: alike at first, for those that estimate a distance from
a sum (D-Adaptation), then rising and falling, since some that look at a norm (AdaNorm) do so only where it falls."""

MakeOptimizer = Callable[[list[nn.Parameter]], torch.optim.Optimizer]


class Rows(Protocol):
    """The rows of a stack that one method trains."""

    def step(self, lr: float) -> None:
        """Update the rows in place from their gradients."""

    def point(self, output: str) -> Tensor:
        """The rows' points (R, D) for an output, as a tensor of their own."""

    def restart(self) -> None:
        """Begin anew at the current iterates; streams of random numbers go on."""

    def state(self) -> dict[str, Any]:
        """All that the next step depends on beside the rows, as tensors, numbers, texts, lists and dictionaries."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what :meth:`state` gave, after the rows themselves."""


class TorchRows:
    """Rows under one elementwise torch optimizer: to it they are a single parameter, a view of the stack."""

    def __init__(self, spec: Spec, seed: int, rows: Tensor, gradients: Tensor) -> None:
        self.rows, self.lr = rows, float(spec.hyperparameters["lr"])  # type: ignore[arg-type]
        self.parameter = nn.Parameter(rows)
        self.parameter.grad = gradients
        self.optimizer = make_optimizer(spec, nn.ParameterList([self.parameter]), seed)
        if type(self.optimizer) in FUSED and rows.dtype in (torch.float32, torch.float64):
            for group in self.optimizer.param_groups:
                group["fused"] = True

    def step(self, lr: float) -> None:
        """As :class:`Rows`."""
        for group in self.optimizer.param_groups:
            # 1 but for classes that are made with lr and step with another
            group["lr"] = lr * (group.get("initial_lr", self.lr) / self.lr)
        self.optimizer.step()
        if self.parameter.data_ptr() != self.rows.data_ptr():  # an optimizer may exchange storage
            self.rows.copy_(self.parameter.detach())
            self.parameter.data = self.rows

    def point(self, output: str) -> Tensor:
        """As :class:`Rows`."""
        with at_output(self.optimizer, output):
            return self.parameter.detach().clone()

    def restart(self) -> None:
        """As :class:`Rows`."""
        restart(self.optimizer)

    def state(self) -> dict[str, Any]:
        """As :class:`Rows`."""
        return self.optimizer.state_dict()

    def restore(self, state: Mapping[str, Any]) -> None:
        """As :class:`Rows`."""
        self.optimizer.load_state_dict(dict(state))


class RuleRows:
    """Rows under an optimizer that draws numbers, others for each seed: its rule, with the seeds as the leading axis."""

    def __init__(self, specs: Sequence[Spec], seeds: Sequence[int], rows: Tensor, gradients: Tensor) -> None:
        self.rows, self.gradients = rows, gradients
        streams = [
            integer(seed_sequence(spec, "rule", seed)) for spec, seed in zip(specs, seeds, strict=True)
        ]
        indices = rules.IndexStream(streams, int(specs[0].hyperparameters["m"]))  # type: ignore[arg-type]
        self.rule = find(specs[0].optimizer).rule(specs[0], indices)
        self.current = self.rule.init(rows.clone())

    def step(self, lr: float) -> None:
        """As :class:`Rows`."""
        self.current = self.rule.step(self.current, self.gradients, lr)
        self.rows.copy_(self.current.x)

    def point(self, output: str) -> Tensor:
        """As :class:`Rows`."""
        point: Tensor = self.rule.outputs(self.current)[output]
        return point

    def restart(self) -> None:
        """As :class:`Rows`."""
        self.current = self.rule.restart(self.current)

    def state(self) -> dict[str, Any]:
        """As :class:`Rows`."""
        return {"table": self.current.table, "k": self.current.k}

    def restore(self, state: Mapping[str, Any]) -> None:
        """As :class:`Rows`."""
        self.current = self.current._replace(
            x=self.rows.clone(), table=state["table"].to(self.rows), k=int(state["k"])
        )


def rows_of(specs: Sequence[Spec], seeds: Sequence[int], rows: Tensor, gradients: Tensor) -> Rows:
    """The rows of seeds of one method: ``specs`` differ in nothing that the optimizer takes."""
    if find(specs[0].optimizer).draws_numbers:
        return RuleRows(specs, seeds, rows, gradients)
    return TorchRows(specs[0], seeds[0], rows, gradients)


def require_elementwise(spec: Spec) -> None:
    """Raise CannotStack, with the reason, unless the optimizer of ``spec`` can train a stack."""
    if find(spec.optimizer).draws_numbers:
        return
    reason = mixing(lambda params: make_optimizer(spec, nn.ParameterList(params), 0))
    if reason is not None:
        raise CannotStack(f"{spec.optimizer} {reason}")


def mixing(make: MakeOptimizer) -> str | None:
    """Why the optimizer that ``make`` builds cannot update a stack; None where it is elementwise.

    It is elementwise if three rows of numbers come out the same, under random gradients of very different sizes, whether
    they are one parameter, or each row is a model of its own with two. LBFGS, Muon, Adafactor and SparseAdam are not; nor is an
    optimizer that draws random numbers.
    """
    generator = torch.Generator().manual_seed(0)
    whole = nn.Parameter(torch.randn(3, 17, generator=generator, dtype=torch.float64))
    alone = [[nn.Parameter(row[:12].view(4, 3)), nn.Parameter(row[12:])] for row in whole.detach().clone()]
    try:
        whole.grad = torch.zeros_like(whole)
        stacked = make([whole])
        singles = [make(params) for params in alone]
        for power in POWERS:
            gradient = 10.0**power * (1 + torch.randn(3, 17, generator=generator, dtype=torch.float64))
            # As in a stack, whose gradients are written to one place: an optimizer that keeps p.grad has the next one then.
            whole.grad.copy_(gradient)
            stacked.step()
            for row, params, optimizer in zip(gradient, alone, singles, strict=True):
                params[0].grad, params[1].grad = row[:12].view(4, 3).clone(), row[12:].clone()
                optimizer.step()
    except Exception as error:
        return f"does not update a plain list of parameters from their gradients ({error})"
    apart = torch.stack([torch.cat([p.detach().flatten() for p in params]) for params in alone])
    if torch.allclose(whole.detach(), apart, rtol=1e-9, atol=1e-12):
        return None
    return "mixes the coordinates of a parameter, keeps its gradient tensor, or draws random numbers"
