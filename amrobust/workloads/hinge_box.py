"""``hinge-box``: a linear support vector machine with bounded weights, which is not smooth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amrobust.rules.prox import Box
from amrobust.workloads.convex import ConvexWorkload
from amrobust.workloads.margins import HINGE
from amrobust.workloads.problem import Points, Problem


class HingeBox(ConvexWorkload):
    """F(x) = mean_i max(0, 1 − b_i ⟨a_i, x⟩) over |x_j| ≤ ``bound``: L = 0, M = 2 for rows of unit length."""

    name = "hinge-box"
    own: Mapping[str, float] = {"bound": 1.0}
    lr = 0.01

    def make(self, signed_rows: Points, params: Mapping[str, Any]) -> Problem:
        """The box as the prox setup's set."""
        return Problem(signed_rows, HINGE, Box(-params["bound"], params["bound"]))


WORKLOAD = HingeBox()
