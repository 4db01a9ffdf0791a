"""AM1-SGD and AM2-SGD in general form: any prox setup, any momentum schedule (Algorithms 1 and 3).

The step of both is written α = η/(1 − β): ``lr`` is η, in the same unit as for the Euclidean rules, whose trajectories these
are at constant β and h = 0. In the theorems η is constant too, η = λ1/L or λ2/L (:mod:`amrobust.rules.theory`); any other
α_s is given as η_s = α_s(1 − β_s).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from amrobust.rules.amortized import Indices, initial_table, table_positions
from amrobust.rules.prox import Euclidean, Prox
from amrobust.rules.rule import Array, Rule, set_at
from amrobust.rules.theory import theorem1_momentum, theorem2_momentum

Momentum = float | Callable[[int], float]
"""β, or β as a function of the cycle s (AM1) or the iteration k (AM2) = 0, 1, …; below 1."""

EUCLIDEAN = Euclidean()


def _schedule(momentum: Momentum) -> Callable[[int], float]:
    return momentum if callable(momentum) else lambda index: momentum


def _require_in_domain(prox: Prox, x0: Array) -> None:
    if not prox.contains(x0):
        raise ValueError(f"the starting point is not in the set of {prox}")


class GeneralAM1State(NamedTuple):
    """x, where the gradient is taken, prox point z, output x̃, Σ (z of this cycle), cycle s, and the position in it."""

    x: Array
    z: Array
    output: Array
    total: Array
    cycle: int
    position: int


def am1_general(momentum: Momentum = theorem1_momentum, m: int = 5, *, prox: Prox = EUCLIDEAN) -> Rule:
    """AM1-SGD, Algorithm 1. Option II, x̃, is the paper's output; option I is x.

    With α_s = η/(1 − β_s), in each iteration of cycle s: x = (1 − β_s)z + β_s x̃_s, z⁺ = Prox_{α_s h}(z, α_s g(x)); after m of
    them x̃_{s+1} = ((1 − β_s)/m) Σ z + β_s x̃_s. m = 1 is AC-SA, m = the number of iterations is mirror-descent SA.
    ``momentum`` is β, or a function of s; Theorem 1's by default. ``init`` raises ValueError where x0 is not in X.
    """
    beta_of = _schedule(momentum)

    def init(x0: Array) -> GeneralAM1State:
        _require_in_domain(prox, x0)
        return GeneralAM1State(x0, x0, x0, 0.0 * x0, 0, 0)

    def step(state: GeneralAM1State, gradient: Array, lr: float) -> GeneralAM1State:
        beta = beta_of(state.cycle)
        alpha = lr / (1.0 - beta)
        z = prox.prox(state.z, alpha * gradient, alpha)
        total = state.total + z
        if state.position + 1 < m:
            x = (1.0 - beta) * z + beta * state.output
            return state._replace(x=x, z=z, total=total, position=state.position + 1)
        output = ((1.0 - beta) / m) * total + beta * state.output
        following = beta_of(state.cycle + 1)
        x = (1.0 - following) * z + following * output
        return GeneralAM1State(x, z, output, 0.0 * total, state.cycle + 1, 0)

    def outputs(state: GeneralAM1State) -> dict[str, Array]:
        return {"I": state.x, "II": state.output}

    return Rule("am1_general", init, step, outputs)


class GeneralAM2State(NamedTuple):
    """x, where the gradient is taken, prox point z, table (m, *shape of x), steps since the start, steps in all."""

    x: Array
    z: Array
    table: Array
    k: int
    drawn: int


def am2_general(
    momentum: Momentum | None = None, m: int = 5, *, prox: Prox = EUCLIDEAN, indices: Indices
) -> Rule:
    """AM2-SGD, Algorithm 3. Option II, the mean of the table, is the paper's output; option I is x.

    With α_k = η/(1 − β_k) and j the index of iteration k: x = (1 − β_k)z + β_k φ_j, z⁺ = Prox_{α_k h}(z, α_k g(x)),
    φ_j ← (1 − β_k)z⁺ + β_k φ_j. ``momentum`` is β, or a function of k; None is Theorem 2's. ``indices`` as for
    :func:`amrobust.rules.am2`: one more than there are steps. ``init`` raises ValueError where x0 is not in X.
    """
    beta_of = _schedule(theorem2_momentum(m) if momentum is None else momentum)
    where = table_positions(indices)

    def reset(state: GeneralAM2State | None, point: Array) -> GeneralAM2State:
        _require_in_domain(prox, point)
        return GeneralAM2State(point, point, initial_table(point, m), 0, 0 if state is None else state.drawn)

    def step(state: GeneralAM2State, gradient: Array, lr: float) -> GeneralAM2State:
        here, following = where(state.drawn), where(state.drawn + 1)
        beta, beta_next = beta_of(state.k), beta_of(state.k + 1)
        alpha = lr / (1.0 - beta)
        z = prox.prox(state.z, alpha * gradient, alpha)
        table = set_at(state.table, here, (1.0 - beta) * z + beta * state.table[here])
        x = (1.0 - beta_next) * z + beta_next * table[following]
        return GeneralAM2State(x, z, table, state.k + 1, state.drawn + 1)

    def outputs(state: GeneralAM2State) -> dict[str, Array]:
        return {"I": state.x, "II": state.table.mean(0)}

    return Rule("am2_general", lambda x0: reset(None, x0), step, outputs, reset=reset)
