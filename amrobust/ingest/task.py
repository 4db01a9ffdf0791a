"""What one task left, a log that it printed or a file that it wrote, as the curves of one seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from amrobust.errors import UserError
from amrobust.ingest.imported import ImportedMethod
from amrobust.ingest.mappings import Mappings
from amrobust.ingest.policies import Policies
from amrobust.ingest.read import AUTO, read_path, say_notes
from amrobust.ingest.registry import detect
from amrobust.ingest.said import line_of_task
from amrobust.runs.files import escape
from amrobust.runs.metric import MetricChoice, refuse_unnamed


def read_task(
    path: Path, form: str, mappings: Mappings, policies: Policies, metrics: Sequence[MetricChoice] = ()
) -> tuple[ImportedMethod, str]:
    """All metrics in ``path``, those of ``metrics`` first, and a line that says what was read as what.

    The method and the seed are known already, and nothing in ``path`` is taken for them. Raises UserError where it holds no
    metrics, more than one seed or method, or lacks one of ``metrics``.
    """
    known = replace(mappings, method_from="=task", seed_from="=0", workload_from="=task", one_seed=True)
    if form == AUTO and mappings.pattern is None and path.suffix.lower() == ".json" and detect(path) is None:
        form = "json-objects"  # Of any other file it is not known that it is a run's.
    gathered, found = read_path(path, form or AUTO, known, policies)
    say_notes(gathered, path, found)
    if len(gathered.methods) > 1:
        names = ", ".join(escape(method.method) for method in gathered.methods[:4])
        raise UserError(
            f"{escape(path)} holds {len(gathered.methods)} methods ({names}), and a task has one: have it write its own alone"
        )
    (method,) = gathered.methods
    refuse_unnamed("--metric", [choice.logged for choice in metrics], method.curves)
    said = {choice.logged: choice for choice in metrics}
    by_name = {metric.name: metric for metric in method.metrics}
    order = [*said, *(name for name in method.curves if name not in said)]
    declared = tuple(by_name[name].declared(said[name].better if name in said else None) for name in order)
    method = replace(method, metrics=declared, curves={name: method.curves[name] for name in order})
    return method, line_of_task(found, method)
