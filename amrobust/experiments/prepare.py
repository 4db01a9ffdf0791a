"""From what a user asked for to a complete Spec, and from a Spec to the facts that are recorded with its run."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from amrobust import workloads
from amrobust.errors import UserError
from amrobust.experiments.facts import RunFacts
from amrobust.experiments.methods import info, method_name, resolve
from amrobust.experiments.spec import LOCATIONS, Spec

PACKAGES = ("amrobust", "numpy", "torch", "scikit-learn")


def make_spec(
    workload: str,
    optimizer: str,
    workload_params: Mapping[str, Any] | None = None,
    hyperparameters: Mapping[str, Any] | None = None,
    *,
    root_seed: int = 0,
    x0_index: int = 0,
    paired: bool = False,
) -> Spec:
    """A complete Spec: defaults filled in and everything checked.

    Raises UserError on unknown names and values that make no sense, with what to do instead.
    """
    problem = workloads.get(workload)
    defaults = problem.defaults
    given = dict(workload_params or {})
    for name in given:
        if name not in defaults:
            raise UserError(f"{workload} has no parameter {name!r}: it has {', '.join(defaults)}")
    params = {**defaults, **given}
    problem.check(params)
    # Parameters younger than recorded runs: left out at their default, so that those runs keep their identity.
    for name, value in getattr(problem, "implicit_defaults", {}).items():
        if params[name] == value:
            del params[name]
    if root_seed < 0 or x0_index < 0:
        raise UserError("root seed and x0 are numbers from 0 on")
    return Spec(
        workload=workload,
        workload_params=params,
        optimizer=optimizer,
        hyperparameters=_hyperparameters(problem, optimizer, hyperparameters or {}),
        root_seed=root_seed,
        x0_index=x0_index,
        paired=paired,
    )


def _hyperparameters(problem: workloads.Workload, optimizer: str, given: Mapping[str, Any]) -> dict[str, Any]:
    info(optimizer)
    return resolve(optimizer, given, problem.optimizer_defaults(optimizer))


def describe(spec: Spec) -> RunFacts:
    """The facts of ``spec``. Builds x0 and reads the data; raises UserError where the data cannot be read."""
    problem = workloads.get(spec.workload)
    params = spec.workload_params
    outputs = info(spec.optimizer).outputs
    points = problem.steps_per_point(params)
    m = int(spec.hyperparameters.get("m") or 1)
    # AM1's output point stays x0 for the first m steps; every other output moves with the first step.
    waits = {"II": m} if spec.optimizer == "am1" else {}
    shown = [
        f"{name}={value}"
        for name, value in sorted(params.items())
        if name not in ("epochs", *LOCATIONS) and value != problem.defaults[name]
    ]
    return RunFacts(
        x0_digest=_x0_digest(spec, problem),
        data_digest=problem.data_digest(params),
        outputs=outputs,
        methods={
            output: method_name(
                spec.optimizer, spec.hyperparameters, problem.optimizer_defaults(spec.optimizer), output
            )
            for output in outputs
        },
        metrics=problem.metrics,
        epochs=problem.epochs(params),
        steps_per_epoch=problem.steps_per_epoch(params),
        first_output_epoch={output: -(-waits.get(output, 1) // points) for output in outputs},
        workload_label=spec.workload + (f"[{','.join(shown)}]" if shown else ""),
        versions={"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        device="cpu",
    )


def _x0_digest(spec: Spec, problem: workloads.Workload) -> str:
    digest = hashlib.sha256()
    if problem.kind == "convex":
        from amrobust.experiments.convex import starting_point

        digest.update(starting_point(spec).tobytes())
    else:
        from amrobust.experiments.network import network_at_x0

        for name, value in network_at_x0(spec).state_dict().items():
            digest.update(f"{name} {tuple(value.shape)} {value.dtype}\n".encode() + value.numpy().tobytes())
    return digest.hexdigest()
