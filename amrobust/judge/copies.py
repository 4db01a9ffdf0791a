"""Curves that are identical to the last bit: one training under several names is no sample."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from amrobust.errors import UserError
from amrobust.judge import cautions
from amrobust.runs.arms import Arm
from amrobust.runs.files import shown
from amrobust.stats.results import Caution

FEWEST_VALUES = 5
"""Curves of fewer different values, such as constant ones and single final values, agree by chance."""

MOST_NAMED = 5


def refuse_copies(arms: Sequence[Arm], metric: str) -> None:
    """Raise UserError where curves of ``metric`` under different seeds of one arm are identical to the last bit.

    That is an ignored seed or a copied file, and every interval would count one training several times. Runs that amrobust
    trained are left out: it gave each seed its own streams, so that curves agree by chance (few test images, streams that are
    shared) or in all seeds, where nothing is random: then the spread is 0, and :func:`same_for_all_seeds` says why.
    """
    for arm in arms:
        if arm.x0_digest is not None:
            continue
        groups = [rows for bits, rows in _by_content(arm, metric).items() if len(rows) > 1 and _tells(bits)]
        if groups:
            seeds = [arm.seeds[row] for row in groups[0]]
            named = ", ".join(map(str, seeds[:MOST_NAMED])) + (", ..." if len(seeds) > MOST_NAMED else "")
            others = f", and those of {len(groups) - 1} more groups of seeds" if len(groups) > 1 else ""
            raise UserError(
                f"{shown(arm.method)} on {shown(arm.workload)}: the curves of {shown(metric)} of seeds {named} are identical "
                f"to the last bit{others}: the seed was ignored, or a file copied; keep one of each, or train again with "
                "seeds that take effect"
            )


def same_for_all_seeds(arms: Sequence[Arm], metric: str) -> Caution | None:
    """That all seeds of some arms, from one x0 each, gave one curve, as they may in a run that amrobust trained."""
    alike = []
    for arm in arms:
        found = _by_content(arm, metric)
        if (
            len(found) < len(arm.seeds)
            and len(found) == max(1, len(set(arm.x0s)))
            and all(map(_tells, found))
        ):
            alike.append(arm.title)
    return cautions.nothing_random(alike) if alike else None


def same_for_several_methods(arms: Sequence[Arm], metric: str) -> tuple[Caution, ...]:
    """That two methods have curves in common, where amrobust did not train them: of its own, options may well coincide."""
    contents = [(arm, _by_content(arm, metric)) for arm in arms if arm.x0_digest is None]
    return tuple(
        cautions.curves_in_common(a.title, b.title, len(common))
        for (a, some), (b, others) in combinations(contents, 2)
        if (common := [bits for bits in some if bits in others and _tells(bits)])
    )


def _by_content(arm: Arm, metric: str) -> dict[bytes, list[int]]:
    """The rows of ``arm`` by the bits of their curves."""
    rows: dict[bytes, list[int]] = defaultdict(list)
    for row, curve in enumerate(arm.curves[metric]):
        rows[curve.tobytes()].append(row)
    return rows


def _tells(bits: bytes) -> bool:
    """Whether a curve has enough different values to be known by them."""
    curve = np.frombuffer(bits)
    return len(np.unique(curve[np.isfinite(curve)])) >= FEWEST_VALUES
