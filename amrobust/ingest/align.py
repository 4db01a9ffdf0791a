"""The seeds of one method brought to common steps, as the policy for unequal lengths says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from amrobust.errors import UserError
from amrobust.ingest.logged import Series
from amrobust.ingest.policies import Notes, Policies
from amrobust.runs.arms import Curves
from amrobust.runs.files import shown

Table = dict[str, Series]
"""Of one seed: metric to steps, ascending and each once, with values."""


def aligned_seeds(
    tables: Mapping[int, Table], policies: Policies, label: str, notes: Notes
) -> tuple[tuple[float, ...], dict[int, dict[str, Curves]]] | None:
    """Common steps, and for each seed kept a value of each metric at every one; None where no seed is left."""
    metrics = list(dict.fromkeys(name for table in tables.values() for name in table))
    if not metrics:
        raise UserError(f"{label}: nothing that was logged is a metric; name one with --metric")
    longest = {
        name: max((table[name][0] for table in tables.values() if name in table), key=len) for name in metrics
    }
    if policies.lengths == "common":
        return _common(tables, metrics, label, notes)
    by_steps: dict[bytes, list[str]] = defaultdict(list)
    for name in metrics:
        by_steps[longest[name].tobytes()].append(name)
    if len(by_steps) > 1:
        parts = [
            f"{', '.join(map(shown, names[:4]))} ({len(longest[names[0]])})" for names in by_steps.values()
        ]
        raise UserError(
            f"{label}: metrics have different numbers of steps, or other ones: {'; '.join(parts)}. Choose those to compare "
            "with "
            "--metric, other steps with --step-from, or keep the common steps with --lengths common"
        )
    steps = longest[metrics[0]]
    rows: dict[int, dict[str, Curves]] = {}
    short = []
    for seed, table in tables.items():
        row = {name: _fitted(table.get(name), steps) for name in metrics}
        if all(whole for _, whole in row.values()):
            rows[seed] = {name: values for name, (values, _) in row.items()}
            continue
        short.append(seed)
        counts = [len(table[name][0]) if name in table else 0 for name in metrics]
        if policies.lengths == "refuse":
            raise UserError(
                f"{label}: seed {seed} has {min(counts)} steps where the longest seed has {len(steps)}, or other ones: "
                "keep the "
                "common steps with --lengths common, leave such seeds out with drop, or take them as diverged where they end "
                "with diverged"
            )
        if policies.lengths == "diverged":
            if any(
                name in table and not np.array_equal(table[name][0], steps[: len(table[name][0])])
                for name in metrics
            ):
                raise UserError(
                    f"{label}: seed {seed} lacks steps in between, so that it did not just end early: choose --lengths "
                    "common or drop"
                )
            rows[seed] = {name: values for name, (values, _) in row.items()}
    if short:
        what = "left out" if policies.lengths == "drop" else "taken as diverged where they end"
        notes.add(
            f"{label}: {len(short)} of {len(tables)} seeds are shorter than the longest ({len(steps)} steps) and are {what}",
            left_out=policies.lengths == "drop",
        )
    return (tuple(steps.tolist()), rows) if rows else None


def _fitted(series: Series | None, steps: Curves) -> tuple[Curves, bool]:
    """Values at the first ``steps``, NaN behind them, and whether the series has all of these steps and no others."""
    if series is not None and np.array_equal(series[0], steps):
        return series[1], True
    values = np.full(len(steps), np.nan)
    if series is not None:
        found = min(len(series[1]), len(steps))
        values[:found] = series[1][:found]
    return values, False


def _common(
    tables: Mapping[int, Table], metrics: Sequence[str], label: str, notes: Notes
) -> tuple[tuple[float, ...], dict[int, dict[str, Curves]]]:
    lacking = [seed for seed, table in tables.items() if any(name not in table for name in metrics)]
    if lacking:
        raise UserError(
            f"{label}: seed {lacking[0]} lacks a metric altogether: choose those to compare with --metric, or leave such "
            "seeds out "
            "with --lengths drop"
        )
    every = [series[0] for table in tables.values() for series in table.values()]
    steps = every[0]
    for other in every[1:]:
        steps = steps[np.isin(steps, other)]
    if not len(steps):
        raise UserError(
            f"{label}: no step is common to all seeds and metrics: choose fewer metrics with --metric"
        )
    most = max(map(len, every))
    if most > len(steps):
        notes.add(
            f"{label}: {len(steps)} steps are common to all seeds and metrics, of up to {most}; the others are left out"
        )
    rows = {
        seed: {name: series[1][np.isin(series[0], steps)] for name, series in table.items()}
        for seed, table in tables.items()
    }
    return tuple(steps.tolist()), rows
