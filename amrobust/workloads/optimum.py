"""The best point of a convex problem, to high accuracy and with a bound on how far above the minimum it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from amrobust.errors import RunError
from amrobust.rules.prox import L1, Ball, Box, Entropy, Prox, Simplex
from amrobust.workloads.problem import Points, Problem

ACCURACY = 1e-9
"""The largest error of F at a solution that is accepted."""

NEWTON_STEPS = 100
INNER_STEPS = 50_000


@dataclass(frozen=True)
class Comparator:
    """The point u against which ``gap``, F(x) − F(u), is taken: ``value`` is F(u), at most ``error`` above the minimum."""

    point: Points
    value: float
    error: float


def minimum(problem: Problem) -> Comparator:
    """The minimiser of F = f + h over X: a logistic f on a ball, on a simplex or with an ℓ1 term, or a hinge on a box.

    ``error`` is proved, not estimated: by convexity F(u) − F(v) ≤ ⟨∇f(u), u − v⟩ + h(u) − h(v), whose maximum over v is
    known in closed form; for a hinge it is the duality gap of the linear program. Raises RunError where it is above 1e-9.
    """
    if problem.margin.kink:
        point, error = _linear_program(problem)
    else:
        point = _proximal_newton(problem)
        error = _error(problem, point)
    if not error <= ACCURACY:
        raise RunError(
            f"the best point of the problem was found only to within {error:.1e} of its minimum, not {ACCURACY:.0e}"
        )
    return Comparator(point, float(problem.loss(point[None])[0]), max(error, 0.0))


def _error(problem: Problem, u: Points) -> float:
    """max_v ⟨∇f(u), u − v⟩ + h(u) − h(v) over X; with an ℓ1 term λ over ‖v‖₁ ≤ F(0)/λ, where every minimiser lies."""
    g, prox = problem.gradient(u[None])[0], problem.prox
    inner = float(g @ u)
    if isinstance(prox, Ball):
        return inner + float(prox.radius * np.linalg.norm(g))  # centred at 0
    if isinstance(prox, (Simplex, Entropy)):
        return inner - float(g.min())
    assert isinstance(prox, L1)
    reach = float(problem.loss(np.zeros((1, len(u))))[0]) / prox.strength
    excess = max(0.0, float(np.abs(g).max()) - prox.strength)
    return inner + float(prox.h(u)) + reach * excess


def _proximal_newton(problem: Problem) -> Points:
    """Minimise the quadratic model of f plus h over X, step towards it while F falls, until a step changes nothing.

    Lee, Sun and Saunders, "Proximal Newton-type methods", SIAM J. Optim. 24 (2014). Over a simplex the models are solved in
    the Euclidean geometry, whatever that of the problem is: the minimiser is the same.
    """
    prox = Simplex() if isinstance(problem.prox, Entropy) else problem.prox
    x, rows = problem.centre, problem.signed_rows
    value = float(problem.loss(x[None])[0])
    for _ in range(NEWTON_STEPS):
        sigmoid = 1 / (1 + np.exp(np.minimum(rows @ x, 700.0)))
        hessian = (rows.T * (sigmoid * (1 - sigmoid))) @ rows / len(rows)
        direction = _quadratic(prox, problem.gradient(x[None])[0], hessian, x) - x
        scale = 1.0
        while scale > 1e-10 and float(problem.loss((x + scale * direction)[None])[0]) > value:
            scale /= 2
        x = x + scale * direction
        value = float(problem.loss(x[None])[0])
        if np.abs(scale * direction).max() <= 1e-11 * max(1.0, np.abs(x).max()):
            break
    return np.asarray(prox.prox(x, 0.0 * x, 0.0))


def _quadratic(prox: Prox, g: Points, hessian: NDArray[np.float64], x: Points) -> Points:
    """argmin over X of ⟨g, z − x⟩ + (z − x)ᵀH(z − x)/2 + h(z), by accelerated proximal gradient steps with restarts.

    The restarts are O'Donoghue and Candès's (Found. Comput. Math. 15, 2015): where a step turns against the last one.
    """
    curvature = max(float(np.linalg.eigvalsh(hessian)[-1]), 1e-300)
    tolerance = 1e-13 * max(1.0, float(np.abs(x).max()))
    z, ahead, t = x, x, 1.0
    for _ in range(INNER_STEPS):
        model = (g + hessian @ (ahead - x)) / curvature
        following = prox.prox(ahead, model, 1 / curvature)
        moved = following - z
        if float((ahead - following) @ moved) > 0:
            t = 1.0
        t_next = (1 + np.sqrt(1 + 4 * t * t)) / 2
        ahead = following + (t - 1) / t_next * moved
        z, t = following, t_next
        if np.abs(moved).max() < tolerance:
            break
    return z


def _linear_program(problem: Problem) -> tuple[Points, float]:
    """min mean_i ξ_i over ξ_i ≥ 1 − ⟨s_i, x⟩, ξ ≥ 0 and the box, by HiGHS, and its duality gap."""
    from scipy.optimize import linprog
    from scipy.sparse import csr_array, eye_array, hstack

    prox, rows = problem.prox, problem.signed_rows
    assert isinstance(prox, Box)
    n, d = rows.shape
    solved = linprog(
        np.concatenate([np.zeros(d), np.full(n, 1 / n)]),
        A_ub=hstack([csr_array(-rows), -eye_array(n)]).tocsr(),
        b_ub=-np.ones(n),
        bounds=[(prox.low, prox.high)] * d + [(0, None)] * n,
        method="highs",
    )
    if solved.x is None:
        raise RunError(f"the best point of the problem could not be found: {solved.message}")
    point = np.clip(solved.x[:d], prox.low, prox.high)
    # The dual of max(0, 1 − t) at weights p in [0, 1/n]: min F ≥ Σp − bound · ‖Σ p_i s_i‖₁ on a box around 0.
    weights = np.clip(-solved.ineqlin.marginals, 0.0, 1 / n)
    lower = float(weights.sum() - prox.high * np.abs(weights @ rows).sum())
    return point, float(problem.loss(point[None])[0]) - lower
