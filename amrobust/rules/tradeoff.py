"""The trade-off of m: what Theorems 1 and 2 prescribe and prove, side by side for several m."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from amrobust.rules import theory
from amrobust.rules.theory import Setting


@dataclass(frozen=True)
class Bounds:
    """At one m: Theorem 1's λ1 and learning rate λ1/L, the two terms of K0, K0, and what else can be said.

    ``lambda1`` is None where L = 0; ``k1`` and ``with_deviation`` = K0 + K1 without D_X; ``theorem2_lr`` and ``theorem2``,
    AM2-SGD's learning rate and bound, without F(x0) − F*.
    """

    m: int
    lambda1: float | None
    lr: float
    acceleration: float
    noise: float
    k0: float
    k1: float | None = None
    with_deviation: float | None = None
    theorem2_lr: float | None = None
    theorem2: float | None = None


@dataclass(frozen=True)
class Extras:
    """What the bounds that not every problem has need: D_X and a probability for K1, F(x0) − F* for Theorem 2.

    Raises ValueError on a value out of range.
    """

    diameter: float | None = None
    probability: float = 0.05
    gap: float | None = None

    def __post_init__(self) -> None:
        if self.diameter is not None and not 0 <= self.diameter < float("inf"):
            raise ValueError(f"the diameter of X is at least 0 and finite, not {self.diameter}")
        if not 0 < self.probability < 1:
            raise ValueError(f"a probability of {self.probability} is not between 0 and 1")
        if self.gap is not None and not 0 <= self.gap < float("inf"):
            raise ValueError(f"F(x0) − F* is at least 0 and finite, not {self.gap}")


def tradeoff(setting: Setting, lengths: Iterable[int], extras: Extras) -> list[Bounds]:
    """The bounds at each m of ``lengths``. Raises ValueError on one that does not divide the iterations."""
    return [_at(setting, m, extras) for m in lengths]


def _at(setting: Setting, m: int, extras: Extras) -> Bounds:
    k0 = theory.k0(setting, m)
    k1 = theorem2 = theorem2_lr = None
    if extras.diameter is not None:
        k1 = theory.k1(setting, m, theory.deviation_of(extras.probability), extras.diameter)
    if extras.gap is not None:
        theorem2_lr, theorem2 = theory.theorem2_lr(setting, m), theory.theorem2_bound(setting, m, extras.gap)
    return Bounds(
        m=m,
        lambda1=theory.lambda1(setting, m) if setting.L else None,
        lr=theory.theorem1_lr(setting, m),
        acceleration=theory.acceleration_term(setting, m),
        noise=theory.noise_term(setting, m),
        k0=k0,
        k1=k1,
        with_deviation=None if k1 is None else k0 + k1,
        theorem2_lr=theorem2_lr,
        theorem2=theorem2,
    )
