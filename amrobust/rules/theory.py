"""The paper's parameter schedules (Theorems 1 and 2)."""

from __future__ import annotations

from collections.abc import Callable


def theorem1_momentum(s: int) -> float:
    """β_s = s/(s + 2), the momentum of AM1-SGD's cycle s = 0, 1, … in Theorem 1."""
    return s / (s + 2)


def theorem2_momentum(m: int) -> Callable[[int], float]:
    """β_k = (k/m)/(k/m + 2), the momentum of AM2-SGD's iteration k = 0, 1, … in Theorem 2."""
    return lambda k: (k / m) / (k / m + 2)
