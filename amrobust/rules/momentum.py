"""SGD with the momenta that are added in every step: classical, Nesterov's in three forms, quasi-hyperbolic, aggregated.

Nesterov's forms are PyTorch's (M-SGD), the original (OM-SGD) and TensorFlow's; the last two are comparisons of the paper's
(Table 8).
"""

from __future__ import annotations

from collections.abc import Sequence
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


def qhm(momentum: float = 0.999, nu: float = 0.7, weight_decay: float = 0.0) -> Rule:
    """Quasi-hyperbolic momentum: v⁺ = βv + (1 − β)g, x⁺ = x − α(νv⁺ + (1 − ν)g), v₀ = 0; the learning rate is α.

    Ma and Yarats, "Quasi-hyperbolic momentum and Adam for deep learning" (ICLR 2019), with their defaults (α = 1). The
    buffer is an average, so that α is larger than the η of the other rules: M-SGD(η, β) is QHM with α = η/(1 − β), ν = β.
    """

    def step(state: BufferState, gradient: Array, lr: float) -> BufferState:
        g = gradient + weight_decay * state.x
        buffer = (1.0 - momentum) * g
        if state.buffer is not None:
            buffer = momentum * state.buffer + buffer
        return BufferState(state.x - lr * (nu * buffer + (1.0 - nu) * g), buffer)

    return Rule("qhm", BufferState, step, lambda state: {"I": state.x})


class AggMoState(NamedTuple):
    """The iterate and one velocity in gradient units for each β; none before the first step."""

    x: Array
    velocities: tuple[Array, ...] = ()


def aggmo_betas(terms: int, a: float = 0.1) -> tuple[float, ...]:
    """AggMo's exponential damping: β_t = 1 − a^(t−1) for t = 1 … ``terms``; 2 terms were best in the paper's search."""
    return tuple(1.0 - a**t for t in range(terms))


def aggmo(betas: Sequence[float] = (0.0, 0.9), weight_decay: float = 0.0) -> Rule:
    """Aggregated momentum: v_t⁺ = β_t v_t − g, x⁺ = x + (η/T) Σ_t v_t⁺ over the T damping factors ``betas``.

    Lucas, Sun, Zemel and Grosse, "Aggregated Momentum: Stability Through Passive Damping" (ICLR 2019). One β is classical
    momentum.

    Raises ValueError without a damping factor.
    """
    if not betas:
        raise ValueError("AggMo needs at least one damping factor")

    def step(state: AggMoState, gradient: Array, lr: float) -> AggMoState:
        g = gradient + weight_decay * state.x
        if state.velocities:
            pairs = zip(betas, state.velocities, strict=True)
            velocities = tuple(beta * velocity - g for beta, velocity in pairs)
        else:
            velocities = tuple(-g for _ in betas)
        total = velocities[0]
        for velocity in velocities[1:]:
            total = total + velocity
        return AggMoState(state.x + (lr / len(betas)) * total, velocities)

    return Rule("aggmo", AggMoState, step, lambda state: {"I": state.x})
