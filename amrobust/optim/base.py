"""What the optimizers share: arguments, state that exists from the start, the step over groups, restarts."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, overload

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.optimizer import ParamsT

from amrobust.optim import forms

RestartPoint = Literal["iterate", "output"]
Group = dict[str, Any]

OPTIONS: dict[str, Any] = {
    "maximize": False,
    "foreach": None,
    "fused": None,
    "compile": False,
    "capturable": False,
    "decoupled_weight_decay": False,
}
"""Keys that every parameter group has besides the hyperparameters, with their defaults."""


def check_momentum(name: str, value: float) -> None:
    """Raise ValueError unless ``value`` is in [0, 1)."""
    if not 0 <= value < 1:
        raise ValueError(f"Invalid {name}: {value} (must be in [0, 1))")


@dataclass(slots=True)
class Members:
    """Parameters of one device, dtype and place in the rule's cycle, with their gradients and states."""

    place: int
    params: list[Tensor]
    gradients: list[Tensor]
    states: list[dict[str, Any]]

    def lists(self, *names: str) -> list[list[Tensor]]:
        """Parameters, gradients and the named buffers, complex ones as reals."""
        lists = [self.params, self.gradients, *([state[name] for state in self.states] for name in names)]
        if self.params[0].is_complex():
            return [[torch.view_as_real(t) for t in ts] for ts in lists]
        return lists


