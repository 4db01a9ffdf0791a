"""What is logged beside the metrics but measures nothing: settings such as a learning rate, in which no seed differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from amrobust.ingest.imported import ImportedMethod
from amrobust.ingest.policies import Notes
from amrobust.runs.files import escape
from amrobust.runs.values import Curves, absent


def without_settings(methods: list[ImportedMethod], notes: Notes) -> list[ImportedMethod]:
    """The ``methods`` less what is the same for all seeds of each, at every step; all of it where nothing else is left.

    What the format or the user calls better high or low is a result of training, whatever its values.
    """
    names = list(dict.fromkeys(name for method in methods for name in method.curves))
    said = {
        metric.name
        for method in methods
        for metric in method.metrics
        if metric.better_by in ("source", "declared")
    }
    settings = [name for name in names if name not in said and _is_setting(name, methods)]
    if not settings or any(set(method.curves) <= set(settings) for method in methods):
        return methods
    listed = ", ".join(map(escape, settings))
    notes.add(
        f"{listed}: the same for all seeds, and left out as no result of training, unless asked for by name"
    )
    return [
        replace(
            method,
            curves={name: values for name, values in method.curves.items() if name not in settings},
            metrics=tuple(metric for metric in method.metrics if metric.name not in settings),
        )
        for method in methods
    ]


def _is_setting(name: str, methods: Sequence[ImportedMethod]) -> bool:
    found = [method.curves[name] for method in methods if name in method.curves]
    return all(_measures_nothing(curves) for curves in found)


def _measures_nothing(curves: Curves) -> bool:
    """Whether seeds do not differ; a seed that is alone, from step to step. Nor do they where nothing was measured."""
    measured = ~absent(curves)
    if not np.isfinite(curves[measured]).all() or curves.size < 2:
        return not np.isfinite(curves[measured]).any()
    values = curves.T if len(curves) > 1 else curves
    of_values = measured.T if len(curves) > 1 else measured
    least, most = (
        f(np.where(of_values, values, end), axis=1) for f, end in ((np.min, np.inf), (np.max, -np.inf))
    )
    return bool((least >= most).all())
