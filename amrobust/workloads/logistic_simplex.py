"""``logistic-simplex``: logistic regression on an ℓ1 ball, as mirror descent with entropy on a simplex."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from amrobust.rules.prox import Entropy
from amrobust.workloads.convex import ConvexWorkload
from amrobust.workloads.problem import Points, Problem


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


WORKLOAD = LogisticSimplex()
