"""Convex workloads: what they have in common, among it the comparator of the metric ``gap``, and each of the problems."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any, Literal, get_args

import numpy as np

from amrobust.errors import UserError
from amrobust.rules import schedules
from amrobust.rules.prox import L1, Ball, Box, Entropy
from amrobust.workloads import backends, rates
from amrobust.workloads.optimum import Comparator, minimum
from amrobust.workloads.problem import HINGE, Points, Problem
from amrobust.workloads.samples import note, signed_samples
from amrobust.workloads.workload import MetricRow, require

OPTIONAL: Mapping[str, Any] = {"dtype": "float64", **rates.SCHEDULED}
"""Parameters of all convex problems that are part of a run's identity only where they differ from this."""


class ConvexWorkload:
    """A convex problem, from x0 at the problem's centre; the oracle is ∇f plus noise on the sphere of radius ``sigma``.

    The data are a LIBSVM file or a set such as a5a in the data directory (``data``, rows normalised to unit length), or
    scikit-learn's breast-cancer set (standardised, then normalised) when none is given. A curve has one point every
    ``record_every`` iterations. With ``dtype=float32`` runs are computed in single precision, with the same noise, rounded.
    """

    name: str
    kind: Literal["convex"] = "convex"
    metrics: tuple[MetricRow, ...] = (("gap", "lower", ""), ("train_loss", "lower", ""))
    own: Mapping[str, float]
    """The parameters of this problem besides those of all, with their defaults; each is positive."""
    optional: Mapping[str, Any] = OPTIONAL
    lr = 0.1
    unconstrained = False
    """Whether runs take plain steps in R^d, so that every rule can be run."""

    @property
    def defaults(self) -> Mapping[str, Any]:
        """Breast-cancer data, σ = 1, 1,000 iterations recorded every 20, and the problem's own."""
        return {"data": None, "sigma": 1.0, "iterations": 1000, "record_every": 20, **self.own}

    def optimizer_defaults(self, optimizer: str) -> Mapping[str, float | int]:
        """A learning rate well inside 1/L, because the noise is large; the theorems' parameters where asked for."""
        return {"lr": self.lr, "momentum": 0.9, "m": 10, "weight_decay": 0.0, "theorem": 0}

    def check(self, params: Mapping[str, Any]) -> None:
        """Raise UserError on values out of range."""
        for name in ("iterations", "record_every"):
            value = params[name]
            require(isinstance(value, int) and value >= 1, self.name, name, value, "a positive integer")
        require(
            params["iterations"] % params["record_every"] == 0,
            self.name,
            "iterations",
            params["iterations"],
            f"a multiple of record_every = {params['record_every']}: set either (--param, in a file workload_params)",
        )
        require(
            is_number(params["sigma"]) and params["sigma"] >= 0,
            self.name,
            "sigma",
            params["sigma"],
            "at least 0",
        )
        for name in self.own:
            require(
                is_number(params[name]) and params[name] > 0,
                self.name,
                name,
                params[name],
                "a positive number",
            )
        rates.check_rate(self.name, params, rates.REPLACING)
        dtype = params.get("dtype", "float64")
        require(dtype in get_args(backends.Precision), self.name, "dtype", dtype, "float64 or float32")

    def metrics_of(self, params: Mapping[str, Any]) -> tuple[MetricRow, ...]:
        """The metrics that runs with these parameters have, the primary one first."""
        return self.metrics

    def make(self, signed_rows: Points, params: Mapping[str, Any]) -> Problem:
        """The problem on these rows."""
        raise NotImplementedError

    def solve(self, problem: Problem, params: Mapping[str, Any]) -> Comparator | None:
        """The comparator; None where the parameters ask for none."""
        return minimum(problem)

    def problem(self, params: Mapping[str, Any]) -> Problem:
        """The objective on the chosen data. Raises UserError where the file cannot be read."""
        return _prepared(self, self._key(params)).problem

    def comparator(self, params: Mapping[str, Any]) -> Comparator | None:
        """The point that ``gap`` is taken against, solved for once in a process; None where there is none."""
        return _prepared(self, self._key(params)).comparator

    def _key(self, params: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
        """What the problem and its comparator depend on."""
        names = {"data", *self.own, *self.optional} - OPTIONAL.keys()
        return tuple((name, params[name]) for name in sorted(names) if name in params)

    def data_digest(self, params: Mapping[str, Any]) -> str:
        """Of the signed, normalised rows: the same file elsewhere is the same problem."""
        return _samples(self.name, params["data"])[1]

    def data_note(self, params: Mapping[str, Any]) -> str | None:
        """Where a set of the catalogue is not the publisher's; a file is the user's own choice, and its digest is recorded."""
        return note(params["data"])

    def epochs(self, params: Mapping[str, Any]) -> int:
        """The number of recorded points."""
        return int(params["iterations"]) // int(params["record_every"])

    def learning_rate(self, params: Mapping[str, Any], lr: float, iteration: int) -> float:
        """The rate of iteration 0, 1, …: ``lr``, unless there is a cosine."""
        if params.get("schedule") != "cosine":
            return lr
        return schedules.cosine(lr, params["iterations"], params.get("floor", 0.0) * lr)(iteration)

    def steps_per_epoch(self, params: Mapping[str, Any]) -> None:
        """A recorded point is not a pass over the data."""
        return

    def steps_per_point(self, params: Mapping[str, Any]) -> int:
        """Iterations between two recorded points."""
        return int(params["record_every"])


def is_number(value: Any) -> bool:
    """Whether it is a finite number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < float("inf")


class _Prepared:
    """A workload's problem for one choice of parameters, and its comparator once it is asked for."""

    def __init__(self, workload: ConvexWorkload, params: Mapping[str, Any]) -> None:
        self._workload, self._params = workload, params
        self.problem = workload.make(_samples(workload.name, params["data"])[0], params)

    @cached_property
    def comparator(self) -> Comparator | None:
        return self._workload.solve(self.problem, self._params)


@lru_cache(maxsize=8)
def _prepared(workload: ConvexWorkload, key: tuple[tuple[str, Any], ...]) -> _Prepared:
    return _Prepared(workload, dict(key))


def _samples(workload: str, data: str | None) -> tuple[Points, str]:
    try:
        return signed_samples(data)
    except UserError as error:
        raise UserError(f"{workload}: {error}") from None


def ball(V: float) -> Ball:
    """{x: ‖x‖₂²/2 ≤ V}."""
    return Ball((2 * V) ** 0.5)


class Logistic(ConvexWorkload):
    """Logistic regression without regularisation or constraint: F(x) = mean_i log(1 + exp(−b_i ⟨a_i, x⟩)).

    With ``V`` there is the metric ``gap`` too, against the best point of the ball ‖x‖₂²/2 ≤ V, as the paper's theorems take
    it; an x outside the ball can have a negative one.
    """

    name = "logistic"
    metrics = (("train_loss", "lower", ""), ("grad_norm", "lower", ""))
    own: Mapping[str, float] = {}
    optional: Mapping[str, Any] = {**OPTIONAL, "V": None}
    unconstrained = True

    def check(self, params: Mapping[str, Any]) -> None:
        """Raise UserError on values out of range."""
        super().check(params)
        V = params.get("V")
        require(V is None or (is_number(V) and V > 0), self.name, "V", V, "a positive number")

    def metrics_of(self, params: Mapping[str, Any]) -> tuple[MetricRow, ...]:
        """The gap first where there is a V."""
        return self.metrics if params.get("V") is None else (("gap", "lower", ""), *self.metrics)

    def make(self, signed_rows: Points, params: Mapping[str, Any]) -> Problem:
        """No constraint."""
        return Problem(signed_rows)

    def solve(self, problem: Problem, params: Mapping[str, Any]) -> Comparator | None:
        """The best point of the ball that ``V`` gives."""
        V = params.get("V")
        return None if V is None else minimum(Problem(problem.signed_rows, prox=ball(V)))


LOGISTIC = Logistic()


class LogisticBall(ConvexWorkload):
    """F(x) = mean_i log(1 + exp(−b_i ⟨a_i, x⟩)) over ‖x‖₂²/2 ≤ ``V``; smooth, L = 1/4."""

    name = "logistic-ball"
    own: Mapping[str, float] = {"V": 350.0}

    def make(self, signed_rows: Points, params: Mapping[str, Any]) -> Problem:
        """The ball as the prox setup's set."""
        return Problem(signed_rows, prox=ball(params["V"]))


LOGISTIC_BALL = LogisticBall()


class LogisticL1(ConvexWorkload):
    """F(x) = mean_i log(1 + exp(−b_i ⟨a_i, x⟩)) + ``strength``·‖x‖₁; L = 1/4, and h the ℓ1 term."""

    name = "logistic-l1"
    own: Mapping[str, float] = {"strength": 0.001}

    def make(self, signed_rows: Points, params: Mapping[str, Any]) -> Problem:
        """The term as the prox setup's h."""
        return Problem(signed_rows, prox=L1(params["strength"]))


LOGISTIC_L1 = LogisticL1()


class LogisticSimplex(ConvexWorkload):
    """F(x) = mean_i log(1 + exp(−b_i ⟨a_i, w⟩)), w = ``radius``·(p − q), over x = (p, q) in the simplex of R^2d.

    The ℓ1 ball of that radius as a simplex, with the geometry of the entropy: exponentiated gradient with positive and
    negative weights (Kivinen and Warmuth, Information and Computation 132, 1997). x0 is uniform, w = 0.
    """

    name = "logistic-simplex"
    own: Mapping[str, float] = {"radius": 20.0}
    lr = 0.02

    def make(self, signed_rows: Points, params: Mapping[str, Any]) -> Problem:
        """Every feature twice, with both signs."""
        rows = params["radius"] * np.hstack([signed_rows, -signed_rows])
        return Problem(np.ascontiguousarray(rows), prox=Entropy())


LOGISTIC_SIMPLEX = LogisticSimplex()


class HingeBox(ConvexWorkload):
    """F(x) = mean_i max(0, 1 − b_i ⟨a_i, x⟩) over |x_j| ≤ ``bound``: L = 0, M = 2 for rows of unit length."""

    name = "hinge-box"
    own: Mapping[str, float] = {"bound": 1.0}
    lr = 0.01

    def make(self, signed_rows: Points, params: Mapping[str, Any]) -> Problem:
        """The box as the prox setup's set."""
        return Problem(signed_rows, HINGE, Box(-params["bound"], params["bound"]))


HINGE_BOX = HingeBox()
