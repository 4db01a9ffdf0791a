"""What levels, error rates, probabilities, margins, thresholds and counts may be: one check of each, wherever it comes from."""

from __future__ import annotations

from math import isfinite

import numpy as np

from amrobust.stats.samples import CannotEstimate

LEAST_TAIL = 1e-12
"""The smallest error rate or probability, and the least that a level lies below 1.

A level is stored as 1 − α, to 10⁻¹⁶: nearer to 1 the digits of α are lost, its quantiles run to infinity, and an interval that
is looked for by its p-values has no end. It is far below what anybody has measured (a simulation of 20,000 studies sees
nothing under 10⁻⁴), and low enough for the first of a study's planned looks.
"""

LARGEST_MARGIN = 1e100
"""Its square can still be computed, and it can be drawn beside the data."""

MOST_RESAMPLES = 1_000_000


def is_number(value: object) -> bool:
    """Whether ``value`` is a finite real number; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        return False
    try:
        return isfinite(value)
    except OverflowError:  # An integer that no float can hold.
        return False


def is_count(value: object, least: int, most: int) -> bool:
    """Whether ``value`` is an integer from ``least`` to ``most``; true and false are none."""
    return (
        isinstance(value, (int, np.integer)) and not isinstance(value, bool) and bool(least <= value <= most)
    )


def check_level(level: float) -> None:
    """Raise CannotEstimate unless ``level`` lies above 0 and at least 10⁻¹² below 1."""
    if not (is_number(level) and 0 < level <= 1 - LEAST_TAIL):
        raise CannotEstimate(
            f"level = {level!r:.40} is no confidence level: give a number above 0 and below 1 by at least {LEAST_TAIL:g}, "
            "such as 0.95"
        )


def check_rate(name: str, value: float, most: float = 1 - LEAST_TAIL) -> None:
    """Raise CannotEstimate unless ``value``, an error rate or a probability, lies between 10⁻¹² and ``most``."""
    if not (is_number(value) and LEAST_TAIL <= value <= most):
        ends = "0 and 1" if 0.5 < most < 1 else "0"
        raise CannotEstimate(
            f"{name} = {value!r:.40} is not between 0 and {most:g}, at least {LEAST_TAIL:g} from {ends}"
        )


def check_margin(margin: float) -> None:
    """Raise CannotEstimate unless ``margin`` lies above 0 and is at most 10¹⁰⁰."""
    if not (is_number(margin) and 0 < float(margin) <= LARGEST_MARGIN):  # a float32 cannot hold that limit
        raise CannotEstimate(
            f"a margin is a number above 0, in the metric's unit, of at most {LARGEST_MARGIN:g}, not {margin!r:.40}"
        )


def check_size(name: str, value: float) -> None:
    """Raise CannotEstimate unless ``value`` lies above 0 and is at most 10¹⁰⁰."""
    if not (is_number(value) and 0 < float(value) <= LARGEST_MARGIN):
        raise CannotEstimate(f"{name} = {value!r:.40} is no number above 0, of at most {LARGEST_MARGIN:g}")


def check_ratio(ratio: float) -> None:
    """Raise CannotEstimate unless ``ratio`` lies above 0, between 10⁻¹⁰⁰ and 10¹⁰⁰."""
    if not (is_number(ratio) and 1 / LARGEST_MARGIN <= float(ratio) <= LARGEST_MARGIN):
        raise CannotEstimate(
            f"a ratio is a number between {1 / LARGEST_MARGIN:g} and {LARGEST_MARGIN:g}, not {ratio!r:.40}"
        )


def check_resamples(resamples: int) -> None:
    """Raise CannotEstimate unless ``resamples`` is an integer from 1 to 1,000,000."""
    check_count("resamples", resamples, 1, MOST_RESAMPLES)


def check_finite(name: str, value: float) -> None:
    """Raise CannotEstimate unless ``value`` is a finite number."""
    if not is_number(value):
        raise CannotEstimate(f"{name} = {value!r:.40} is no finite number")


def check_count(name: str, value: int, least: int, most: int) -> None:
    """Raise CannotEstimate unless ``value`` is an integer from ``least`` to ``most``."""
    if not is_count(value, least, most):
        raise CannotEstimate(f"{name} = {value!r:.40} is no integer from {least:,} to {most:,}")
