"""Nesterov's momentum in every iteration and amortized momentum in every m-th: the hybrid of Appendix B.3."""

from __future__ import annotations

from typing import NamedTuple

from amrobust.rules.rule import Array, Rule


class HybridState(NamedTuple):
    """Iterate x, Nesterov's point y, output point x̃, Σ (y of this cycle), and the position in the cycle, 0 … m − 1."""

    x: Array
    y: Array
    output: Array
    total: Array
    position: int


def hybrid(nesterov: float = 0.45, amortized: float = 0.45, m: int = 5, weight_decay: float = 0.0) -> Rule:
    """M-SGD with amortized momentum added: Katyusha's scheme without its gradient estimator (Appendix B.3).

    Each step: y⁺ = x − ηg, x⁺ = y⁺ + γ(y⁺ − y), with γ = ``nesterov`` (1 − τ1 − τ2 in the paper); every m-th step also
    x̃⁺ = the mean of the last m points y, x⁺ ← x⁺ + τ(x̃⁺ − x̃), with τ = ``amortized`` (τ2). Option I is x, option II
    x̃, which is x0 until m steps are done. γ = 0 is AM1-SGD with momentum τ; τ = 0 has the iterates of Nesterov's
    original form.
    """

    def init(x0: Array) -> HybridState:
        return HybridState(x0, x0, x0, 0.0 * x0, 0)

    def step(state: HybridState, gradient: Array, lr: float) -> HybridState:
        y = state.x - lr * (gradient + weight_decay * state.x)
        x = y + nesterov * (y - state.y)
        total = state.total + y
        if state.position + 1 < m:
            return HybridState(x, y, state.output, total, state.position + 1)
        output = total / m
        return HybridState(x + amortized * (output - state.output), y, output, 0.0 * total, 0)

    return Rule("hybrid", init, step, lambda state: {"I": state.x, "II": state.output})
