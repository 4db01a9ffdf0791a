"""What a tuning trains: every combination of each method's hyperparameters, on a validation split where there can be one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from amrobust import workloads
from amrobust.errors import UserError
from amrobust.runs.documents import Tables, combinations
from amrobust.runs.spec import ON_VALIDATION, VALIDATION, Spec, Value
from amrobust.train.optimizers import find
from amrobust.train.prepare import make_spec

SHARE = 0.1
"""The share of the training set that is held out where none is asked for."""
MOST_COMBINATIONS = 10_000


@dataclass(frozen=True)
class Search:
    """The grid of one method."""

    optimizer: str
    searched: Mapping[str, tuple[Value, ...]]
    """Hyperparameters with several values; ``specs`` are their combinations, the last one varying fastest."""
    specs: tuple[Spec, ...]
    output: str
    """The output whose metric decides."""


def searches(
    workload: str,
    params: Mapping[str, Any],
    methods: Sequence[tuple[str, Mapping[str, Sequence[Value]]]],
    *,
    output: str | None = None,
    **shared: Any,
) -> tuple[Search, ...]:
    """One search for each of ``methods``, optimizers with the values of their hyperparameters; ``shared`` is for every spec.

    Of a method with several outputs the last one decides, the averaged point of am1 and am2, unless ``output`` names another.
    Raises UserError where no method has more than one combination or one has more than 10,000, and where nothing in
    ``workload`` could decide but its test set.
    """
    split = with_split(workload, params)
    found = tuple(
        _search(workload, split, optimizer, values, output, shared) for optimizer, values in methods
    )
    if all(len(search.specs) < 2 for search in found):
        raise UserError(
            "there is nothing to choose from: give a hyperparameter several values, such as --lr 0.01,0.03,0.1"
        )
    return found


def _search(
    workload: str,
    params: Mapping[str, Any],
    optimizer: str,
    values: Mapping[str, Sequence[Value]],
    output: str | None,
    shared: Mapping[str, Any],
) -> Search:
    outputs = find(optimizer).outputs
    if output is not None and len(outputs) > 1 and output not in outputs:
        raise UserError(f"{optimizer} has no output {output!r}: choose one of {', '.join(outputs)}")
    decides = output if output in outputs else outputs[-1]
    different = {name: tuple(dict.fromkeys(given)) for name, given in values.items()}
    points = combinations(Tables(f"the options of {optimizer}"), different)
    if len(points) > MOST_COMBINATIONS:
        raise UserError(
            f"{optimizer} has {len(points):,} combinations, more than {MOST_COMBINATIONS:,}: give fewer values"
        )
    specs = tuple(make_spec(workload, optimizer, params, point, **shared) for point in points)
    # The values as they are run: what was given as 1 may be 1.0.
    searched = {
        name: tuple(dict.fromkeys(spec.hyperparameters[name] for spec in specs))
        for name, given in different.items()
        if len(given) > 1
    }
    return Search(optimizer, searched, specs, decides)


def with_split(workload: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of ``workload`` for tuning: with a validation split, unless it has its own or is a convex problem.

    Raises UserError where a split is asked for that the workload cannot make, or its test set alone could decide.
    """
    problem = workloads.get(workload)
    if VALIDATION in workloads.parameters(problem):
        share = params.get(VALIDATION)
        return {**params, VALIDATION: SHARE if share is None else share}
    measured = workloads.metrics_of(problem, {**problem.defaults, **params})[0][0]
    if problem.kind != "convex" and not measured.startswith(ON_VALIDATION):
        raise UserError(
            f"{workload} has neither a validation split nor a metric {ON_VALIDATION}…, and a test set is not to be tuned on: "
            f"give the workload a parameter {VALIDATION!r} (amrobust.workloads.Classification has one)"
        )
    return dict(params)
