"""An update rule that a package announces."""

from typing import Any, NamedTuple

from array_api_compat import array_namespace

from amrobust.rules import Rule


class Clipped(NamedTuple):
    """The iterate."""

    x: Any


def clipped(bound=1.0):
    """SGD on gradients whose norm is at most ``bound``, seed by seed."""

    def step(state, gradient, lr):
        xp = array_namespace(gradient)
        norm = xp.sqrt(xp.sum(gradient**2, axis=-1, keepdims=True))
        return Clipped(state.x - lr * gradient / xp.clip(norm / bound, 1.0, None))

    return Rule("clipped", Clipped, step, lambda state: {"I": state.x})
