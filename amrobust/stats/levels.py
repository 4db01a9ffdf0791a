"""Spread is confounded with level: other scales, and spread at equal means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from amrobust.stats.samples import Array, CannotEstimate, as_curves, as_floats, means, stds

Scale = Literal["none", "logit", "log"]


def to_scale(x: ArrayLike, scale: Scale, *, top: float = 1.0) -> Array:
    """``x`` on a scale on which a spread near a bound is not small for that alone.

    "logit": log(x/(top − x)) for shares, or percentages with ``top`` = 100; "log": log x for losses. Non-finite values stay.
    Raises CannotEstimate where a value lies on or beyond the bound, which has no such scale.
    """
    values = as_floats(x)
    if scale == "none":
        return values
    finite = values[np.isfinite(values)]
    if scale == "log":
        if (finite <= 0).any():
            raise CannotEstimate("the log scale needs values above 0")
        return np.asarray(np.log(values, where=np.isfinite(values), out=values.copy()))
    if ((finite <= 0) | (finite >= top)).any():
        raise CannotEstimate(
            f"the logit scale needs values between 0 and {top:g}, neither of them reached: compare a loss on the log scale"
        )
    shares = values / top
    return np.asarray(
        np.log(shares, where=np.isfinite(values), out=values.copy())
        - np.log(1 - shares, where=np.isfinite(values), out=np.zeros_like(values))
    )


@dataclass(frozen=True)
class MatchedLevel:
    """STDs over seeds of two methods read where their mean curves pass the same levels. Descriptive: no interval."""

    levels: Array
    first: Array
    """STD of the first method at each level."""
    second: Array

    @property
    def ratio(self) -> float:
        """Ratio of the mean STDs over the levels, first over second."""
        return float(self.first.mean() / self.second.mean())


def spread_at_matched_level(a: ArrayLike, b: ArrayLike, *, points: int = 20) -> MatchedLevel:
    """STD against mean at matched mean: a faster method sits nearer its ceiling, and varies less for that alone.

    The mean curves are made monotone by their running best (in the direction in which the first method moves); at ``points``
    levels spread evenly over the range that both pass through, each method's STD is interpolated linearly between the two
    epochs around. Raises CannotEstimate on curves of fewer than 2 epochs, where the two share no range of levels, and where one
    does not vary there.
    """
    first, second = as_curves(a), as_curves(b)
    if min(first.shape[1], second.shape[1]) < 2:
        raise CannotEstimate("a matched mean needs curves of at least 2 epochs")
    courses = [means(x) for x in (first, second)]
    sign = 1.0 if courses[0][-1] >= courses[0][0] else -1.0
    climbs = [np.maximum.accumulate(sign * course) for course in courses]
    low, high = max(climb[0] for climb in climbs), min(climb[-1] for climb in climbs)
    if not high > low:
        raise CannotEstimate("the two mean curves share no range of levels")
    levels = np.linspace(low, high, points)
    found = []
    for climb, x in zip(climbs, (first, second), strict=True):
        reached, where = np.unique(climb, return_index=True)
        spreads = stds(x)[where]
        largest = spreads.max()
        # Relative to the largest: a slope between two epochs must not overflow.
        found.append(largest * np.interp(levels, reached, spreads / largest) if largest > 0 else 0 * levels)
    if not all(np.isfinite(spreads).all() for spreads in found):
        raise CannotEstimate(
            "the mean curves move by less than can be computed with where they share a level"
        )
    if not all(spreads.any() for spreads in found):
        raise CannotEstimate("a method does not vary where the two mean curves share a level")
    return MatchedLevel(sign * levels, found[0], found[1])
