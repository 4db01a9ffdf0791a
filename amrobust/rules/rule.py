"""What an update rule is, pure functions over arrays, and what plain operators cannot do alike on arrays of all libraries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
from array_api_compat import array_namespace, is_torch_array

Array = Any
"""A NumPy array, torch tensor or JAX array of shape (*d), or (S, *d) with a leading seed axis."""

State = Any
"""A NamedTuple whose field ``x`` is the point where the next gradient is taken."""

RestartPoint = Literal["iterate", "output"]


def _unmoved(state: State, loss: Any) -> State:
    return state


class Rule(NamedTuple):
    """An update rule.

    ``init(x0)`` makes a state; ``step(state, gradient, lr)`` the next one from the gradient at ``state.x``, without writing
    to its inputs; ``outputs(state)`` the points that the rule offers as results, ``{"I": ..., "II": ...}``.
    ``observe(state, loss)`` is told a validation loss, () or (S,): only rules that are triggered by one do anything with it.
    ``reset(state, point)`` is a state as at initialisation, at ``point``; None where that is ``init(point)``.
    ``backend`` is the only one that the rule computes on; None where any array will do.
    """

    name: str
    init: Callable[[Array], State]
    step: Callable[[State, Array, float], State]
    outputs: Callable[[State], dict[str, Array]]
    observe: Callable[[State, Any], State] = _unmoved
    reset: Callable[[State, Array], State] | None = None
    backend: str | None = None

    def restart(self, state: State, at: RestartPoint = "iterate") -> State:
        """A state as at initialisation, from the iterate or from the output point (option II where there is one)."""
        outputs = self.outputs(state)
        point = state.x if at == "iterate" else outputs["II" if "II" in outputs else "I"]
        return self.reset_to(state, point)

    def reset_to(self, state: State, point: Array) -> State:
        """A state as at initialisation, from any point; what is drawn at random goes on where it was."""
        return self.init(point) if self.reset is None else self.reset(state, point)


def like(x: Array, values: Any) -> Array:
    """``values`` as an array of the library, precision and device of ``x``."""
    where = {"device": x.device} if is_torch_array(x) else {}
    return array_namespace(x).asarray(values, dtype=x.dtype, **where)


def per_seed(x: Array, values: Any) -> Any:
    """A number as it is; numbers of shape (S,) so that they multiply the rows of ``x``, of shape (S, *d)."""
    if np.ndim(values) == 0:
        return values
    return like(x, np.reshape(values, (-1,) + (1,) * (x.ndim - 1)))


def set_at(array: Array, where: Any, values: Array) -> Array:
    """A copy of ``array`` with ``values`` at the index ``where``."""
    if hasattr(array, "at"):  # JAX arrays cannot be written to
        return array.at[where].set(values)
    copy = array + 0.0
    copy[where] = values
    return copy