class RuleOptimizer(Optimizer):
    """A torch optimizer that follows an update rule of :mod:`amrobust.rules`.

    What the optimizers share is said here, and their own documentation says what they have besides.

    Args:
        params: parameters or parameter groups; every argument may differ between groups.
        lr: learning rate η, a number or a tensor of one element.
        momentum: β in [0, 1).
        m: amortization length, an integer of at least 1. It may be changed later only together with a :meth:`restart`.
        weight_decay: coefficient λ.
        maximize: step along +g; weight decay still shrinks.
        foreach: torch's kernels over lists of tensors; None: for plain tensors, on every device. On a CPU the lists are cut
            into blocks that stay in its cache.
        fused: torch's fused SGD kernel where it does part of the step, on CPU (float32 and float64) and CUDA; elsewhere, and
            for the rest of the step, as ``foreach``.
        compile: the step as one kernel per tensor by ``torch.compile``. The first steps take up to minutes; where there is no
            compiler, as ``foreach``. A learning rate may change at every step.
        capturable: the step can be captured in a CUDA graph, after one step outside of it: without branches in Python, with
            the place in the cycle in a tensor. The learning rate must be a tensor on the device to change afterwards.
        decoupled_weight_decay: x ← x − ηλx beside the step, none of which gets into the momentum; False: coupled, λx is added
            to the gradient, as in ``torch.optim.SGD``.
        differentiable: not available; True raises ValueError.

    State is in the parameters' dtype, as torch's momentum buffers are. Complex parameters are updated as pairs of reals.
    Every state dict entry is a tensor of the parameter's shape, a 0-d tensor or an int.
    """

    _at_output = False
    _fixed = ""
    """The settings that :meth:`_key` watches, in words."""
    _watched: str | None = None
    """The state entry that says where in the rule's cycle a parameter is, if there is a cycle."""

    def __init__(
        self, params: ParamsT, hyperparameters: dict[str, Any], *, differentiable: bool, **options: Any
    ) -> None:
        super().__init__(params, hyperparameters | options | {"differentiable": differentiable})

    # What a rule adds.

    def _check(self, settings: dict[str, Any]) -> None:
        """Raise ValueError on hyperparameters out of range."""

    def _key(self, group: Group) -> int:
        """A number, not 0, that changes with the settings that must stay while a parameter's state is in use."""
        return 1

    def _buffers(self, group: Group) -> tuple[str, ...]:
        """The names of a parameter's state tensors."""
        raise NotImplementedError

    def _place(self, p: Tensor, group: Group) -> dict[str, Any]:
        """What a parameter's state holds besides its tensors: where it is in the rule's cycle."""
        return {}

    def _begin(self, p: Tensor, state: dict[str, Any], group: Group) -> None:
        """Set a parameter's state, whose tensors are zero, to that of the rule started from where ``p`` is."""

    def _advance(self, group: Group, members: Members) -> None:
        """Take one step of the rule."""
        raise NotImplementedError

    def _output_points(self, group: Group, params: list[Tensor]) -> list[Tensor]:
        """The output points of ``params``, all of which have been stepped: the iterates, unless there are others."""
        return [p.detach() for p in params]

    # The step.

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    # A compiled training step calls it as it is; `compile` is what compiles the update.
    @torch._disable_dynamo  # type: ignore[attr-defined]
    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Update every parameter that has a gradient; ``p.grad`` is left as it is.

        A parameter without a gradient is passed over entirely: its own trajectory is the rule on the steps at which it
        had one, started from where it was at the first of them. Returns what ``closure`` returns. Raises RuntimeError
        inside ``output_point()``, on gradients that are not dense, and if ``m`` was changed without :meth:`restart`.
        """
        self._refuse_at_output("step()")
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group, together in [(group, self._together(group)) for group in self.param_groups]:
            if together:
                self._step_group(group, together)
        return loss

    def _together(self, group: Group) -> Collection[Members]:
        """The parameters with a gradient, started where they are not, in what can be updated together."""
        together: dict[Any, Members] = {}
        key, watch = self._key(group), None if group["capturable"] else self._watched
        for p in group["params"]:
            gradient = p.grad
            if gradient is None:
                continue
            if gradient.layout is not torch.strided:
                raise RuntimeError(
                    f"{type(self).__name__} does not support sparse gradients: build the layer with sparse=False"
                )
            state = self.state[p]
            if not state or state["started"] != key:
                if state and state["started"]:
                    raise RuntimeError(f"{type(self).__name__}: call restart() after changing {self._fixed}")
                self._start(p, group)
            place = 0 if watch is None else state[watch]
            kind = place, p.device, p.dtype, type(p)
            members = together.get(kind)
            if members is None:
                members = together[kind] = Members(place, [], [], [])
            members.params.append(p)
            members.gradients.append(gradient)
            members.states.append(state)
        return together.values()

    def _step_group(self, group: Group, together: Collection[Members]) -> None:
        for members in together:
            self._advance(group, members)

    def _rates(self, group: Group) -> tuple[float | Tensor, float | Tensor]:
        """Learning rate and weight decay, both reversed where the objective is maximized: x ← x − lr·(g + decay·x)."""
        # with both reversed, −η(g − λx) = η(−g + λx): the step turns round, the decay does not
        sign = -1 if group["maximize"] else 1
        return sign * group["lr"], sign * group["weight_decay"]

    # State.

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """As torch's; the group's parameters start their own cycles. Raises ValueError on a setting out of range."""
        self._refuse_at_output("add_param_group()")
        settings = self.defaults | param_group
        self._check_common(settings)
        self._check(settings)
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        for p in group["params"]:
            # a distributed checkpoint steps an optimizer without state to see what there is: that must change nothing
            if p.requires_grad and not torch.nn.parameter.is_lazy(p):
                self._allocate(p, group)

    def _check_common(self, settings: dict[str, Any]) -> None:
        lr, weight_decay = settings["lr"], settings["weight_decay"]
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("a learning rate that is a tensor must have one element")
        if not lr >= 0:
            raise ValueError(f"Invalid learning rate: {lr} (must be at least 0)")
        if not weight_decay >= 0:
            raise ValueError(f"Invalid weight decay: {weight_decay} (must be at least 0)")
        if settings["differentiable"]:
            raise ValueError(
                f"{type(self).__name__} updates in place and has no differentiable=True: leave it out"
            )
        chosen = [name for name in ("foreach", "fused", "compile") if settings[name]]
        if len(chosen) > 1:
            raise ValueError(f"{' and '.join(chosen)} cannot be True together: choose one form")

    def _allocate(self, p: Tensor, group: Group) -> None:
        state = self.state[p]
        state.clear()
        state["started"] = 0
        for name in self._buffers(group):
            state[name] = torch.zeros_like(p.detach(), memory_format=torch.preserve_format)
        state.update(self._place(p, group))

    def _start(self, p: Tensor, group: Group) -> None:
        """Start ``p`` from where it is; its tensors are made again where the parameter has moved or been cast since."""
        if group["capturable"] and p.is_cuda and torch.cuda.is_current_stream_capturing():
            raise RuntimeError("take one step before capturing: parameters are started outside of the graph")
        state, names = self.state[p], self._buffers(group)
        held = {name: t for name, t in state.items() if isinstance(t, Tensor) and name != "step"}
        if held.keys() != set(names) or any(
            (t.shape, t.device, t.dtype) != (p.shape, p.device, p.dtype) for t in held.values()
        ):
            self._allocate(p, group)
        else:
            for t in held.values():
                t.zero_()
        self._begin(p, state, group)
        state["started"] = self._key(group)

    @torch.no_grad()
    def restart(
        self,
        at: RestartPoint = "iterate",
        *,
        groups: Iterable[Group] | None = None,
        model: nn.Module | None = None,
    ) -> None:
        """Forget the momentum: state as at initialisation, from the iterate or from the output point.

        The paper restarts after a large reduction of the learning rate and does not say from which point. ``groups`` are
        the parameter groups to restart; None: all. ``model`` is needed at the output point where it is sharded by
        ``fully_shard``. What is drawn at random goes on where it was. Raises ValueError on
        another ``at``, RuntimeError inside ``output_point()``.
        """
        self._refuse_at_output("restart()")
        if at not in ("iterate", "output"):
            raise ValueError(f"at = {at!r}: restart at the 'iterate' or at the 'output' point")
        for group in self.param_groups if groups is None else groups:
            params = [p for p in group["params"] if self.state.get(p, {}).get("started")]
            if at == "output":
                reshard(params, model)
                for p, point in zip(params, self._output_points(group, params), strict=True):
                    p.copy_(point)
            for p in params:
                self.state[p]["started"] = 0
                if group["capturable"]:  # a replayed graph does not come by here again
                    self._start(p, group)

    def __getstate__(self) -> dict[str, Any]:
        self._refuse_at_output("copying")
        return super().__getstate__()

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            for name, default in OPTIONS.items():
                group.setdefault(name, default)

    def state_dict(self) -> dict[str, Any]:
        """As torch's; raises RuntimeError inside ``output_point()``."""
        self._refuse_at_output("state_dict()")
        return super().state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """As torch's. Raises RuntimeError inside ``output_point()``, ValueError on another optimizer's state."""
        self._refuse_at_output("load_state_dict()")
        if not isinstance(state_dict, Mapping) or not {"state", "param_groups"} <= state_dict.keys():
            raise self._not_its_state("it has no state and param_groups")
        if any(self.state.values()) and not any(state_dict["state"].values()):
            # ours exists from the start; torch's optimizers have none before their first step, and some the same settings
            raise self._not_its_state("it holds nothing")
        settings = self.defaults.keys() - OPTIONS.keys() - {"differentiable"}
        for group, saved in zip(self.param_groups, state_dict["param_groups"], strict=False):
            if missing := sorted(settings - saved.keys()):
                raise self._not_its_state(f"its groups have no {missing[0]}")
            filled = OPTIONS | saved
            for p, index in zip(group["params"], saved["params"], strict=False):
                state = state_dict["state"].get(index, {})
                names = {"started", *self._buffers(filled), *self._place(p, filled)}
                if state and _kinds(state) != _kinds(names):
                    raise self._not_its_state(f"it holds {', '.join(map(str, state))}")
        super().load_state_dict(state_dict)

    def _not_its_state(self, why: str) -> ValueError:
        return ValueError(
            f"this is not the state of a {type(self).__name__} ({why}): load it into an optimizer of the class that saved it"
        )

    def _refuse_at_output(self, call: str) -> None:
        if self._at_output:
            raise RuntimeError(
                f"{call} inside output_point(): the parameters hold the output point, not the iterate; leave the context first"
            )


