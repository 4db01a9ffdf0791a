"""From what a user asked for to a complete Spec, and from a Spec to the facts that are recorded with its run."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import replace
from functools import cache, lru_cache
from importlib.metadata import version
from math import isfinite
from typing import Any

from amrobust import plugins, workloads
from amrobust.errors import UserError
from amrobust.runs.manifest import RunMetadata
from amrobust.runs.method import Method
from amrobust.runs.metric import Metric, direction
from amrobust.runs.spec import LOCATIONS, MEASURING, Spec, Value, plain
from amrobust.runs.workload import Workload
from amrobust.train import foreign_rules, measurements
from amrobust.train.code import code_of
from amrobust.train.optimizers import find
from amrobust.train.streams import ROUNDING, require_stream, x0_index
from amrobust.train.unit import HERE, Place
from amrobust.workloads import backends

LARGEST_INTEGER = 2**63 - 1
PACKAGES = ("amrobust", "numpy", "torch", "scikit-learn")


@cache
def package_versions() -> Mapping[str, str]:
    """Of what computes: what this process has imported stays as it is, and looking versions up takes milliseconds."""
    return {name: version(name) for name in PACKAGES}


def make_spec(
    workload: str,
    optimizer: str,
    workload_params: Mapping[str, Any] | None = None,
    hyperparameters: Mapping[str, Any] | None = None,
    *,
    root_seed: int = 0,
    x0_index: int = 0,
    paired: bool = False,
    vary: str | None = None,
) -> Spec:
    """A complete Spec: defaults filled in and everything checked.

    Raises UserError on unknown names and values that make no sense, with what to do instead.
    """
    problem = workloads.get(workload)
    known = workloads.parameters(problem)
    given = {name: plain(value) for name, value in (workload_params or {}).items()}
    root_seed, x0_index, paired = map(plain, (root_seed, x0_index, paired))
    for name in given:
        if name not in known:
            raise UserError(f"{workload} has no parameter {name!r}: it has {', '.join(known)}")
    params = {**problem.defaults}
    params |= {name: value for name, value in given.items() if name in params or value != known[name]}
    for name, value in params.items():
        if name in LOCATIONS and not (value is None or isinstance(value, str)):
            raise UserError(f"{workload}: {name} = {value!r:.40} is not a path")
        if isinstance(value, bool) and not isinstance(known[name], bool):
            raise UserError(f"{workload}: {name} = {value!r} is not a number")
        if (isinstance(value, int) and abs(value) > LARGEST_INTEGER) or (
            isinstance(value, float) and not isfinite(value)
        ):
            raise UserError(f"{workload}: {name} = {value!r:.40} is no number, or too large")
    problem.check(params)
    foreign_rules.refuse_network(optimizer, problem)
    found = find(optimizer)
    found.check_workload(problem)
    if root_seed < 0 or x0_index < 0:
        raise UserError("root seed and x0 are numbers from 0 on")
    if vary is not None:
        require_stream(vary, problem, params, found)
    if vary == "x0" and x0_index:
        raise UserError(
            f"where the starting point varies, seeds have those from 0 on: x0 = {x0_index} has no meaning"
        )
    spec = Spec(
        workload=workload,
        workload_params=params,
        optimizer=optimizer,
        hyperparameters=found.resolve(
            {name: plain(value) for name, value in (hyperparameters or {}).items()},
            found.defaults(problem.optimizer_defaults(optimizer)),
        ),
        root_seed=root_seed,
        x0_index=x0_index,
        paired=paired,
        vary=vary,
    )
    measurements.check(spec)
    if problem.kind == "convex":
        from amrobust.train.convex_rules import check

        check(spec)
    else:
        found.check(spec)
    return spec


def methods_of(spec: Spec) -> dict[str, Method]:
    """The method as each output of ``spec`` gives it."""
    optimizer = find(spec.optimizer)
    usual = optimizer.defaults(workloads.get(spec.workload).optimizer_defaults(spec.optimizer))
    return {output: optimizer.method(spec.hyperparameters, usual, output) for output in optimizer.outputs}


def method_names(spec: Spec) -> dict[str, str]:
    """The name of each output of ``spec``'s method."""
    return {output: method.name for output, method in methods_of(spec).items()}


