"""Several measurements of the same weights: each judged by itself, and what depends on which of them is taken.

A verdict on the usual measurement is about the weights and the way they are measured; where another measurement of the same
weights says something else, the difference is not the method's alone. So the claims are asked of each measurement, each a
family of its own: no error rate of the usual one depends on how many others there are.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING

from amrobust.errors import UserError
from amrobust.judge import claim_warnings
from amrobust.judge.usage import meant
from amrobust.judge.words import alike
from amrobust.runs.arms import Arm
from amrobust.runs.measurement import RECOMPUTED
from amrobust.stats.results import ResultWarning

if TYPE_CHECKING:
    from amrobust.judge.claim import Claim
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


def words(measurement: str | None, beside: str | None = None) -> str:
    """A measurement as a sentence has it; the usual one as it is called beside another."""
    if measurement == RECOMPUTED:
        return "recomputed batch-norm statistics"
    if measurement is not None:
        return f"the measurement {measurement!r}"
    return "running batch-norm statistics" if beside in (None, RECOMPUTED) else "the usual measurement"


def with_changes(groups: Sequence[GroupComparison]) -> tuple[GroupComparison, ...]:
    """The groups, each with the measurements beside its own, and a warning on every verdict that one of these changes."""
    found = []
    for compared in groups:
        verdicts = tuple(
            replace(verdict, warnings=verdict.warnings + tuple(_changes(verdict, compared, others)))
            for verdict, others in counterparts(compared, groups)
        )
        measured = (other.measurement for other in groups if _same_weights(compared, other))
        also = tuple(measurement for measurement in measured if measurement is not None)
        found.append(replace(compared, verdicts=verdicts, also_measured=also))
    return tuple(found)


def counterparts(
    compared: GroupComparison, groups: Sequence[GroupComparison]
) -> Iterator[tuple[Verdict, list[tuple[GroupComparison, Verdict]]]]:
    """Each verdict of ``compared`` with those of ``groups`` on the same claim, with another measurement of the same weights.

    Where either is not assessable, nothing is known of what the measurement changes, and it is left out.
    """
    others = [
        (other, dict(zip(_keys(other.verdicts), other.verdicts, strict=True)))
        for other in groups
        if _same_weights(compared, other)
    ]
    for key, verdict in zip(_keys(compared.verdicts), compared.verdicts, strict=True):
        beside = ((other, verdicts[key]) for other, verdicts in others if key in verdicts)
        yield (
            verdict,
            [
                (other, found)
                for other, found in beside
                if "not assessable" not in (found.outcome, verdict.outcome)
            ],
        )


def _same_weights(compared: GroupComparison, other: GroupComparison) -> bool:
    """Whether one of the two has the weights of the other's trainings as they are usually measured, and the other otherwise."""
    here, there = compared.setting, other.setting
    return (
        other is not compared
        and other.metric == compared.metric
        and here.usually_measured == there.usually_measured
        and compared.arms[0].training == other.arms[0].training
        and None in (compared.measurement, other.measurement)
    )


def _keys(verdicts: Sequence[Verdict]) -> list[tuple[Hashable, int]]:
    """What each verdict's claim is, and how many before it are the same.

    Phases are those of each group's own curves: claims that differ in these alone are told apart by their order.
    """
    keys = [_key(verdict.claim) for verdict in verdicts]
    return [(key, keys[:place].count(key)) for place, key in enumerate(keys)]


def _key(claim: Claim) -> Hashable:
    """Everything that a claim says but its phase."""
    of_claim = {field.name: getattr(claim, field.name) for field in fields(claim)}
    return tuple(
        (of_claim | {"parts": tuple(map(_key, claim.parts)), "epochs": None, "phase": None}).values()
    )


def _changes(
    verdict: Verdict, compared: GroupComparison, others: Iterable[tuple[GroupComparison, Verdict]]
) -> Iterable[ResultWarning]:
    for other, found in others:
        if found.outcome != verdict.outcome:
            yield claim_warnings.measurement_decides(
                words(compared.measurement, other.measurement), verdict.outcome, _estimate(verdict),
                words(other.measurement, compared.measurement), found.outcome, _estimate(found),
            )  # fmt: skip


def _estimate(verdict: Verdict) -> str:
    result = verdict.interval
    if result is None or result.estimate is None:
        return ""
    estimate, low, high = alike(result.estimate, result.low, result.high)
    return f" ({verdict.claim.form.estimates} {estimate} [{low}, {high}])"
