"""Aggregated momentum, one of the paper's comparisons (Table 8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from amrobust.rules.rule import Array, Rule


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
