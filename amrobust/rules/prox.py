"""Prox setups: the geometry, the constraint set X and the simple term h of the general rules.

Each setup has a distance generating function d, 1-strongly convex in its ``norm``, and h, and answers in closed form

    Prox_{αh}(z, G) = argmin_{u ∈ X} V(u, z) + ⟨G, u⟩ + αh(u),    V(u, z) = d(u) − d(z) − ⟨∇d(z), u − z⟩.

Points are vectors (d,), or rows (S, d) each of which is treated for itself; α is a number, or an array (S, 1) of one a row.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from array_api_compat import array_namespace

from amrobust.rules.rule import Array, like

TOLERANCE = 1e-5
"""How far outside X, relative to the size of X, rounding may have put a point that still counts as in X."""


class Prox(Protocol):
    """A prox setup."""

    def divergence(self, u: Array, z: Array) -> Array:
        """V(u, z), shape () or (S,)."""

    def prox(self, z: Array, G: Array, alpha: Any) -> Array:
        """Prox_{αh}(z, G), in X."""

    def norm(self, x: Array) -> Array:
        """‖x‖, shape () or (S,)."""

    def dual_norm(self, g: Array) -> Array:
        """‖g‖_*, in which gradients, their noise σ and M are measured, shape () or (S,)."""

    def h(self, u: Array) -> Array:
        """h(u) at points of X, shape () or (S,)."""

    def contains(self, u: Array) -> bool:
        """Whether every row lies in X, up to rounding."""

    def reach(self, u: Array) -> float:
        """max_{x ∈ X} ‖x − u‖ for one point u: D_X of Theorem 1b at u = x*, infinite where X is not compact."""


def _sum(x: Array) -> Array:
    return array_namespace(x).sum(x, axis=-1)


class _Smooth:
    """h = 0."""

    def h(self, u: Array) -> Array:
        """0 at every point."""
        return like(u, np.zeros(u.shape[:-1]))


@dataclass(frozen=True)
class Euclidean(_Smooth):
    """X = R^d, d(x) = ‖x‖₂²/2, h = 0: V(u, z) = ‖u − z‖₂²/2 and Prox(z, G) = z − G."""

    def divergence(self, u: Array, z: Array) -> Array:
        """‖u − z‖₂²/2."""
        return 0.5 * _sum((u - z) ** 2)

    def prox(self, z: Array, G: Array, alpha: Any) -> Array:
        """z − G."""
        return z - G

    def norm(self, x: Array) -> Array:
        """‖x‖₂."""
        return _sum(x**2) ** 0.5

    def dual_norm(self, g: Array) -> Array:
        """‖g‖₂."""
        return self.norm(g)

    def contains(self, u: Array) -> bool:
        """True: nothing is left out."""
        return True

    def reach(self, u: Array) -> float:
        """Infinite."""
        return math.inf


@dataclass(frozen=True)
class L1(Euclidean):
    """Euclidean with h(x) = λ‖x‖₁, λ = ``strength``. Raises ValueError on a negative λ."""

    strength: float

    def __post_init__(self) -> None:
        if not self.strength >= 0:
            raise ValueError(f"the strength of an l1 term is at least 0, not {self.strength}")

    def prox(self, z: Array, G: Array, alpha: Any) -> Array:
        """Soft thresholding: v − clip(v, −αλ, αλ) at v = z − G."""
        v, threshold = z - G, alpha * self.strength
        return v - array_namespace(v).clip(v, -threshold, threshold)

    def h(self, u: Array) -> Array:
        """λ‖u‖₁."""
        return self.strength * _sum(array_namespace(u).abs(u))


@dataclass(frozen=True, eq=False)
class Box(Euclidean):
    """Euclidean on {x: low ≤ x ≤ high}; bounds are numbers or vectors (d,). Raises ValueError where low > high."""

    low: Any
    high: Any

    def __post_init__(self) -> None:
        if not np.all(np.less_equal(self.low, self.high)):
            raise ValueError("a box needs low <= high in every coordinate")

    def prox(self, z: Array, G: Array, alpha: Any) -> Array:
        """z − G, clipped."""
        v = z - G
        return array_namespace(v).clip(v, like(v, self.low), like(v, self.high))

    def contains(self, u: Array) -> bool:
        """low ≤ u ≤ high."""
        slack = TOLERANCE * np.maximum(np.abs(self.low), np.abs(self.high))
        slack = np.where(np.isfinite(slack), slack, 0.0)
        return bool(((u >= like(u, self.low - slack)) & (u <= like(u, self.high + slack))).all())

    def reach(self, u: Array) -> float:
        """The distance of the farthest corner, each coordinate at the bound that is farther from u's."""
        xp = array_namespace(u)
        return float(self.norm(xp.maximum(u - like(u, self.low), like(u, self.high) - u)))


