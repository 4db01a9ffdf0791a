"""SGD that begins to average when the validation loss stops improving: the SGD+ASGD of the paper's Table 3."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from amrobust.rules.arrays import per_seed
from amrobust.rules.rule import Array, Rule


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
