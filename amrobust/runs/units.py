"""Shares of one and percentages: which of them values are, and that what is said of them can be so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from amrobust.errors import UserError
from amrobust.runs.files import escape
from amrobust.runs.metric import Metric, can_be_a_share, direction_by_name, is_often_in_percent
from amrobust.runs.values import Curves

HUNDREDFOLD = 20, 500
"""Between typical values of two methods, or of two halves of one, a factor in this range is one of unit."""
SHARE, PERCENT = 1.0, 1.5
"""A share is never above the one; a percentage that is never above the other would be a strange one."""


def unit_of(metric: Metric, values: Curves) -> str:
    """The unit that is on record; where nobody said one, that of values which by their name are shares or percentages."""
    if metric.unit or metric.unit_by in ("workload", "declared") or not can_be_a_share(metric.name):
        return metric.unit
    largest = _largest([values])
    return "share" if 0 < largest <= SHARE else "%" if PERCENT < largest < np.inf else ""


def with_unit(metric: Metric, values: Sequence[Curves]) -> Metric:
    """``metric``, as a share where its name and all ``values`` say so and nobody says otherwise.

    Raises UserError where it is said to be in percent, and all values are shares of one, or one of ``values`` where its name is
    that of a share: then these may be shares among percentages.
    """
    if not metric.unit and {unit_of(metric, each) for each in values} == {"share"}:
        return replace(metric, unit="share", unit_by="values")
    if metric.unit == "%" and metric.unit_by != "workload":
        whole = _largest(values)
        parts = [[each] for each in values] if can_be_a_share(metric.name) else []
        least = min(map(_largest, [values, *parts]))
        if least <= SHARE and whole < np.inf:
            top, what = (whole, "none") if whole <= SHARE else (least, "of one method none")
            raise UserError(
                f"{escape(metric.name)} is said to be in percent, and {what} of its values is above {top:g}: they look like "
                "shares of one; leave the unit out, or multiply them by 100"
            )
    return metric


def has_two_units(name: str) -> bool:
    """Whether metrics of this name are written as shares by some and in percent by others."""
    return can_be_a_share(name) or is_often_in_percent(name)


def in_two_units(name: str, tops: Curves) -> bool:
    """Whether the largest values of each seed are shares for some and percentages for others, of a metric of this name.

    An error, a score or how an accuracy spreads may be in any unit: of one these are a hundred times as large as those, and
    none is above 100.
    """
    if not has_two_units(name):
        return False
    low, high = tops[(tops > 0) & (tops <= SHARE)], tops[tops > PERCENT]
    if not low.size or not high.size:
        return False
    if can_be_a_share(name) and direction_by_name(name) is not None:
        return True
    least, most = HUNDREDFOLD
    return bool(high.max() <= 100 and least < np.median(high) / np.median(low) < most)


def tops_of(curves: Curves) -> Curves:
    """The largest finite value of each seed; nothing finite is 0."""
    return np.asarray(np.where(np.isfinite(curves), curves, -np.inf).max(axis=1, initial=-np.inf).clip(0.0))


def _largest(values: Sequence[Curves]) -> float:
    """The largest of the finite values; infinite where there is none, and where one is below zero: these are no shares."""
    finite = np.concatenate([np.empty(0), *(each[np.isfinite(each)] for each in values)])
    return float(finite.max()) if finite.size and finite.min() >= 0 else np.inf
