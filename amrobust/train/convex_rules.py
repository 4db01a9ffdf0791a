"""The rules of methods on convex problems: which there are, with what learning rate, and in which prox setup."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amrobust import rules, workloads
from amrobust.errors import UserError
from amrobust.rules import theory
from amrobust.runs.spec import Spec
from amrobust.train import foreign_rules
from amrobust.train.methods import is_rule
from amrobust.train.streams import integer, seed_sequence, x0_sequence
from amrobust.workloads.convex import ConvexWorkload
from amrobust.workloads.problem import Problem

GENERAL = ("acsa", "am1g", "am2g")

IN_GENERAL_FORM = ("sgd", "msgd", "omsgd", "am1", "am2", "msgd-tail", *GENERAL)
"""Optimizers that have a form with a constraint, an ℓ1 term or another geometry."""


def workload_of(spec: Spec) -> ConvexWorkload:
    """The convex workload of ``spec``."""
    workload = workloads.get(spec.workload)
    assert isinstance(workload, ConvexWorkload)
    return workload


def check(spec: Spec) -> None:
    """Raise UserError where the method of ``spec`` cannot run on its problem, without reading the data."""
    name, workload, h = spec.optimizer, workload_of(spec), spec.hyperparameters
    if not workload.unconstrained:
        if name not in IN_GENERAL_FORM:
            raise UserError(
                f"{name} has no form for the constraint, term or geometry of {spec.workload}: choose one of "
                + ", ".join(IN_GENERAL_FORM)
            )
        if h.get("weight_decay"):
            raise UserError(f"{spec.workload}: weight decay would change the problem; leave it at 0")
    if not h.get("theorem"):
        return
    if workload.unconstrained and spec.workload_params.get("V") is None:
        raise UserError(
            f"{name}: the theorem's parameters need V on {spec.workload}: --param V=350, as in the paper"
        )
    if name != "am2g" and int(spec.workload_params["iterations"]) % _m(spec):  # type: ignore[arg-type]
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
    of = theory.theorem2_lr if spec.optimizer == "am2g" else theory.theorem1_lr
    return of(setting(spec), _m(spec))


def theorem1b(spec: Spec, deviation: float) -> tuple[float, float]:
    """K0(m) + K1(m, Λ) at Λ = ``deviation``, and e^{−Λ²/3} + e^{−Λ}: a gap of output II above the one has at most the other.

    With the constants of the problem of ``spec``, V and D_X being those of its comparator. Raises UserError where the theorem
    says nothing: for other methods than acsa and am1g with theorem = 1, and on a set that is not compact.
    """
    if spec.optimizer not in ("acsa", "am1g") or not spec.hyperparameters.get("theorem"):
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
    """The rule of ``spec`` for a batch of seeds."""
    h: dict[str, Any] = {name: value for name, value in spec.hyperparameters.items() if name != "lr"}
    problem = workload_of(spec).problem(spec.workload_params)
    if spec.optimizer in GENERAL or problem.constrained:
        return _in_general_form(spec, problem, seeds)
    if is_rule(spec.optimizer):
        return foreign_rules.build(spec)
    if spec.optimizer == "msgd-tail":
        return rules.tail_average(rules.msgd(h["momentum"], h["weight_decay"]), h["m"])
    if spec.optimizer == "aggmo":
        h["betas"] = rules.aggmo_betas(h.pop("terms"), h.pop("a"))
    if spec.optimizer == "am2":
        h["indices"] = _indices(spec, seeds)
    return rules.make(spec.optimizer, **h)


def _in_general_form(spec: Spec, problem: Problem, seeds: Sequence[int]) -> rules.Rule:
    """Algorithm 1 or 3: SGD is AM1-SGD with β = 0, M-SGD and OM-SGD are its two options at m = 1."""
    h, prox, m = spec.hyperparameters, problem.prox, _m(spec)
    momentum: float | None = float(h["momentum"]) if "momentum" in h else None  # type: ignore[arg-type]
    if spec.optimizer in ("am2", "am2g"):
        return rules.am2_general(momentum, m, prox=prox, indices=_indices(spec, seeds))
    if spec.optimizer == "msgd-tail":
        assert momentum is not None
        return rules.tail_average(rules.am1_general(momentum, 1, prox=prox), m)
    beta: float | Callable[[int], float] = theory.theorem1_momentum if momentum is None else momentum
    return rules.am1_general(0.0 if spec.optimizer == "sgd" else beta, m, prox=prox)


def _m(spec: Spec) -> int:
    return int(spec.hyperparameters.get("m") or 1)


def _indices(spec: Spec, seeds: Sequence[int]) -> rules.IndexStream:
    return rules.IndexStream([integer(seed_sequence(spec, "rule", seed)) for seed in seeds], _m(spec))
