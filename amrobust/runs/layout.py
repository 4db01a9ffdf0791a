"""Which seeds of a run were trained together: recorded with the run, no part of its identity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Batching = Literal["auto", "none", "stack"]

Block = tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """Blocks of seeds; each is trained as one computation, a block of one seed as the reference trains it.

    The layout of a run is provenance. Seeds draw the same random numbers in every layout; their results differ by rounding,
    which training amplifies.
    """

    batching: str | None
    """"none" or "stack"; None where a run was made before layouts were recorded."""
    blocks: tuple[Block, ...]
    note: str | None = None
    """Why seeds are not stacked although they were to be."""
