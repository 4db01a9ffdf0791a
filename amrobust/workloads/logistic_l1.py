"""``logistic-l1``: logistic regression with an ℓ1 term, which the prox step takes care of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amrobust.rules.prox import L1
from amrobust.workloads.convex import ConvexWorkload
from amrobust.workloads.problem import Points, Problem


class LogisticL1(ConvexWorkload):
    """F(x) = mean_i log(1 + exp(−b_i ⟨a_i, x⟩)) + ``strength``·‖x‖₁; L = 1/4, and h the ℓ1 term."""

    name = "logistic-l1"
    own: Mapping[str, float] = {"strength": 0.001}

    def make(self, signed_rows: Points, params: Mapping[str, Any]) -> Problem:
        """The term as the prox setup's h."""
        return Problem(signed_rows, prox=L1(params["strength"]))


WORKLOAD = LogisticL1()
