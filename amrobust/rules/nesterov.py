"""Nesterov's momentum in its three forms: PyTorch's (M-SGD), the original (OM-SGD) and TensorFlow's."""

from __future__ import annotations

from typing import NamedTuple

from amrobust.rules.rule import Array, Rule
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

    return Rule("msgd", BufferState, step, lambda state: {"I": state.x})


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

    return Rule("omsgd", init, step, lambda state: {"II": state.y})


class VelocityState(NamedTuple):
    """The extrapolated point x, where gradients are taken, and the velocity v = y − (y of the step before)."""

    x: Array
    velocity: Array


def msgd_tf(momentum: float = 0.9, weight_decay: float = 0.0) -> Rule:
    """Nesterov's momentum in TensorFlow's form: v⁺ = βv − ηg(y + βv), y⁺ = y + v⁺, v₀ = 0 (scheme 5 of the paper).

    The velocity is a displacement, so that a change of the learning rate leaves the momentum already gathered as it is:
    under any schedule this is AM1-SGD with m = 1, in both options. Option I is x = y + βv, the point that TensorFlow
    tracks, option II is y, the output of :func:`omsgd`.
    """

    def init(x0: Array) -> VelocityState:
        return VelocityState(x0, 0.0 * x0)

    def step(state: VelocityState, gradient: Array, lr: float) -> VelocityState:
        displacement = -lr * (gradient + weight_decay * state.x)
        velocity = momentum * state.velocity + displacement
        return VelocityState(state.x + momentum * velocity + displacement, velocity)

    def outputs(state: VelocityState) -> dict[str, Array]:
        return {"I": state.x, "II": state.x - momentum * state.velocity}

    return Rule("msgd_tf", init, step, outputs)