def describe(spec: Spec, place: Place = HERE) -> RunMetadata:
    """The facts of ``spec``, run at ``place``. Builds x0 and reads the data.

    Raises UserError where the data cannot be read, or the backend cannot be used.
    """
    problem = workloads.get(spec.workload)
    params = spec.workload_params
    library = _library(problem, place)
    optimizer = find(spec.optimizer)
    if library is not None:
        optimizer.check_backend(spec, library)
    known = workloads.parameters(problem)
    points = problem.steps_per_point(params)
    shown = [
        (name, str(value))
        for name, value in sorted(params.items())
        if name not in ("epochs", *LOCATIONS, *MEASURING) and value != known[name]
    ]
    if spec.vary is not None:
        shown.append(("vary", spec.vary))
    data_digest, code = problem.data_digest(params), code_of(spec)
    outputs, methods = measurements.outputs_of(spec), method_names(spec)
    moves = optimizer.first_moves(spec.hyperparameters)
    return RunMetadata(
        x0_digest=_x0_digest(spec, problem, data_digest),
        data_digest=data_digest,
        outputs=tuple(output.key for output in outputs),
        methods={output.key: methods[output.name] for output in outputs},
        metrics=tuple(
            Metric(name, direction(f"better of {name}", better), unit, "workload", "workload")
            for name, better, unit in workloads.metrics_of(problem, params)
        ),
        epochs=problem.epochs(params),
        steps_per_epoch=problem.steps_per_epoch(params),
        first_output_epoch={output.key: -(-moves[output.name] // points) for output in outputs},
        workload_label=Workload(problem.name, tuple(shown)).label,
        versions={"python": platform.python_version()}
        | dict(package_versions())
        | (library.versions if library else {})
        | dict(code.versions),
        device=_network_device(place) if library is None else library.device,
        backend=None if library is None else library.name,
        data_note=problem.data_note(params),
        code=code.files,
        measured={
            output.key: (output.name, output.measurement)
            for output in outputs
            if output.measurement is not None
        },
    )


def _library(problem: workloads.Workload, place: Place) -> backends.Backend | None:
    """The backend of a convex problem; UserError where one is chosen for another problem."""
    if problem.kind == "convex":
        return backends.get(place.backend, place.device)
    if place.backend not in ("numpy", "torch"):
        raise UserError(
            f"a backend is chosen for convex workloads (logistic, ...); {problem.name} is trained by torch: leave out "
            f"--backend {place.backend}"
        )
    return None


def _network_device(place: Place) -> str:
    """The name of the device with its index. Raises UserError where torch cannot use it."""
    if place.device == "cpu":
        return place.device
    from amrobust.workloads.devices import torch_device

    return str(torch_device(place.device))


def _x0_digest(spec: Spec, problem: workloads.Workload, data_digest: str) -> str:
    if problem.kind == "convex":
        from amrobust.train.convex_rules import starting_point

        return hashlib.sha256(starting_point(spec).tobytes()).hexdigest()
    if spec.workload not in workloads.WORKLOADS:
        return _network_digest(spec)
    names = getattr(problem, "model_params", ())
    chosen = tuple((name, value) for name, value in spec.workload_params.items() if name in names)
    return _own_network_digest(spec.workload, chosen, spec.root_seed, x0_index(spec, 0), data_digest)


@plugins.forgettable
@lru_cache(maxsize=256)
def _own_network_digest(
    workload: str, model_params: tuple[tuple[str, Value], ...], root_seed: int, x0: int, data_digest: str
) -> str:
    """That of a network of amrobust's own workloads: the runs of a grid share a few, and building one takes up to seconds."""
    return _network_digest(Spec(workload, dict(model_params), "sgd", {}, root_seed, x0))


def _network_digest(spec: Spec) -> str:
    from amrobust.train.network import network_at_x0

    digest = hashlib.sha256()
    # Where a bit of it varies, that of all seeds is the one before the bit is changed.
    spec = replace(spec, vary=None) if spec.vary == ROUNDING else spec
    for name, value in network_at_x0(spec).state_dict().items():
        digest.update(f"{name} {tuple(value.shape)} {value.dtype}\n".encode() + value.numpy().tobytes())
    return digest.hexdigest()
