"""Theorems 1 and 2: the parameters they prescribe and the bounds they prove, for the rules of :mod:`amrobust.rules.general`.

Both theorems step with α = η/(1 − β) at a constant η = λ/L, which is the rules' learning rate: :func:`theorem1_lr` with
:func:`theorem1_momentum`, :func:`theorem2_lr` with :func:`theorem2_momentum`. The bounds hold against any comparator u in X
in the place of x*, with V = V_d(u, x0) and F(u): a problem without a minimiser is measured against the best point of a ball.

    >>> setting = Setting(iterations=1000, V=350.0, sigma=2.0, L=0.25)
    >>> round(k0(setting, 1), 2), round(k0(setting, 1000), 2), best_m(setting)
    (13.38, 9.6, 1000)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", float, NDArray[np.float64])


@dataclass(frozen=True)
class Setting:
    """What the bounds depend on besides m. Raises ValueError on a value out of range.

    ``iterations``: K, gradients taken. ``V``: V_d(x*, x0), for the Euclidean setups ‖x* − x0‖²/2. ``sigma``: σ with
    E‖g(x) − ∇f(x)‖²_* ≤ σ². ``L`` and ``M``: f(y) − f(x) − ⟨∇f(x), y − x⟩ ≤ (L/2)‖y − x‖² + M‖y − x‖, so that M = 0 for
    a smooth f, and L = 0, M = 2·(Lipschitz constant) for one that is only Lipschitz. At least one of σ, L, M is positive.
    """

    iterations: int
    V: float
    sigma: float
    L: float
    M: float = 0.0

    def __post_init__(self) -> None:
        if not (self.iterations >= 1 and self.iterations == int(self.iterations)):
            raise ValueError(f"iterations = {self.iterations} is not a positive integer")
        if not 0 < self.V < math.inf:
            raise ValueError(f"V = {self.V} is not positive and finite")
        for name in ("sigma", "L", "M"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} = {getattr(self, name)} is not at least 0 and finite")
        if self.sigma == self.L == self.M == 0:
            raise ValueError("sigma, L and M are all 0: nothing bounds the step")


def theorem1_momentum(s: int) -> float:
    """β_s = s/(s + 2), the momentum of AM1-SGD's cycle s = 0, 1, … in Theorem 1.

    The proof telescopes over cycles because β_0 = 0 and, with α_s = η/(1 − β_s),

        α_{s+1} β_{s+1}/(1 − β_{s+1}) ≤ α_s/(1 − β_s),

    which here reads (s + 1)(s + 3) ≤ (s + 2)². It also needs α_s(1 − β_s) = η < 1/L, hence λ1 ≤ 2/3.
    """
    return s / (s + 2)


def theorem2_momentum(m: int) -> Callable[[int], float]:
    """β_k = (k/m)/(k/m + 2), the momentum of AM2-SGD's iteration k = 0, 1, … in Theorem 2.

    The proof telescopes over iterations because β_0 = 0 and, with α_k = η/(1 − β_k),

        α_{k+1}(1/(1 − β_{k+1}) − 1/m) ≤ α_k/(1 − β_k),

    which here reads (a + 1/m)² − (2/m)(a + 1/m) = a² − 1/m² ≤ a² at a = k/m + 2. It also needs η < 1/L.
    """
    return lambda k: (k / m) / (k / m + 2)


def theorem1_lr(setting: Setting, m: int) -> float:
    """λ1/L = min{2/(3L), √V / (√(2m)·√(σ² + M²)·(K/m + 1)^{3/2})}, the learning rate of Theorem 1.

    Defined for L = 0, and for σ = M = 0, too. Raises ValueError unless m ≥ 1 divides K.
    """
    _require_m(setting, m, divides=True)
    noise = math.hypot(setting.sigma, setting.M)
    cycles = setting.iterations // m
    return min(
        _quotient(2 / 3, setting.L),
        _quotient(math.sqrt(setting.V), math.sqrt(2 * m) * noise * math.pow(cycles + 1, 1.5)),
    )


def theorem2_lr(setting: Setting, m: int) -> float:
    """λ2/L = min{2/(3L), √V / (√m·(σ + M)·((K − 1)/m + 2)^{3/2})}, the learning rate of Theorem 2.

    Defined for L = 0, and for σ = M = 0, too. Raises ValueError unless m ≥ 1.
    """
    _require_m(setting, m)
    length = (setting.iterations - 1) / m + 2
    return min(
        _quotient(2 / 3, setting.L),
        _quotient(math.sqrt(setting.V), math.sqrt(m) * (setting.sigma + setting.M) * math.pow(length, 1.5)),
    )


def lambda1(setting: Setting, m: int) -> float:
    """λ1 = L · :func:`theorem1_lr`, at most 2/3. Raises ValueError where L = 0, of which only λ1/L is defined."""
    _require_smooth(setting)
    return setting.L * theorem1_lr(setting, m)


def lambda2(setting: Setting, m: int) -> float:
    """λ2 = L · :func:`theorem2_lr`, at most 2/3. Raises ValueError where L = 0, of which only λ2/L is defined."""
    _require_smooth(setting)
    return setting.L * theorem2_lr(setting, m)


def acceleration_term(setting: Setting, m: Number) -> Number:
    """6LmV/(K + m)², the part of K0 that Nesterov's acceleration makes small: it grows with m."""
    return 6 * setting.L * m * setting.V / (setting.iterations + m) ** 2


