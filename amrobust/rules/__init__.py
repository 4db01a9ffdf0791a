"""The definition of every update rule, as pure functions over arrays.

A rule works on NumPy arrays, torch tensors and JAX arrays alike, and on a batch of seeds along a leading axis::

    >>> import numpy as np
    >>> from amrobust import rules
    >>> rule = rules.make("am1", momentum=0.9, m=2)
    >>> state = rule.init(np.array([1.0, -2.0]))
    >>> for _ in range(4):
    ...     state = rule.step(state, state.x, lr=0.1)  # the gradient of |x|²/2 is x
    >>> sorted(rule.outputs(state))
    ['I', 'II']

``RULES`` lists them by name. :func:`tail_average` and :func:`suffix_average` average any of them, :func:`wrapped` puts one into
a wrapper of ``WRAPPERS`` (the averaging family), :func:`transformed` makes one of an optax transformation. The general rules
take a prox setup (:mod:`~amrobust.rules.prox`); :mod:`~amrobust.rules.schedules` has learning rates,
:mod:`~amrobust.rules.theory` the paper's theorems.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amrobust.rules.adaptive import adamw
from amrobust.rules.amortized import IndexStream, am1, am2, hybrid
from amrobust.rules.averaging import ntasgd, suffix_average, tail_average
from amrobust.rules.general import am1_general, am2_general
from amrobust.rules.momentum import aggmo, aggmo_betas, cm, msgd, msgd_tf, omsgd, qhm, sgd
from amrobust.rules.prox import L1, Ball, Box, Entropy, Euclidean, Prox, Simplex
from amrobust.rules.rule import Rule
from amrobust.rules.transformed import transformed
from amrobust.rules.wrappers import (
    WRAPPERS,
    Wrapper,
    amortized,
    ema,
    gpa,
    lookahead,
    schedule_free,
    swa,
    tail,
    wrapped,
)

RULES: dict[str, Callable[..., Rule]] = {
    "sgd": sgd,
    "ntasgd": ntasgd,
    "msgd": msgd,
    "omsgd": omsgd,
    "msgd_tf": msgd_tf,
    "cm": cm,
    "aggmo": aggmo,
    "qhm": qhm,
    "adamw": adamw,
    "am1": am1,
    "am2": am2,
    "hybrid": hybrid,
    "am1_general": am1_general,
    "am2_general": am2_general,
}


def make(name: str, **hyperparameters: Any) -> Rule:
    """The rule called ``name`` with its hyperparameters; KeyError if there is none of that name."""
    return RULES[name](**hyperparameters)


__all__ = [
    "L1",
    "RULES",
    "WRAPPERS",
    "Ball",
    "Box",
    "Entropy",
    "Euclidean",
    "IndexStream",
    "Prox",
    "Rule",
    "Simplex",
    "Wrapper",
    "adamw",
    "aggmo",
    "aggmo_betas",
    "am1",
    "am1_general",
    "am2",
    "am2_general",
    "amortized",
    "cm",
    "ema",
    "gpa",
    "hybrid",
    "lookahead",
    "make",
    "msgd",
    "msgd_tf",
    "ntasgd",
    "omsgd",
    "qhm",
    "schedule_free",
    "sgd",
    "suffix_average",
    "swa",
    "tail",
    "tail_average",
    "transformed",
    "wrapped",
]
