"""What the optimizers with amortized momentum share: the length m, the output point, decoupled weight decay."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from amrobust.optim import forms
from amrobust.optim.base import Group, Members, RuleOptimizer, reshard


class AmortizedOptimizer(RuleOptimizer):
    """An optimizer whose result (option II) is another point than the parameters that it updates.

    With ``decoupled_weight_decay`` the rule runs on x + c, where c is the sum of the decay so far (one more buffer): what the
    decay moves enters no difference of points, so that m = 1 is Nesterov's momentum with x ← x − ηλx beside it. The output
    point is given less c.
    """

    _fixed = "m or decoupled_weight_decay"
    _watched = "step"

    def _check(self, settings: dict[str, Any]) -> None:
        m = settings["m"]
        if isinstance(m, bool) or not isinstance(m, int) or m < 1:
            raise ValueError(f"Invalid amortization length m: {m} (must be an integer of at least 1)")

    def _key(self, group: Group) -> int:
        return -group["m"] if group["decoupled_weight_decay"] else int(group["m"])

    def _buffers(self, group: Group) -> tuple[str, ...]:
        return self._points(group) + (("decayed",) if group["decoupled_weight_decay"] else ())

    def _place(self, p: Tensor, group: Group) -> dict[str, Any]:
        step = torch.zeros((), device=p.device) if group["capturable"] else 0
        return {"step": step}

    def _points(self, group: Group) -> tuple[str, ...]:
        """The names of the state tensors that the rule itself needs."""
        raise NotImplementedError

    def _framed(
        self, group: Group, update: forms.Update, members: Members, lists: list[list[Tensor]]
    ) -> tuple[forms.Update, list[list[Tensor]]]:
        """``update`` and its lists, or the update of x + c with one list more."""
        if not group["decoupled_weight_decay"]:
            return update, lists
        return _with_decoupled_decay(update), [*lists, members.lists("decayed")[-1]]

    @contextmanager
    def output_point(self, model: nn.Module | None = None) -> Iterator[None]:
        """Within this context the parameters hold the output point (option II); afterwards the iterate, bit for bit.

        They keep their dtype and device, also where the model was cast or moved since the last step.
        Parameters that own their memory exchange pointers; views into a flat buffer, shards and parameters of captured
        graphs are copied. ``model`` is needed where it is sharded by ``fully_shard``. A parameter that was never stepped
        is its own output point. ``step()``, ``restart()``, ``state_dict()``, ``load_state_dict()``,
        ``add_param_group()``, copying and re-entry raise RuntimeError meanwhile. Buffers of the model stay those gathered
        at the iterate: :func:`amrobust.optim.batch_norm_statistics` gathers them at the output point.
        """
        self._refuse_at_output("output_point()")
        every = [p for group in self.param_groups for p in group["params"]]
        reshard(every, model)
        put_back: list[Callable[[], Any]] = []
        self._at_output = True
        try:
            with torch.no_grad():
                for group in self.param_groups:
                    params = [p for p in group["params"] if self.state.get(p, {}).get("started")]
                    for p, point in zip(params, self._output_points(group, params), strict=True):
                        if _owns_its_memory(p) and not group["capturable"]:
                            put_back.append(functools.partial(setattr, p, "data", p.data))
                            # the state has the dtype that the parameter had before a model.to(dtype)
                            p.data = point.to(p.device, p.dtype)
                        else:
                            put_back.append(functools.partial(p.copy_, p.detach().clone()))
                            p.copy_(point)
            yield
        finally:
            with torch.no_grad():
                for put in put_back:
                    put()
            reshard(every, model)
            self._at_output = False

    def _less_decayed(self, group: Group, params: list[Tensor], points: list[Tensor]) -> list[Tensor]:
        """``points`` of x + c, as points of x."""
        if group["decoupled_weight_decay"]:
            for p, point in zip(params, points, strict=True):
                point.sub_(self.state[p]["decayed"])
        return points


def _owns_its_memory(p: Tensor) -> bool:
    return forms.is_plain(p) and p.untyped_storage().nbytes() == p.numel() * p.element_size()


@functools.cache
def _with_decoupled_decay(update: forms.Update) -> forms.Update:
    """``update`` applied to x + c without decay, then x + c less the new c, which is c + ηλx."""

    def decoupled(form: Any, phase: Hashable, lists: Sequence[list[Tensor]], scalars: Any) -> None:
        *lists, decayed = lists
        xs, (lr, decay, *others) = lists[0], scalars
        form.add(decayed, xs, lr * decay)
        form.add(xs, xs, -(lr * decay))
        form.add(xs, decayed)
        # 0 of decay's own kind: a tensor where the step is compiled or captured
        update(form, phase, lists, (lr, 0 * decay, *others))
        form.add(xs, decayed, -1.0)

    return decoupled
