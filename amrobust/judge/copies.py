"""Curves that are identical to the last bit: one training under several names is no sample."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from amrobust.errors import UserError
from amrobust.judge import run_warnings
from amrobust.runs.arms import Arm
from amrobust.runs.files import escape
from amrobust.runs.values import Curves
from amrobust.stats.results import ResultWarning

FEWEST_VALUES = 5
"""Curves of fewer different values, such as constant ones and single final values, agree by chance."""

FEWEST_SEEDS = 3
"""Final values of fewer seeds may well be equal for two methods."""

MOST_NAMED = 5

ROUNDING = 5e-5
"""Values that differ by no more, relative to themselves, may be one value that was rounded to 5 digits."""


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
                f"{escape(arm.method)} on {escape(arm.workload)}: the curves of {escape(metric)} of seeds {named} are "
                f"identical to the last bit{others}: the seed was ignored, or a file copied; keep one of each, or train again "
                "with seeds that take effect"
            )


def same_for_all_seeds(arms: Sequence[Arm], metric: str) -> ResultWarning | None:
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
    return run_warnings.nothing_random(alike) if alike else None


def same_for_several_methods(arms: Sequence[Arm], metric: str) -> tuple[ResultWarning, ...]:
    """That two methods have curves in common, where amrobust did not train them: of its own, options may well coincide.

    Curves of few different values, such as single final values, count where all of both methods are equal, in their order.
    """
    contents = [(arm, _by_content(arm, metric)) for arm in arms if arm.x0_digest is None]
    # Of several hundred methods few have a curve in common: only those are held against each other.
    having: dict[bytes, list[int]] = defaultdict(list)
    for place, (_, found) in enumerate(contents):
        for bits in found:
            having[(np.frombuffer(bits) + 0.0).tobytes()].append(place)  # of the two zeros one
    pairs = {pair for places in having.values() for pair in combinations(dict.fromkeys(places), 2)}
    return tuple(
        run_warnings.curves_in_common(a.title, b.title, common, final=a.epochs == 1)
        for (a, some), (b, others) in ((contents[i], contents[j]) for i, j in sorted(pairs))
        if (
            common := len([bits for bits in some if bits in others and _tells(bits)])
            or _all_equal(a.curves[metric], b.curves[metric])
        )
    )


def _all_equal(a: Curves, b: Curves) -> int:
    """How many rows ``a`` and ``b`` have where they are equal throughout, and no constant; else 0."""
    different = len(np.unique(a[np.isfinite(a)]))
    return len(a) if len(a) >= FEWEST_SEEDS and different > 1 and np.array_equal(a, b, equal_nan=True) else 0


def partly_copied(arms: Sequence[Arm], metric: str) -> tuple[ResultWarning, ...]:
    """That curves of one arm agree but for rounding, or in a half; or that every final value is there several times.

    As in :func:`refuse_copies`, what amrobust trained is left out.
    """
    found = []
    for arm in arms:
        values, half = arm.curves[metric], arm.epochs // 2
        if arm.x0_digest is not None:
            continue
        for part, where in (
            (values, "everywhere"), (values[:, :half], "in their first half"), (values[:, half:], "in their second half"),
        ):  # fmt: skip
            if pair := _nearly_equal(part):
                found.append(run_warnings.curves_alike(arm.title, [arm.seeds[row] for row in pair], where))
                break
        rows = _by_content(arm, metric)
        if len(rows) >= FEWEST_VALUES and all(len(same) > 1 for same in rows.values()):
            found.append(run_warnings.values_repeated(arm.title, len(values), len(rows)))
    return tuple(found)


def _nearly_equal(curves: Curves) -> tuple[int, int] | None:
    """The first two rows that agree to ROUNDING everywhere, and have enough values that differ by more."""
    if curves.shape[1] < FEWEST_VALUES:
        return None
    ends = np.ascontiguousarray(curves[:, -1])
    for row, curve in enumerate(curves):
        # Of thousands of rows few end alike, and next to none of these are alike before.
        close = row + 1 + np.flatnonzero(np.isclose(ends[row + 1 :], curve[-1], ROUNDING, 0, True))
        if not close.size:
            continue
        same = close[np.isclose(curves[close], curve, ROUNDING, 0, True).all(axis=1)]
        if not same.size:
            continue
        ordered = np.sort(curve[np.isfinite(curve)])
        steps = np.abs(np.diff(ordered)) > 10 * ROUNDING * np.abs(ordered[1:])
        if steps.sum() + 1 >= FEWEST_VALUES:
            return row, int(same[0])
    return None


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
