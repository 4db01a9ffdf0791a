"""SGD and classical momentum."""

from __future__ import annotations

from typing import NamedTuple

from amrobust.rules.rule import Array, Rule


class SGDState(NamedTuple):
    """The iterate."""

    x: Array


def sgd(weight_decay: float = 0.0) -> Rule:
    """Stochastic gradient descent: x⁺ = x − η(g + λx). One output, the iterate."""

    def step(state: SGDState, gradient: Array, lr: float) -> SGDState:
        return SGDState(state.x - lr * (gradient + weight_decay * state.x))

    return Rule("sgd", SGDState, step, lambda state: {"I": state.x})


class BufferState(NamedTuple):
    """The iterate and a momentum buffer in gradient units, None before the first step."""

    x: Array
    buffer: Array | None = None


def cm(momentum: float = 0.9, weight_decay: float = 0.0) -> Rule:
    """Classical (heavy-ball) momentum: v⁺ = βv + g, x⁺ = x − ηv⁺, the first buffer being the first gradient.

    The form of ``torch.optim.SGD(momentum=β)``.
    """

    def step(state: BufferState, gradient: Array, lr: float) -> BufferState:
        g = gradient + weight_decay * state.x
        buffer = g if state.buffer is None else momentum * state.buffer + g
        return BufferState(state.x - lr * buffer, buffer)

    return Rule("cm", BufferState, step, lambda state: {"I": state.x})