@dataclass(frozen=True, eq=False)
class Ball(Euclidean):
    """Euclidean on {x: ‖x − centre‖₂ ≤ radius}; the centre is a number or a vector (d,).

    Raises ValueError unless the radius is positive.
    """

    radius: float
    centre: Any = 0.0

    def __post_init__(self) -> None:
        if not self.radius > 0:
            raise ValueError(f"the radius of a ball is positive, not {self.radius}")

    def prox(self, z: Array, G: Array, alpha: Any) -> Array:
        """z − G, moved straight towards the centre where it lies outside."""
        centre = like(z, self.centre)
        v = z - G - centre
        length = self.norm(v)[..., None]
        return centre + v * (self.radius / array_namespace(v).clip(length, self.radius, None))

    def contains(self, u: Array) -> bool:
        """‖u − centre‖₂ ≤ radius."""
        return bool((self.norm(u - like(u, self.centre)) <= self.radius * (1 + TOLERANCE)).all())

    def reach(self, u: Array) -> float:
        """radius + ‖u − centre‖₂, straight through the centre."""
        return self.radius + float(self.norm(u - like(u, self.centre)))


def _in_simplex(u: Array) -> bool:
    xp = array_namespace(u)
    return bool((u >= -TOLERANCE).all() & (xp.abs(_sum(u) - 1.0) <= TOLERANCE).all())


@dataclass(frozen=True)
class Simplex(Euclidean):
    """Euclidean on the probability simplex {x ≥ 0, Σx = 1}."""

    def prox(self, z: Array, G: Array, alpha: Any) -> Array:
        """The projection max(v − τ, 0) of v = z − G, τ = max_i (v_(1) + … + v_(i) − 1)/i over v sorted downwards.

        Duchi, Shalev-Shwartz, Singer and Chandra (ICML 2008). The ratio rises until the last positive coordinate and falls
        behind it, so that its maximum is their threshold.
        """
        v = z - G
        xp = array_namespace(v)
        totals = xp.cumulative_sum(xp.sort(v, axis=-1, descending=True), axis=-1) - 1.0
        tau = xp.max(totals / like(v, np.arange(1, v.shape[-1] + 1)), axis=-1, keepdims=True)
        return xp.clip(v - tau, 0.0, None)

    def contains(self, u: Array) -> bool:
        """u ≥ 0 and Σu = 1."""
        return _in_simplex(u)

    def reach(self, u: Array) -> float:
        """√(‖u‖₂² − 2 min u + 1), the distance of the corner of u's smallest coordinate."""
        return float((_sum(u**2) - 2 * u.min() + 1) ** 0.5)


def _log(x: Array) -> Array:
    """log x, of 0 the logarithm of the smallest normal number: a coordinate that has underflowed can come back."""
    xp = array_namespace(x)
    return xp.log(xp.clip(x, float(xp.finfo(x.dtype).smallest_normal), None))


@dataclass(frozen=True)
class Entropy(_Smooth):
    """The probability simplex with d(x) = Σ x log x, 1-strongly convex in ‖·‖₁ (Pinsker's inequality)."""

    def divergence(self, u: Array, z: Array) -> Array:
        """The Kullback-Leibler divergence Σ u log(u/z), with 0 log 0 = 0."""
        return _sum(u * (_log(u) - _log(z)))

    def prox(self, z: Array, G: Array, alpha: Any) -> Array:
        """u ∝ z exp(−G): formed as log z − G, less its largest entry, so that no exponential overflows."""
        xp = array_namespace(z)
        logs = _log(z) - G
        weights = xp.exp(logs - xp.max(logs, axis=-1, keepdims=True))
        return weights / xp.sum(weights, axis=-1, keepdims=True)

    def norm(self, x: Array) -> Array:
        """‖x‖₁."""
        return _sum(array_namespace(x).abs(x))

    def dual_norm(self, g: Array) -> Array:
        """‖g‖_∞."""
        xp = array_namespace(g)
        return xp.max(xp.abs(g), axis=-1)

    def contains(self, u: Array) -> bool:
        """u ≥ 0 and Σu = 1."""
        return _in_simplex(u)

    def reach(self, u: Array) -> float:
        """2(1 − min u), the distance of the corner of u's smallest coordinate."""
        return 2 * (1 - float(u.min()))
