"""Truncated back-propagation through time over one long text: columns, and windows of varying length."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SHORTEST = 5
"""No window but the last is shorter."""


def columns(tokens: NDArray[np.int64], batch: int) -> NDArray[np.int64]:
    """The text cut into ``batch`` columns that are read side by side: shape (steps, batch).

    Column b holds tokens b·steps … (b+1)·steps − 1; what does not fill the last column is left out. Raises ValueError where
    a column would have fewer than two tokens.
    """
    steps = len(tokens) // batch
    if steps < 2:
        raise ValueError(f"{len(tokens)} tokens do not make {batch} columns of two or more")
    return np.ascontiguousarray(tokens[: steps * batch].reshape(batch, steps).T)


def fixed_windows(steps: int, length: int) -> list[tuple[int, int]]:
    """(start, end) of windows of ``length`` inputs that cover the inputs 0 … steps − 2, each of which has a next token."""
    return [(start, min(start + length, steps - 1)) for start in range(0, steps - 1, length)]


def random_windows(steps: int, length: int, generator: np.random.Generator) -> list[tuple[int, int]]:
    """(start, end) of windows of varying length that cover the inputs 0 … steps − 2.

    A window's length is normal with standard deviation 5 around ``length`` (with probability 0.95) or half of it, rounded
    towards 0 and at least 5; the last window ends with the text. (Merity et al., 2018, Section 5; their implementation's
    numbers, which the paper uses.) Three numbers are taken from the generator for each possible window, in one call.
    """
    most = -(-(steps - 1) // SHORTEST)
    base = np.where(generator.random(most) < 0.95, length, length / 2)
    lengths = np.maximum(SHORTEST, generator.normal(base, 5).astype(np.int64))
    ends = np.minimum(np.cumsum(lengths), steps - 1)
    ends = ends[: int(np.searchsorted(ends, steps - 1)) + 1]
    starts = np.concatenate([[0], ends[:-1]])
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


def expected_windows(steps: int, length: int) -> int:
    """About how many windows :func:`random_windows` makes: inputs over the mean length, at least 1."""
    mean = 0.95 * length + 0.05 * length / 2 - 0.5
    return max(1, round((steps - 1) / max(mean, SHORTEST)))


def rescaled_rate(rate: float, window: tuple[int, int], length: int) -> float:
    """The learning rate for one window: ``rate`` times the window's length over the usual ``length``.

    A loss is the mean over the window's tokens, so that without it short windows would weigh more (Merity et al., 2018).
    """
    return rate * (window[1] - window[0]) / length
