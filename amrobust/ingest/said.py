"""One line that says what was read: which fields are the method, the seed and the step, and what is known of the metrics."""

from __future__ import annotations

from collections.abc import Sequence

from amrobust.ingest.fields import last_part
from amrobust.ingest.imported import ImportedMethod
from amrobust.ingest.logged import METHOD_KEYS, SEED_KEYS, WORKLOAD_KEYS, LoggedRun
from amrobust.ingest.naming import Mappings
from amrobust.ingest.selectors import usual_field
from amrobust.runs.files import shown
from amrobust.runs.metric import Metric
from amrobust.runs.units import with_unit

MOST_NAMED = 6
"""Up to this many metrics are named; more are counted."""


def line_of(runs: Sequence[LoggedRun], mappings: Mappings, methods: Sequence[ImportedMethod]) -> str:
    """``method = optimizer · seed = seed · step = epoch 1…30 · val_acc (higher is better, by its name; share)``."""
    first = runs[0]
    steps = [step for method in methods for step in method.steps]
    counter = mappings.step_from or first.steps_in or first.own_steps or "step"
    fields = {*first.fields, *map(last_part, first.fields)}
    told = dict.fromkeys(name for method in methods for name in method.identity.named if name in fields)
    method = mappings.method_from or ", ".join([_usual(first, METHOD_KEYS) or "part of the name", *told])
    parts = [
        f"method = {method}",
        f"seed = {mappings.seed_from or _usual(first, SEED_KEYS) or 'part of the name'}",
        f"step = {counter} {min(steps):g}" + (f"…{max(steps):g}" if len(set(steps)) > 1 else ""),
    ]
    if workload := mappings.workload_from or _usual(first, WORKLOAD_KEYS):
        parts.insert(0, f"workload = {workload}")
    names = list(dict.fromkeys(name for method in methods for name in method.curves))
    parts += [_metric(name, methods) for name in names[:MOST_NAMED]]
    parts += [f"{len(names) - MOST_NAMED} more metrics"] if len(names) > MOST_NAMED else []
    return shown(" · ".join(parts))


def _usual(run: LoggedRun, keys: Sequence[str]) -> str | None:
    return next((key for key in keys if usual_field(run, (key,)) is not None), None)


def _metric(name: str, methods: Sequence[ImportedMethod]) -> str:
    measured = [method for method in methods if name in method.curves]
    metric: Metric = next(m for m in measured[0].metrics if m.name == name)
    return with_unit(metric, [method.curves[name] for method in measured]).introduced
