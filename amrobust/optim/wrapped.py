"""Averages around any torch optimizer, and several optimizers as one: each with parameters of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from amrobust.optim.loops import evaluation_point
from amrobust.rules.wrappers import Wrapper


class WrappedOptimizer(Optimizer):
    """An optimizer inside a :class:`amrobust.rules.Wrapper`, whose output point ``eval()`` puts into the parameters.

    Parameter groups are those of ``base``: learning rates are set there, by schedulers too. While training, the parameters are
    option I, the point where gradients are taken. ``with optimizer.output_point():`` has option II in them; ``eval()`` and
    ``train()`` do the same for loops of schedule-free methods. The wrapper works on one parameter after the other.

    Example:
        >>> import torch
        >>> from amrobust import rules
        >>> from amrobust.optim import WrappedOptimizer
        >>> model = torch.nn.Linear(2, 1)
        >>> optimizer = WrappedOptimizer(torch.optim.AdamW(model.parameters()), rules.ema(0.99))
    """

    def __init__(self, base: Optimizer, wrapper: Wrapper) -> None:
        super().__init__([p for group in base.param_groups for p in group["params"]], {})
        self.base, self.wrapper = base, wrapper
        self.param_groups = base.param_groups
        self.training = True
        self._iterates: dict[Tensor, Tensor] = {}

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """A step of the optimizer, and what the wrapper makes of it, for every parameter that has a gradient.

        Raises RuntimeError after ``eval()``, and on a closure where gradients are taken at another point than the step.
        """
        self._require_training("step()")
        if closure is not None and self.wrapper.moves:
            raise RuntimeError(
                f"{self.wrapper.name} takes gradients at another point than the optimizer's step: it has no closures"
            )
        moved = [(p, group) for group in self.param_groups for p in group["params"] if p.grad is not None]
        for p, group in moved:
            state = self.state[p]
            if "own" not in state:
                state["own"] = self.wrapper.init(p.detach().clone())
            if self.wrapper.moves:
                p.copy_(self.wrapper.base(state["own"], p.detach(), float(group["lr"])))
        base: Any = self.base
        loss = base.step() if closure is None else base.step(closure)
        for p, group in moved:
            # Of its own memory: what a wrapper keeps of w must not change with the parameter.
            w = p.detach().clone()
            self.state[p]["own"], x = self.wrapper.after(self.state[p]["own"], w, float(group["lr"]))
            if x is not w:
                p.copy_(x)
        return loss

    def eval(self) -> None:
        """Put the output point into the parameters; nothing where it is there."""
        if not self.training:
            return
        with torch.no_grad():
            for p, state in self.state.items():
                self._iterates[p] = p.detach().clone()
                p.copy_(self.wrapper.output(state["own"], p.detach().clone()))
        self.training = False

    def train(self) -> None:
        """Put the iterate back, bit for bit."""
        with torch.no_grad():
            for p, iterate in self._iterates.items():
                p.copy_(iterate)
        self._iterates, self.training = {}, True

    def output_point(self) -> AbstractContextManager[None]:
        """Within this context the parameters hold the output point; afterwards the iterate, bit for bit."""
        return evaluation_point(self)

    def restart(self) -> None:
        """Begin anew at the current iterate: the wrapper and the optimizer forget."""
        self._require_training("restart()")
        self.state.clear()
        restart(self.base)

    def state_dict(self) -> dict[str, Any]:
        """The optimizer's own under ``base``, and the wrapper's, an entry a parameter in the order of the groups."""
        self._require_training("state_dict()")
        own = [
            {"index": index, **self.state[p]["own"]._asdict()}
            for index, p in enumerate(self._params())
            if p in self.state
        ]
        return {"base": self.base.state_dict(), "wrapper": self.wrapper.name, "own": own}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take up what :meth:`state_dict` gave. Raises ValueError on another optimizer's state."""
        self._require_training("load_state_dict()")
        if state_dict.keys() != {"base", "wrapper", "own"} or state_dict["wrapper"] != self.wrapper.name:
            raise ValueError(
                f"this is not the state of {self.wrapper.name} around an optimizer: load it into one of the kind that saved it"
            )
        self.base.load_state_dict(state_dict["base"])
        self.param_groups = self.base.param_groups
        params = self._params()
        self.state.clear()
        for entry in state_dict["own"]:
            p = params[entry["index"]]
            fields = {name: _taken_up(value, p) for name, value in entry.items() if name != "index"}
            self.state[p]["own"] = type(self.wrapper.init(p.detach()))(**fields)

    def _params(self) -> list[Tensor]:
        return [p for group in self.param_groups for p in group["params"]]

    def _require_training(self, call: str) -> None:
        if not self.training:
            raise RuntimeError(
                f"{call} at the output point: the parameters do not hold the iterate; call train() first"
            )


