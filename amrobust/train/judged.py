"""From what a tuning chose to what is judged: its methods with the chosen hyperparameters, on the full training set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from amrobust.runs.spec import Spec, Value
from amrobust.runs.tuning import Tuning
from amrobust.runs.tuning_record import TunedMethod, TuningFile
from amrobust.train.requests import Request, Training, specs_of


def judged_request(
    found: TuningFile,
    seeds: int,
    *,
    methods: Sequence[TunedMethod] | None = None,
    params: Mapping[str, Value] | None = None,
    root_seed: int | None = None,
    x0: int | None = None,
    x0s: int = 1,
    paired: bool = False,
    vary: str | None = None,
) -> Request:
    """The request for ``methods`` of ``found`` [default: all], each with the record of how it was tuned.

    ``params`` stand over the workload's parameters of the file; root seed and first starting point are those of the tuning
    where none are given. Raises UserError where something makes no sense.
    """
    tunings: dict[str, Tuning] = {}
    specs: list[Spec] = []
    for method in found.methods if methods is None else methods:
        first = method.tuning.x0_index if x0 is None else x0
        own = specs_of(
            found.workload,
            [{**found.workload_params, **(params or {})}],
            [Training(method.optimizer, method.hyperparameters)],
            root_seed=method.tuning.root_seed if root_seed is None else root_seed,
            x0s=range(first, first + x0s),
            paired=paired,
            vary=vary,
        )
        specs += own
        tunings |= {spec.method_key: method.tuning for spec in own}
    return Request(tuple(specs), seeds, tunings)
