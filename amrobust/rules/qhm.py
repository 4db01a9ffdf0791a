"""Quasi-hyperbolic momentum, one of the paper's comparisons (Table 8)."""

from __future__ import annotations

from amrobust.rules.rule import Array, Rule
from amrobust.rules.sgd import BufferState


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
