"""One line that says what was read: which fields are the method, the seed and the step, and what is known of the metrics."""

from __future__ import annotations

from collections.abc import Sequence

from amrobust.ingest.imported import ImportedMethod
from amrobust.ingest.logged import METHOD_KEYS, SEED_KEYS, WORKLOAD_KEYS, LoggedRun, last_part
from amrobust.ingest.mappings import Mappings
from amrobust.ingest.selectors import selectors, usual_field
from amrobust.runs.axis import FINAL
from amrobust.runs.files import escape
from amrobust.runs.metric import Metric
from amrobust.runs.units import with_unit

MOST_NAMED = 6
"""Up to this many metrics are named; more are counted."""


def line_of(
    runs: Sequence[LoggedRun], mappings: Mappings, methods: Sequence[ImportedMethod], *, counted: bool = False
) -> str:
    """``method = optimizer · seed = seed · step = epoch 1…30 · val_acc (higher is better, by its name; share)``.

    Of a table of final values the step is none, and where its rows were numbered that is the seed; so it is of runs that have
    none and were ``counted``.
    """
    first = runs[0]
    steps = [step for method in methods for step in method.steps]
    counter = mappings.step_from or first.steps_in or first.own_steps or "step"
    fields = {*first.fields, *map(last_part, first.fields)}
    told = dict.fromkeys(name for method in methods for name in method.identity.named if name in fields)
    sources = mappings.sources
    in_groups = {role: s.pattern.pattern for role, s in selectors(sources).items() if s.pattern and s.group}
    method = sources["method"] or _usual(first, METHOD_KEYS) or "part of the name"
    # What tells methods apart beside what was chosen is read all the same.
    beside = [name for name in told if name not in map(str.strip, method.split(","))]
    said = {
        "workload": sources["workload"] or _usual(first, WORKLOAD_KEYS),
        "method": ", ".join([method, *beside]),
        "seed": sources["seed"]
        or ("row, numbered in their order" if first.numbered else None)
        or ("number, in the order of their start" if counted else None)
        or _usual(first, SEED_KEYS)
        or "part of the name",
    }
    parts = [f"{role} = {source}" for role, source in said.items() if source and role not in in_groups]
    for pattern in dict.fromkeys(in_groups.values()):
        roles = [role for role in said if in_groups.get(role) == pattern]
        parts.append(f"{', '.join(roles)} = groups of re:{pattern}")
    step = f"{counter} {min(steps):g}" + (f"…{max(steps):g}" if len(set(steps)) > 1 else "")
    parts.append(f"step = {'none, final values' if first.final else step}")
    return escape(" · ".join([*parts, *_metrics(methods)]))


def line_of_task(form: str, method: ImportedMethod) -> str:
    """The same of what one task left, whose method and seed nothing has to be read from: ``csv · step = epoch 1…30 · ...``."""
    steps, axis = method.steps, method.axis
    step = f"{axis.label} {min(steps):g}" + (f"…{max(steps):g}" if len(steps) > 1 else "")
    parts = [form, f"step = {'none, final values' if axis.quantity == FINAL else step}"]
    return escape(" · ".join([*parts, *_metrics([method])]))


def _metrics(methods: Sequence[ImportedMethod]) -> list[str]:
    names = list(dict.fromkeys(name for method in methods for name in method.curves))
    more = [f"{len(names) - MOST_NAMED} more metrics"] if len(names) > MOST_NAMED else []
    return [*(_metric(name, methods) for name in names[:MOST_NAMED]), *more]


def _usual(run: LoggedRun, keys: Sequence[str]) -> str | None:
    return next((key for key in keys if usual_field(run, (key,)) is not None), None)


def _metric(name: str, methods: Sequence[ImportedMethod]) -> str:
    measured = [method for method in methods if name in method.curves]
    metric: Metric = next(m for m in measured[0].metrics if m.name == name)
    return with_unit(metric, [method.curves[name] for method in measured]).introduced
