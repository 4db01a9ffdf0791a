"""Averages of iterates without amortized momentum: over any rule's last iterations, and from a trigger on (NT-ASGD).

AM1-SGD's output is a tail average and its momentum the difference of two; M-SGD under :func:`tail_average` has the first
of the two ingredients alone, and AM1-SGD's option I the second.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from amrobust.rules.rule import Array, Rule, State, per_seed


class TailState(NamedTuple):
    """The rule's own state and its x, and the outputs that are averaged, the latest last."""

    x: Array
    inner: State
    latest: tuple[dict[str, Array], ...] = ()


def tail_average(rule: Rule, window: int) -> Rule:
    """``rule`` with each of its outputs replaced by the mean of that output after each of the last ``window`` steps.

    x0 is no step's output: while fewer steps are done, the mean is over those, and before the first it is x0. The window
    is kept, ``window`` arrays for each output, so that the mean is exact and forgets what has left it. A restart empties
    it; "output" restarts from the mean. Raises ValueError on a window below 1.
    """
    if window < 1:
        raise ValueError(f"a tail average is over at least 1 iterate, not {window}")

    def init(x0: Array) -> TailState:
        return TailState(x0, rule.init(x0))

    def step(state: TailState, gradient: Array, lr: float) -> TailState:
        inner = rule.step(state.inner, gradient, lr)
        return TailState(inner.x, inner, (*state.latest, rule.outputs(inner))[-window:])

    def outputs(state: TailState) -> dict[str, Array]:
        if not state.latest:
            return rule.outputs(state.inner)
        return {name: _mean([point[name] for point in state.latest]) for name in state.latest[-1]}

    def observe(state: TailState, loss: float) -> TailState:
        return state._replace(inner=rule.observe(state.inner, loss))

    def reset(state: TailState, point: Array) -> TailState:
        return TailState(point, rule.reset_to(state.inner, point))

    return Rule(f"tail_average({rule.name}, {window})", init, step, outputs, observe, reset, rule.backend)


class SuffixState(NamedTuple):
    """The rule's own state and its x, the steps done, and the mean of each output since the step where averaging starts."""

    x: Array
    inner: State
    steps: int
    means: dict[str, Array]


def suffix_average(rule: Rule, start: int = 0) -> Rule:
    """``rule`` with each of its outputs replaced by the mean of that output after each step from the ``start``-th on.

    Steps count from 0, so that ``start`` = 0 averages over all of them and ``start`` = (1 − a)K over the last share a of
    K (a-suffix averaging; Rakhlin, Shamir and Sridharan, ICML 2012). Until then the outputs are the rule's own. One
    array for each output is kept. A restart begins the count again. Raises ValueError on a negative start.
    """
    if start < 0:
        raise ValueError(f"averaging starts at step 0 or later, not {start}")

    def init(x0: Array) -> SuffixState:
        inner = rule.init(x0)
        return SuffixState(x0, inner, 0, rule.outputs(inner))

    def step(state: SuffixState, gradient: Array, lr: float) -> SuffixState:
        inner = rule.step(state.inner, gradient, lr)
        means, averaged = rule.outputs(inner), state.steps - start
        if averaged > 0:
            means = {
                name: state.means[name] + (point - state.means[name]) / (averaged + 1)
                for name, point in means.items()
            }
        return SuffixState(inner.x, inner, state.steps + 1, means)

    def observe(state: SuffixState, loss: float) -> SuffixState:
        return state._replace(inner=rule.observe(state.inner, loss))

    def reset(state: SuffixState, point: Array) -> SuffixState:
        inner = rule.reset_to(state.inner, point)
        return SuffixState(point, inner, 0, rule.outputs(inner))

    return Rule(
        f"suffix_average({rule.name}, {start})",
        init,
        step,
        lambda state: state.means,
        observe,
        reset,
        rule.backend,
    )


def _mean(points: list[Array]) -> Array:
    total = points[0]
    for point in points[1:]:
        total = total + point
    return total / len(points)


class NTASGDState(NamedTuple):
    """Iterate x, its average, whether averaging is on and over how many iterates so far, and the losses observed.

    ``on`` and ``count`` are numbers, or arrays (S,) once the losses of S seeds have been observed.
    """

    x: Array
    average: Array
    on: Any = False
    count: Any = 0
    losses: tuple[NDArray[np.float64], ...] = ()


def ntasgd(nonmono: int = 5, weight_decay: float = 0.0) -> Rule:
    """SGD, x⁺ = x − η(g + λx), averaged from the moment at which the validation loss has stopped improving (NT-ASGD).

    ``observe(state, loss)`` after each evaluation is the trigger: averaging begins with the next iterate once more than
    ``nonmono`` losses came before and this one is above the best of them, the last ``nonmono`` left out; a NaN never
    triggers. Each seed has its own trigger when the losses are an array (S,). Option I is x, option II the mean of the
    iterates since the trigger, and x before it.

    Merity, Keskar and Socher, "Regularizing and Optimizing LSTM Language Models" (ICLR 2018), Algorithm 1.
    """

    def init(x0: Array) -> NTASGDState:
        return NTASGDState(x0, x0)

    def step(state: NTASGDState, gradient: Array, lr: float) -> NTASGDState:
        x = state.x - lr * (gradient + weight_decay * state.x)
        count = state.count + state.on
        if not np.any(count > 1):
            return state._replace(x=x, average=x, count=count)
        weight = per_seed(x, 1.0 / np.maximum(count, 1))
        # Weight 1 gives x itself, for seeds that do not average yet.
        return state._replace(x=x, average=(1.0 - weight) * state.average + weight * x, count=count)

    def observe(state: NTASGDState, loss: Any) -> NTASGDState:
        loss = np.asarray(loss, dtype=np.float64)
        losses = (*state.losses, loss)
        if len(losses) <= nonmono + 1:
            return state._replace(losses=losses)
        best = np.fmin.reduce(losses[: -nonmono - 1])
        return state._replace(on=state.on | (loss > best), losses=losses)

    def outputs(state: NTASGDState) -> dict[str, Array]:
        return {"I": state.x, "II": state.average}

    return Rule("ntasgd", init, step, outputs, observe)
