"""How much of a method's spread each source of randomness makes: runs in which one varies against runs in which all do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from amrobust import stats
from amrobust.judge.comparison import GroupComparison, SourceShare
from amrobust.runs.arms import Arm
from amrobust.stats import Result


def with_sources(groups: Sequence[GroupComparison]) -> tuple[GroupComparison, ...]:
    """The groups with the sources' shares in every group where one stream varies and another group has them all.

    A share is the jackknifed ratio of STDs of independent samples, at level 1 - alpha, an interval each. Conditional on what
    seed 0 draws elsewhere, shares of different streams need not add up to 1.
    """
    whole = {
        (compared.metric, compared.epochs, arm.measurement, arm.method): arm
        for compared in groups
        for arm in compared.arms
        if arm.vary is None
    }
    return tuple(
        replace(
            compared,
            sources=tuple(
                _share(compared, arm, whole[key])
                for arm in compared.arms
                if arm.vary is not None
                and (key := (compared.metric, compared.epochs, arm.measurement, arm.method)) in whole
            ),
        )
        for compared in groups
    )


def _share(compared: GroupComparison, alone: Arm, together: Arm) -> SourceShare:
    metric, first = compared.metric.name, compared.first_epoch - 1
    curves = [arm.curves[metric][:, first:] for arm in (alone, together)]

    def ratio(finals_only: bool) -> Result | None:
        if not all(np.isfinite(x).all() for x in curves):
            return None
        a, b = (stats.final_values(x, compared.final) if finals_only else x for x in curves)
        try:
            return stats.spread_ratio(a, b, level=1 - compared.alpha)
        except stats.CannotEstimate:
            return None

    several = curves[0].shape[1] > 1
    assert alone.vary is not None
    return SourceShare(alone.method, alone.vary, ratio(True), ratio(False) if several else None)
