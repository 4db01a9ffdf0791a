"""Losses of a margin t = b⟨a, x⟩, elementwise and with plain operators: on NumPy arrays, torch tensors and JAX arrays alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from array_api_compat import array_namespace

from amrobust.rules.rule import Array


@dataclass(frozen=True)
class MarginLoss:
    """φ(t) and a φ′(t), for margins of any shape; φ″ ≤ ``curvature``, or |φ′| ≤ ``kink`` where φ has none.

    Exactly one of ``curvature`` and ``kink`` is positive.
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
