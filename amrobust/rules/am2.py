"""AM2-SGD: amortized momentum from a table of past points, sampled at random."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from amrobust.rules.rule import Array, Rule

Indices = Callable[[int], Any] | Sequence[Any]
"""The table index written at iteration k, for k = 0, 1, …: an int, or an array (S,) with a leading seed axis."""


class AM2State(NamedTuple):
    """Iterate x, table (m, *shape of x) of past points, and the number of steps done."""

    x: Array
    table: Array
    k: int


def am2(momentum: float = 0.9, m: int = 5, weight_decay: float = 0.0, *, indices: Indices) -> Rule:
    """AM2-SGD (Algorithm 4).

    With j and j′ the indices of this iteration and the next: old ← φ_j; φ_j ← x − ηg; x ← φ_j + β(φ_{j′} − old), φ_{j′} read
    after the write. Option I is x (the paper advises against it), option II the mean of the table. ``indices`` needs one
    entry more than there are steps; :class:`amrobust.rules.IndexStream` draws them.
    """
    index_of = indices if callable(indices) else indices.__getitem__

    def where(k: int) -> Any:
        index = index_of(k)
        # With a seed axis, row s of the iterate uses row index[s] of the table.
        return index if np.ndim(index) == 0 else (index, np.arange(len(index)))

    def init(x0: Array, k: int = 0) -> AM2State:
        return AM2State(x0, x0[None][np.zeros(m, dtype=np.int64)], k)

    def step(state: AM2State, gradient: Array, lr: float) -> AM2State:
        here, following = where(state.k), where(state.k + 1)
        old = state.table[here]
        point = state.x - lr * (gradient + weight_decay * state.x)
        table = state.table + 0.0
        table[here] = point
        return AM2State(point + momentum * (table[following] - old), table, state.k + 1)

    def outputs(state: AM2State) -> dict[str, Array]:
        return {"I": state.x, "II": state.table.mean(0)}

    def renew(state: AM2State, point: Array) -> AM2State:
        return init(point, state.k)

    return Rule("am2", init, step, outputs, renew=renew)
