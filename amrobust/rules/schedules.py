"""Learning-rate schedules: pure functions of the epoch (or step), and one that looks at the losses.

A schedule maps an epoch 0, 1, … to that epoch's rate::

    >>> rate = multi_step(0.1, (30, 60))
    >>> [rate(epoch) for epoch in (29, 30, 60)]
    [0.1, 0.01, 0.001]

The theorems' schedules are of α and β at a constant learning rate (:mod:`amrobust.rules.theory`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

Schedule = Callable[[float], float]


def constant(lr: float) -> Schedule:
    """``lr``, always."""
    return lambda epoch: lr


def multi_step(lr: float, milestones: Iterable[int], factor: float = 10.0) -> Schedule:
    """η_t = lr / factor^(number of milestones ≤ t).

    The formula of ``torch.optim.lr_scheduler.MultiStepLR`` with gamma = 1/factor. Raises ValueError unless the factor is
    positive.
    """
    _require(factor > 0, f"a learning rate is divided by something positive, not {factor}")
    drops = tuple(milestones)
    return lambda epoch: lr / factor ** sum(epoch >= drop for drop in drops)


def step(lr: float, every: int, factor: float = 10.0) -> Schedule:
    """η_t = lr / factor^⌊t / every⌋.

    The formula of ``torch.optim.lr_scheduler.StepLR`` with gamma = 1/factor. Raises ValueError unless both are positive.
    """
    _require(factor > 0, f"a learning rate is divided by something positive, not {factor}")
    _require(every >= 1, f"a learning rate drops every 1 or more epochs, not {every}")
    return lambda epoch: float(lr / factor ** (epoch // every))


def cosine(lr: float, epochs: int, final: float = 0.0) -> Schedule:
    """η_t = final + (lr − final)(1 + cos(πt/epochs))/2, and ``final`` from t = epochs on.

    The formula of ``torch.optim.lr_scheduler.CosineAnnealingLR`` with T_max = epochs, which would rise again behind them
    (Loshchilov and Hutter, "SGDR", ICLR 2017). Raises ValueError unless ``epochs`` is positive.
    """
    _require(epochs >= 1, f"a cosine schedule has 1 or more epochs, not {epochs}")
    return lambda epoch: final + (lr - final) * (1 + math.cos(math.pi * min(epoch, epochs) / epochs)) / 2


def linear(lr: float, steps: int, final: float = 0.0) -> Schedule:
    """η_t = lr + (final − lr)·t/steps, and ``final`` from t = steps on.

    The formula of ``torch.optim.lr_scheduler.LinearLR`` from factor 1 to final/lr. Raises ValueError unless ``steps`` is
    positive.
    """
    _require(steps >= 1, f"a linear schedule has 1 or more steps, not {steps}")
    return lambda step: lr + (final - lr) * min(step, steps) / steps


def warmup_stable_decay(lr: float, steps: int, decay: float = 0.2, final: float = 0.0) -> Schedule:
    """``lr`` until the last share ``decay`` of the steps, over which it falls linearly to ``final`` (with :func:`warmup`: WSD).

    η_t = lr for t ≤ (1 − decay)·steps, else final + (lr − final)(steps − t)/(decay·steps), and ``final`` from t = steps on.
    Hu et al., "MiniCPM" (2404.06395), which named it; Hägele et al., "Scaling Laws and Compute-Optimal Training Beyond Fixed
    Training Durations" (2405.18392). Raises ValueError unless ``steps`` is positive and ``decay`` in (0, 1].
    """
    _require(steps >= 1, f"a schedule has 1 or more steps, not {steps}")
    _require(0 < decay <= 1, f"the rate decays over a share above 0 and up to 1, not {decay}")
    return lambda step: final + (lr - final) * min(1.0, max(0.0, (steps - step) / (decay * steps)))


def one_cycle(lr: float, steps: int, rise: float = 0.3, begin: float = 25.0, end: float = 1e4) -> Schedule:
    """From lr/begin up to ``lr`` over the share ``rise`` of the steps, then down to lr/(begin·end), both along a cosine.

    The formula of ``torch.optim.lr_scheduler.OneCycleLR`` with its defaults (Smith and Topin, "Super-Convergence", 1708.07120):
    the top is reached at step rise·steps − 1, the bottom at the last one. Raises ValueError unless ``steps`` is positive.
    """
    _require(steps >= 1, f"a schedule has 1 or more steps, not {steps}")
    top, last = rise * steps - 1, steps - 1

    def rate(step: float) -> float:
        if step <= top:
            return _along_cosine(lr / begin, lr, step / top if top > 0 else 1.0)
        share = 1.0 if last <= top else min(1.0, (step - top) / (last - top))
        return _along_cosine(lr, lr / begin / end, share)

    return rate


def _along_cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * share))


def warmup(schedule: Schedule, steps: float) -> Schedule:
    """``schedule`` times min(1, (t + 1)/steps): the first step has a share 1/steps of its rate, the ``steps``-th all of it."""
    return lambda step: schedule(step) * (min(1.0, (step + 1) / steps) if steps > 0 else 1.0)


@dataclass(frozen=True)
class Plateau:
    """Divide the rate by ``factor`` after more than ``patience`` evaluations in a row that improved on nothing.

    An evaluation improves where its value is better than the best so far by more than the share ``threshold`` of it; a NaN
    never does. After a drop the count begins again and the best value stays. The rate does not fall below ``lowest``. The
    rule of ``torch.optim.lr_scheduler.ReduceLROnPlateau`` with threshold_mode "rel". Raises ValueError on a factor of 1
    or less, or a negative patience.
    """

    patience: int = 10
    factor: float = 10.0
    threshold: float = 1e-4
    better: Literal["lower", "higher"] = "lower"
    lowest: float = 0.0

    def __post_init__(self) -> None:
        _require(self.factor > 1, f"a plateau divides the learning rate by more than 1, not {self.factor}")
        _require(self.patience >= 0, f"patience is at least 0, not {self.patience}")

    def start(self, lr: float) -> PlateauState:
        """The state before the first evaluation."""
        return PlateauState(lr, math.inf if self.better == "lower" else -math.inf, 0)

    def observe(self, state: PlateauState, value: float) -> PlateauState:
        """The state after an evaluation that gave ``value``; its ``lr`` is the rate to go on with."""
        if self.better == "lower":
            improved = value < state.best * (1 - self.threshold)
        else:
            improved = value > state.best * (1 + self.threshold)
        if improved:
            return replace(state, best=value, waited=0)
        if state.waited + 1 <= self.patience:
            return replace(state, waited=state.waited + 1)
        return replace(state, lr=max(state.lr / self.factor, self.lowest), waited=0)


@dataclass(frozen=True)
class PlateauState:
    """The rate, the best value so far, and how many evaluations in a row did not improve on it."""

    lr: float
    best: float
    waited: int


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)
