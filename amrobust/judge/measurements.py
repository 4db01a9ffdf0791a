"""Several measurements of the same weights: each judged by itself, and what depends on which of them is taken.

A verdict on the usual measurement is about the weights and the way they are measured; where another measurement of the same
weights says something else, the difference is not the method's alone. So the claims are asked of each measurement, each a
family of its own: no error rate of the usual one depends on how many others there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from amrobust.errors import UserError
from amrobust.judge import warnings
from amrobust.judge.usage import meant
from amrobust.judge.words import alike
from amrobust.runs.arms import Arm
from amrobust.runs.measurement import RECOMPUTED
from amrobust.stats.results import ResultWarning

if TYPE_CHECKING:
    from amrobust.judge.comparison import GroupComparison, Verdict

EACH, USUAL, TOGETHER = "each", "usual", "together"
"""Each measurement by itself; the usual one alone; all as methods of one comparison, ``msgd@recomputed`` beside ``msgd``."""


def chosen(arms: Sequence[Arm], which: str) -> list[Arm]:
    """The arms of the measurement that is asked for. Raises UserError where there is none."""
    if which == EACH:
        return list(arms)
    if which == TOGETHER:
        return [_as_method(arm) for arm in arms]
    found = [arm for arm in arms if (arm.measurement or USUAL) == which]
    if not found:
        known = [EACH, TOGETHER, *dict.fromkeys(arm.measurement or USUAL for arm in arms)]
        raise UserError(f"nothing here was measured as {which!r}: {meant(which, known)}")
    return found


def _as_method(arm: Arm) -> Arm:
    """An arm on the workload as it is usually measured, the measurement told by the method."""
    if arm.measurement is None:
        return arm
    name, setting = f"{arm.method}@{arm.measurement}", arm.setting.usually_measured
    label = f"{arm.title}, {arm.measurement}"
    identity = replace(arm.identity, measurement=arm.measurement, label=label)
    return replace(
        arm, method=name, identity=identity, workload=setting.label, setting=setting, measurement=None
    )


def also_measured(arm: Arm, arms: Iterable[Arm]) -> tuple[str, ...]:
    """The measurements beside the usual one that ``arms`` have of a workload, where ``arm`` is measured in the usual way."""
    if arm.measurement is not None:
        return ()
    found = [each.measurement for each in arms if each.setting.usually_measured == arm.setting]
    return tuple(dict.fromkeys(measurement for measurement in found if measurement is not None))


def words(measurement: str | None, beside: str | None = None) -> str:
    """A measurement as a sentence has it; the usual one as it is called beside another."""
    if measurement == RECOMPUTED:
        return "recomputed batch-norm statistics"
    if measurement is not None:
        return f"the measurement {measurement!r}"
    return "running batch-norm statistics" if beside in (None, RECOMPUTED) else "the usual measurement"


def with_changes(groups: Sequence[GroupComparison]) -> tuple[GroupComparison, ...]:
    """The groups, a warning on every verdict that another measurement of the same weights changes."""
    return tuple(
        replace(
            compared,
            verdicts=tuple(
                replace(verdict, warnings=verdict.warnings + tuple(_changes(verdict, compared, groups)))
                for verdict in compared.verdicts
            ),
        )
        for compared in groups
    )


def _changes(
    verdict: Verdict, compared: GroupComparison, groups: Sequence[GroupComparison]
) -> Iterable[ResultWarning]:
    here = compared.setting
    for other in groups:
        same = other.setting.usually_measured == here.usually_measured and other.metric == compared.metric
        if other is compared or not same or None not in (compared.measurement, other.measurement):
            continue
        for found in other.verdicts:
            decided = "not assessable" not in (found.outcome, verdict.outcome)
            if found.claim.is_like(verdict.claim) and decided and found.outcome != verdict.outcome:
                yield warnings.measurement_decides(
                    words(compared.measurement, other.measurement), verdict.outcome, _estimate(verdict),
                    words(other.measurement, compared.measurement), found.outcome, _estimate(found),
                )  # fmt: skip


def _estimate(verdict: Verdict) -> str:
    result = verdict.interval
    if result is None or result.estimate is None:
        return ""
    estimate, low, high = alike(result.estimate, result.low, result.high)
    return f" ({verdict.claim.form.estimates} {estimate} [{low}, {high}])"
