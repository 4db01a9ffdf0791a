"""Nesterov's momentum: as deep-learning libraries implement it (M-SGD), and the original (OM-SGD)."""

from __future__ import annotations

from typing import NamedTuple

from amrobust.rules.rule import Array, RestartPoint, Rule
from amrobust.rules.sgd import BufferState


def msgd(momentum: float = 0.9, weight_decay: float = 0.0) -> Rule:
    """M-SGD, Nesterov's momentum in PyTorch's form: v⁺ = βv + g, x⁺ = x − η(g + βv⁺), the first buffer being g.

    The buffer is in gradient units, so a change of the learning rate rescales the momentum already gathered. While η is
    constant, x is the iterate of Nesterov's original form and of AM1-SGD with m = 1 (option I).
    """

    def step(state: BufferState, gradient: Array, lr: float) -> BufferState:
        g = gradient + weight_decay * state.x
        buffer = g if state.buffer is None else momentum * state.buffer + g
        return BufferState(state.x - lr * (g + momentum * buffer), buffer)

    def restart(state: BufferState, at: RestartPoint = "iterate") -> BufferState:
        return BufferState(state.x)

    return Rule("msgd", BufferState, step, lambda state: {"I": state.x}, restart)


class NesterovState(NamedTuple):
    """The extrapolated point x, where gradients are taken, and the point y that the method tracks."""

    x: Array
    y: Array


def omsgd(momentum: float = 0.9, weight_decay: float = 0.0) -> Rule:
    """OM-SGD, Nesterov's momentum in its original form: y⁺ = x − ηg, x⁺ = y⁺ + β(y⁺ − y), y₀ = x₀. Its output is y.

    AM1-SGD with m = 1 and option II, under any learning-rate schedule.
    """

    def init(x0: Array) -> NesterovState:
        return NesterovState(x0, x0)

    def step(state: NesterovState, gradient: Array, lr: float) -> NesterovState:
        y = state.x - lr * (gradient + weight_decay * state.x)
        return NesterovState(y + momentum * (y - state.y), y)

    def restart(state: NesterovState, at: RestartPoint = "iterate") -> NesterovState:
        return init(state.x if at == "iterate" else state.y)

    return Rule("omsgd", init, step, lambda state: {"II": state.y}, restart)
