"""Curves that are identical to the last bit: one training under several names is no sample."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from amrobust.claims import cautions
from amrobust.errors import UserError
from amrobust.runs.arms import Arm
from amrobust.runs.files import shown
from amrobust.stats.results import Caution

FEWEST_VALUES = 5
"""Curves of fewer different values, such as constant ones and single final values, agree by chance."""

MOST_NAMED = 5


def refuse_copies(arms: Sequence[Arm], metric: str) -> None:
    """Raise UserError where curves of ``metric`` under different seeds of one arm are identical to the last bit.

    That is an ignored seed or a copied file, and every interval would count one training several times. In a run that amrobust
    trained, all seeds may agree: then nothing in it is random (a problem without noise, a varied stream that it does not use),
    the spread is 0, and :func:`same_for_all_seeds` says why.
    """
    for arm in arms:
        groups = [rows for rows in _by_content(arm, metric).values() if len(rows) > 1]
        if groups and not _nothing_random(arm, metric):
            seeds = [arm.seeds[row] for row in groups[0]]
            named = ", ".join(map(str, seeds[:MOST_NAMED])) + (", ..." if len(seeds) > MOST_NAMED else "")
            others = f", and those of {len(groups) - 1} more groups of seeds" if len(groups) > 1 else ""
            raise UserError(
                f"{shown(arm.method)} on {shown(arm.workload)}: the curves of {shown(metric)} of seeds {named} are identical "
                f"to the last bit{others}: the seed was ignored, or a file copied; keep one of each, or train again with "
                "seeds that take effect"
            )


def same_for_all_seeds(arms: Sequence[Arm], metric: str) -> Caution | None:
    """That all seeds of some arms gave one curve, as they may in a run that amrobust trained."""
    alike = [
        arm.method
        for arm in arms
        if _nothing_random(arm, metric) and any(len(rows) > 1 for rows in _by_content(arm, metric).values())
    ]
    return cautions.nothing_random(alike) if alike else None


def same_for_several_methods(arms: Sequence[Arm], metric: str) -> tuple[Caution, ...]:
    """That two methods have curves in common, where amrobust did not train them: of its own, options may well coincide."""
    contents = [(arm, set(_by_content(arm, metric))) for arm in arms if arm.x0_digest is None]
    return tuple(
        cautions.curves_in_common(a.method, b.method, len(common))
        for (a, some), (b, others) in combinations(contents, 2)
        if (common := some & others)
    )


def _by_content(arm: Arm, metric: str) -> dict[bytes, list[int]]:
    """The rows of ``arm`` by their curves' bits, those of fewer than FEWEST_VALUES different values left out."""
    rows: dict[bytes, list[int]] = defaultdict(list)
    for row, curve in enumerate(arm.curves[metric]):
        if len(np.unique(curve[np.isfinite(curve)])) >= FEWEST_VALUES:
            rows[curve.tobytes()].append(row)
    return rows


def _nothing_random(arm: Arm, metric: str) -> bool:
    """Whether amrobust trained the arm's seeds, and all of one starting point gave one curve."""
    curves = {curve.tobytes() for curve in arm.curves[metric]}
    return arm.x0_digest is not None and len(curves) == max(1, len(set(arm.x0s)))
