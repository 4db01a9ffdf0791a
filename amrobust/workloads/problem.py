"""Convex problems, F(x) = mean_i φ(⟨s_i, x⟩) + h(x) over a set X, on any backend, and noise of known size on the gradient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from amrobust.rules.prox import Euclidean, Prox
from amrobust.rules.rule import Array
from amrobust.workloads import backends

Points = NDArray[np.float64]

UNCONSTRAINED = Euclidean()


@dataclass(frozen=True)
class MarginLoss:
    """A loss φ(t) of the margin t = b⟨a, x⟩ and a φ′(t), elementwise, on NumPy arrays, torch tensors and JAX arrays alike.

    φ″ ≤ ``curvature``, or |φ′| ≤ ``kink`` where φ has none. Exactly one of ``curvature`` and ``kink`` is positive.
    """

    name: str
    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    curvature: float = 0.0
    kink: float = 0.0


def _logistic(margins: Array) -> Array:
    xp = array_namespace(margins)
    # About twice as fast as logaddexp on NumPy, whose exp and log1p are vectorised.
    return xp.log1p(xp.exp(-xp.abs(margins))) - xp.clip(margins, None, 0.0)


def _logistic_slope(margins: Array) -> Array:
    weights = array_namespace(margins).exp(
        margins
    )  # inf where it overflows, and then the slope is 0, as it should be
    weights += 1.0
    return -1.0 / weights


def _hinge(margins: Array) -> Array:
    return array_namespace(margins).clip(1.0 - margins, 0.0, None)


def _hinge_slope(margins: Array) -> Array:
    return -array_namespace(margins).astype(margins < 1.0, margins.dtype)


LOGISTIC = MarginLoss("logistic", _logistic, _logistic_slope, curvature=0.25)
"""φ(t) = log(1 + e^{−t})."""

HINGE = MarginLoss("hinge", _hinge, _hinge_slope, kink=1.0)
"""φ(t) = max(0, 1 − t), of slope 0 at the kink."""


class Objective:
    """A problem on a backend, in one precision: F and ∇f at each row of a point (S, d) of that backend."""

    def __init__(self, problem: Problem, backend: backends.Backend, precision: backends.Precision) -> None:
        self._margin, self._prox = problem.margin, problem.prox
        self._matrix = backend.matrix(problem.signed_rows, precision)

    def loss(self, x: Array) -> Array:
        """F = f + h, shape (S,)."""
        return self._matrix.mean(x, self._margin.value) + self._prox.h(x)

    def gradient(self, x: Array) -> Array:
        """∇f, or a subgradient, shape (S, d)."""
        return self._matrix.mean_gradient(x, self._margin.slope)


@dataclass(frozen=True, eq=False)
class Problem:
    """F(x) = mean_i φ(⟨s_i, x⟩) + h(x); ``signed_rows`` holds s_i = b_i a_i, shape (samples, features).

    φ is ``margin``; h, the set X and the geometry are those of ``prox``.
    """

    signed_rows: Points
    margin: MarginLoss = LOGISTIC
    prox: Prox = UNCONSTRAINED

    @property
    def dimension(self) -> int:
        """d."""
        return int(self.signed_rows.shape[1])

    @property
    def constrained(self) -> bool:
        """Whether a step is more than z − αg: there is an h, a set X, or another geometry."""
        return self.prox != UNCONSTRAINED

    @property
    def centre(self) -> Points:
        """The point of X where runs start: 0, or the uniform distribution on a simplex."""
        zero = np.zeros(self.dimension)
        return zero if self.prox.contains(zero) else np.full(self.dimension, 1 / self.dimension)

    @cached_property
    def L(self) -> float:
        """A smoothness constant in the norm of ``prox``: φ″ ≤ c gives c · mean_i ‖s_i‖_*², 1/4 for rows of unit length."""
        return self.margin.curvature * float((self.prox.dual_norm(self.signed_rows) ** 2).mean())

    @cached_property
    def M(self) -> float:
        """Twice a Lipschitz constant where φ has a kink, mean_i ‖s_i‖_*; else 0."""
        return 2 * self.margin.kink * float(self.prox.dual_norm(self.signed_rows).mean())

    def on(self, backend: backends.Backend, precision: backends.Precision = "float64") -> Objective:
        """The problem as functions of that backend's arrays, prepared once."""
        return _objective(self, backend, precision)

    def loss(self, x: Points) -> Points:
        """F at each row of ``x`` (S, d): shape (S,)."""
        return np.asarray(self.on(backends.get()).loss(x))

    def gradient(self, x: Points) -> Points:
        """∇f, or a subgradient, at each row of ``x``: shape (S, d)."""
        with backends.get().computing():
            return np.asarray(self.on(backends.get()).gradient(x))


@lru_cache(maxsize=4)
def _objective(problem: Problem, backend: backends.Backend, precision: backends.Precision) -> Objective:
    return Objective(problem, backend, precision)


def sphere_noise(generator: np.random.Generator, steps: int, dimension: int, radius: float) -> Points:
    """``steps`` points drawn uniformly from the sphere of the given radius in R^dimension."""
    noise = generator.standard_normal((steps, dimension))
    noise *= radius / np.linalg.norm(noise, axis=1, keepdims=True)
    return noise
