"""Adam's step, as a rule that the averages can wrap."""

from __future__ import annotations

from typing import NamedTuple

from array_api_compat import array_namespace

from amrobust.rules.rule import Array, Rule


class AdamState(NamedTuple):
    """The iterate, the exponential means of gradients and of their squares, None before the first step, and the steps done."""

    x: Array
    mean: Array | None = None
    square: Array | None = None
    steps: int = 0


def adamw(beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8, weight_decay: float = 0.0) -> Rule:
    """AdamW: m⁺ = β₁m + (1 − β₁)g, v⁺ = β₂v + (1 − β₂)g², x⁺ = (1 − ηλ)x − η m̂/(√v̂ + ε).

    m̂ = m⁺/(1 − β₁^t) and v̂ = v⁺/(1 − β₂^t) at step t = 1, 2, …; λ = 0 is Adam. Kingma and Ba (1412.6980), Loshchilov and
    Hutter (1711.05101).
    """

    def step(state: AdamState, gradient: Array, lr: float) -> AdamState:
        t = state.steps + 1
        mean, square = (1 - beta1) * gradient, (1 - beta2) * gradient * gradient
        if state.mean is not None and state.square is not None:
            mean, square = beta1 * state.mean + mean, beta2 * state.square + square
        root = array_namespace(gradient).sqrt(square / (1 - beta2**t)) + eps
        x = (1 - lr * weight_decay) * state.x - lr * (mean / (1 - beta1**t)) / root
        return AdamState(x, mean, square, t)

    return Rule("adamw", AdamState, step, lambda state: {"I": state.x})
