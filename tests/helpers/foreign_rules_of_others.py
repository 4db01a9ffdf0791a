"""Update rules as people write them, to be named by path."""

from typing import Any, NamedTuple

from array_api_compat import array_namespace

from amrobust.rules import Rule


class State(NamedTuple):
    x: Any
    mean: Any


def _step(state, gradient, lr):
    return State(state.x - lr * gradient, 0.9 * state.mean + 0.1 * state.x)


def averaged(weights=(0.9, 0.1), power=1.0, *, steps=3):
    """Gradient descent with a running mean as its second output."""

    def step(state, gradient, lr):
        assert isinstance(steps, int)
        x = state.x - lr * gradient * power
        return State(x, weights[0] * state.mean + weights[1] * x)

    return Rule("averaged", lambda x0: State(x0, x0), step, lambda state: {"I": state.x, "II": state.mean})


def signed(scale=1.0):
    """The sign of the gradient."""

    def step(state, gradient, lr):
        return State(state.x - lr * scale * array_namespace(gradient).sign(gradient), state.mean)

    return Rule("signed", lambda x0: State(x0, x0), step, lambda state: {"I": state.x})


def needy(horizon):
    return signed(horizon)


def of_torch():
    return Rule("of_torch", lambda x0: State(x0.clone(), x0), _step, lambda state: {"I": state.x})


def nothing():
    return None


def third():
    return Rule("third", lambda x0: State(x0, x0), _step, lambda state: {"III": state.x})


def shrinking():
    return Rule("shrinking", lambda x0: State(x0, x0), _step, lambda state: {"I": state.x[:1]})


def picky(order=1):
    if order > 2:
        raise ValueError("order is 1 or 2")
    return signed()


not_a_function = 3