def _taken_up(value: Any, p: Tensor) -> Any:
    if isinstance(value, Tensor):
        return value.to(p).clone()
    return tuple(_taken_up(each, p) for each in value) if isinstance(value, (list, tuple)) else value


def restart(optimizer: Optimizer) -> None:
    """Let ``optimizer`` begin anew at the current iterate: by its own ``restart()``, or without its state."""
    own = getattr(optimizer, "restart", None)
    if callable(own):
        own()
    else:
        optimizer.state.clear()


class CombinedOptimizer(Optimizer):
    """Several optimizers as one, each with parameters of its own: Muon for matrices and AdamW for the rest, say.

    The parameter groups are those of all, in order, each with the learning rate of its own optimizer.

    Args:
        named_params: pairs of a name and a parameter, as ``model.named_parameters()`` gives.
        rule: a function of name and parameter: the number of the optimizer that trains it.
        makers: a function of a list of parameters for each number. One whose list is empty is not called.

    Example:
        >>> import torch
        >>> from amrobust.optim import CombinedOptimizer
        >>> model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.Linear(8, 2))
        >>> optimizer = CombinedOptimizer(
        ...     model.named_parameters(),
        ...     lambda name, p: 0 if p.ndim == 2 and not name.startswith("1.") else 1,
        ...     [lambda ps: torch.optim.Muon(ps, lr=0.02), lambda ps: torch.optim.AdamW(ps, lr=0.001)],
        ... )

    Raises ValueError where the rule gives a number that no optimizer has.
    """

    def __init__(
        self,
        named_params: Iterable[tuple[str, Tensor]],
        rule: Callable[[str, Tensor], int],
        makers: Sequence[Callable[[list[Tensor]], Optimizer]],
    ) -> None:
        lists: list[list[Tensor]] = [[] for _ in makers]
        for name, p in named_params:
            number = rule(name, p)
            if number not in range(len(makers)):
                raise ValueError(
                    f"{name} goes to optimizer {number!r}, and there are {len(makers)}, from 0 on"
                )
            lists[number].append(p)
        super().__init__([p for params in lists for p in params], {})
        self.optimizers = [make(params) for make, params in zip(makers, lists, strict=True) if params]
        self._share_groups()

    def _share_groups(self) -> None:
        self.param_groups = [group for optimizer in self.optimizers for group in optimizer.param_groups]

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """A step of each. Raises RuntimeError on a closure, whose loss is that of all parameters together."""
        if closure is not None:
            raise RuntimeError("combined optimizers take no closure")
        for optimizer in self.optimizers:
            optimizer.step()

    def restart(self) -> None:
        """Each begins anew."""
        for optimizer in self.optimizers:
            restart(optimizer)

    def state_dict(self) -> dict[str, Any]:
        """Those of each, under ``optimizers``."""
        return {"optimizers": [optimizer.state_dict() for optimizer in self.optimizers]}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take up what :meth:`state_dict` gave. Raises ValueError on another optimizer's state."""
        if state_dict.keys() != {"optimizers"} or len(state_dict["optimizers"]) != len(self.optimizers):
            raise ValueError("this is not the state of these optimizers together")
        for optimizer, own in zip(self.optimizers, state_dict["optimizers"], strict=True):
            optimizer.load_state_dict(own)
        self._share_groups()


def matrices_first(name: str, p: Tensor) -> int:
    """0 for matrices, 1 for all other parameters: the rule of ``muon+adamw``."""
    return 0 if p.ndim == 2 else 1
