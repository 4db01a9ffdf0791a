"""The endpoint of a training: where each seed's final value is read, where another split than the judged one chooses that.

``best:METRIC`` is the epoch at which METRIC is best, seed by seed, as papers that select a checkpoint on validation data
report. The best of the judged metric itself would be chosen by the very numbers that are judged, and is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from amrobust.errors import UserError
from amrobust.judge import metrics
from amrobust.judge.usage import meant
from amrobust.runs.arms import Arm
from amrobust.runs.axis import FINAL, Axis
from amrobust.runs.correctness import Correctness
from amrobust.runs.files import escape
from amrobust.runs.metric import EVALUATED, TESTED, words
from amrobust.runs.values import absent
from amrobust.stats.samples import BEST


def best_of(final: str) -> str | None:
    """METRIC of ``best:METRIC``; None of another kind of final value."""
    return final.removeprefix(BEST) if final.startswith(BEST) else None


def at_endpoint(arms: Sequence[Arm], metric: str | None, final: str) -> list[Arm]:
    """The arms with their endpoints alone, a value of the judged metric a seed, where ``final`` is ``best:METRIC``.

    A seed whose METRIC or judged value is not finite there diverged. Raises UserError where METRIC is the judged metric, or on
    the split that is judged, or one that an arm does not have, or whose direction is not known.
    """
    chooser = best_of(final)
    if chooser is None:
        return list(arms)
    judged = metrics.chosen(arms, metric).name
    if chooser == judged:
        raise UserError(
            f"the best of the judged metric itself, {escape(judged)}, would be chosen by the very numbers that are judged: "
            "choose the epoch on another split, such as --final best:validation_loss"
        )
    if (split := _split(chooser)) is not None and split == _split(judged):
        raise UserError(
            f"{escape(chooser)} is on the split that is judged, so that the epoch would be chosen by the data that are judged: "
            "choose it on another split, such as validation data"
        )
    return [_at_best(arm, judged, chooser) if judged in arm.metrics else arm for arm in arms]


def _split(metric: str) -> str | None:
    """ "test" or "validation" where a metric's name says so, else None: of the training, or not said."""
    found = set(words(metric))
    return "test" if found & TESTED else "validation" if found & EVALUATED else None


def _at_best(arm: Arm, judged: str, chooser: str) -> Arm:
    if chooser not in arm.metrics:
        others = [name for name in arm.metrics if name != judged]
        raise UserError(
            f"{escape(arm.method)} on {escape(arm.workload)} has no {escape(chooser)} to choose an epoch by: "
            + (meant(chooser, others) if others else "it has no other metric")
        )
    first = arm.first_output_epoch - 1
    values, by = arm.curves[judged], arm.curves[chooser]
    usable = ~absent(values) & ~absent(by)
    usable[:, :first] = False
    sign = 1.0 if arm.metrics[chooser].way == "higher" else -1.0
    with np.errstate(invalid="ignore"):
        oriented = np.where(usable & np.isfinite(by), sign * by, -np.inf)
    columns = oriented.argmax(axis=1)
    rows = np.arange(len(values))
    ended = np.where(np.isfinite(oriented[rows, columns]), values[rows, columns], np.nan)[:, None]
    return replace(
        arm,
        curves={judged: ended},
        metrics={judged: arm.metrics[judged]},
        axis=Axis.called(FINAL, [1]),
        first_output_epoch=1,
        correct=None if arm.correct is None else _correct_at(arm, arm.correct, columns),
    )


def _correct_at(
    arm: Arm, correct: Correctness, columns: np.ndarray[tuple[int], np.dtype[np.intp]]
) -> Correctness | None:
    """Which examples were right at each seed's own endpoint, where that is known of all of them."""
    rows = [correct.seeds.index(seed) if seed in correct.seeds else -1 for seed in arm.seeds]
    places = {value: place for place, value in enumerate(correct.coordinates)}
    at = [places.get(arm.axis.values[column], -1) for column in columns]
    if min(rows) < 0 or min(at) < 0:
        return None
    return replace(
        correct,
        seeds=arm.seeds,
        coordinates=(1.0,),
        bits=correct.bits[rows, at][:, None],
        known=correct.known[rows, at][:, None],
    )
