"""Numbers that look as if they were in two units, or of a point before training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from amrobust.errors import UserError
from amrobust.ingest.imported import ImportedMethod
from amrobust.ingest.mappings import Mappings
from amrobust.ingest.policies import Notes, Policies
from amrobust.runs.files import escape
from amrobust.runs.metric import can_be_a_share
from amrobust.runs.units import PERCENT, SHARE, has_two_units, in_two_units, tops_of, with_unit
from amrobust.runs.values import Curves, absent, held

A_HUNDRED = 70.0, 140.0
"""Between neighbouring steps of one seed, a factor in this range is a change of unit."""
LEAST_CHANGED = 0.15
"""A share that changes its unit is at least this: 0.1 and 1 are also percentages, of guessing among 1000 and 100 classes."""


def in_one_unit(
    methods: list[ImportedMethod], policies: Policies, mappings: Mappings, notes: Notes
) -> list[ImportedMethod]:
    """Refuse, keep or bring to percent a metric that some seeds, or steps of a seed, have as a share and others in percent.

    Raises UserError where one is refused, and where one that is said to be in percent has shares alone.
    """
    changed = list(methods)
    for workload, name in dict.fromkeys((m.workload, metric.name) for m in methods for metric in m.metrics):
        places = [i for i, m in enumerate(changed) if m.workload == workload and name in m.curves]
        metric = next(m for m in changed[places[0]].metrics if m.name == name)
        if metric.unit == "%":
            with_unit(metric, [np.concatenate([changed[i].curves[name].ravel() for i in places])])
        if not has_two_units(name):
            continue
        tops = {i: tops_of(changed[i].curves[name]) for i in places}
        changing = {i: _changes_unit(changed[i].curves[name]) & can_be_a_share(name) for i in places}
        every, both = (np.concatenate(list(found.values())) for found in (tops, changing))
        shares, percents = (every > 0) & (every <= SHARE), (every > PERCENT) & ~both
        if not both.any() and not in_two_units(name, every):
            continue
        counts = _counts(name, int(shares.sum()), int(percents.sum()), int(both.sum()))
        if policies.units == "refuse":
            raise UserError(
                f"{counts}: bring all to percent with --mixed-units percent, or keep the numbers as they are with "
                "--mixed-units keep"
            )
        if policies.units == "keep":
            notes.add(f"{counts}; kept as they are")
            for i in places:
                changed[i] = _with_unit(changed[i], name, mappings.units.get(name, ""))
            continue
        for i in places:
            values = changed[i].curves[name]
            is_share = (tops[i] <= SHARE)[:, None] | changing[i][:, None] & (np.abs(values) <= SHARE)
            curves = np.where(is_share, 100.0 * values, values)
            moved = replace(changed[i], curves={**changed[i].curves, name: curves})
            changed[i] = _with_unit(moved, name, mappings.units.get(name, "%"))
        notes.add(f"{counts}; the shares are multiplied by 100")
    return changed


def _with_unit(method: ImportedMethod, name: str, unit: str) -> ImportedMethod:
    """``method`` with the unit of a metric that its user declared, if only to have none."""
    metrics = tuple(
        replace(metric, unit=unit, unit_by="declared") if metric.name == name else metric
        for metric in method.metrics
    )
    return replace(method, metrics=metrics)


def _changes_unit(curves: Curves) -> NDArray[np.bool_]:
    """Of (seeds, steps), the seeds that jump by a factor of about a hundred between a share and a percentage."""
    if not (np.abs(curves) >= A_HUNDRED[0] * LEAST_CHANGED).any():
        return np.zeros(len(curves), np.bool_)
    values = held(curves)  # Neighbours are those that were measured.
    values = np.abs(np.where(np.isfinite(values), values, 0.0))
    low, high = (f(values[:, :-1], values[:, 1:]) for f in (np.minimum, np.maximum))
    low = np.minimum(
        low, SHARE
    )  # A larger value is no share, and a hundred times it may be beyond all numbers.
    jump = (high >= A_HUNDRED[0] * low) & (high <= A_HUNDRED[1] * low)
    return np.asarray((jump & (low >= LEAST_CHANGED) & (low < SHARE)).any(axis=1))


def _counts(name: str, shares: int, percents: int, both: int) -> str:
    """How many seeds log a metric in which unit."""
    units = {
        "as a share of 1": shares,
        "in percent": percents,
        "as a share at some steps and in percent at others": both,
    }
    (first, count), *others = ((unit, count) for unit, count in units.items() if count)
    return f"{count} seeds log {escape(name)} {first}" + "".join(f", {more} {unit}" for unit, more in others)


def look_for_starting_points(methods: Sequence[ImportedMethod], notes: Notes) -> None:
    """Say where all seeds agree at the first step and at no later one: training had not begun there."""
    for method in methods:
        if len(method.seeds) < 2 or len(method.steps) < 3:
            continue
        # Where a metric is measured seldom, its first three values; a spread with an absent one is NaN, and no agreement.
        first = [values[:, ~absent(values).all(axis=0)][:, :3] for values in method.curves.values()]
        with np.errstate(invalid="ignore"):
            spreads = [np.ptp(values, axis=0) for values in first if values.shape[1] == 3]
        if spreads and all(spread[0] == 0 and spread[1] > 0 and spread[2] > 0 for spread in spreads):
            second = method.steps[1]
            notes.add(
                f"{escape(method.method)}: all seeds agree at {method.axis.quantity} {method.steps[0]:g}, so that it looks "
                f"like the starting point: leave it out with --first-step {second:g}"
            )
