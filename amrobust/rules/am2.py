"""AM2-SGD: amortized momentum from a table of past points, sampled at random."""

from __future__ import annotations

from typing import NamedTuple

from amrobust.rules.arrays import written
from amrobust.rules.indices import Indices, initial_table, table_positions
from amrobust.rules.rule import Array, Rule


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
    where = table_positions(indices)

    def init(x0: Array, k: int = 0) -> AM2State:
        return AM2State(x0, initial_table(x0, m), k)

    def step(state: AM2State, gradient: Array, lr: float) -> AM2State:
        here, following = where(state.k), where(state.k + 1)
        old = state.table[here]
        point = state.x - lr * (gradient + weight_decay * state.x)
        table = written(state.table, here, point)
        return AM2State(point + momentum * (table[following] - old), table, state.k + 1)

    def outputs(state: AM2State) -> dict[str, Array]:
        return {"I": state.x, "II": state.table.mean(0)}

    def renew(state: AM2State, point: Array) -> AM2State:
        return init(point, state.k)

    return Rule("am2", init, step, outputs, renew=renew)
