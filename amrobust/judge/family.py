"""All claims of a comparison as one family: the error rate that each of them is held to."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from amrobust.judge.rules import Evidence, Rate


def judged_together(
    claims: int, alpha: float, evidence: Callable[[int, Rate], Evidence]
) -> list[tuple[Evidence, float | None]]:
    """The evidence on each of ``claims`` claims at its rate, and its Holm-adjusted p-value; ``evidence`` computes one.

    Holm's procedure tests the claim with the j-th smallest p at α/(k − j + 1) of k claims, and where one is open, it and all
    after it at the rate of that step. Each claim's interval is at the rate that the claim is tested at, so that one excludes
    what the other rejects: no false verdict in 1 − α of families (Holm), and of the intervals of decided claims at most a share
    α is expected to miss the truth. They are no shorter than those at R·α/k, for R claims decided, that have this false
    coverage rate: R·(k − R + 1) ≥ k.

    Source: S. Holm, A simple sequentially rejective multiple test procedure, Scandinavian Journal of Statistics 6 (1979);
    Y. Benjamini and D. Yekutieli, False discovery rate-adjusted multiple confidence intervals for selected parameters,
    Journal of the American Statistical Association 100 (2005).
    """
    if not claims:
        return []
    first = alpha / claims
    found = [evidence(place, Rate(first, first, p_alone=True)) for place in range(claims)]
    adjusted = holm([item.p for item in found])
    decided = sum(p is not None and p <= alpha for p in adjusted)
    order = sorted(range(claims), key=lambda place: (found[place].p is None, found[place].p))
    for step, place in enumerate(order):
        if found[place].refusal is None:
            found[place] = evidence(place, Rate(alpha / (claims - min(step, decided)), first))
    return list(zip(found, adjusted, strict=True))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm-adjusted p-values over the whole family.

    A refused claim (None) stays in it, as one that cannot be rejected, and gets None; so does a p that is not a finite number.
    """
    known = [p if p is not None and np.isfinite(p) else None for p in p_values]
    filled = np.array([1.0 if p is None else p for p in known])
    order = np.argsort(filled)
    # The k-th smallest counts for all that are not smaller; no adjusted one is below that of a smaller p.
    stepped = np.maximum.accumulate(filled[order] * np.arange(len(filled), 0, -1))
    adjusted = np.empty_like(filled)
    adjusted[order] = np.minimum(stepped, 1.0)
    return [None if p is None else float(q) for p, q in zip(known, adjusted, strict=True)]
