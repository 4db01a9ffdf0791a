"""Amortized momentum: once every m steps (AM1-SGD), from a table of m points (AM2-SGD), and next to Nesterov's (hybrid)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from amrobust.rules.rule import Array, Rule, set_at


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


Indices = Callable[[int], Any] | Sequence[Any]
"""The table index written at iteration k, for k = 0, 1, …: an int, or an array (S,) with a leading seed axis."""

CHUNK = 1024


class IndexStream:
    """Independent uniform indices from {0, …, m − 1}: ``stream(k)`` is the index of iteration k, whenever it is asked for.

    ``seed`` is one seed, giving an int for each k, or a sequence of S seeds, giving an array (S,) whose entry s is what
    seed s alone would give. Chunk c is drawn from ``numpy.random.default_rng([seed, c])``, so (seed, k) is the whole state.
    """

    def __init__(self, seed: int | Sequence[int], m: int) -> None:
        self.m = m
        self._single = isinstance(seed, (int, np.integer))
        self._seeds = [int(seed)] if isinstance(seed, (int, np.integer)) else [int(one) for one in seed]
        self._chunks: dict[int, NDArray[np.int64]] = {}

    def __call__(self, k: int) -> int | NDArray[np.int64]:
        """The index (or the S indices) of iteration k = 0, 1, …"""
        number, offset = divmod(k, CHUNK)
        if number not in self._chunks:
            drawn = [
                np.random.default_rng([seed, number]).integers(self.m, size=CHUNK) for seed in self._seeds
            ]
            # k and k + 1 are read together, so the previous chunk may still be wanted
            self._chunks = {n: chunk for n, chunk in self._chunks.items() if n == number - 1}
            self._chunks[number] = np.stack(drawn, axis=1)
        row = self._chunks[number][offset]
        return int(row[0]) if self._single else row


def initial_table(x0: Array, m: int) -> Array:
    """m copies of x0, shape (m, *shape of x0)."""
    return x0[None][np.zeros(m, dtype=np.int64)]


def table_positions(indices: Indices) -> Callable[[int], Any]:
    """Where iteration k writes: what a table of shape (m, *d), or (m, S, *d) with a seed axis, is indexed with."""
    index_of = indices if callable(indices) else indices.__getitem__

    def where(k: int) -> Any:
        index = index_of(k)
        # With a seed axis, row s of the iterate uses row index[s] of the table.
        return index if np.ndim(index) == 0 else (index, np.arange(len(index)))

    return where


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
        table = set_at(state.table, here, point)
        return AM2State(point + momentum * (table[following] - old), table, state.k + 1)

    def outputs(state: AM2State) -> dict[str, Array]:
        return {"I": state.x, "II": state.table.mean(0)}

    def reset(state: AM2State, point: Array) -> AM2State:
        return init(point, state.k)

    return Rule("am2", init, step, outputs, reset=reset)


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
