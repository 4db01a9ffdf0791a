"""Optax's gradient transformations as update rules; they compute on JAX arrays alone."""

from __future__ import annotations

from typing import Any, NamedTuple

from amrobust.rules.rule import Array, Rule


class TransformedState(NamedTuple):
    """The iterate, and what the transformation remembers."""

    x: Array
    inner: Any


def transformed(transformation: Any, name: str = "optax") -> Rule:
    """x⁺ = x + u with (u, s⁺) = ``transformation.update(g, s, x)``: an ``optax.GradientTransformation`` as a rule.

    The learning rate is the transformation's own: the one of ``step`` is not looked at. A point is a vector (d,); of points
    (S, d) every row has a state of its own, so that norms over all coordinates are those of one seed.
    """
    import jax

    def of_rows(function: Any, x: Array) -> Any:
        return jax.vmap(function) if x.ndim > 1 else function

    def init(x0: Array) -> TransformedState:
        return TransformedState(x0, of_rows(transformation.init, x0)(x0))

    def advance(state: TransformedState, gradient: Array) -> TransformedState:
        updates, inner = of_rows(transformation.update, state.x)(gradient, state.inner, state.x)
        return TransformedState((state.x + updates).astype(state.x.dtype), inner)

    compiled = jax.jit(advance)

    def step(state: TransformedState, gradient: Array, lr: float) -> TransformedState:
        found: TransformedState = compiled(state, gradient)
        return found

    return Rule(name, init, step, lambda state: {"I": state.x}, backend="jax")
