"""Numbers that look as if they were in two units, or of a point before training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from amrobust.errors import UserError
from amrobust.runs.files import shown
from amrobust.runs.importers.imported import ImportedMethod
from amrobust.runs.importers.logged import looks_like_a_share
from amrobust.runs.importers.naming import Mappings
from amrobust.runs.importers.policies import Notes, Policies

SHARE, PERCENT = 1.0, 1.5
"""A share is never above the one; a percentage that is never above the other would be a strange one."""


def in_one_unit(
    methods: list[ImportedMethod], policies: Policies, mappings: Mappings, notes: Notes
) -> list[ImportedMethod]:
    """Refuse, keep or bring to percent a metric that some runs log as a share and others in percent."""
    changed = list(methods)
    for workload, name in dict.fromkeys((m.workload, metric.name) for m in methods for metric in m.metrics):
        places = [i for i, m in enumerate(changed) if m.workload == workload and name in m.curves]
        tops = {
            i: np.nanmax(np.where(np.isfinite(v := changed[i].curves[name]), np.abs(v), 0.0), axis=1)
            for i in places
        }
        every = np.concatenate(list(tops.values()))
        shares, percents = (every > 0) & (every <= SHARE), every > PERCENT
        if not looks_like_a_share(name) or not shares.any() or not percents.any():
            continue
        counts = (
            f"{int(shares.sum())} seeds log {shown(name)} as a share of 1, {int(percents.sum())} in percent"
        )
        if policies.units == "refuse":
            raise UserError(
                f"{counts}: bring all to percent with --mixed-units percent, or keep the numbers as they are with "
                "--mixed-units keep"
            )
        if policies.units == "keep":
            notes.add(f"{counts}; kept as they are")
            continue
        for i in places:
            curves = changed[i].curves[name] * np.where(tops[i] <= SHARE, 100.0, 1.0)[:, None]
            metrics = tuple(
                replace(metric, unit=mappings.units.get(name, "%")) if metric.name == name else metric
                for metric in changed[i].metrics
            )
            changed[i] = replace(changed[i], curves={**changed[i].curves, name: curves}, metrics=metrics)
        notes.add(f"{counts}; the shares are multiplied by 100")
    return changed


def look_for_starting_points(methods: Sequence[ImportedMethod], notes: Notes) -> None:
    """Say where all seeds agree at the first step and at no later one: training had not begun there."""
    for method in methods:
        if len(method.seeds) < 2 or len(method.steps) < 3:
            continue
        with np.errstate(invalid="ignore"):
            spreads = [np.ptp(values[:, :3], axis=0) for values in method.curves.values()]
        if all(spread[0] == 0 and spread[1] > 0 and spread[2] > 0 for spread in spreads):
            second = method.steps[1]
            notes.add(
                f"{shown(method.method)}: all seeds agree at step {method.steps[0]:g}, so that it looks like the starting "
                "point: leave "
                f"it out with --first-step {second:g}"
            )
