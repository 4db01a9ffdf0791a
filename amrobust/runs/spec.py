"""What to run: one method's training on one workload, as data."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Value = int | float | str | bool | None

MAX_TEXT = 10_000
"""Characters of a text that is recorded."""
MAX_INTEGER = 2**63 - 1

LOCATIONS = ("data",)
"""Workload parameters that say where data lie, not what they are: the data's digest stands for them."""

STATISTICS_EVERY = "statistics_every"
"""A workload parameter: at every how many epochs batch-norm statistics are recomputed and measured with; 0: never."""

MEASURING = (STATISTICS_EVERY,)
"""Workload parameters that say what is measured of a training, and change nothing of it."""


def plain(value: Any) -> Any:
    """``value`` as Python's own number or text, which JSON has: NumPy's scalars, tensors without dimensions, subclasses.

    Anything else is given back as it is, for the caller to refuse.
    """
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        value = value.item()
    if isinstance(value, str):
        return str.__str__(value)
    for kind in (int, float):
        if isinstance(value, kind) and not isinstance(value, bool):
            return kind(value)
    return value


def can_be_recorded(value: Any) -> bool:
    """Whether ``value`` is one that a parameter can have: a finite number, of 64 bits where it is whole, a short text, ..."""
    if isinstance(value, str):
        return len(value) <= MAX_TEXT
    if isinstance(value, int):
        return abs(value) <= MAX_INTEGER
    return value is None or (isinstance(value, float) and math.isfinite(value))


STREAMS = {
    "x0": "the starting point",
    "order": "the order of the data",
    "augmentation": "the augmentation of the images",
    "dropout": "dropout",
    "noise": "the noise on the gradients",
    "rule": "the optimizer's own sampling",
    "rounding": "one bit of the starting point",
}
"""Every stream that can be the only one to vary, and what it is."""

VALIDATION = "validation"
"""A workload parameter: the share of the training set that is held out; None, the default, holds nothing out."""

ON_TEST, ON_VALIDATION = "test_", "validation_"
"""How the names of metrics begin."""


def canonical_json(value: Any) -> str:
    """Serialise ``value`` so that equal content gives equal text: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def content_digest(value: Any) -> str:
    """SHA-256 of the canonical JSON of ``value``, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


@dataclass(frozen=True)
class Spec:
    """One optimizer with its hyperparameters on one workload; which seeds are trained is not part of it.

    ``workload_params`` and ``hyperparameters`` are complete: every default is resolved before a Spec is made, so that a
    later change of a default changes the identity of new runs and of no old one.
    """

    workload: str
    workload_params: Mapping[str, Value]
    optimizer: str
    hyperparameters: Mapping[str, Value]
    root_seed: int = 0
    x0_index: int = 0
    paired: bool = False
    vary: str | None = None
    """The only random stream that differs from seed to seed, every other being that of seed 0; None: all differ."""

    def to_dict(self) -> dict[str, Any]:
        """The spec as plain JSON data; without ``vary`` where every stream differs."""
        data = {
            "workload": self.workload,
            "workload_params": dict(self.workload_params),
            "optimizer": self.optimizer,
            "hyperparameters": dict(self.hyperparameters),
            "root_seed": self.root_seed,
            "x0_index": self.x0_index,
            "paired": self.paired,
        }
        return data if self.vary is None else {**data, "vary": self.vary}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Spec:
        """Rebuild a spec from :meth:`to_dict`; raises TypeError on missing or unknown fields."""
        return cls(**data)

    def identity(self) -> dict[str, Any]:
        """What two equal runs have in common: :meth:`to_dict` without the places where data lie, and what is measured."""
        left_out = (*LOCATIONS, *MEASURING)
        params = {name: value for name, value in self.workload_params.items() if name not in left_out}
        return self.to_dict() | {"workload_params": params}

    @property
    def key(self) -> str:
        """Digest of what is trained and where its data lie: the same one for specs that differ in what is measured alone."""
        params = {name: value for name, value in self.workload_params.items() if name not in MEASURING}
        return content_digest(self.to_dict() | {"workload_params": params})

    @property
    def method_key(self) -> str:
        """The text that separates this method's random streams from every other's."""
        return canonical_json([self.optimizer, dict(self.hyperparameters)])
