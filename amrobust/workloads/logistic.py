"""``logistic``: the convex problem of the paper's Appendix A.8, with noise of known size on the gradient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amrobust.rules.prox import Ball
from amrobust.workloads.convex import OPTIONAL, ConvexWorkload, is_number
from amrobust.workloads.optimum import Comparator, minimum
from amrobust.workloads.problem import Points, Problem
from amrobust.workloads.workload import MetricRow, require


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


WORKLOAD = Logistic()
