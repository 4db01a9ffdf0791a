"""The rules of methods on convex problems: which there are, with what learning rate, and in which prox setup."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from amrobust import rules, workloads
from amrobust.errors import UserError
from amrobust.rules import theory
from amrobust.runs.spec import Spec
from amrobust.train.optimizers import OPTIMIZERS, Own, find
from amrobust.train.streams import integer, seed_sequence, x0_sequence
from amrobust.workloads import rates
from amrobust.workloads.convex import ConvexWorkload


def workload_of(spec: Spec) -> ConvexWorkload:
    """The convex workload of ``spec``."""
    workload = workloads.get(spec.workload)
    assert isinstance(workload, ConvexWorkload)
    return workload


def check(spec: Spec) -> None:
    """Raise UserError where the method of ``spec`` cannot run on its problem, without reading the data."""
    name, workload, h = spec.optimizer, workload_of(spec), spec.hyperparameters
    if not workload.unconstrained:
        known = [own.name for own in OPTIMIZERS.values() if own.general is not None]
        if name not in known:
            raise UserError(
                f"{name} has no form for the constraint, term or geometry of {spec.workload}: choose one of "
                + ", ".join(known)
            )
        if h.get("weight_decay"):
            raise UserError(f"{spec.workload}: weight decay would change the problem; leave it at 0")
    if not h.get("theorem"):
        return
    for param in rates.SCHEDULED:
        if spec.workload_params.get(param):
            raise UserError(f"{name}: theorem = 1 sets the learning rate itself; leave {param} out")
    if workload.unconstrained and spec.workload_params.get("V") is None:
        raise UserError(
            f"{name}: the theorem's parameters need V on {spec.workload}: --param V=350, as in the paper"
        )
    if _theorem(spec) == 1 and int(spec.workload_params["iterations"]) % _m(spec):  # type: ignore[arg-type]
        raise UserError(
            f"{name}: Theorem 1 is about whole cycles: iterations = {spec.workload_params['iterations']} is not a "
            f"multiple of m = {_m(spec)}"
        )


def starting_point(spec: Spec) -> NDArray[np.float64]:
    """x0: the centre of the problem, or for an ``x0_index`` above 0 the prox step from there by a standard normal.

    Without a constraint that is a standard normal point; on a simplex it is the softmax of one.
    """
    problem = workload_of(spec).problem(spec.workload_params)
    if spec.x0_index == 0:
        return problem.centre
    normal = np.random.default_rng(x0_sequence(spec)).standard_normal(problem.dimension)
    return np.asarray(problem.prox.prox(problem.centre, -normal, 0.0))


def setting(spec: Spec) -> theory.Setting:
    """What the theorems' parameters depend on: K, σ, the problem's L and M, and V = V_d(u, x0) of the comparator u."""
    workload, params = workload_of(spec), spec.workload_params
    problem, comparator = workload.problem(params), workload.comparator(params)
    assert comparator is not None
    return theory.Setting(
        iterations=int(params["iterations"]),  # type: ignore[arg-type]
        V=float(problem.prox.divergence(comparator.point, starting_point(spec))),
        sigma=float(params["sigma"]),  # type: ignore[arg-type]
        L=problem.L,
        M=problem.M,
    )


def learning_rate(spec: Spec) -> float:
    """The method's own, or that of Theorem 1 (AC-SA, AM1) or 2 (AM2)."""
    if not spec.hyperparameters.get("theorem"):
        return float(spec.hyperparameters["lr"])  # type: ignore[arg-type]
    of = {1: theory.theorem1_lr, 2: theory.theorem2_lr}[_theorem(spec)]
    return of(setting(spec), _m(spec))


def theorem1b(spec: Spec, deviation: float) -> tuple[float, float]:
    """K0(m) + K1(m, Λ) at Λ = ``deviation``, and e^{−Λ²/3} + e^{−Λ}: a gap of output II above the one has at most the other.

    With the constants of the problem of ``spec``, V and D_X being those of its comparator. Raises UserError where the theorem
    says nothing: for other methods than acsa and am1g with theorem = 1, and on a set that is not compact.
    """
    if _theorem(spec) != 1 or not spec.hyperparameters.get("theorem"):
        raise UserError(
            f"Theorem 1b is about acsa and am1g with theorem = 1, and {spec.optimizer} has other parameters"
        )
    problem = workload_of(spec).problem(spec.workload_params)
    comparator = workload_of(spec).comparator(spec.workload_params)
    assert comparator is not None
    diameter = problem.prox.reach(comparator.point)
    if diameter == math.inf:
        raise UserError(
            f"Theorem 1b needs a compact set, and that of {spec.workload} is none: take logistic-ball"
        )
    found, m = setting(spec), _m(spec)
    limit = theory.k0(found, float(m)) + theory.k1(found, float(m), deviation, diameter)
    return limit, theory.deviation_probability(deviation)


def make_rule(spec: Spec, seeds: Sequence[int]) -> rules.Rule:
    """The rule of ``spec`` for a batch of seeds: Algorithm 1 or 3 where the problem has a constraint, a term or a geometry."""
    optimizer = find(spec.optimizer)
    problem = workload_of(spec).problem(spec.workload_params)
    indices = None
    if optimizer.draws_numbers:
        indices = rules.IndexStream([integer(seed_sequence(spec, "rule", seed)) for seed in seeds], _m(spec))
    if not problem.constrained:
        return optimizer.rule(spec, indices)
    found = optimizer.rule_in(problem.prox, spec, indices)
    assert found is not None, "check has refused what has no such form"
    return found


def _theorem(spec: Spec) -> int:
    """The number of the theorem whose parameters the method can have; 0 where there is none."""
    optimizer = find(spec.optimizer)
    return optimizer.theorem if isinstance(optimizer, Own) else 0


def _m(spec: Spec) -> int:
    return int(spec.hyperparameters.get("m") or 1)
