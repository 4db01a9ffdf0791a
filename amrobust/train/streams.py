"""Named random streams: every source of randomness has its own, fixed by what it is for; which of them make seeds differ."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from amrobust.errors import UserError
from amrobust.runs.spec import canonical_json

if TYPE_CHECKING:
    from amrobust.runs.spec import Spec
    from amrobust.train.optimizer import Optimizer
    from amrobust.workloads import Workload

Stream = Literal["x0", "order", "augmentation", "dropout", "noise", "rule", "rounding"]

ROUNDING: Final = "rounding"
"""The stream of the one bit of its starting point that a seed changes, where nothing else varies."""


def _words(text: str) -> list[int]:
    """Eight 32-bit integers that stand for ``text``: its SHA-256, the same on every platform and in every version."""
    digest = hashlib.sha256(text.encode()).digest()
    return [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 32, 4)]


def sequence(root_seed: int, stream: Stream, *key: str | int | None) -> np.random.SeedSequence:
    """The seed sequence of (root seed, stream, key). Raises ValueError on a negative root seed."""
    return np.random.SeedSequence([root_seed, *_words(canonical_json([stream, *key]))])


def seed_sequence(spec: Spec, stream: Stream, seed: int) -> np.random.SeedSequence:
    """The stream of one seed of one method; paired methods share it, so the method is left out of its key.

    Where another stream is the only one that varies, it is that of seed 0.
    """
    chosen = seed if spec.vary in (None, stream) else 0
    return sequence(spec.root_seed, stream, None if spec.paired else spec.method_key, chosen)


def x0_index(spec: Spec, seed: int) -> int:
    """Which starting point a seed has: the spec's, or one of its own where the starting point is what varies."""
    return seed if spec.vary == "x0" else spec.x0_index


def x0_sequence(spec: Spec, seed: int = 0) -> np.random.SeedSequence:
    """The stream of a seed's starting point: the same for every method, and for every seed unless x0 is what varies."""
    return sequence(spec.root_seed, "x0", spec.workload, x0_index(spec, seed))


def integer(source: np.random.SeedSequence) -> int:
    """A 63-bit integer seed from a sequence, for generators that are not NumPy's."""
    return int(source.generate_state(1, np.uint64)[0] >> np.uint64(1))


def streams_of(workload: Workload, params: Mapping[str, Any], optimizer: Optimizer) -> tuple[str, ...]:
    """The streams in which two seeds of ``optimizer`` on ``workload`` can differ, of :data:`amrobust.runs.spec.STREAMS`."""
    match workload.kind:
        case "convex":
            found: tuple[str, ...] = ("noise",)
        case "language":
            found = ("x0", "order", "dropout")
        case _:
            found = ("x0", "order", "augmentation") if params.get("augment") else ("x0", "order")
    found = (*found, "rule") if optimizer.draws_numbers else found
    return found if workload.kind == "convex" else (*found, ROUNDING)


def require_stream(stream: str, workload: Workload, params: Mapping[str, Any], optimizer: Optimizer) -> None:
    """Raise UserError unless seeds of ``optimizer`` on ``workload`` can differ in ``stream``."""
    known = streams_of(workload, params, optimizer)
    if stream in known:
        return
    hint = ""
    if stream == "augmentation" and "augment" in params:
        hint = "; --param augment=true turns the augmentation on"
    if stream == "x0" and workload.kind == "convex":
        hint = "; --x0s runs several starting points"
    raise UserError(
        f"{optimizer.name} on {workload.name} has no stream {stream!r} that could vary: choose one of {', '.join(known)}{hint}"
    )
