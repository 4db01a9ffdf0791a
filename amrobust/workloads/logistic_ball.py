"""``logistic-ball``: logistic regression on a ball, the compact problem that Theorem 1b asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amrobust.workloads.convex import ConvexWorkload
from amrobust.workloads.logistic import ball
from amrobust.workloads.problem import Points, Problem


class LogisticBall(ConvexWorkload):
    """F(x) = mean_i log(1 + exp(−b_i ⟨a_i, x⟩)) over ‖x‖₂²/2 ≤ ``V``; smooth, L = 1/4."""

    name = "logistic-ball"
    own: Mapping[str, float] = {"V": 350.0}

    def make(self, signed_rows: Points, params: Mapping[str, Any]) -> Problem:
        """The ball as the prox setup's set."""
        return Problem(signed_rows, prox=ball(params["V"]))


WORKLOAD = LogisticBall()
