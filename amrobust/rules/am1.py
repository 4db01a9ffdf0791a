"""AM1-SGD: Nesterov's momentum amortized over m steps, added once every m steps."""

from __future__ import annotations

from typing import NamedTuple

from amrobust.rules.rule import Array, Rule


class AM1State(NamedTuple):
    """Iterate x, output point x̃, o = Σ (x of this cycle) − m·x̃, and the position in the cycle, 0 … m − 1."""

    x: Array
    output: Array
    total: Array
    position: int


def am1(momentum: float = 0.9, m: int = 5, weight_decay: float = 0.0) -> Rule:
    """AM1-SGD in its efficient form (Algorithm 5; equal to Algorithm 2).

    Each step: x ← x − ηg, o ← o + x; every m-th step: x ← x + (β/m)·o, x̃ ← x̃ + o/m, o ← −m·x̃. Option I is x, option II is
    x̃, which is x0 until m steps are done. m = 1 is M-SGD (I) and OM-SGD (II) at a constant learning rate; m = the number
    of steps is SGD (I, up to its last step) and SGD's average (II).
    """

    def init(x0: Array) -> AM1State:
        return AM1State(x0, x0, -m * x0, 0)

    def step(state: AM1State, gradient: Array, lr: float) -> AM1State:
        x = state.x - lr * (gradient + weight_decay * state.x)
        total = state.total + x
        if state.position + 1 < m:
            return AM1State(x, state.output, total, state.position + 1)
        output = state.output + total / m
        return AM1State(x + (momentum / m) * total, output, -m * output, 0)

    def outputs(state: AM1State) -> dict[str, Array]:
        return {"I": state.x, "II": state.output}

    return Rule("am1", init, step, outputs)
