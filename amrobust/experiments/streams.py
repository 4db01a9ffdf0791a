"""Named random streams: every source of randomness has its own, fixed by what it is for."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal

import numpy as np

from amrobust.experiments.spec import canonical_json

if TYPE_CHECKING:
    from amrobust.experiments.spec import Spec

Stream = Literal["x0", "order", "augmentation", "dropout", "noise", "rule"]


def _words(text: str) -> list[int]:
    """Eight 32-bit integers that stand for ``text``: its SHA-256, the same on every platform and in every version."""
    digest = hashlib.sha256(text.encode()).digest()
    return [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 32, 4)]


def sequence(root_seed: int, stream: Stream, *key: str | int | None) -> np.random.SeedSequence:
    """The seed sequence of (root seed, stream, key). Raises ValueError on a negative root seed."""
    return np.random.SeedSequence([root_seed, *_words(canonical_json([stream, *key]))])


def seed_sequence(spec: Spec, stream: Stream, seed: int) -> np.random.SeedSequence:
    """The stream of one seed of one method; paired methods share it, so the method is left out of its key."""
    return sequence(spec.root_seed, stream, None if spec.paired else spec.method_key, seed)


def x0_sequence(spec: Spec) -> np.random.SeedSequence:
    """The stream of the starting point: the same for every method and every seed."""
    return sequence(spec.root_seed, "x0", spec.workload, spec.x0_index)


def integer(source: np.random.SeedSequence) -> int:
    """A 63-bit integer seed from a sequence, for generators that are not NumPy's."""
    return int(source.generate_state(1, np.uint64)[0] >> np.uint64(1))
