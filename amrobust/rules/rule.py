"""What an update rule is: four pure functions over arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

Array = Any
"""A NumPy array or a torch tensor of shape (*d), or (S, *d) with a leading seed axis."""

State = Any
"""A NamedTuple whose field ``x`` is the point where the next gradient is taken."""

RestartPoint = Literal["iterate", "output"]


class Rule(NamedTuple):
    """An update rule.

    ``init(x0)`` makes a state; ``step(state, gradient, lr)`` the next one from the gradient at ``state.x``, without writing
    to its inputs; ``outputs(state)`` the points that the rule offers as results, ``{"I": ..., "II": ...}``;
    ``restart(state, at="iterate")`` a state as at initialisation, from the iterate or from the output point.
    """

    name: str
    init: Callable[[Array], State]
    step: Callable[[State, Array, float], State]
    outputs: Callable[[State], dict[str, Array]]
    restart: Callable[..., State]