def noise_term(setting: Setting, m: Number) -> Number:
    """8√(2V)·√(σ² + M²)/√(K + m), the part of K0 that the noise is responsible for: it falls with m."""
    noise = math.hypot(setting.sigma, setting.M)
    return 8 * math.sqrt(2 * setting.V) * noise / _root(setting.iterations + m)


def k0(setting: Setting, m: Number) -> Number:
    """K0(m) = 6LmV/(K + m)² + 8√(2V)·√(σ² + M²)/√(K + m): Theorem 1a's bound on E[F(x̃_S)] − F*, S = K/m cycles."""
    return acceleration_term(setting, m) + noise_term(setting, m)


def best_m(setting: Setting) -> int:
    """The m in 1 … K at which K0 is smallest: 1 or K, since K0 is quasi-concave in m; 1 where both are equal."""
    return 1 if k0(setting, 1.0) <= k0(setting, float(setting.iterations)) else setting.iterations


def crossover(setting: Setting) -> float:
    """The √(σ² + M²) at which K0(1) = K0(K): above it m = K has the smaller bound, below it m = 1.

    (6LV/(8√(2V))) · (1/(4K) − 1/(K + 1)²) / (1/√(K + 1) − 1/√(2K)); ``setting.sigma`` and ``setting.M`` play no part. NaN
    for K = 1, where the two are one.
    """
    k = setting.iterations
    if k == 1:
        return math.nan
    gained = 1 / math.sqrt(k + 1) - 1 / math.sqrt(2 * k)
    lost = 1 / (4 * k) - 1 / (k + 1) ** 2
    return 6 * setting.L * setting.V * lost / (8 * math.sqrt(2 * setting.V) * gained)


def k1(setting: Setting, m: Number, deviation: float, diameter: float) -> Number:
    """K1(m, Λ) = 4√6·Λσ(√(3V) + D_X)/(3√(K + m)), Theorem 1b's deviation at Λ = ``deviation``.

    For a compact X with D_X = max_{x ∈ X} ‖x − x*‖ (``diameter``) and light tails, E exp(‖g(x) − ∇f(x)‖²_*/σ²) ≤ e:
    F(x̃_S) − F* > K0(m) + K1(m, Λ) has at most the probability :func:`deviation_probability` (Λ). It falls with m.
    """
    reach = math.sqrt(3 * setting.V) + diameter
    return 4 * math.sqrt(6) * deviation * setting.sigma * reach / (3 * _root(setting.iterations + m))


def deviation_probability(deviation: float) -> float:
    """e^{−Λ²/3} + e^{−Λ}, and 1 where that is larger: the most that a gap above K0 + K1 at Λ can have."""
    return min(1.0, math.exp(-(deviation**2) / 3) + math.exp(-deviation))


def deviation_of(probability: float) -> float:
    """The Λ at which :func:`deviation_probability` is ``probability``. Raises ValueError unless it is in [1e-300, 1)."""
    # 2/probability is finite.
    if not 1e-300 <= probability < 1:
        raise ValueError(f"a probability of {probability} is not between 0 and 1, or too near 0")
    from scipy.optimize import brentq

    half = math.log(2 / probability)
    root = brentq(
        lambda x: math.exp(-(x**2) / 3) + math.exp(-x) - probability, 0.0, max(half, math.sqrt(3 * half))
    )
    return float(root)


def theorem2_bound(setting: Setting, m: Number, gap: float) -> Number:
    """Theorem 2's bound on E[F(φ̄_K)] − F* for AM2-SGD, where F(x0) − F* = ``gap``.

    (4(m² − m)(F(x0) − F*) + 6LmV)/(K + 2m − 1)² + 8√V·(σ + M)/√(K + 2m − 1), for any m ≥ 1.
    """
    length = setting.iterations + 2 * m - 1
    start = 4 * (m**2 - m) * gap + 6 * setting.L * m * setting.V
    return start / length**2 + 8 * math.sqrt(setting.V) * (setting.sigma + setting.M) / _root(length)


def _root(x: Number) -> Number:
    root: Number = x**0.5
    return root


def _quotient(above: float, below: float) -> float:
    return above / below if below > 0 else math.inf


def _require_m(setting: Setting, m: int, *, divides: bool = False) -> None:
    if m < 1 or m != int(m):
        raise ValueError(f"m = {m} is not a positive integer")
    if divides and setting.iterations % m:
        raise ValueError(f"{setting.iterations} iterations are not whole cycles of m = {m}")


def _require_smooth(setting: Setting) -> None:
    if setting.L == 0:
        raise ValueError("L = 0: only the quotient λ/L is defined, which is the learning rate")
