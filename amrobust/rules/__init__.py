"""The definition of every update rule, as pure functions over arrays.

A rule works on NumPy arrays and torch tensors alike, and on a batch of seeds along a leading axis::

    >>> import numpy as np
    >>> from amrobust import rules
    >>> rule = rules.make("am1", momentum=0.9, m=2)
    >>> state = rule.init(np.array([1.0, -2.0]))
    >>> for _ in range(4):
    ...     state = rule.step(state, state.x, lr=0.1)  # the gradient of |x|²/2 is x
    >>> sorted(rule.outputs(state))
    ['I', 'II']
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amrobust.rules.am1 import am1
from amrobust.rules.am2 import am2
from amrobust.rules.indices import IndexStream
from amrobust.rules.nesterov import msgd, omsgd
from amrobust.rules.rule import Rule
from amrobust.rules.sgd import cm, sgd

RULES: dict[str, Callable[..., Rule]] = {
    "sgd": sgd,
    "msgd": msgd,
    "omsgd": omsgd,
    "cm": cm,
    "am1": am1,
    "am2": am2,
}


def make(name: str, **hyperparameters: Any) -> Rule:
    """The rule called ``name`` with its hyperparameters; KeyError if there is none of that name."""
    return RULES[name](**hyperparameters)


__all__ = ["RULES", "IndexStream", "Rule", "am1", "am2", "cm", "make", "msgd", "omsgd", "sgd"]
