"""Two methods side by side: what describes them and decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from amrobust import stats
from amrobust.judge import run_warnings
from amrobust.judge.claim import Claim
from amrobust.judge.comparison import PairFacts
from amrobust.judge.kinds.kind import SENSITIVITY_RESAMPLES
from amrobust.judge.samples import Pair, Sample
from amrobust.judge.words import p_text
from amrobust.runs.metric import Metric
from amrobust.stats.results import ResultWarning

Found = TypeVar("Found")


def pair_facts(
    claims: Sequence[Claim], samples: Mapping[str, Sample], metric: Metric, alpha: float
) -> tuple[PairFacts, ...]:
    """The facts about every pair of methods that some claim is about, in their order."""
    pairs = dict.fromkeys((claim.method, claim.baseline) for claim in claims if claim.is_about_a_pair)
    return tuple(_facts(samples[method], samples[baseline], metric, alpha) for method, baseline in pairs)


def _facts(method: Sample, baseline: Sample, metric: Metric, alpha: float) -> PairFacts:
    pair = Pair.of(method, baseline)
    assert method.finals is not None
    assert baseline.finals is not None
    ours, theirs = pair.finals
    several = pair.x0s is not None
    lost = [int((~np.isfinite(values)).sum()) for values in (method.finals, baseline.finals)]
    return PairFacts(
        method.arm.method,
        baseline.arm.method,
        winning=None
        if several
        else _or_none(
            lambda: stats.chance_of_winning(
                ours, theirs, better=metric.way, paired=pair.paired, level=1 - alpha
            )
        ),
        epochs_that_differ=None if several else _or_none(lambda: _epochs(pair, alpha)),
        at_matched_level=_or_none(lambda: stats.spread_at_matched_level(pair.a, pair.b).ratio),
        divergence=stats.divergence_difference(
            lost[0], len(method.finals), lost[1], len(baseline.finals), level=1 - alpha
        )
        if any(lost)
        else None,
    )


def _epochs(pair: Pair, alpha: float) -> tuple[int, ...] | None:
    if pair.a.shape[1] < 2 or pair.method.arm.interpolated or pair.baseline.arm.interpolated:
        return None
    found = stats.when_spreads_differ(
        pair.a, pair.b, paired=pair.paired, alpha=alpha, resamples=SENSITIVITY_RESAMPLES
    )
    return tuple(epoch + pair.method.first_epoch - 1 for epoch in found.epochs)


def _or_none(compute: Callable[[], Found]) -> Found | None:
    try:
        return compute()
    except stats.CannotEstimate:
        return None


def divergence_warnings(facts: Sequence[PairFacts], titles: Mapping[str, str]) -> tuple[ResultWarning, ...]:
    """One warning a pair in which seeds diverged: the rates' difference, and ranks with divergence as the worst."""
    notes = []
    for pair in facts:
        rates = pair.divergence
        if rates is None:
            continue
        assert rates.estimate is not None
        text = (
            f"divergence rates differ by {100 * rates.estimate:+.0f} points "
            f"[{100 * (rates.low or 0):.0f}, {100 * (rates.high or 0):.0f}], {p_text(rates.p)} by the {rates.test}"
        )
        won = pair.winning
        if won is not None and won.estimate is not None:
            text += (
                f"; with divergence as the worst outcome, a run of {titles[pair.method]} beats one of "
                f"{titles[pair.baseline]} with "
                f"probability {won.estimate:.2f}, {p_text(won.p)} by {won.test}"
            )
        notes.append(run_warnings.diverged(titles[pair.method], titles[pair.baseline], text))
    return tuple(notes)
