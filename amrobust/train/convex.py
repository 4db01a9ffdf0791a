"""Training of convex workloads: the seeds are the rows of one computation, on any backend."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from amrobust.rules.rule import Array
from amrobust.runs.spec import Spec
from amrobust.train import heartbeat
from amrobust.train.convex_rules import learning_rate, make_rule, starting_point, workload_of
from amrobust.train.optimizers import find
from amrobust.train.streams import seed_sequence
from amrobust.train.unit import SeedOutcome
from amrobust.workloads import backends, metrics_of
from amrobust.workloads.problem import Objective, sphere_noise
from amrobust.workloads.rates import at_step

NOISE_BYTES = 32_000_000


def train_block(
    spec: Spec, seeds: Sequence[int], backend: str = "numpy", device: str = "cpu"
) -> list[SeedOutcome]:
    """Run a block of seeds together. Which seeds share a block changes results at the 1e-14 level only."""
    started = time.perf_counter()
    library = backends.get(backend, device)
    with library.computing():
        curves = _curves(spec, seeds, library)
    wall = (time.perf_counter() - started) / len(seeds)
    return [
        _outcome(
            seed,
            {output: {n: c[row] for n, c in metrics.items()} for output, metrics in curves.items()},
            wall,
        )
        for row, seed in enumerate(seeds)
    ]


def _curves(
    spec: Spec, seeds: Sequence[int], library: backends.Backend
) -> dict[str, dict[str, NDArray[np.float64]]]:
    """For each output and metric the curves of all seeds, (S, epochs)."""
    params, workload = spec.workload_params, workload_of(spec)
    precision: backends.Precision = params.get("dtype", "float64")  # type: ignore[assignment]
    problem, comparator = workload.problem(params), workload.comparator(params)
    objective = problem.on(library, precision)
    epochs, every = workload.epochs(params), workload.steps_per_point(params)
    lr, rule, x0 = learning_rate(spec), make_rule(spec, seeds), starting_point(spec)
    names = [name for name, _, _ in metrics_of(workload, params)]
    least = comparator.value if comparator else np.nan
    curves = {
        output: {name: np.full((len(seeds), epochs), np.nan) for name in names}
        for output in find(spec.optimizer).outputs
    }
    state = rule.init(library.array(np.tile(x0, (len(seeds), 1)), precision))
    noise = _noise(spec, seeds, epochs * every, len(x0))
    steps = epochs * every
    for k, errors in enumerate(noise, 1):
        heartbeat.advanced((k - 1) / steps)
        rate = at_step(workload, params, lr, k - 1, k - 1, steps)
        state = rule.step(state, objective.gradient(state.x) + library.array(errors, precision), rate)
        if k % every == 0:
            points = rule.outputs(state)
            for output, of_output in curves.items():
                for name, values in _measured(objective, points[output], names, least, library).items():
                    of_output[name][:, k // every - 1] = values
    return curves


def _noise(spec: Spec, seeds: Sequence[int], steps: int, dimension: int) -> Iterator[NDArray[np.float64]]:
    """The gradients' errors (S, d) of one iteration after another, each seed's from its own stream, drawn ahead in chunks."""
    sigma = float(spec.workload_params["sigma"])  # type: ignore[arg-type]
    generators = [np.random.default_rng(seed_sequence(spec, "noise", seed)) for seed in seeds]
    chunk = max(1, NOISE_BYTES // (8 * len(seeds) * dimension))
    for start in range(0, steps, chunk):
        size = min(chunk, steps - start)
        yield from np.stack([sphere_noise(g, size, dimension, sigma) for g in generators], axis=1)


def _measured(
    objective: Objective, x: Array, names: Sequence[str], least: float, library: backends.Backend
) -> dict[str, NDArray[np.float64]]:
    """The metrics ``names`` at each row of ``x``; ``least`` is what the gap is taken against."""
    loss = library.numpy(objective.loss(x))
    values = {"gap": loss - least, "train_loss": loss}
    if "grad_norm" in names:
        values["grad_norm"] = np.linalg.norm(library.numpy(objective.gradient(x)), axis=1)
    return {name: values[name] for name in names}


def _outcome(seed: int, curves: dict[str, dict[str, NDArray[np.float64]]], wall: float) -> SeedOutcome:
    """A seed's outcome; from the first non-finite point on, every curve of a diverged seed is NaN."""
    stacked = np.array([curve for metrics in curves.values() for curve in metrics.values()])
    broken = ~np.isfinite(stacked).all(axis=0)
    if broken.any():
        first = int(np.argmax(broken))
        for metrics in curves.values():
            for curve in metrics.values():
                curve[first:] = np.nan
    return SeedOutcome(seed, curves, bool(broken.any()), wall)
