"""What AM1SGD and AM2SGD share: arguments, the gradients of a step, and the output point."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, overload

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.optimizer import ParamsT


class OutputPointOptimizer(Optimizer):
    """A torch optimizer whose result (option II) is another point than the parameters that it updates.

    Subclasses update a list of parameters in :meth:`_update` and give their output points in :meth:`_output_points`.
    """

    _at_output = False

    def __init__(
        self,
        params: ParamsT,
        defaults: dict[str, Any],
        *,
        maximize: bool,
        foreach: bool | None,
        fused: bool | None,
        compile: bool,
    ) -> None:
        for option, value in (("fused", fused), ("compile", compile)):
            if value:
                raise ValueError(
                    f"{type(self).__name__} has no {option}=True form: leave it out for the foreach form"
                )
        super().__init__(params, defaults | {"maximize": maximize, "foreach": foreach})

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """As torch's, with the hyperparameters of the group checked. Raises ValueError on one out of range."""
        self._refuse_at_output("add_param_group()")
        settings = self.defaults | param_group
        lr, momentum, m, weight_decay = (settings[key] for key in ("lr", "momentum", "m", "weight_decay"))
        if lr < 0:
            raise ValueError(f"Invalid learning rate: {lr} (must be at least 0)")
        if not 0 <= momentum < 1:
            raise ValueError(f"Invalid momentum: {momentum} (must be in [0, 1))")
        if not isinstance(m, int) or m < 1:
            raise ValueError(f"Invalid amortization length m: {m} (must be an integer of at least 1)")
        if weight_decay < 0:
            raise ValueError(f"Invalid weight decay: {weight_decay} (must be at least 0)")
        super().add_param_group(param_group)
        for p in self.param_groups[-1]["params"]:
            if p.is_complex():
                raise ValueError(f"{type(self).__name__} takes real parameters, not complex ones")

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Update every parameter that has a gradient; ``p.grad`` is left as it is.

        A parameter without a gradient is passed over entirely: its own trajectory is the rule on the steps at which it
        had one. Returns what ``closure`` returns. Raises RuntimeError inside :meth:`output_point` and on sparse gradients.
        """
        self._refuse_at_output("step()")
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            gradients = [p.grad for p in params]
            if any(g.is_sparse for g in gradients):
                raise RuntimeError(f"{type(self).__name__} does not support sparse gradients")
            if not params:
                continue
            foreach = group["foreach"]
            if foreach is None:
                # torch's kernels over lists take plain tensors only
                foreach = all(type(p) in (Tensor, torch.nn.Parameter) for p in params)
            if group["maximize"]:
                gradients = list(torch._foreach_neg(gradients)) if foreach else [-g for g in gradients]
            if group["weight_decay"]:
                decay = group["weight_decay"]
                gradients = (
                    list(torch._foreach_add(gradients, params, alpha=decay))
                    if foreach
                    else [g.add(p, alpha=decay) for g, p in zip(gradients, params, strict=True)]
                )
            self._update(group, params, gradients, foreach)
        return loss

    def _update(
        self, group: dict[str, Any], params: list[Tensor], gradients: list[Tensor], foreach: bool
    ) -> None:
        """Apply one step of the rule to ``params``, given gradients with weight decay and sign already in them."""
        raise NotImplementedError

    def _output_points(self, group: dict[str, Any], params: list[Tensor]) -> list[Tensor]:
        """Fresh tensors with the output points of ``params``, all of which have been stepped."""
        raise NotImplementedError

    @contextmanager
    def output_point(self) -> Iterator[None]:
        """Within this context the parameters hold the output point (option II); afterwards the iterate, bit for bit.

        Pointers are exchanged, nothing is computed in place. A parameter that was never stepped is its own output point.
        ``step()``, ``state_dict()``, ``load_state_dict()``, ``add_param_group()`` and re-entry raise RuntimeError meanwhile.
        Buffers of the model, such as batch-norm statistics, stay those gathered at the iterate.
        """
        self._refuse_at_output("output_point()")
        exchanged: list[tuple[Tensor, Tensor]] = []
        with torch.no_grad():
            for group in self.param_groups:
                params = [p for p in group["params"] if self.state.get(p)]
                if params:
                    exchanged += zip(params, self._output_points(group, params), strict=True)
        iterates = [p.data for p, _ in exchanged]
        self._at_output = True
        try:
            for p, point in exchanged:
                p.data = point
            yield
        finally:
            for (p, _), iterate in zip(exchanged, iterates, strict=True):
                p.data = iterate
            self._at_output = False

    def state_dict(self) -> dict[str, Any]:
        """As torch's; raises RuntimeError inside :meth:`output_point`."""
        self._refuse_at_output("state_dict()")
        return super().state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """As torch's; raises RuntimeError inside :meth:`output_point`."""
        self._refuse_at_output("load_state_dict()")
        super().load_state_dict(state_dict)

    def _refuse_at_output(self, call: str) -> None:
        if self._at_output:
            raise RuntimeError(
                f"{call} inside output_point(): the parameters hold the output point, not the iterate; leave the context first"
            )