def _kinds(names: Iterable[str]) -> set[str]:
    """State entries without their numbers, and without what decoupled decay adds: m may have been changed before a restart."""
    return {name.rstrip("0123456789") for name in names} - {"decayed"}


def reshard(params: Iterable[Tensor], model: nn.Module | None) -> None:
    """Make ``fully_shard`` gather the parameters anew: after an evaluation its root module still holds them whole.

    Nothing is done for parameters that are not sharded. Raises RuntimeError where ``model`` is missing, and on parameters of
    ``FullyShardedDataParallel``, which are rewritten by it when their memory changes.
    """
    subclasses = []
    for p in params:
        if getattr(p, "_fsdp_flattened", False):
            raise RuntimeError(
                "the output point cannot be put into FullyShardedDataParallel's parameters: use fully_shard"
            )
        if not forms.is_plain(p):
            subclasses.append(p)
    if not subclasses or not torch.distributed.is_available():
        return
    from torch.distributed.fsdp import FSDPModule
    from torch.distributed.tensor import DTensor

    if not any(isinstance(p, DTensor) for p in subclasses):
        return
    if model is None:
        raise RuntimeError("the parameters are sharded: give the model, as in output_point(model)")
    for module in model.modules():
        if isinstance(module, FSDPModule):
            module.reshard()


@functools.cache
def with_decoupled_decay(update: forms.Update) -> forms.Update:
    """``update`` of a rule whose buffers are in gradient units, with x ← x − ηλx instead of λx in the gradient."""

    def decoupled(form: Any, phase: Hashable, lists: forms.Lists, scalars: Any) -> None:
        lr, decay, *others = scalars
        form.add(lists[0], lists[0], -(lr * decay))
        # 0 of decay's own kind: a tensor where the step is compiled or captured
        update(form, phase, lists, (lr, 0 * decay, *others))

    return decoupled
