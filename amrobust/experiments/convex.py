"""Training of convex workloads: the seeds are the rows of one NumPy computation."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from amrobust import rules
from amrobust.experiments.methods import info
from amrobust.experiments.outcome import SeedOutcome
from amrobust.experiments.spec import Spec
from amrobust.experiments.streams import integer, seed_sequence, x0_sequence
from amrobust.workloads.logistic import WORKLOAD as LOGISTIC
from amrobust.workloads.logistic import sphere_noise

NOISE_BYTES = 32_000_000


def starting_point(spec: Spec) -> NDArray[np.float64]:
    """x0 = 0, or a standard normal point for an ``x0_index`` above 0."""
    dimension = LOGISTIC.problem(spec.workload_params).signed_rows.shape[1]
    if spec.x0_index == 0:
        return np.zeros(dimension)
    return np.asarray(np.random.default_rng(x0_sequence(spec)).standard_normal(dimension))


def make_rule(spec: Spec, seeds: Sequence[int]) -> rules.Rule:
    """The rule of ``spec`` for a batch of seeds."""
    hyperparameters = {name: value for name, value in spec.hyperparameters.items() if name != "lr"}
    if spec.optimizer == "am2":
        streams = [integer(seed_sequence(spec, "rule", seed)) for seed in seeds]
        hyperparameters["indices"] = rules.IndexStream(streams, int(hyperparameters["m"]))  # type: ignore[arg-type,assignment]
    return rules.make(spec.optimizer, **hyperparameters)


def train_block(spec: Spec, seeds: Sequence[int]) -> list[SeedOutcome]:
    """Run a block of seeds together. Which seeds share a block changes results at the 1e-14 level only."""
    started = time.perf_counter()
    params = spec.workload_params
    problem = LOGISTIC.problem(params)
    epochs, every = LOGISTIC.epochs(params), LOGISTIC.steps_per_point(params)
    lr, sigma = float(spec.hyperparameters["lr"]), float(params["sigma"])  # type: ignore[arg-type]
    rule = make_rule(spec, seeds)
    x0 = starting_point(spec)
    generators = [np.random.default_rng(seed_sequence(spec, "noise", seed)) for seed in seeds]
    chunk = max(1, NOISE_BYTES // (8 * len(seeds) * len(x0)))
    outputs = info(spec.optimizer).outputs
    names = [name for name, _, _ in LOGISTIC.metrics]
    curves = {output: {name: np.full((len(seeds), epochs), np.nan) for name in names} for output in outputs}
    state = rule.init(np.tile(x0, (len(seeds), 1)))
    steps = epochs * every
    with np.errstate(
        over="ignore", invalid="ignore"
    ):  # a diverging row overflows; the others are not touched
        for k in range(steps):
            if k % chunk == 0:
                size = min(chunk, steps - k)
                noise = np.stack([sphere_noise(g, size, len(x0), sigma) for g in generators], axis=1)
            state = rule.step(state, problem.gradient(state.x) + noise[k % chunk], lr)
            if (k + 1) % every == 0:
                point = (k + 1) // every - 1
                for output, x in rule.outputs(state).items():
                    curves[output]["train_loss"][:, point] = problem.loss(x)
                    curves[output]["grad_norm"][:, point] = np.linalg.norm(problem.gradient(x), axis=1)
    wall = (time.perf_counter() - started) / len(seeds)
    return [
        _outcome(
            seed,
            {output: {n: c[row] for n, c in metrics.items()} for output, metrics in curves.items()},
            wall,
        )
        for row, seed in enumerate(seeds)
    ]


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
